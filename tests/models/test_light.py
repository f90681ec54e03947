"""LF-RNN, LF-Transformer, TFN and LMF: sets of modalities, quirks and their better values."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.models import lf_rnn, lf_transformer, lmf, tfn
from emojax.train import functional
from emojax.types import Stream, StreamSpec
from tests.models import test_contract as contract

SPECS = {'text': StreamSpec(6, 5), 'audio': StreamSpec(4, 7), 'video': StreamSpec(5, 6)}
HEADS = {'emotion': 3}
MODULES = {'lf_rnn': lf_rnn, 'lf_transformer': lf_transformer, 'tfn': tfn, 'lmf': lmf}
SUBSETS = [('text',), ('audio',), ('video',), ('text', 'audio'), ('audio', 'video'),
           ('text', 'audio', 'video')]
LENGTHS = {'text': (3, 2, 1, 4), 'audio': (5, 1, 2, 2), 'video': (2, 4, 3, 1)}
every_model = pytest.mark.parametrize('name', list(MODULES))


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


def inputs(modalities=tuple(SPECS), pad=0, rows=slice(None)):
  found = {}
  for name in modalities:
    lengths, random = LENGTHS[name], np.random.default_rng(len(name))
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    values = random.normal(size=(*mask.shape, SPECS[name].width)) * mask[..., None]
    values, mask = (np.pad(x, [(0, 0), (0, pad)] + [(0, 0)] * (x.ndim - 2)) for x in (values, mask))
    found[name] = Stream(jnp.asarray(values[rows]), jnp.asarray(mask[rows]))
  return found


def without(stream):
  return Stream(stream.values, jnp.zeros_like(stream.mask))


class Built:
  """A model of some modalities, without dropout, that can be asked."""

  def __init__(self, name, modalities=tuple(SPECS), heads=None, **options):
    module = MODULES[name]
    tiny = {key: 0.0 if 'dropout' in key else value
            for key, value in module.PRESETS['tiny'].items()}

    def make(rngs):
      return module.Model({m: SPECS[m] for m in modalities}, heads or HEADS, **tiny | options,
                          rngs=rngs)

    params, self.state = functional.init(make, jax.random.key(0))
    self.params = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), params)
    self.graph = functional.graph(make)

  def __call__(self, streams, **options):
    found = answered(self.graph, self.params, self.state, streams, **options)
    return {head: np.asarray(logits) for head, logits in found.items()}


@functools.partial(jax.jit, static_argnums=0, compiler_options=contract.QUICK)
def answered(graph, params, state, streams, key=None):
  return functional.apply(graph, params, state, streams, key=key)[0].heads


@every_model
@pytest.mark.parametrize('modalities', SUBSETS)
def test_any_modalities_make_a_model(name, modalities):
  model = Built(name, modalities)
  found = model(inputs(modalities))['emotion']
  assert found.shape == (4, 3) and np.isfinite(found).all()
  assert len(np.unique(found.round(9), axis=0)) == 4


@every_model
def test_other_streams_are_refused(name):
  for streams, said in (({'text': SPECS['text'], 'eda': SPECS['audio']}, 'eda, text'),
                        ({}, 'none')):
    with pytest.raises(ValueError, match=f'at least one; config.streams has {said}'):
      functional.shapes(lambda rngs, streams=streams: MODULES[name].Model(
        streams, HEADS, rngs=rngs))


@every_model
@pytest.mark.parametrize('absent', ['text', 'audio', 'video'])
def test_an_absent_modality_leaves_the_others_their_say(name, absent):
  """In one utterance, in all: finite, the others' answers the same, and no content counts."""
  model = Built(name, read_padding=False)
  whole = inputs()
  one = Stream(whole[absent].values, whole[absent].mask.at[1].set(False))
  found = model(whole | {absent: one})['emotion']
  np.testing.assert_allclose(found[[0, 2, 3]], model(whole)['emotion'][[0, 2, 3]], rtol=1e-10)
  assert np.isfinite(found).all()
  every = model(whole | {absent: without(whole[absent])})['emotion']
  np.testing.assert_allclose(every[1], found[1], rtol=1e-10)
  noise = Stream(jnp.full_like(whole[absent].values, jnp.nan),
                 jnp.zeros_like(whole[absent].mask))
  np.testing.assert_array_equal(model(whole | {absent: noise})['emotion'], every)
  nothing = model({m: without(stream) for m, stream in whole.items()})['emotion']
  assert np.isfinite(nothing).all() and len(np.unique(nothing, axis=0)) == 1


@pytest.mark.parametrize('name', ['lf_rnn', 'lf_transformer'])
def test_in_the_original_alone_the_longest_of_a_batch_counts(name):
  few = {m: jax.tree.map(lambda x: x[1:3], stream) for m, stream in inputs().items()}
  for read_padding in (True, False):
    model = Built(name, read_padding=read_padding)
    whole, wider, part = (model(x)['emotion'] for x in (inputs(), inputs(pad=1), few))
    np.testing.assert_allclose(wider, whole, rtol=1e-10)  # but not how far it is padded
    assert np.allclose(part, whole[1:3], rtol=1e-9) != read_padding


@pytest.mark.parametrize('name', ['tfn', 'lmf'])
def test_in_the_original_alone_the_full_length_counts(name):
  """Shorter padding is the same in both: what counts is the length that the config names."""
  found = {}
  for read_padding in (True, False):
    model = Built(name, read_padding=read_padding)
    np.testing.assert_allclose(model(inputs(pad=1))['emotion'], model(inputs())['emotion'],
                               rtol=1e-10)
    found[read_padding] = model(inputs())['emotion']
  assert abs(found[True] - found[False]).max() > 1e-4


def test_padding_in_front_is_read_by_the_originals_lstm():
  """Zero words in front of a sentence, as many as it lacks, given as real ones: the same answer."""
  lengths = LENGTHS['text']
  text = inputs(('text',))['text']
  shifted = np.zeros((4, 5, 6))
  for row, length in enumerate(lengths):
    shifted[row, 5 - length:] = np.asarray(text.values)[row, :length]
  whole = Stream(jnp.asarray(shifted), jnp.ones((4, 5), bool))
  original, better = (Built('tfn', ('text',), read_padding=flag) for flag in (True, False))
  np.testing.assert_allclose(original({'text': text})['emotion'],
                             better({'text': whole})['emotion'], rtol=1e-10)


def test_a_head_stays_within_its_bounds():
  model = Built('tfn', heads={'sentiment': 1, 'emotion': 3}, bounds={'sentiment': (1.0, 5.0)})
  free = Built('tfn', heads={'sentiment': 1, 'emotion': 3})
  bounded, raw = model(inputs()), free(inputs())
  np.testing.assert_allclose(bounded['sentiment'], 1 + 4 / (1 + np.exp(-raw['sentiment'])))
  np.testing.assert_array_equal(bounded['emotion'], raw['emotion'])
  with pytest.raises(ValueError, match=r"bounds names the heads \['valence'\]; there are: emotion"):
    Built('tfn', bounds={'valence': (1, 5)})


def test_entries_of_the_tensor_are_dropped_where_it_has_a_rate():
  """With next to no rate both ways of computing it agree, while training too."""
  almost = Built('tfn', dropout_post=1e-7)
  never = Built('tfn')
  np.testing.assert_allclose(almost(inputs(), key=jax.random.key(0))['emotion'],
                             never(inputs(), key=jax.random.key(0))['emotion'], rtol=1e-5)
  often = Built('tfn', dropout_post=0.5)
  one, other = (often(inputs(), key=jax.random.key(seed))['emotion'] for seed in range(2))
  assert abs(one - other).max() > 1e-4


def test_wrong_settings_are_answered():
  with pytest.raises(ValueError, match='rank=0: expected 1 or more'):
    Built('lmf', rank=0)
  with pytest.raises(ValueError, match="text_state='last'; there are: at_the_end, final"):
    Built('lf_rnn', text_state='last')
  with pytest.raises(ValueError, match='num_heads_text=4 does not divide the width 6 of stream'):
    Built('lf_transformer', num_heads_text=4)


@pytest.mark.parametrize('name, text, audio, video, number', [
  ('lf_rnn', 300, 144, 35, 2026336), ('lf_transformer', 300, 144, 35, 4898702)])
def test_published_sizes_have_as_many_parameters_as_the_original(name, text, audio, video, number):
  """Counted by the authors' code, for six emotions."""
  widths = dict(text=text, audio=audio, video=video)
  streams = {modality: StreamSpec(width, 50) for modality, width in widths.items()}
  params, _ = functional.shapes(lambda rngs: MODULES[name].Model(
    streams, {'emotion': 6}, **MODULES[name].PRESETS['published'], rngs=rngs))
  assert sum(leaf.size for leaf in jax.tree.leaves(params)) == number


def test_lmf_starts_as_the_authors():
  heads = {'emotion': 200}
  params, _ = functional.init(
    lambda rngs: lmf.Model(SPECS, heads, rank=50, hidden_audio=30, rngs=rngs), jax.random.key(0))
  made = params['heads']['emotion']
  assert np.std(made['factors']['audio']) == pytest.approx(np.sqrt(2 / (200 * (31 + 50))), rel=0.02)
  assert made['weights'].shape == (1, 50) and not np.any(made['bias'])


@pytest.mark.parametrize('name', ['tfn', 'lmf'])
def test_statistics_of_a_batch_are_those_of_all_devices(name):
  """While training: the contract's batch over four devices, each with one example."""
  from jax.sharding import NamedSharding, PartitionSpec

  from emojax.train import sharding

  model = Built(name)

  def run(params, streams):
    output, state = functional.apply(model.graph, params, model.state, streams,
                                     key=jax.random.key(0))
    return output.heads['emotion'], state

  results = []
  for devices in (1, 4):
    mesh = sharding.make_mesh(1, devices, 1)
    there = NamedSharding(mesh, PartitionSpec(('data', 'fsdp')))
    step = jax.jit(run, compiler_options=contract.QUICK)
    results.append(jax.device_get(step(
      jax.device_put(model.params, NamedSharding(mesh, PartitionSpec())),
      jax.device_put(inputs(), there))))
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), *results)
