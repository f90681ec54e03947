"""x @ kernel + bias: values against numpy, gradients against automatic differentiation."""

import jax
import numpy as np
import pytest

from emojax.ops import affine


def with_gradients(function):
  """(x, kernel, bias, weights like the result) -> (values, gradients of their weighted sum)."""

  def total(x, kernel, bias, weights):
    values = function(x, kernel, bias)
    return (values * weights).sum(), values

  return jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2), has_aux=True))


def plain(x, kernel, bias):
  return x @ kernel + bias.reshape((1,) * (x.ndim - 1) + (-1,))


@pytest.mark.parametrize('width', [1, 3])
@pytest.mark.parametrize('leading', [(5,), (2, 3)])
def test_values_and_gradients(leading, width):
  random = np.random.default_rng(0)
  x, kernel, bias, weights = (
    random.normal(size=shape) for shape in (
      (*leading, 4), (4, width), (width,), (*leading, width)))
  with jax.enable_x64(True):
    (_, values), found = with_gradients(affine.affine)(x, kernel, bias, weights)
    (_, _), expected = with_gradients(plain)(x, kernel, bias, weights)
  np.testing.assert_allclose(values, x @ kernel + bias, rtol=1e-13, atol=1e-14)
  for one, other in zip(found, expected, strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_members_have_their_own_parameters():
  random = np.random.default_rng(0)
  x, kernel, bias = (random.normal(size=(2, *shape)) for shape in ((5, 4), (4, 3), (3,)))
  with jax.enable_x64(True):
    found = jax.jit(jax.vmap(affine.affine))(x, kernel, bias)
  for member in range(2):
    np.testing.assert_allclose(found[member], x[member] @ kernel[member] + bias[member], rtol=1e-12)


@pytest.mark.parametrize('leading', [(5,), (2, 3)])
def test_a_vector_for_every_row(leading):
  random = np.random.default_rng(0)
  vector, weights = random.normal(size=3), random.normal(size=(*leading, 3))
  total = lambda vector: (affine.spread(vector, leading) * weights).sum()
  with jax.enable_x64(True):
    values = affine.spread(jax.numpy.asarray(vector), leading)
    gradient = jax.jit(jax.grad(total))(vector)
  np.testing.assert_array_equal(values, np.broadcast_to(vector, (*leading, 3)))
  np.testing.assert_allclose(gradient, weights.reshape(-1, 3).sum(0), rtol=1e-13)


def test_a_vector_for_every_time():
  rows, weights = np.random.default_rng(3).normal(size=(2, 4)), np.random.default_rng(4).normal(
    size=(2, 5, 4))
  with jax.enable_x64(True):
    values = affine.repeat(jax.numpy.asarray(rows), 5)
    slope = jax.grad(lambda rows: (affine.repeat(rows, 5) * weights).sum())(rows)
  np.testing.assert_array_equal(values, np.repeat(rows[:, None], 5, 1))
  np.testing.assert_allclose(slope, weights.sum(1), rtol=1e-12)
