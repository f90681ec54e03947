"""What the FME models have of their own: padding that counts, a scrambled memory, shared parts."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.io import parameters
from emojax.models import fme_attn, fme_audio, fme_text, fme_text_init
from emojax.train import functional
from emojax.types import Stream, StreamSpec

NAMES = 'fme_text', 'fme_text_init', 'fme_audio', 'fme_attn'
STEPS = dict(kernels=(5, 3), pools=(3, 2))
CLEAN = dict(read_padding=False)
# Row 0 has all; 1 no words; 2 fewer samples than a frame; 3 no sound; 4 one word
WORDS, SAMPLES = np.array([6, 0, 3, 5, 1]), np.array([20, 14, 2, 0, 9])
RANDOM = np.random.default_rng(0)
IDS, WAVES = RANDOM.integers(1, 9, (5, 6), np.int32), RANDOM.normal(size=(5, 20, 1))


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


def inputs(rows=slice(None), words=6, samples=20):
  """The rows, padded or cut to so many words and samples."""
  def fixed(values, lengths, total):
    values = np.pad(values, [(0, 0), (0, 20)] + [(0, 0)] * (values.ndim - 2))[rows, :total]
    mask = np.arange(total)[None] < lengths[rows, None]
    return Stream(np.where(mask.reshape(mask.shape + (1,) * (values.ndim - 2)), values, 0), mask)
  return {'text': fixed(IDS, WORDS, words), 'audio': fixed(WAVES, SAMPLES, samples)}


def graph_and_params(name, *, words=9, samples=26, **options):
  module = importlib.import_module(f'emojax.models.{name}')
  if name != 'fme_text':
    options = STEPS | options
  if name == 'fme_attn' and not options.get('read_padding', True):
    options = dict(memory_layout='transpose') | options
  streams = {'text': StreamSpec(4, words, vocabulary_size=9), 'audio': StreamSpec(1, samples)}

  def make(rngs):
    return module.Model(streams, {'emotion': 4}, **module.PRESETS['tiny'] | options, rngs=rngs)

  params, state = functional.init(make, jax.random.key(0))
  params = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), params)
  # biases start at zero; with others silence is heard
  params = jax.tree.map(lambda x: x + 0.1 * jnp.cos(jnp.arange(x.size).reshape(x.shape)), params)
  return functional.graph(make), params, state, module.Model.requires


def logits(name, batch, **options):
  graph, params, state, requires = graph_and_params(name, **options)
  return run(graph, params, state, {stream: batch[stream] for stream in requires})


def run(graph, params, state, batch):
  return np.asarray(evaluated(graph, params, state, batch)[0].heads['emotion'])


def summed_gradient(graph, params, state, batch, key=None):
  def total(params):
    return functional.apply(graph, params, state, batch, key=key)[0].heads['emotion'].sum()
  return jax.jit(jax.grad(total))(params)


evaluated = jax.jit(functional.apply, static_argnums=0)


@pytest.mark.parametrize('name', NAMES)
def test_the_streams_length_counts_in_the_original_alone(name):
  longer = dict(words=12, samples=44)
  same = [np.allclose(logits(name, inputs(), **options),
                      logits(name, inputs(), **options, **longer), rtol=1e-10, atol=1e-12)
          for options in ({}, CLEAN)]
  assert same == [False, True]


@pytest.mark.parametrize('options', [{}, CLEAN], ids=['faithful', 'clean'])
@pytest.mark.parametrize('name', NAMES)
def test_how_far_the_batch_is_padded_and_its_mates_do_not_count(name, options):
  whole = logits(name, inputs(), **options)
  assert np.isfinite(whole).all() and len(np.unique(whole, axis=0)) > 3
  np.testing.assert_allclose(
    logits(name, inputs(words=9, samples=26), **options), whole, rtol=1e-10, atol=1e-12)
  np.testing.assert_allclose(
    logits(name, inputs([4, 2], words=3, samples=10), **options), whole[[4, 2]],
    rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize('options', [{}, CLEAN], ids=['faithful', 'clean'])
@pytest.mark.parametrize('name', NAMES)
def test_gradients_are_finite_whatever_is_absent(name, options):
  graph, params, state, requires = graph_and_params(name, **options)
  batch = {stream: inputs([0, 1, 2, 3, 4])[stream] for stream in requires}
  for given in (batch, jax.tree.map(lambda x: np.zeros_like(x), batch)):
    found = summed_gradient(graph, params, state, given, key=jax.random.key(1))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))


def test_the_scrambled_memory_is_another():
  options = dict(hidden_audio=5, hidden_text=5)
  reshaped, turned = (logits('fme_attn', inputs(), memory_layout=layout, **options)
                      for layout in fme_attn.LAYOUTS)
  assert (abs(reshaped - turned).max(1) > 1e-6).all()


def test_attention_is_over_real_frames_from_the_second_word_on():
  graph, params, state, _ = graph_and_params('fme_attn', **CLEAN)
  attention = np.asarray(functional.apply(graph, params, state, inputs())[0].features['attention'])
  assert attention.shape == (5, 6, 4)
  words = np.arange(6)[None] < WORDS[:, None]
  heard = words & (np.arange(6)[None] > 0) & (SAMPLES[:, None] > 0)
  np.testing.assert_allclose(attention.sum(-1), heard, atol=1e-12)
  frames = -(-SAMPLES // 6)
  assert not attention[(np.arange(4)[None] >= frames[:, None])[:, None].repeat(6, 1)].any()


@pytest.mark.parametrize('frozen', [True, False])
def test_a_frozen_audio_model_gets_no_gradient(frozen):
  graph, params, state, _ = graph_and_params('fme_text_init', freeze_audio=frozen)
  found = parameters.flatten(summed_gradient(graph, params, state, inputs()))
  moved = {name.split('.')[0] for name, leaf in found.items() if np.asarray(leaf).any()}
  assert moved == {'text', 'readout'} | (set() if frozen else {'audio'})


def test_parts_have_the_names_and_shapes_of_the_models_they_are_loaded_from():
  found = {name: {path: leaf.shape for path, leaf in parameters.flatten(
    graph_and_params(name, **dict(num_layers=1) if name == 'fme_audio' else {})[1]).items()}
    for name in NAMES}
  for name in ('fme_text_init', 'fme_attn'):
    for part in ('audio', 'text'):
      of = {path: shape for path, shape in found[f'fme_{part}'].items() if path.startswith(part)}
      assert of and of.items() <= found[name].items()


@pytest.mark.parametrize('module, count', [
  (fme_text, 1_425_501),
  # convolutions 650 + 6,300; the GRU 250 * 600 + 600; the output layer 801
  (fme_audio, 158_351),
  (fme_text_init, 1_425_501 + 157_550),
  # W1, W2: 40,200 each; V: 201; Wc: 80,000
  (fme_attn, 1_425_501 + 157_550 + 160_601),
])
def test_published_sizes_have_the_originals_parameters(module, count):
  streams = {'text': StreamSpec(300, 128, vocabulary_size=3747), 'audio': StreamSpec(1, 150_000)}

  def make(rngs):
    return module.Model(streams, {'emotion': 4}, **module.PRESETS['published'], rngs=rngs)

  assert sum(leaf.size for leaf in jax.tree.leaves(functional.shapes(make)[0])) == count


@pytest.mark.parametrize('name, options, message', [
  ('fme_attn', dict(memory_layout='reshaped'), "'reshaped'; there are: reshape, transpose"),
  ('fme_attn', dict(memory_layout='reshape', read_padding=False), "needs memory_layout='transp"),
  ('fme_attn', dict(hidden_audio=7), 'hidden_audio=7 and hidden_text=8.*must be equal'),
  ('fme_text_init', dict(hidden_text=9), 'hidden_audio=8 and hidden_text=9.*must be equal'),
  ('fme_audio', dict(samples=5), 'gives no frame'),
  ('fme_audio', dict(num_layers=0), 'num_layers=0'),
])
def test_what_cannot_be_is_refused(name, options, message):
  with pytest.raises(ValueError, match=message):
    graph_and_params(name, **options)
