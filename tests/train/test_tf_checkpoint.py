"""FME's and MSE's bundles become runs, or are answered with what is wrong with them."""

import importlib
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from emojax import convert
from emojax.io import parameters
from emojax.train import (
  checkpoint,
  experiment,
  finished,
  functional,
  importing,
  optim,
  tf_checkpoint,
)
from emojax.train import state as state_lib
from emojax.train import step as step_lib
from emojax.types import Stream
from tests.train import tf_checkpoints

ROOT = pathlib.Path(__file__).parents[2]
CASES = {'mse_tre': 'mse_tre_2layer'}
POOLS = (6, 5)  # of the golden cases


@pytest.fixture(autouse=True)
def here(monkeypatch):
  monkeypatch.chdir(ROOT)  # where the folder configs is


def config_of(model, **changes):
  """(its name, the config of an imported model), as a command line would have changed it."""
  name = f'configs/iemocap_{model}.py:as_published,processed'
  found = importlib.import_module(f'configs.iemocap_{model}').get_config(name.partition(':')[2])
  if model.startswith('mse'):
    found.members.folds = 'set02'
  if 'pools' in found.model:
    found.model.pools, found.streams.audio.length = POOLS, 240
  found.update_from_flattened_dict(changes)
  return name, found


def converted(paths, model, out, words=None, **changes):
  return convert.convert([str(path) for path in paths], model, str(out), words,
                         *config_of(model, **changes))


def streams(arrays):
  """A golden case's inputs."""
  found = {}
  for name, key in {'audio': 'mfcc', 'text': 'text'}.items():
    if f'in/{key}' in arrays:
      values = arrays[f'in/{key}']
      lengths = arrays.get(f'in/{key}_seq', np.full(len(values), values.shape[1]))
      found[name] = (values, np.arange(values.shape[1])[None] < lengths[:, None])
  for name in ('audio', 'prosody'):
    if f'in/{name}' in arrays:
      values = np.expand_dims(arrays[f'in/{name}'], -1 if name == 'audio' else 1)
      found[name] = (values, np.ones(values.shape[:2], bool))
  return {name: Stream(*map(jnp.asarray, pair)) for name, pair in found.items()}


def answers(run, inputs):
  """What the only member says, by its best parameters."""
  [member] = run.members
  model = nnx.merge(functional.graph(make_of(run)), *(
    jax.tree.map(jnp.asarray, run.best(member.name, 'select')[part])
    for part in ('params', 'model_state')))
  model.eval()
  return np.asarray(model(inputs).heads['emotion'])


def make_of(run):
  fitted = experiment.kept_fitted(run.config, run.folder)[run.members[0].fold, False]
  specs = importing.specs(run.config, fitted, tf_checkpoint.WIDTHS)
  return experiment.make_model(run.config, specs, run.heads)


def assert_near(found, expected):
  np.testing.assert_allclose(found, expected, rtol=0, atol=5e-6 * np.abs(expected).max())


@pytest.mark.parametrize('path, model, length', [
  (tf_checkpoints.AUDIO, 'fme_audio', 120), (tf_checkpoints.TEXT, 'fme_text', 128)])
def test_what_the_original_wrote_answers_as_it_did(tmp_path, path, model, length):
  tf_checkpoints.write_words(tmp_path, 7)
  stream = model.removeprefix('fme_')
  said = converted([path], model, tmp_path / 'run', **(
    {'words': str(tmp_path / 'dic.pkl')} if stream == 'text' else {}),
    **{f'streams.{stream}.length': length})
  assert f'{path}, step 2, validation accuracy not known' in said
  assert 'Nor what was dropped' in said and 'nobody knows on which utterances' in said
  assert ('words of' in said) == (stream == 'text')
  with np.load(path.with_suffix('.npz')) as file:
    arrays = {f'in/{stream}': file['in/x'], 'out/logits': file['out/logits']}
    slots = {name: file[f'var/output_layer/W/{slot}']
             for name, slot in tf_checkpoint.SLOTS.items()}
  run = finished.open_run(tmp_path / 'run')
  assert_near(answers(run, streams(arrays)), arrays['out/logits'])

  kept = checkpoint.Checkpoints(
    run.folder.member(run.members[0].name) / 'checkpoints_select', keep=1)
  like = state_lib.init([make_of(run)], optim.of_config(run.config.optim), [0], restores=False)
  step, state, _, _ = kept.restore(like, step_lib.zero_sums(run.heads, 1))
  adam = state.opt_state[-1]
  assert step == adam.count[0] == 2
  for name, values in slots.items():
    found = parameters.flatten(getattr(adam, name))['readout.heads.emotion.kernel']
    np.testing.assert_array_equal(found[0], values)


@pytest.mark.parametrize('model', list(tf_checkpoint.MODELS))
def test_every_model_is_imported_with_the_sizes_of_its_tensors(tmp_path, model):
  arrays = tf_checkpoints.case(CASES.get(model, model))
  content = tf_checkpoints.tensors(CASES.get(model, model))
  if model == 'fme_attn':  # as the original has it: the other never counts
    content['global_step_1'], content['global_step'] = content['global_step'], np.array(0, np.int32)
  path = tf_checkpoints.write(tmp_path / 'set02/checkpoints', content)
  assert tf_checkpoint.model_of(tf_checkpoint.read(path).variables) == model
  tables = [value for name, value in content.items() if name.endswith('embed_matrix')]
  if tables:
    tf_checkpoints.write_words(tmp_path, len(tables[0]))
  lengths = {f'streams.{name}.length': arrays[f'in/{key}'].shape[1]
             for name, key in {'text': 'text', 'audio': 'mfcc'}.items() if f'in/{key}' in arrays}
  said = converted([path], model, tmp_path / 'run', **lengths)
  assert f'step {tf_checkpoints.STEPS},' in said
  if tables:
    assert f'words of {tmp_path / "dic.pkl"} ({len(tables[0])} rows)' in said
  run = finished.open_run(tmp_path / 'run')
  if 'text' in run.config.streams:
    assert run.config.streams.text.width == tables[0].shape[1]
  assert_near(answers(run, streams(arrays)), arrays['out/logits'])


def test_several_are_members_in_their_order(tmp_path):
  content = tf_checkpoints.tensors('mse_are')
  paths = []
  for number in range(3):
    content['audio_output_layer/output_bias'] = np.array([number], np.float32)
    paths.append(tf_checkpoints.write(tmp_path, content, f'model{number}'))
  said = converted(paths[::-1], 'mse_are', tmp_path / 'run')
  assert f'seed 0: {paths[2]}' in said and 'seeds count from 0, in the order of the files' in said
  run = finished.open_run(tmp_path / 'run')
  assert [member.name for member in run.members] == [f'set02-seed{n}' for n in range(3)]
  assert [float(run.best(member.name, 'select')['params']['readout']['heads']['emotion']['bias'][0])
          for member in run.members] == [2, 1, 0]
  with pytest.raises(ValueError, match='model0 and .*model0 hold the same'):
    converted([paths[0], paths[0]], 'mse_are', tmp_path / 'more')
  other = {name: value for name, value in content.items() if 'output_bias' not in name}
  other = tf_checkpoints.write(tmp_path, other, 'other')
  with pytest.raises(ValueError, match=r'not of one size: 1 .* \(audio_output_layer/output_bias\)'):
    converted([paths[0], other], 'mse_are', tmp_path / 'more')


def drop(*names):
  return lambda content: [content.pop(name) for name in names] and None


@pytest.mark.parametrize('change, steps', [
  (drop(), 7), (drop('global_step'), 7), (drop('global_step', 'optimizer/beta2_power'), 7),
  (lambda c: c.update({'global_step': np.array(0), 'optimizer/beta1_power': np.float32(1e-40),
                       'optimizer/beta2_power': np.float32(0.999) ** np.float32(2001)}), 2000)])
def test_the_number_of_steps(tmp_path, change, steps):
  content = tf_checkpoints.tensors('mse_are')
  change(content)
  assert tf_checkpoint.read(tf_checkpoints.write(tmp_path, content)).step == steps


CELL = 'audio_GRU/rnn/multi_rnn_cell/cell_0/gru_cell'


def _rename(content):
  content[f'{CELL}/gate/kernel'] = content.pop(f'{CELL}/gates/kernel')
  content['audio_output_layer/similarity_matrix'] = np.zeros((40, 4), np.float32)
  content['audio_output_layer/scale'] = np.zeros(4, np.float32)


@pytest.mark.parametrize('change, message', [
  (_rename, r'(?s)model \(parameters\) does not fit the model in .*\n  ! readout.heads.emotion.kern'
            r'el is \(40, 4\), expected \(41, 4\).*\n  \+ .*gate/kernel \(45, 12\) is unknown.*\n'
            r'  - sound.*gates_kernel \(45, 12\) is missing \(did you mean .*gate/kernel'),
  (drop(f'{CELL}/gates/bias/Adam'),
   r"\(Adam's mu\) does not fit .*\n.*gates_bias \(12,\) is missing"),
  (drop('global_step', 'optimizer/beta1_power', 'optimizer/beta2_power'),
   'model does not tell after how many steps .* expected global_step'),
  (lambda c: c.update({f'{CELL}/gates/bias': np.full(12, np.nan, np.float32)}),
   'gates/bias is no tensor of finite numbers'),
])
def test_what_is_wrong_with_tensors_is_said(tmp_path, change, message):
  content = tf_checkpoints.tensors('mse_are')
  change(content)
  path = tf_checkpoints.write(tmp_path / 'there', content)
  with pytest.raises(ValueError, match=message):
    converted([path], 'mse_are', tmp_path / 'run')
  assert not (tmp_path / 'run').exists()


def test_a_bundle_that_was_cut_off_or_is_none(tmp_path):
  path = tf_checkpoints.write(tmp_path, tf_checkpoints.tensors('mse_are'))
  data = tmp_path / 'model.data-00000-of-00001'
  data.write_bytes(data.read_bytes()[:-5])
  with pytest.raises(ValueError, match='model.data-00000-of-00001 .* it was cut off'):
    converted([path], 'mse_are', tmp_path / 'run')
  with pytest.raises(ValueError, match=r"no TensorFlow checkpoint.* \(did you mean 'model'\?\)"):
    converted([tmp_path / 'modell'], 'mse_are', tmp_path / 'run')


@pytest.mark.parametrize('path, model, changes, message', [
  (tf_checkpoints.AUDIO, 'fme_text', {}, 'of AudioModel, but .*TextModel; say --model=fme_audio'),
  (tf_checkpoints.AUDIO, 'mse_mdre', {}, 'SingleEncoderModelMulti; say --model=fme_audio'),
  (tf_checkpoints.AUDIO, 'fme_audio', {'protocol': 'iemocap/loso5'},
   "protocol='iemocap/loso5', but .*pt_audio_model was trained .* choose one of iemocap/fme_as"),
  (tf_checkpoints.AUDIO, 'fme_audio', {'protocol': 'iemocap/mse_as_published'},
   r'has the folds set01, .* does not say of which .* --config.members.folds=set01'),
  (tf_checkpoints.AUDIO, 'fme_audio', {'model.pools': (50,)}, r'pools=\(50,\), .* 2 convolutions'),
  (tf_checkpoints.AUDIO, 'fme_audio', {'streams.audio.feature': 'mfcc'},
   "feature='mfcc'; the original reads: mfcc_mdre"),
  (tf_checkpoints.AUDIO, 'fme_audio', {'model.name': 'fme_text'}, 'but --model=fme_audio'),
  (tf_checkpoints.TEXT, 'fme_text', {}, r'dic.pkl is no file. .* --vocabulary=DATA/dic.pkl'),
  (tf_checkpoints.TEXT, 'fme_text', {'words': 'TMP/dic.pkl'},
   'needs 9 rows .* but embedding_layer/embed_matrix of .*pt_text_model has 7'),
  (tf_checkpoints.AUDIO, 'fme_audio', {'words': 'TMP/dic.pkl'}, 'reads no words; leave it out'),
  (tf_checkpoints.TEXT, 'fme_text_init', {}, 'fme_attn.* No checkpoint .* --config.init_from='),
  (tf_checkpoints.TEXT, 'fme_tex', {}, r"\(did you mean 'fme_text'\?\)"),
])
def test_what_does_not_belong_together(tmp_path, path, model, changes, message):
  tf_checkpoints.write_words(tmp_path, 9)
  words = changes.get('words', '').replace('TMP', str(tmp_path)) or None
  changes = {field: value for field, value in changes.items() if field != 'words'}
  given = config_of(model, **changes) if model in tf_checkpoint.MODELS else ()
  with pytest.raises(ValueError, match=message):
    convert.convert([str(path)], model, str(tmp_path / 'run'), words, *given)
  assert not (tmp_path / 'run').exists()
