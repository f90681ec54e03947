"""Linear layers that start as PyTorch's do."""

import math

from flax import nnx

from emojax.encoders import initial


def linear(width_in: int, width_out: int, *, rngs: nnx.Rngs) -> nnx.Linear:
  """x @ kernel + bias, both uniform within 1 / sqrt(width_in), PyTorch's default."""
  init = initial.uniform(1 / math.sqrt(width_in))
  return nnx.Linear(width_in, width_out, kernel_init=init, bias_init=init, rngs=rngs)
