"""TFN, the tensor fusion network: every product of one, two and three modalities is read at once.

Source: Zadeh et al., "Tensor Fusion Network for Multimodal Sentiment Analysis" (EMNLP 2017, arXiv
1707.07250); the authors' PyTorch port, Justin1904/TensorFusionNetworks. The tensor is made only to
drop entries of it, see `ops.fusion.linear`.
"""

import math
from collections.abc import Mapping, Sequence

import jax
from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import linear, subnet
from emojax.ops import fusion
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  # the authors' port
  'published': dict(hidden_text=128, hidden_audio=4, hidden_video=16, text_out=64, post_fusion=32,
                    dropout_text=0.3, dropout_audio=0.3, dropout_video=0.3, dropout_post=0.3),
  'tiny': dict(hidden_text=8, hidden_audio=4, hidden_video=5, text_out=6, post_fusion=7,
               dropout_text=0.1, dropout_audio=0.1, dropout_video=0.1, dropout_post=0.1),
}


class Model(nnx.Module):
  """Reads any of text, audio and video; at least one."""

  requires = ()  # of a config; once built, the streams it was built for

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden_text: int = 128,
      hidden_audio: int = 4,
      hidden_video: int = 16,
      text_out: int = 64,
      post_fusion: int = 32,
      dropout_text: float = 0.3,
      dropout_audio: float = 0.3,
      dropout_video: float = 0.3,
      dropout_post: float = 0.3,
      bounds: Mapping[str, Sequence[float]] | None = None,
      read_padding: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network.

    Args:
      streams: of 'text', 'audio', 'video'; ids with a vocabulary or frames.
      heads: head name -> output width.
      hidden_text: width of the LSTM. hidden_audio, hidden_video: of what these become.
      text_out: width of what text becomes.
      post_fusion: width of the two layers after the tensor.
      dropout_text, dropout_audio, dropout_video: inside the sub-networks.
      dropout_post: of the tensor's entries. With a rate the tensor is made, while training.
      bounds: head -> (low, high), between which a sigmoid holds its outputs; others are free.
      read_padding: zeros of the padding are read, as by the authors, see `encoders.subnet`.
    """
    self.subnets = subnet.SubNets(
      streams, dict(text=hidden_text, audio=hidden_audio, video=hidden_video), text_out,
      dict(text=dropout_text, audio=dropout_audio, video=dropout_video), read_padding, rngs=rngs)
    self.requires = self.subnets.modalities
    width = math.prod(1 + width for width in self.subnets.widths)
    self.dropout = dropout_lib.Dropout(dropout_post)
    self.fused = linear.Linear(width, post_fusion, rngs=rngs)
    self.after = linear.Linear(post_fusion, post_fusion, rngs=rngs)
    self.heads = nnx.Dict({
      name: linear.Linear(post_fusion, out, rngs=rngs) for name, out in heads.items()})
    self.bounds = tuple((name, tuple(ends)) for name, ends in (bounds or {}).items())
    unknown = sorted({name for name, _ in self.bounds} - set(heads))
    if unknown:
      raise ValueError(f'bounds names the heads {unknown}; there are: {", ".join(heads)}.')

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    vectors = self.subnets(inputs)
    with_ones = [fusion.with_one(vectors[name]) for name in self.requires]
    if self.dropout.drops:
      fused = self.fused(self.dropout(fusion.tensor(with_ones), time=0))
    else:
      fused = fusion.linear(with_ones, self.fused.kernel[...], self.fused.bias[...])
    fused = nnx.relu(self.after(nnx.relu(fused)))
    outputs = {name: head(fused) for name, head in self.heads.items()}
    for name, (low, high) in self.bounds:
      outputs[name] = low + (high - low) * jax.nn.sigmoid(outputs[name])
    return ModelOutput(heads=outputs, features={**vectors, 'fused': fused}, aux_loss={})


# The names of the authors' code; its constants `output_range` and `output_shift` are `bounds` here.
FROM_TORCH = (
  *subnet.FROM_TORCH,
  (r'^post_fusion_layer_1\.', 'fused.'),
  (r'^post_fusion_layer_2\.', 'after.'),
  (r'^post_fusion_layer_3\.', 'heads.{head}.'),
)
