"""Loops over time whose batch lies on several devices: they exchange gradients, nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from emojax.ops import gru, lstm
from emojax.performance import collectives

B, T, D, H = 16, 30, 3, 4
MASK = np.arange(T) < np.arange(1, B + 1)[:, None]


def of_gru(run):
  shapes = (D + H, 2 * H), (2 * H,), (D + H, H), (H,)
  return shapes, lambda x, *params: run(x, jnp.zeros((len(x), H)), *params, jnp.asarray(MASK))


def of_lstm(run, *masks):
  return ((4 * H, D), (4 * H, H), (4 * H,)), lambda x, *params: run(x, *params, *masks)


@pytest.mark.parametrize('shapes, run', [
  of_gru(gru.gru), of_gru(gru.last), of_lstm(lstm.lstm), of_lstm(lstm.last, MASK)],
  ids=['gru', 'last of gru', 'lstm', 'last of lstm'])
def test_gradients_of_weights_are_summed_once(shapes, run):
  random = np.random.default_rng(0)
  x, *params = (random.normal(size=shape).astype(np.float32) for shape in ((B, T, D), *shapes))
  lies = lambda *axes: NamedSharding(jax.make_mesh((8,), ('data',)), PartitionSpec(*axes))
  gradients = jax.grad(lambda params, x: jnp.square(run(x, *params)).sum())
  shared = jax.jit(gradients, in_shardings=(lies(), lies('data')), out_shardings=lies())
  found = collectives.read(shared.lower(params, x).compile().as_text())
  assert {one.kind for one in found} == {'all-reduce'}
  assert sum(one.bytes for one in found) == 4 * sum(map(np.size, params))
  for one, other in zip(shared(params, x), jax.jit(gradients)(params, x), strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
