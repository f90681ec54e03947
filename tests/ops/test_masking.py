"""Softmax, clearing, pooling and closing up: what is real counts, and nothing else."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.ops import masking
from emojax.types import Stream

SCORES = [[0.0, math.log(3), 5.0], [math.log(2), 0.0, math.log(5)], [1.0, 2.0, 3.0]]
MASK = [[True, True, False], [True, True, True], [False, False, False]]


@functools.partial(jax.jit, static_argnames='empty')
def with_gradient(scores, mask, empty):
  """The softmax [3, 3], and the gradient of the sum of its columns' numbers times it."""

  def total(scores):
    weights = masking.softmax(scores, mask, empty=empty)
    return (weights * jnp.arange(3.0)[None]).sum(), weights

  gradient, weights = jax.grad(total, has_aux=True)(scores)
  return weights, gradient


@pytest.mark.parametrize('empty, last', [('zero', [0, 0, 0]), ('uniform', [1 / 3, 1 / 3, 1 / 3])])
def test_softmax_is_over_the_real_positions(empty, last):
  scores, mask = np.array(SCORES, np.float32), np.array(MASK)
  weights, gradient = with_gradient(scores, mask, empty)
  np.testing.assert_allclose(weights, [[0.25, 0.75, 0], [0.25, 0.125, 0.625], last], rtol=1e-6)
  # d/ds_i sum_j p_j j = p_i (i - mean); the mean is 0.75 in the first row, 1.375 in the second
  np.testing.assert_allclose(
    gradient, [[0.25 * -0.75, 0.75 * 0.25, 0],
               [0.25 * -1.375, 0.125 * -0.375, 0.625 * 0.625], [0, 0, 0]], atol=1e-6)
  for hidden in (np.nan, np.inf, -np.inf, 1e30):  # under a False mask no bit depends on them
    found = with_gradient(np.where(mask, scores, np.float32(hidden)), mask, empty)
    np.testing.assert_array_equal(found[0], weights)
    np.testing.assert_array_equal(found[1], gradient)


def test_only_the_uniform_answer_depends_on_how_far_a_row_is_padded():
  scores, mask = np.zeros((1, 5), np.float32), np.zeros((1, 5), bool)
  np.testing.assert_allclose(masking.softmax(scores, mask, empty='uniform'), [[0.2] * 5], rtol=1e-6)
  np.testing.assert_array_equal(masking.softmax(scores, mask, empty='zero'), [[0.0] * 5])


def test_a_mask_broadcasts_over_the_scores():
  scores = np.zeros((2, 2, 1, 3), np.float32)
  mask = np.array([[True, False, True], [True, True, True]])[:, None, None, :]
  found = np.asarray(jax.jit(masking.softmax)(scores, mask))
  np.testing.assert_allclose(found[:, 1, 0], [[0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-6)


def test_clear_leaves_nothing_under_a_false_mask():
  mask = np.array([[True, False], [False, True]])
  frames = np.array([[[1, 2], [np.nan, 3]], [[np.inf, -np.inf], [4, np.nan]]], np.float32)
  np.testing.assert_array_equal(
    masking.clear(frames, mask), [[[1, 2], [0, 0]], [[0, 0], [4, np.nan]]])  # what is real stays


def test_clear_keeps_whole_numbers_whole():
  found = masking.clear(np.array([[7, -2**31], [3, 9]], np.int32),
                        np.array([[True, False], [True, True]]))
  np.testing.assert_array_equal(found, [[7, 0], [3, 9]])
  assert found.dtype == jnp.int32


def test_clear_hides_gradients_too():
  gradient = jax.jit(jax.grad(lambda x, mask: (masking.clear(x, mask) ** 2).sum()))(
    np.array([[3.0, np.nan]], np.float32), np.array([[True, False]]))
  np.testing.assert_array_equal(gradient, [[6, 0]])


# A hole, padding in front, one position, and none.
PLACES = np.array([[1, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]], bool)


@pytest.mark.parametrize('pool, of_real', [
  (masking.mean, lambda real: real.mean(0)), (masking.largest, lambda real: real.max(0)),
  (masking.last, lambda real: real[-1])], ids=['mean', 'largest', 'last'])
def test_pools_see_real_positions_alone(pool, of_real):
  values = np.random.default_rng(0).normal(size=(4, 4, 3)).astype(np.float32) - 2
  expected = [of_real(v[m]) if m.any() else np.zeros(3) for v, m in zip(values, PLACES)]
  compute = jax.jit(jax.value_and_grad(
    lambda values: (pool(values, PLACES).sum(), pool(values, PLACES)), has_aux=True))
  (_, found), gradient = compute(values)
  np.testing.assert_allclose(found, np.stack(expected), rtol=1e-6)
  assert not np.asarray(gradient)[~PLACES].any()
  for hidden in (np.nan, np.inf, -np.inf, 1e30):
    (_, again), same = compute(np.where(PLACES[..., None], values, np.float32(hidden)))
    np.testing.assert_array_equal(again, found)
    np.testing.assert_array_equal(same, gradient)


@pytest.mark.parametrize('width', [(), (2,)], ids=['ids', 'frames'])
def test_closed_up_the_real_positions_come_first_in_their_order(width):
  values = np.arange(1, 17 * math.prod(width) - math.prod(width) + 1).reshape(4, 4, *width)
  found = jax.jit(masking.close_up)(Stream(values, PLACES))
  assert found.mask.tolist() == [[True, True, True, False], [True, True, False, False],
                                 [True, False, False, False], [False] * 4]
  for row, mask in enumerate(PLACES):
    np.testing.assert_array_equal(found.values[row, :mask.sum()], values[row][mask])
