"""LF-Transformer (LF-TRANS): a transformer reads each modality; their logits are joined.

Source: the baseline of Dai et al., "Multimodal End-to-End Sparse Model for Emotion Recognition"
(NAACL 2021, arXiv 2103.09666), `lf_transformer` of the authors' code. A transformer is as wide as
its input.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import cls_transformer, embedding, modalities, post_norm, weighted_logits
from emojax.ops import masking
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  'published': dict(num_layers=2, feed_forward=2048, num_heads_text=4, num_heads_audio=2,
                    num_heads_video=5, dropout=0.1),
  'tiny': dict(num_layers=2, feed_forward=16, num_heads_text=1, num_heads_audio=1,
               num_heads_video=1, dropout=0.1),
}


class Model(nnx.Module):
  """Reads any of text, audio and video; at least one."""

  requires = ()  # of a config; once built, the streams it was built for

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      num_layers: int = 2,
      feed_forward: int = 2048,
      num_heads_text: int = 4,
      num_heads_audio: int = 2,
      num_heads_video: int = 5,
      dropout: float = 0.1,
      read_padding: bool = True,
      identical_layers: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network.

    Args:
      streams: of 'text', 'audio', 'video'; frames, or ids with a vocabulary.
      heads: head name -> output width.
      num_layers: `--trans-nlayers`, of every modality. feed_forward: width of their MLPs.
      num_heads_text, num_heads_audio, num_heads_video: of attention; each divides its stream's
        width.
      dropout: on attention weights, on residual branches and inside every MLP.
      read_padding: of text, zeros up to the longest of a batch are attended to, as in the
        original, and a modality that is absent decides by its learned vector alone. False: real
        words alone are read, and what is absent adds nothing.
      identical_layers: all layers of a modality start as copies of one, as in the original.
    """
    self.requires = modalities.there(streams)
    num_heads = dict(text=num_heads_text, audio=num_heads_audio, video=num_heads_video)
    self.vectors = nnx.Dict({
      name: embedding.Embedding(streams[name], rngs=rngs) for name in self.requires})
    self.transformers = nnx.Dict()
    for name in self.requires:
      if streams[name].width % num_heads[name]:
        raise ValueError(f'num_heads_{name}={num_heads[name]} does not divide the width '
                         f'{streams[name].width} of stream {name}; choose another number of heads.')
      shape = post_norm.Shape(streams[name].width, feed_forward, num_heads[name], dropout, 'torch')
      self.transformers[name] = cls_transformer.ClsTransformer(
        shape, num_layers, streams[name].length, identical_layers, rngs=rngs)
    self.readout = weighted_logits.WeightedLogits(
      {name: (streams[name].width, streams[name].width // 2) for name in self.requires}, heads,
      rngs=rngs)
    self.read_padding = read_padding

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    vectors, there = {}, {}
    for name in self.requires:
      stream = masking.close_up(inputs[name]) if self.read_padding else inputs[name]
      mask, frames = stream.mask, self.vectors[name](stream)
      there[name] = mask.any(1) | self.read_padding
      if name == 'text' and self.read_padding:
        mask = jnp.broadcast_to(jnp.arange(mask.shape[1]) < mask.sum(1).max(), mask.shape)
      vectors[name] = self.transformers[name](frames, mask)
    return self.readout(vectors, there)


# The names of the authors' code.
FROM_TORCH = (*cls_transformer.FROM_TORCH, *weighted_logits.FROM_TORCH)
