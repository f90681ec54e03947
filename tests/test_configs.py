"""Contracts of every file in configs/: found by listing the folder, nothing is registered."""

import importlib
import pathlib

import jax
import jax.numpy as jnp
import pytest

from emojax.protocols import protocol as protocol_lib
from emojax.train import experiment, functional, loop, sharding, step

FILES = sorted((pathlib.Path(__file__).parents[1] / 'configs').glob('*.py'))
# what experiments share
SHARED = ('__init__', 'common', 'fme', 'mme2e', 'modulated_fusion', 'mse', 'recurrent',
          'tensor_fusion')
NAMES = [path.stem for path in FILES if path.stem not in SHARED]
# words behind the colon that stand for another head or protocol
VARIANTS = [('mosei_mat', 'emotion'), ('mosei_mnt_clean', 'emotion'), ('mosei_mat', 'sentiment2'),
            ('meld_mnt', 'sentiment'), ('meld_mat', 'processed'), ('mosi_mnt', 'sentiment7'),
            ('mosi_mat', 'as_published'),
            ('vgaf_mat', 'as_published'), ('iemocap_mat', 'as_published,processed'),
            ('iemocap_mnt_clean', 'processed'), ('iemocap_lf_rnn', 'as_published,ta,hcf_audio3'),
            ('mosei_lf_transformer_clean', 'generated'), ('mosi_lmf', 'mmsa'),
            ('mosei_tfn', 'generated')]
EVERY = [(name, '') for name in NAMES] + VARIANTS


def _get(name, *words):
  return importlib.import_module(f'configs.{name}').get_config(','.join(filter(None, words)))


@pytest.fixture
def opened(features_dir, authors_dir, mme2e_dir, tables_dir):
  """Opens a config as an experiment."""
  folders = {'records': features_dir, 'processed': authors_dir, 'table': tables_dir}

  def open_config(config):
    config.data.path = str(folders[config.data.source])
    if any(stream.get('feature', '').startswith('hcf_') for stream in config.streams.values()):
      config.data.path = str(mme2e_dir)
    if 'vectors' in config.streams.get('text', {}):
      config.streams.text.vectors = 'random'
    return experiment.Experiment(config, sharding.Placement(sharding.make_mesh(1, -1, 1)))

  return open_config


@pytest.mark.parametrize('name', NAMES)
def test_says_what_it_is_and_refuses_unknown_words(name):
  module = importlib.import_module(f'configs.{name}')
  assert 'python -m emojax.main' in module.__doc__ and f'configs/{name}.py' in module.__doc__
  with pytest.raises(ValueError, match='there are: '):
    module.get_config('nonsense')


@pytest.mark.parametrize('name', NAMES)
def test_full_size_has_shapes(name, opened):
  config = _get(name)
  opened = opened(config)
  loop.make_rules(config, opened)
  assert jax.tree.leaves(opened.shapes())


def _loss(opened):
  """(a loss of parameters and model state on the first batch, how to make them, that batch)."""
  data = opened.member(opened.members[0])
  graphdef = functional.graph(data.make)
  feed, lengths = next(data.loader.feeds(data.train_plan, 0, 1))
  batch = data.loader.read(data.loader.data, jax.tree.map(lambda x: x[0], feed), lengths)

  def loss(params, model_state):
    output, _ = functional.apply(graphdef, params, model_state, batch.inputs)
    for head in opened.heads:
      assert output.heads[head.name].shape == (len(batch.weight), head.width)
    return sum(h.reduce(h.loss(output.heads[h.name], batch.targets[h.name]), batch.weight)
               for h in opened.heads)

  return loss, data.make, batch


@pytest.mark.parametrize('name, words', EVERY)
def test_tiny_reads_batches_that_fit_the_model(name, words, opened):
  config = _get(name, words, 'tiny')
  opened = opened(config)
  loss, make, batch = _loss(opened)
  assert jax.eval_shape(loss, *functional.shapes(make)).shape == ()
  real = batch.weight > 0
  assert real.any()
  for stream in batch.inputs.values():
    assert stream.mask.any() and jnp.isfinite(stream.values).all()
  for head in opened.heads:
    kind, target = config.heads[head.name].kind, batch.targets[head.name]
    assert target.ndim == (2 if kind in ('multi_label', 'regression') else 1)
    low, high = {'multi_label': (0, 1), 'regression': (-3, 3)}.get(kind, (0, head.width - 1))
    assert target[real].min() >= low and target[real].max() <= high
  assert step.zero_sums(opened.heads, 1)


def _program(name, words):
  """What the compiled step depends on, but for sizes."""
  config = _get(name, words, 'tiny')
  return config.model.to_json(sort_keys=True), *(head.kind for head in config.heads.values())


@pytest.mark.parametrize('name, words', {_program(*one): one for one in reversed(EVERY)}.values())
def test_tiny_gives_a_finite_loss_and_gradients_everywhere(name, words, opened):
  config = _get(name, words, 'tiny')
  loss, make, _ = _loss(opened(config))
  value, gradients = jax.jit(jax.value_and_grad(loss))(*functional.init(make, jax.random.key(0)))
  assert jnp.isfinite(value)
  idle = [jax.tree_util.keystr(path) for path, g in jax.tree_util.tree_leaves_with_path(gradients)
          if not g.any() or not jnp.isfinite(g).all()]
  # softmax does not see a bias on all its keys, or on all scores
  unseen = "['key']['bias']", "['score']['output']['bias']", "['score']['bias']"
  frozen = "['audio']" if config.model.get('freeze_audio') else 'nothing'
  if all(stream.length == 1 for stream in config.streams.values()):
    unseen += ("['lstm']['weight_recurrent']",)  # a single step begins with zeros
  if config.model.get('text_state') == 'at_the_end':  # a single step back, too
    unseen += ("['rnns']['text']['backward']['weight_recurrent']",)
  assert [path for path in idle if not path.endswith(unseen) and not path.startswith(frozen)] == []


@pytest.mark.parametrize('name', [name for name in NAMES if '_mnt' in name])
def test_mnt_differs_from_mat_in_the_network_alone(name):
  ours, theirs = _get(name), _get(name.replace('_mnt', '_mat'))
  theirs.model.update(name='mnt', condition='relu')
  assert ours.to_json(sort_keys=True) == theirs.to_json(sort_keys=True)


# What the original's loaders cut to, its loss, and whether it chooses on test.
@pytest.mark.parametrize('name, words, text, audio, protocol', [
  ('iemocap_mat', '', 15, 40, 'iemocap/session1'),
  ('iemocap_mnt', 'as_published', 15, 40, 'iemocap/session1_as_published'),
  ('mosi_mat', '', 30, 60, 'mosi/sentiment2'),
  ('mosi_mnt', 'as_published', 30, 60, 'mosi/sentiment2_as_published'),
  ('mosi_mat', 'sentiment7', 30, 60, 'mosi/sentiment7'),
  ('mosei_mat', '', 30, 50, 'mosei/sentiment7'),
  ('mosei_mnt', 'sentiment2,as_published', 30, 50, 'mosei/sentiment2'),
  ('mosei_mat', 'emotion', 30, 50, 'mosei/emotion6'),
  ('meld_mat', '', 30, 50, 'meld/emotion7'),
  ('meld_mnt', 'sentiment', 30, 50, 'meld/sentiment3'),
  ('vgaf_mat', '', 30, 26, 'vgaf/affect3'),
  ('vgaf_mat', 'as_published', 30, 26, 'vgaf/affect3_as_published'),
])
def test_published_settings(name, words, text, audio, protocol):
  config = _get(name, words)
  assert (config.streams.text.length, config.streams.audio.length) == (text, audio)
  assert config.protocol == protocol
  [head] = config.heads.values()
  assert head.reduction == 'sum' and config.batch.size == 32
  assert config.batch.buckets.to_dict() == {} and config.streams.text.vocabulary == 'shared_unk'


def test_melds_class_weights_are_the_originals():
  counts = [4709, 1205, 268, 683, 1743, 271, 1109]  # training utterances of each class
  weights = _get('meld_mat').heads.emotion.class_weights
  assert weights == pytest.approx([4709 / count for count in counts], rel=1e-15)
  assert _get('meld_mat', 'sentiment').heads.sentiment.class_weights == (1.0, 2.0, 1.6)


WITHOUT_QUIRK = {'norm': 'standard', 'empty': 'zero', 'mask_zero_frames': False,
                 'read_padding': False, 'memory_layout': 'transpose', 'shared_bias': False,
                 'text_state': 'final', 'identical_layers': False}


@pytest.mark.parametrize('name', [name for name in NAMES if name.endswith('_clean')])
def test_clean_configs_have_an_honest_protocol_and_no_quirk(name):
  config = _get(name)
  assert protocol_lib.load(config.protocol).clean
  if config.streams.get('text', {}).get('kind') == 'words':
    assert config.streams.text.vocabulary == 'clean' and config.streams.text.fit_on == 'labelled'
  assert {name: value for name, value in config.model.items() if name in WITHOUT_QUIRK} == {
    name: value for name, value in WITHOUT_QUIRK.items() if name in config.model}
  assert not config.evaluate_with_dropout
  assert config.optim.name == 'adam' and config.batch.sampler == 'reshuffle'
  assert all(head.get('loss', 'softmax') == 'softmax' for head in config.heads.values())
  assert len({len(bounds) for bounds in config.batch.buckets.values()}) == 1
  for stream, bounds in config.batch.buckets.items():
    assert list(bounds) == sorted(bounds) and bounds[-1] == config.streams[stream].length


@pytest.mark.parametrize('name, words, message', [
  ('mosei_mat', 'emotion,sentiment7', r"\['sentiment7', 'emotion'\]: choose one; there are: "),
  ('meld_mnt', 'emotion,sentiment', r"\['emotion', 'sentiment'\]: choose one; there are: "),
  ('mosi_mat', 'sentiment7,as_published', 'that was never published'),
  ('mosi_mat_clean', 'as_published', r"\['as_published'\]; there are: sentiment2"),
  ('vgaf_mnt_clean', 'as_published', r"\['as_published'\]; there are: tiny"),
])
def test_words_that_exclude_each_other_are_refused(name, words, message):
  with pytest.raises(ValueError, match=message):
    _get(name, words)
