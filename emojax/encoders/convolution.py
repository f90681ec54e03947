"""A stream as the strongest answers of filters over windows of neighbouring words or frames."""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import embedding, initial
from emojax.ops import masking
from emojax.types import Array, Stream, StreamSpec


class WindowEncoder(nnx.Module):
  """Dropout, filters over windows of several widths, ReLU, the largest answer over time.

  A window counts if one of its positions is real; the others are zeros. So a text that is shorter
  than a window is read too, and padding changes nothing, wherever it stands.
  """

  def __init__(
      self,
      spec: StreamSpec,
      windows: Sequence[int],
      filters: int,
      dropout: float,
      *,
      rngs: nnx.Rngs,
  ):
    """`windows`: widths, in positions; `filters`: how many of each width."""
    if not windows or min(windows) < 1:
      raise ValueError(f'windows={tuple(windows)}: expected widths of one position or more.')
    self.windows = tuple(windows)
    self.vectors = embedding.Embedding(spec, rngs=rngs)
    self.dropout = dropout_lib.Dropout(dropout)

    def parameter(width, *shape):  # uniform as PyTorch's convolutions
      return nnx.Param(initial.uniform(1 / math.sqrt(spec.width * width))(rngs.params(), shape))

    self.kernels = nnx.List([parameter(width, spec.width, width * filters) for width in windows])
    self.biases = nnx.List([parameter(width, filters) for width in windows])

  def __call__(self, stream: Stream) -> Array:
    """[B, T, ...] -> [B, len(windows) * filters], zero without a real position."""
    values = self.dropout(self.vectors(stream))
    found = []
    for width, kernel, bias in zip(self.windows, self.kernels, self.biases):
      # one product at each position for all places that it can have in a window, then a sum
      places = jnp.split(values @ kernel[...], width, axis=-1)
      answers = sum(_windows(place, width, at) for at, place in enumerate(places))
      touched = sum(_windows(stream.mask[..., None], width, at) for at in range(width))[..., 0] > 0
      found.append(masking.largest(nnx.relu(answers + bias[...][None, None]), touched))
    return jnp.concatenate(found, axis=-1)


def _windows(values: Array, width: int, at: int) -> Array:
  """[B, T, D] -> [B, T + width - 1, D]: for each window what stands at its position `at`."""
  return jnp.pad(values, [(0, 0), (width - 1 - at, at), (0, 0)])
