"""Operations of small programs, counted by hand."""

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec

from emojax.performance import operations
from emojax.train import sharding

W = jnp.ones((3, 4))


def flops(function, *args):
  return operations.flops(jax.jit(function).trace(*args).jaxpr.jaxpr)


def repeat(x, length):
  return jax.lax.scan(lambda x, _: (jnp.tanh(x @ W.T @ W), None), x, length=length)[0]


@pytest.mark.parametrize('function, shape, expected', [
  (lambda x: x @ W.T, (5, 4), 2 * 5 * 4 * 3),
  (lambda x: jnp.tanh(x) + 1, (5, 4), 0),
  (lambda x: jnp.einsum('bij,bkj->bik', x, x), (7, 5, 4), 2 * 7 * 5 * 5 * 4),
  (jax.jit(lambda x: x @ W.T), (5, 4), 120),
  (jax.checkpoint(lambda x: x @ W.T), (5, 4), 120),
  (jax.vmap(lambda x: x @ W.T), (2, 5, 4), 240),
  # a product of [5, 4] and [4, 3] and one of [5, 3] and [3, 4], ten times
  (lambda x: repeat(x, 10), (5, 4), 10 * 240),
  (lambda x: jax.lax.fori_loop(0, 6, lambda _, x: x @ W.T @ W, x), (5, 4), 6 * 240),
  # ... and backwards two for the input alone, since W is not asked for
  (jax.grad(lambda x: repeat(x, 10).sum()), (5, 4), 10 * 480),
  (lambda x: jax.lax.cond(x[0, 0] > 0, lambda x: x @ W.T @ W, lambda x: 2 * x, x), (5, 4), 240),
  (lambda x: jax.lax.while_loop(lambda x: x.sum() < 9, lambda x: x + 1, x), (5, 4), 0),
  (lambda x: jax.lax.while_loop(lambda x: x.sum() < 9, lambda x: x @ W.T @ W, x), (5, 4), None),
  # 6 outputs of 5 channels from 8 inputs of 4: windows of 3
  (lambda x: jax.lax.conv_general_dilated(
    x, jnp.ones((5, 4, 3)), (1,), 'VALID'), (2, 4, 8), 2 * 2 * 6 * 5 * 4 * 3),
  # in two groups, an output channel sees 2 of 4
  (lambda x: jax.lax.conv_general_dilated(
    x, jnp.ones((6, 2, 3)), (1,), 'VALID', feature_group_count=2), (2, 4, 8), 2 * 2 * 6 * 6 * 6),
])
def test_by_hand(function, shape, expected):
  assert flops(function, jnp.ones(shape)) == expected


def test_what_devices_do_each_for_themselves():
  """Eight rows on four devices: [2, 4] x [4, 3] on each."""
  mesh, split = sharding.make_mesh(1, 4, 1), PartitionSpec('data')
  each = jax.shard_map(lambda x: x @ W.T, mesh=mesh, in_specs=split, out_specs=split)
  assert flops(each, jnp.ones((8, 4))) == 4 * 2 * 2 * 4 * 3
