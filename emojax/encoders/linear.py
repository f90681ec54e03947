"""Linear layers that start as PyTorch's do."""

import math

import jax
from flax import nnx


def uniform(bound: float):
  """Initialiser: uniform in [-bound, bound)."""

  def init(key, shape, dtype, **_):
    return jax.random.uniform(key, shape, dtype, -bound, bound)

  return init


def linear(width_in: int, width_out: int, *, rngs: nnx.Rngs) -> nnx.Linear:
  """x @ kernel + bias, both uniform within 1 / sqrt(width_in), PyTorch's default."""
  init = uniform(1 / math.sqrt(width_in))
  return nnx.Linear(width_in, width_out, kernel_init=init, bias_init=init, rngs=rngs)
