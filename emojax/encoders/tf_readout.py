"""Linear layers as MDRE and its descendants end with: all outputs share one number as their bias.

Source: Yoon, Byun, Jung, "Multimodal Speech Emotion Recognition Using Audio and Text" (SLT 2018,
arXiv 1810.04635), the authors' code.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import initial
from emojax.ops import affine
from emojax.types import Array


class Projection(nnx.Module):
  """x @ kernel + bias, the kernel uniform within 1 / 4, the bias zero."""

  def __init__(
      self, width_in: int, width_out: int, *, shared_bias: bool = True, rngs: nnx.Rngs):
    """`shared_bias`: one number for all outputs, as the original; False: one for each."""
    self.kernel = nnx.Param(initial.uniform(1 / 4)(rngs.params(), (width_in, width_out)))
    self.bias = nnx.Param(jnp.zeros(1 if shared_bias else width_out))

  def __call__(self, x: Array) -> Array:
    """[..., width_in] -> [..., width_out]."""
    kernel = self.kernel[...]
    return affine.affine(x, kernel, jnp.broadcast_to(self.bias[...], kernel.shape[1:]))


class Readout(nnx.Module):
  """One linear layer per head."""

  def __init__(
      self,
      width: int,
      heads: Mapping[str, int],
      *,
      shared_bias: bool = True,
      rngs: nnx.Rngs,
  ):
    """`heads`: head name -> output width."""
    self.heads = nnx.Dict({
      name: Projection(width, out, shared_bias=shared_bias, rngs=rngs)
      for name, out in heads.items()})

  def __call__(self, x: Array) -> dict[str, Array]:
    """[B, width] -> head name -> [B, K]."""
    return {name: head(x) for name, head in self.heads.items()}


# Names of the original's variables, after the path of a projection.
FROM_TF = (
  (r'/(similarity_matrix|W)$', '.kernel'),
  (r'/(output_bias|b)$', '.bias'),
)
