"""Linear layers that start as PyTorch's do."""

import math

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import initial
from emojax.ops import affine
from emojax.types import Array


class Linear(nnx.Module):
  """x @ kernel + bias, both uniform within 1 / sqrt(width_in), PyTorch's default."""

  def __init__(self, width_in: int, width_out: int, *, bound: float | None = None,
               zero_bias: bool = False, rngs: nnx.Rngs):
    """`bound`: of the kernel instead. `zero_bias`: the bias starts as zero."""
    default = 1 / math.sqrt(width_in)
    kernel_init = initial.uniform(default if bound is None else bound)
    self.kernel = nnx.Param(kernel_init(rngs.params(), (width_in, width_out)))
    self.bias = nnx.Param(jnp.zeros(width_out) if zero_bias else
                          initial.uniform(default)(rngs.params(), (width_out,)))

  def __call__(self, x: Array) -> Array:
    """[..., width_in] -> [..., width_out]."""
    return affine.affine(x, self.kernel[...], self.bias[...])
