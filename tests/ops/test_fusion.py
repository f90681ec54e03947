"""What is linear in the tensor gives the same without it, and needs no such room."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.ops import fusion

WIDTHS = [(5,), (3, 4), (4, 2), (5, 3, 4), (2, 6, 5), (2, 3, 2, 4)]


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


def vectors(widths, rows=3):
  random = np.random.default_rng(len(widths))
  return [random.normal(size=(rows, width)) for width in widths]


def by_hand(parts):
  """[B, D_1 * D_2 * ..], entry by entry, the last modality fastest."""
  places = itertools.product(*(range(part.shape[1]) for part in parts))
  return np.stack([math.prod(part[:, i] for part, i in zip(parts, place)) for place in places], 1)


@pytest.mark.parametrize('widths', WIDTHS)
def test_the_tensor_has_every_product_in_its_place(widths):
  parts = vectors(widths)
  np.testing.assert_allclose(fusion.tensor(parts), by_hand(parts), rtol=1e-12)


@pytest.mark.parametrize('outputs', [1, 3, 40])
@pytest.mark.parametrize('widths', WIDTHS)
def test_linear_is_the_product_with_the_tensor_gradients_included(widths, outputs):
  parts, random = vectors(widths), np.random.default_rng(0)
  kernel = random.normal(size=(math.prod(widths), outputs))
  bias, weigh = random.normal(size=outputs), random.normal(size=(3, outputs))

  def plain(parts, kernel, bias):
    return ((fusion.tensor(parts) @ kernel + bias[None]) * weigh).sum()

  def factored(parts, kernel, bias):
    return (fusion.linear(parts, kernel, bias) * weigh).sum()

  np.testing.assert_allclose(
    fusion.linear(parts, kernel, bias), by_hand(parts) @ kernel + bias, rtol=1e-10, atol=1e-12)
  wanted, found = (jax.grad(f, argnums=(0, 1, 2))(parts, kernel, bias) for f in (plain, factored))
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), found, wanted)


def test_nothing_as_large_as_the_tensor_is_made():
  """Widths of the paper; weights [33 * 33 * 129, 128] are 18 million numbers, and are given."""
  widths, rows, outputs = (33, 33, 129), 32, 128
  shapes = [jax.ShapeDtypeStruct((rows, width), jnp.float32) for width in widths]
  kernel = jax.ShapeDtypeStruct((math.prod(widths), outputs), jnp.float32)
  bias = jax.ShapeDtypeStruct((outputs,), jnp.float32)
  jaxpr = jax.make_jaxpr(fusion.linear)(shapes, kernel, bias)
  made = [v.aval.shape for e in jaxpr.jaxpr.eqns for v in e.outvars if rows in v.aval.shape]
  assert max(map(math.prod, made)) == rows * 129 * outputs < rows * math.prod(widths) / 8


@pytest.mark.parametrize('widths', WIDTHS)
def test_low_rank_is_linear_with_the_kernel_that_its_factors_make(widths):
  parts, random, rank, outputs = vectors(widths), np.random.default_rng(1), 2, 3
  factors = [random.normal(size=(rank, width, outputs)) for width in widths]
  weights, bias = random.normal(size=rank), random.normal(size=outputs)
  kernel = np.zeros((math.prod(widths), outputs))
  for r, k in itertools.product(range(rank), range(outputs)):
    column = np.ones(1)
    for factor in factors:
      column = np.outer(column, factor[r, :, k]).ravel()
    kernel[:, k] += weights[r] * column
  np.testing.assert_allclose(fusion.low_rank(parts, factors, weights, bias),
                             fusion.linear(parts, kernel, bias), rtol=1e-10, atol=1e-12)


def test_a_one_in_front_keeps_products_of_fewer():
  one, other = vectors((2, 3))
  found = np.asarray(fusion.tensor([fusion.with_one(one), fusion.with_one(other)]))
  assert (found[:, 0] == 1).all()
  np.testing.assert_array_equal(found[:, 1:4], other)
  np.testing.assert_array_equal(found[:, [4, 8]], one)
