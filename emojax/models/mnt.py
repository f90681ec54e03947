"""MNT, the modulated norm transformer: the text shifts and scales the norms of the audio's blocks.

Source: Delbrouck, Tits, Dupont, "Modulated Fusion using Transformer for Linguistic-Acoustic Emotion
Recognition" (NLPBT at EMNLP 2020, arXiv 2010.02057), `models/model_MNT.py` of the authors' code.
Two LSTMs read words and log-mel frames; a text encoder of self-attention blocks is pooled into one
vector; a linear layer of it gives an offset to scale and shift of every layer norm in the audio's
self-attention blocks; both pooled vectors are summed, normalised and classified.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import linear, post_norm, recurrent_front
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  # the README's command names these sizes for MAT; none were published for MNT
  'published': dict(hidden=512, feed_forward=1024, num_layers=2, num_heads=4,
                    dropout_input=0.0, dropout=0.1, dropout_output=0.5),
  'tiny': dict(hidden=16, feed_forward=24, num_layers=1, num_heads=2,
               dropout_input=0.0, dropout=0.1, dropout_output=0.5),
}


class Model(nnx.Module):
  """Reads word ids and log-mel frames."""

  requires = ('text', 'audio')

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden: int = 512,
      feed_forward: int = 1024,
      num_layers: int = 2,
      num_heads: int = 4,
      dropout_input: float = 0.0,
      dropout: float = 0.1,
      dropout_output: float = 0.5,
      norm: str = 'torch_std',
      empty: str = 'uniform',
      mask_zero_frames: bool = True,
      condition: str = 'relu',
      rngs: nnx.Rngs,
  ):
    """Builds the network. Arguments as in `models.mat`, and one more:

    Args:
      condition: 'relu' as the original, whose text can therefore only raise scales and shifts; or
        'linear', which can lower them too.
    """
    if condition not in ('relu', 'linear'):
      raise ValueError(f"condition={condition!r}; there are: 'relu', 'linear'.")
    text, audio = streams['text'], streams['audio']
    shape = post_norm.Shape(hidden, feed_forward, num_heads, dropout, norm, empty)
    self.front = recurrent_front.RecurrentFront(
      streams, hidden, dropout_input, mask_zero_frames, rngs=rngs)
    self.encoder = nnx.List([
      post_norm.SelfAttentionBlock(shape, text.length, rngs=rngs) for _ in range(num_layers)])
    self.text_pool = post_norm.AttentionPool(shape, hidden, rngs=rngs)
    self.condition = linear.Linear(hidden, 4 * hidden * num_layers, rngs=rngs)
    self.rectified = condition == 'relu'
    self.decoder = nnx.List([
      post_norm.SelfAttentionBlock(shape, audio.length, rngs=rngs) for _ in range(num_layers)])
    self.audio_pool = post_norm.AttentionPool(shape, hidden, rngs=rngs)
    self.norm = post_norm.Norm(hidden, shape)
    self.dropout = dropout_lib.Dropout(dropout_output)
    self.heads = nnx.Dict({
      name: linear.Linear(hidden, width, rngs=rngs) for name, width in heads.items()})

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    words, frames = self.front(inputs)
    text, audio = words.values, frames.values
    for block in self.encoder:
      text = block(text, words.mask)
    text_vector, text_weights = self.text_pool(text, words.mask)

    modulation = self.condition(text_vector)
    if self.rectified:
      modulation = nnx.relu(modulation)
    for block, part in zip(self.decoder, jnp.split(modulation, len(self.decoder), axis=-1)):
      audio = block(audio, frames.mask, part)
    audio_vector, audio_weights = self.audio_pool(audio, frames.mask)

    fused = self.norm(text_vector + audio_vector)
    dropped = self.dropout(fused, time=0)
    return ModelOutput(
      heads={name: head(dropped) for name, head in self.heads.items()},
      features={'fused': fused, 'text_weights': text_weights, 'audio_weights': audio_weights},
      aux_loss={})


# The names of the original's state dict, see `post_norm.FROM_TORCH`.
FROM_TORCH = (
  (r'^fc\.linear\.', 'condition.'),
  *recurrent_front.FROM_TORCH,
  *post_norm.FROM_TORCH,
)
