"""Convolution and pooling in one against XLA's own, one after the other; which frames are real."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import waveform
from emojax.ops import conv_pool
from emojax.types import Stream, StreamSpec

# B, T, D, taps, filters, pool: taps odd and even, more than a window, a rest that fills no window,
# a window that is one output, taps past a window, more windows than a product takes, a long pool
SHAPES = [(3, 121, 2, 5, 4, 6), (2, 30, 3, 4, 2, 1), (2, 41, 1, 9, 3, 4), (2, 7, 4, 1, 2, 2),
          (2, 5, 1, 12, 2, 5), (3, 600, 1, 5, 2, 2), (2, 600, 1, 3, 2, 300)]


def plain(x, kernel, pool):
  outputs = jax.lax.conv_general_dilated(
    x, kernel, (1,), 'SAME', dimension_numbers=('NWC', 'WIO', 'NWC'))
  return jax.lax.reduce_window(
    outputs, -jnp.inf, jax.lax.max, (1, pool, 1), (1, pool, 1), 'VALID')


def with_gradients(run):
  def total(x, kernel, weights, pool):
    results = run(x, kernel, pool)
    return (results * weights).sum(), results
  return jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True), static_argnums=3)


ours, expected = with_gradients(conv_pool.conv_pool), with_gradients(plain)


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_convolved_and_pooled_as_by_xla(shape):
  batch, length, width, taps, filters, pool = shape
  random = np.random.default_rng(0)
  x, kernel, weights = (random.normal(size=size) for size in (
    (batch, length, width), (taps, width, filters), (batch, length // pool, filters)))
  found = ours(x, kernel, weights, pool)
  assert found[0][1].shape == weights.shape
  for one, other in zip(jax.tree.leaves(found),
                        jax.tree.leaves(expected(x, kernel, weights, pool)), strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def test_members_of_a_vmap_are_solo_runs():
  random = np.random.default_rng(0)
  x, kernel, weights = (random.normal(size=size) for size in (
    (2, 3, 20, 2), (2, 5, 2, 4), (2, 3, 5, 4)))
  run = lambda x, kernel, weights: ours(x, kernel, weights, 4)
  found = jax.vmap(run)(x, kernel, weights)
  for member in range(2):
    solo = run(x[member], kernel[member], weights[member])
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(solo), strict=True):
      np.testing.assert_allclose(one[member], other, rtol=1e-12, atol=1e-14)


def test_of_equal_outputs_the_first_gets_the_gradient():
  _, (dx, dkernel) = ours(jnp.ones((1, 6, 1)), jnp.full((1, 1, 1), 2.0), jnp.ones((1, 2, 1)), 3)
  assert dx[0, :, 0].tolist() == [2, 0, 0, 2, 0, 0] and dkernel.item() == 2


def test_by_hand_with_bias_and_relu():
  stage = waveform.ConvPool(1, 1, 2, 2, rngs=nnx.Rngs(0))
  stage.kernel[...] = jnp.array([1, -1], jnp.float32)[:, None, None]
  stage.bias[...] = jnp.array([-1], jnp.float32)
  # one zero behind, none before: x[t] - x[t + 1] = -2, 4, -8, 0, 7; the last fills no window
  x = jnp.array([1, 3, -1, 7, 7], jnp.float32)[None, :, None]
  assert stage(x)[0, :, 0].tolist() == [3, 0]


def stem(length, read_padding, pools=(3, 2)):
  return waveform.Waveform(StreamSpec(1, length), (2, 3), (4, 3), pools, read_padding,
                           rngs=nnx.Rngs(0))


def sound(lengths, total):
  values = np.random.default_rng(1).normal(size=(len(lengths), 20, 1))[:, :total]
  return Stream(values, np.arange(total)[None] < np.array(lengths)[:, None])


def test_a_frame_is_real_if_any_of_its_samples_is():
  frames = stem(20, False)(sound([0, 1, 6, 7, 17], 17))
  assert frames.mask.tolist() == [[False] * 3, [True] + [False] * 2, [True] + [False] * 2,
                                  [True, True, False], [True] * 3]
  assert not np.asarray(frames.values)[~np.asarray(frames.mask)].any()


def test_with_padding_all_frames_of_the_full_length_are_real():
  frames = stem(20, True)(sound([0, 1, 17], 17))
  assert frames.mask.shape == (3, 3) and frames.mask.all()


@pytest.mark.parametrize('read_padding', [True, False])
def test_the_length_of_the_batch_and_its_mates_change_nothing(read_padding):
  encoder = stem(20, read_padding)
  encoder.stages[0].bias[...] = jnp.ones(2, jnp.float32)  # behind this stage silence is not zero
  long = encoder(sound([4, 5, 20], 20))
  for total in (5, 6, 9):
    short = encoder(sound([4, 5], total))
    frames = short.mask.shape[1]
    np.testing.assert_allclose(short.values, long.values[:2, :frames], rtol=1e-12, atol=1e-14)
    assert read_padding or not np.asarray(long.mask)[:2, frames:].any()


@pytest.mark.parametrize('change, message', [
  (dict(filters=(2,)), 'one number in each'),
  (dict(pools=(5, 5)), 'up to 20 samples gives no frame.*25 samples'),
  (dict(kernels=(0, 1)), 'numbers from 1'),
])
def test_what_cannot_be_is_refused(change, message):
  sizes = dict(filters=(2, 3), kernels=(4, 3), pools=(3, 2)) | change
  with pytest.raises(ValueError, match=message):
    waveform.Waveform(StreamSpec(1, 20), **sizes, read_padding=True, rngs=nnx.Rngs(0))
