"""Linear layers that start as PyTorch's do."""

import math

from flax import nnx

from emojax.encoders import initial
from emojax.ops import affine
from emojax.types import Array


class Linear(nnx.Module):
  """x @ kernel + bias, both uniform within 1 / sqrt(width_in), PyTorch's default."""

  def __init__(self, width_in: int, width_out: int, *, rngs: nnx.Rngs):
    init = initial.uniform(1 / math.sqrt(width_in))
    self.kernel = nnx.Param(init(rngs.params(), (width_in, width_out)))
    self.bias = nnx.Param(init(rngs.params(), (width_out,)))

  def __call__(self, x: Array) -> Array:
    """[..., width_in] -> [..., width_out]."""
    return affine.affine(x, self.kernel[...], self.bias[...])
