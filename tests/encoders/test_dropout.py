"""Masks counted and compared: the share they drop, where they differ and where they must not."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import dropout
from emojax.train import functional
from emojax.types import ModelOutput, Stream

FULL_SOURCE = 8


class Layers(nnx.Module):
  """Every way of calling the layer."""

  requires = ('frames', 'weights', 'vector')

  def __init__(self, rate=0.5):
    self.frames, self.other = dropout.Dropout(rate), dropout.Dropout(rate)
    self.weights, self.vector = dropout.Dropout(rate), dropout.Dropout(rate)

  def __call__(self, inputs):
    frames, weights, vector = (inputs[name].values for name in self.requires)
    return ModelOutput({
      'frames': self.frames(frames),
      'other': self.other(frames),
      'again': self.frames(frames),
      'weights': self.weights(weights, time=2, pad_to={3: FULL_SOURCE}),
      'vector': self.vector(vector, time=0),
    }, {}, {})


def ones(b, t, q, s):
  """Frames [B, T, 7], attention weights [B, 2, Q, S] and vectors [B, 7]."""
  shapes = {'frames': (b, t, 7), 'weights': (b, 2, q, s), 'vector': (b, 7)}
  return {name: Stream(np.ones(shape, np.float32), np.ones((b, 1), bool))
          for name, shape in shapes.items()}


SMALL, LARGE = ones(3, 5, 4, 3), ones(32, 40, 9, 6)
NAMES = ('frames', 'other', 'again', 'weights', 'vector')
TRACES = []  # one entry for each time that `train` is compiled


@jax.jit
def train(key, inputs, rate):
  """Name -> what the layers, all of one rate, make of the inputs in a training step."""
  TRACES.append(None)
  make = lambda rngs: Layers()
  params, state = functional.init(make, jax.random.key(0))
  state = jax.tree.map(lambda _: rate, state)
  return functional.apply(functional.graph(make), params, state, inputs, key=key)[0].heads


@functools.cache
def dropped(size='large', seed=0, step=0, rate=0.5):
  """Name -> the output as a numpy array; 0 where a one was dropped."""
  key = jax.random.fold_in(jax.random.key(seed), step)
  inputs = {'small': SMALL, 'large': LARGE}[size]
  return jax.tree.map(np.asarray, train(key, inputs, np.float32(rate)))


def assert_unrelated(one, other):
  """At rate 0.5, independent masks agree in half of the places, give or take five deviations."""
  assert one.size > 300
  agree = (one == other).mean()
  assert abs(agree - 0.5) < 5 * 0.5 / one.size**0.5, agree


@pytest.mark.parametrize('rate', [0.1, 0.5, 0.9])
@pytest.mark.parametrize('name', NAMES)
def test_the_share_dropped_is_the_rate_and_the_rest_is_scaled(name, rate):
  found = dropped(rate=rate)[name]
  share, bound = (found == 0).mean(), 5 * (rate * (1 - rate) / found.size)**0.5
  assert abs(share - rate) < bound
  np.testing.assert_allclose(found[found != 0], 1 / (1 - rate), rtol=1e-6)


def test_every_lane_of_the_hash_drops_its_share_and_no_two_together():
  masks = (dropped()['frames'] != 0).reshape(-1, 7)  # seven features: all four lanes, a remainder
  bound = 5 * 0.5 / len(masks)**0.5
  assert abs(masks.mean(0) - 0.5).max() < bound
  agree = (masks[:, :, None] == masks[:, None]).mean(0)[~np.eye(7, dtype=bool)]
  assert abs(agree - 0.5).max() < bound


@pytest.mark.parametrize('what', [
  'steps', 'seeds', 'layers', 'calls of one layer', 'rows', 'times', 'features', 'shapes'])
def test_masks_differ_between(what):
  masks = {name: value != 0 for name, value in dropped().items()}
  frames = masks['frames']
  one, other = {
    'steps': (frames, dropped(step=1)['frames'] != 0),
    'seeds': (frames, dropped(seed=1)['frames'] != 0),
    'layers': (frames, masks['other']),
    'calls of one layer': (frames, masks['again']),
    'rows': (frames[1:], frames[:-1]),
    'times': (frames[:, 1:], frames[:, :-1]),
    'features': (frames[..., 1:], frames[..., :-1]),
    'shapes': (masks['weights'].reshape(32, -1)[:, :49], frames[:, :7].reshape(32, -1)),
  }[what]
  assert_unrelated(one, other)


def test_masks_of_all_rows_and_layers_are_pairwise_unrelated():
  masks = np.concatenate(
    [dropped()[name].reshape(32, -1)[:, :280] != 0 for name in ('frames', 'other', 'again')])
  agree = (masks[:, None] == masks[None]).mean(-1)[~np.eye(96, dtype=bool)]
  assert abs(agree - 0.5).max() < 6 * 0.5 / 280**0.5


def test_the_same_key_gives_the_same_masks():
  again = train(jax.random.fold_in(jax.random.key(0), 0), LARGE, np.float32(0.5))
  for name, value in dropped().items():
    np.testing.assert_array_equal(again[name], value)


@pytest.mark.parametrize('name', NAMES)
def test_masks_of_real_places_depend_neither_on_padding_nor_on_the_batch_size(name):
  small, large = dropped('small')[name], dropped('large')[name]
  np.testing.assert_array_equal(small, large[tuple(map(slice, small.shape))])
  assert 0 < (small == 0).sum() < small.size


def test_a_rate_is_data():
  dropped()
  compiled = len(TRACES)
  masks = [dropped(rate=rate)['frames'] != 0 for rate in (0.25, 0.5, 0.75)]
  assert len(TRACES) == compiled, 'compiled again for a rate'
  # one draw of numbers decides for every rate: what 0.75 keeps, 0.5 keeps as well
  assert (masks[1] <= masks[0]).all() and (masks[2] <= masks[1]).all()


def test_members_of_a_group_have_their_own_rates():
  keys = jax.vmap(jax.random.key)(np.arange(2))
  rates = np.array([0.2, 0.6], np.float32)
  group = jax.jit(jax.vmap(train, in_axes=(0, None, 0)))(keys, SMALL, rates)
  for member in range(2):
    solo = train(jax.random.key(member), SMALL, rates[member])
    for name, value in solo.items():
      np.testing.assert_array_equal(group[name][member], value)


def test_evaluation_and_a_layer_alone_are_silent():
  make = lambda rngs: Layers(0.9)
  x = LARGE['frames'].values

  def evaluate():
    net = make(None)
    assert net.frames(x) is x
    params, state = functional.init(make, jax.random.key(0))
    return functional.apply(functional.graph(make), params, state, LARGE)[0].heads

  for name, value in jax.jit(evaluate)().items():
    np.testing.assert_array_equal(value, np.ones_like(dropped()[name]))


class Two(nnx.Module):
  """A layer of rate zero, and another that each trace calls as often as `CALLS` says next."""

  requires = ('frames',)

  def __init__(self):
    self.never, self.often = dropout.Dropout(0.0), dropout.Dropout(0.5)

  def __call__(self, inputs):
    often = inputs['frames'].values
    for _ in range(CALLS.pop(0)):
      often = self.often(often)
    return ModelOutput({'never': self.never(inputs['frames'].values), 'often': often}, {}, {})


CALLS = []


def train_two(key, calls):
  CALLS[:] = calls
  make = lambda rngs: Two()
  state = functional.init(make, jax.random.key(0))
  return functional.apply(functional.graph(make), *state, SMALL, key=key)[0].heads


def test_a_rate_of_zero_drops_nothing():
  found = jax.jit(lambda key: train_two(key, [1, 1]))(jax.random.key(0))
  np.testing.assert_array_equal(found['never'], SMALL['frames'].values)
  assert (found['often'] == 0).any()


def test_a_model_that_asks_for_more_than_it_recorded_is_stopped():
  with pytest.raises(AssertionError, match='other masks than when it was recorded'):
    jax.eval_shape(lambda key: train_two(key, [1, 2]), jax.random.key(0))


@pytest.mark.parametrize('dtype', [jnp.bfloat16, jnp.float32])
def test_types_are_kept(dtype):
  inputs = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, dtype), SMALL)
  shapes = jax.eval_shape(train, jax.random.key(0), inputs, jnp.float32(0.5))
  assert {leaf.dtype for leaf in jax.tree.leaves(shapes)} == {jnp.dtype(dtype)}


@pytest.mark.parametrize('rate', [1, 1.5, -0.1, float('nan')])
def test_other_rates_are_refused(rate):
  with pytest.raises(ValueError, match=rf'dropout rate {rate}: expected 0 <= rate < 1'):
    dropout.Dropout(rate)


def test_two_layers_compile():
  def masks(key, rate):
    tape = dropout.Tape()
    take = lambda: [tape.take('one', 1, 47), tape.take('other', 1, 200)]
    tape.record(take)
    tape.draw(key, jnp.arange(32), {'one': rate, 'other': rate})
    return take()

  # Optimised as in earnest: on a written out hash of two numbers LLVM works for ever.
  jax.jit(masks).lower(jax.random.key(0), np.float32(0.5)).compile(compiler_options={
    'xla_backend_optimization_level': 3, 'xla_llvm_disable_expensive_passes': False})
