"""Linear layers that start as PyTorch's do."""

import itertools
import math

import jax.numpy as jnp
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


def side_by_side(x: Array, *layers: Linear) -> list[Array]:
  """What each layer makes of `x`, as one product: wide matrices multiply faster than narrow."""
  kernel = jnp.concatenate([layer.kernel[...] for layer in layers], axis=1)
  bias = jnp.concatenate([layer.bias[...] for layer in layers])
  ends = itertools.accumulate(layer.bias.shape[0] for layer in layers[:-1])
  return jnp.split(affine.affine(x, kernel, bias), list(ends), axis=-1)
