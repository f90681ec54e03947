"""Both layer norms against numpy's own mean, std and var."""

import functools

import jax
import numpy as np
import pytest

from emojax.ops import normalise


def in_numpy(name, x, scale, shift, eps):
  mean = np.mean(x, -1, keepdims=True)
  if name == 'torch_std':
    return scale * (x - mean) / (np.std(x, -1, ddof=1, keepdims=True) + eps) + shift
  return scale * (x - mean) / np.sqrt(np.var(x, -1, keepdims=True) + eps) + shift


@functools.cache
def with_gradients(name):
  """(x, scale, shift, weights) -> (values, gradients of their weighted sum), compiled."""

  def total(x, scale, shift, weights):
    values = getattr(normalise, name)(x, scale, shift)
    return (values * weights).sum(), values

  return jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2), has_aux=True))


@pytest.fixture(params=['torch_std', 'standard'])
def name(request):
  with jax.enable_x64(True):
    yield request.param


def test_values_and_gradients_are_numpys(name):
  random = np.random.default_rng(0)
  x = 1e-2 * random.normal(size=(3, 5)) + 2
  scale, shift, weights = (random.normal(size=(rows, 5)) for rows in (1, 1, 3))
  (_, values), (of_x, of_scale, of_shift) = with_gradients(name)(x, scale, shift, weights)
  np.testing.assert_allclose(values, in_numpy(name, x, scale, shift, 1e-6), rtol=1e-11)
  for place in np.ndindex(3, 5):
    step = np.zeros((3, 5))
    step[place] = 1e-6
    above, below = ((in_numpy(name, x + sign * step, scale, shift, 1e-6) * weights).sum()
                    for sign in (1, -1))
    assert of_x[place] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-5)
  plain = in_numpy(name, x, 1, 0, 1e-6)
  np.testing.assert_allclose(of_scale, (plain * weights).sum(0, keepdims=True), rtol=1e-10)
  np.testing.assert_allclose(of_shift, weights.sum(0, keepdims=True), rtol=1e-12)


def test_eps_stands_where_it_belongs(name):
  x = np.array([[1.0, 3.0]])  # the unbiased std is sqrt 2, the biased variance 1
  divisor = np.sqrt(2) + 0.25 if name == 'torch_std' else np.sqrt(1 + 0.25)
  found = getattr(normalise, name)(x, np.ones((1, 2)), np.zeros((1, 2)), eps=0.25)
  np.testing.assert_allclose(found, [[-1 / divisor, 1 / divisor]], rtol=1e-14)


def test_a_constant_row_gives_the_shift_and_a_finite_gradient(name):
  x = np.array([[2.0] * 5, [1, 2, 3, 5, 8], [0.0] * 5])
  scale, shift, weights = np.full((1, 5), 3.0), np.array([[1, -1, 0.5, 0, 2]]), np.eye(3, 5)
  (_, values), gradients = with_gradients(name)(x, scale, shift, weights)
  np.testing.assert_array_equal(values[::2], np.concatenate([shift, shift]))
  assert all(np.isfinite(g).all() for g in gradients)
  np.testing.assert_allclose(gradients[0].sum(-1), 0, atol=1e-6)  # a row moves as a whole
