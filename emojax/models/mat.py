"""MAT, the modulated attention transformer: audio queries attend to text.

Source: Delbrouck, Tits, Dupont, "Modulated Fusion using Transformer for Linguistic-Acoustic Emotion
Recognition" (NLPBT at EMNLP 2020, arXiv 2010.02057), `models/model_MAT.py` of the authors' code.
Two LSTMs read words and log-mel frames; a text encoder of self-attention blocks; audio decoder
blocks attend to the audio, then to the encoded text; both are pooled, summed, normalised and
classified.
"""

from collections.abc import Mapping

from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import linear, post_norm, recurrent_front
from emojax.types import Array, ModelOutput, Stream, StreamSpec

PRESETS = {
  # the README's command for IEMOCAP, the only published sizes
  'published': dict(hidden=512, feed_forward=1024, num_layers=2, num_heads=4,
                    dropout_input=0.0, dropout=0.1, dropout_output=0.5),
  'tiny': dict(hidden=16, feed_forward=24, num_layers=1, num_heads=2,
               dropout_input=0.0, dropout=0.1, dropout_output=0.5),
}


class DecoderBlock(nnx.Module):
  """Attention over itself, attention over the text, MLP; each added and normalised."""

  def __init__(self, shape: post_norm.Shape, length: int, text_length: int, *, rngs: nnx.Rngs):
    self.self_attention = post_norm.Attention(shape, length, rngs=rngs)
    self.after_self = post_norm.Residual(shape)
    self.text_attention = post_norm.Attention(shape, text_length, rngs=rngs)
    self.after_text = post_norm.Residual(shape)
    self.mlp = post_norm.MLP(shape.hidden, shape.feed_forward, shape.hidden, shape.dropout,
                             rngs=rngs)
    self.after_mlp = post_norm.Residual(shape)

  def __call__(self, audio: Array, audio_mask: Array, text: Array, text_mask: Array) -> Array:
    audio = self.after_self(audio, self.self_attention(audio, audio, audio_mask))
    audio = self.after_text(audio, self.text_attention(audio, text, text_mask))
    return self.after_mlp(audio, self.mlp(audio))


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
      rngs: nnx.Rngs,
  ):
    """Builds the network.

    Args:
      streams: 'text' (ids with a vocabulary) and 'audio' (frames).
      heads: head name -> number of classes.
      hidden, feed_forward, num_layers, num_heads: `--hidden_size --ff_size --layer --multi_head`.
      dropout_input, dropout, dropout_output: `--dropout_i --dropout_r --dropout_o`.
      norm: 'torch_std' as the original, or 'standard'.
      empty: what attention gives where no source is real: 'uniform' over all positions, padding
        included, as the original, or 'zero', with which padding never changes a result.
      mask_zero_frames: the original masks by value, so that a frame of zeros inside an utterance
        counts as padding; False trusts the mask alone.
    """
    text, audio = streams['text'], streams['audio']
    shape = post_norm.Shape(hidden, feed_forward, num_heads, dropout, norm, empty)
    self.front = recurrent_front.RecurrentFront(
      streams, hidden, dropout_input, mask_zero_frames, rngs=rngs)
    self.encoder = nnx.List([
      post_norm.SelfAttentionBlock(shape, text.length, rngs=rngs) for _ in range(num_layers)])
    self.decoder = nnx.List([
      DecoderBlock(shape, audio.length, text.length, rngs=rngs) for _ in range(num_layers)])
    self.text_pool = post_norm.AttentionPool(shape, 2 * hidden, rngs=rngs)
    self.audio_pool = post_norm.AttentionPool(shape, 2 * hidden, rngs=rngs)
    self.norm = post_norm.Norm(2 * hidden, shape)
    self.dropout = dropout_lib.Dropout(dropout_output)
    self.heads = nnx.Dict({
      name: linear.Linear(2 * hidden, width, rngs=rngs) for name, width in heads.items()})

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    words, frames = self.front(inputs)
    text, audio = words.values, frames.values
    for block in self.encoder:
      text = block(text, words.mask)
    for block in self.decoder:
      audio = block(audio, frames.mask, text, words.mask)

    text_vector, text_weights = self.text_pool(text, words.mask)
    audio_vector, audio_weights = self.audio_pool(audio, frames.mask)
    fused = self.norm(text_vector + audio_vector)
    dropped = self.dropout(fused, time=0)
    return ModelOutput(
      heads={name: head(dropped) for name, head in self.heads.items()},
      features={'fused': fused, 'text_weights': text_weights, 'audio_weights': audio_weights},
      aux_loss={})


# The names of the original's state dict, see `post_norm.FROM_TORCH`.
FROM_TORCH = (
  (r'^backbone\.', ''),
  (r'^(dec_list\.\d+)\.mhatt1\.', r'\1.self_attention.'),
  (r'^(dec_list\.\d+)\.mhatt2\.', r'\1.text_attention.'),
  (r'^(dec_list\.\d+)\.norm1\.', r'\1.after_self.norm.'),
  (r'^(dec_list\.\d+)\.norm2\.', r'\1.after_text.norm.'),
  (r'^(dec_list\.\d+)\.norm3\.', r'\1.after_mlp.norm.'),
  *recurrent_front.FROM_TORCH,
  *post_norm.FROM_TORCH,
)
