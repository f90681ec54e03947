"""Raw samples of sound as a few vectors a second: convolution, pooling and ReLU, twice.

Source: Gustavo Cid Ornelas, "fused-multimodal-emotion" (ETH Zurich, 2019), `AudioModel` of the
author's code. Pooling comes before bias and ReLU here: the answer is the same for less work.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from emojax.encoders import initial
from emojax.ops import affine, conv_pool, masking, padding
from emojax.types import Array, Stream, StreamSpec


class ConvPool(nnx.Module):
  """Convolution with stride 1, the largest of each `pool` outputs, bias, ReLU."""

  def __init__(self, width: int, filters: int, taps: int, pool: int, *, rngs: nnx.Rngs):
    bound = math.sqrt(6 / (taps * (width + filters)))  # Glorot's, TensorFlow's default
    self.kernel = nnx.Param(initial.uniform(bound)(rngs.params(), (taps, width, filters)))
    self.bias = nnx.Param(jnp.zeros(filters))
    self.pool = pool

  def __call__(self, x: Array) -> Array:
    """[B, T, D] -> [B, T // pool, filters]."""
    largest = conv_pool.conv_pool(x, self.kernel[...], self.pool)
    return jax.nn.relu(largest + affine.spread(self.bias[...], largest.shape[:2]))


class Waveform(nnx.Module):
  """Stages of `ConvPool`."""

  def __init__(
      self,
      audio: StreamSpec,
      filters: Sequence[int],
      kernels: Sequence[int],
      pools: Sequence[int],
      read_padding: bool,
      *,
      rngs: nnx.Rngs,
  ):
    """Builds the stages.

    Args:
      filters, kernels, pools: of each stage, how many filters, their samples, samples to a frame.
      read_padding: every batch is as long as the stream can be and all its frames are real; False:
        a frame is real if any of its samples is, and others are zero.

    Raises:
      ValueError: if these are not equally many, or if no frame fits into the stream.
    """
    if not len(filters) == len(kernels) == len(pools) > 0:
      raise ValueError(f'filters={tuple(filters)}, kernels={tuple(kernels)}, pools={tuple(pools)}: '
                       'expected one number in each for every stage, and a stage at least.')
    if min(*filters, *kernels, *pools) < 1:
      raise ValueError(f'filters={tuple(filters)}, kernels={tuple(kernels)}, pools={tuple(pools)}: '
                       'expected numbers from 1.')
    if audio.length < math.prod(pools):
      raise ValueError(
        f'a stream of up to {audio.length} samples gives no frame: pools={tuple(pools)} make one '
        f'of {math.prod(pools)} samples; lower pools, or lengthen the stream.')
    self.length, self.read_padding = audio.length, read_padding
    widths = (audio.width, *filters[:-1])
    self.stages = nnx.List([
      ConvPool(*sizes, rngs=rngs) for sizes in zip(widths, filters, kernels, pools)])

  def __call__(self, audio: Stream) -> Stream:
    """Samples [B, T, D] -> frames [B, T', F], T' = T // pools[0] // pools[1]."""
    audio = padding.to_length(audio, self._padded(audio.mask.shape[1]))
    x, mask = audio.values, audio.mask
    for stage in self.stages:
      x = stage(x)
      mask = mask[:, :x.shape[1] * stage.pool].reshape(*x.shape[:2], stage.pool).any(-1)
      if not self.read_padding:
        x = masking.clear(x, mask)
    return Stream(x, jnp.ones_like(mask) if self.read_padding else mask)

  def _padded(self, length: int) -> int:
    """How long a batch is made: whole frames, so that padding it further adds unreal ones alone."""
    if self.read_padding:
      return self.length
    frame = math.prod(stage.pool for stage in self.stages)
    return min(-(-length // frame) * frame, self.length)


# Names of the original's variables: TensorFlow counts its layers from the second.
FROM_TF = (
  (r'^conv1d/', 'audio.waveform.stages.0.'),
  (r'^conv1d_(\d+)/', r'audio.waveform.stages.\1.'),
)
