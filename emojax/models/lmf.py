"""LMF, low-rank multimodal fusion: TFN's tensor read by weights of a low rank.

Source: Liu et al., "Efficient Low-rank Multimodal Fusion with Modality-Specific Factors" (ACL 2018,
arXiv 1806.00064), equations 5 to 9; the authors' code, Justin1904/Low-rank-Multimodal-Fusion.
"""

import math
from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import initial, subnet
from emojax.ops import fusion
from emojax.types import Array, ModelOutput, Stream, StreamSpec

PRESETS = {
  # the authors search at random; MMSA's settings for CMU-MOSI
  'published': dict(hidden_text=128, hidden_audio=16, hidden_video=128, text_out=64, rank=3,
                    dropout_text=0.3, dropout_audio=0.3, dropout_video=0.3),
  'tiny': dict(hidden_text=8, hidden_audio=4, hidden_video=5, text_out=4, rank=3,
               dropout_text=0.1, dropout_audio=0.1, dropout_video=0.1),
}


class LowRank(nnx.Module):
  """A linear layer on the tensor of all modalities, see `ops.fusion.low_rank`."""

  def __init__(self, widths: Mapping[str, int], out: int, rank: int, *, rngs: nnx.Rngs):
    """`widths`: modality -> width of its vector, the 1 in front not counted."""
    def xavier(*shape: int) -> nnx.Param:  # of PyTorch: whatever follows the second axis is a field
      field = math.prod(shape[2:])
      deviation = math.sqrt(2 / ((shape[0] + shape[1]) * field))
      return nnx.Param(initial.normal(deviation)(rngs.params(), shape))

    self.factors = nnx.Dict({name: xavier(rank, 1 + width, out) for name, width in widths.items()})
    self.weights = xavier(1, rank)
    self.bias = nnx.Param(jnp.zeros((1, out)))

  def __call__(self, vectors: Mapping[str, Array]) -> Array:
    return fusion.low_rank(
      [fusion.with_one(vectors[name]) for name in self.factors],
      [factor[...] for factor in self.factors.values()], self.weights[...][0], self.bias[...][0])


class Model(nnx.Module):
  """Reads any of text, audio and video; at least one."""

  requires = ()  # of a config; once built, the streams it was built for

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden_text: int = 128,
      hidden_audio: int = 16,
      hidden_video: int = 128,
      text_out: int = 64,
      rank: int = 3,
      dropout_text: float = 0.3,
      dropout_audio: float = 0.3,
      dropout_video: float = 0.3,
      read_padding: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network. Arguments as in `models.tfn`, and one more:

    Args:
      rank: of the weights on the tensor. The outputs are free, and nothing is dropped after the
        sub-networks: the authors' code has a rate for it that it does not use.
    """
    self.subnets = subnet.SubNets(
      streams, dict(text=hidden_text, audio=hidden_audio, video=hidden_video), text_out,
      dict(text=dropout_text, audio=dropout_audio, video=dropout_video), read_padding, rngs=rngs)
    self.requires = self.subnets.modalities
    if rank < 1:
      raise ValueError(f'rank={rank}: expected 1 or more.')
    widths = dict(zip(self.requires, self.subnets.widths))
    self.heads = nnx.Dict({
      name: LowRank(widths, out, rank, rngs=rngs) for name, out in heads.items()})

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    vectors = self.subnets(inputs)
    outputs = {name: head(vectors) for name, head in self.heads.items()}
    return ModelOutput(heads=outputs, features=vectors, aux_loss={})


# The names of the authors' code.
FROM_TORCH = (
  *subnet.FROM_TORCH,
  (r'^(audio|video|text)_factor$', r'heads.{head}.factors.\1'),
  (r'^fusion_(weights|bias)$', r'heads.{head}.\1'),
)
