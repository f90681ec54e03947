"""A stream as what a stack of GRUs makes of it, and an utterance's sound as one vector.

Source: Yoon, Byun, Jung, "Multimodal Speech Emotion Recognition Using Audio and Text" (SLT 2018,
arXiv 1810.04635), the authors' code: `dynamic_rnn` with lengths. States are copied through where
nothing is real, so padding may stand before, behind or between what is.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import embedding, recurrent
from emojax.ops import masking
from emojax.types import Array, Stream, StreamSpec

DEVIATION = 0.01  # of words without pretrained vectors, as the original's


class GRUEncoder(nnx.Module):
  """Words are looked up, then a stack of GRUs reads words or frames."""

  def __init__(
      self, spec: StreamSpec, hidden: int, num_layers: int, dropout: float, *, rngs: nnx.Rngs):
    """`dropout`: of every layer's inputs and of its outputs; 1 - `dr`, which is what is kept."""
    self.vectors = embedding.Embedding(spec, deviation=DEVIATION, rngs=rngs)
    self.stack = recurrent.GRUStack(
      spec.width, hidden, num_layers, dropout, dropout, kernel='orthogonal', rngs=rngs)

  def __call__(self, stream: Stream) -> tuple[Array, Array]:
    """[B, T, ...] -> outputs [B, T, H], zero where nothing is real, and the last state [B, H]."""
    return self.stack(self.vectors(stream), stream.mask)

  def last(self, stream: Stream) -> Array:
    """The last state alone, for less time; zero without a real frame."""
    return self.stack.last(self.vectors(stream), stream.mask)


class SoundEncoder(nnx.Module):
  """The last state over feature frames, beside one vector of prosody."""

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      hidden: int,
      num_layers: int,
      dropout: float,
      *,
      rngs: nnx.Rngs,
  ):
    """`streams`: 'audio' (frames) and 'prosody' (a vector, that is one frame)."""
    prosody = streams['prosody']
    if prosody.length != 1:
      raise ValueError(f"stream 'prosody' is up to {prosody.length} frames long; expected one "
                       'vector for an utterance, that is length 1.')
    self.frames = GRUEncoder(streams['audio'], hidden, num_layers, dropout, rngs=rngs)
    self.width = hidden + prosody.width

  def __call__(self, inputs: Mapping[str, Stream]) -> Array:
    """[B, H + prosody's width]; zeros in the place of either that is absent."""
    prosody = inputs['prosody']
    vector = masking.clear(prosody.values, prosody.mask)[:, 0]
    state = self.frames.last(inputs['audio'])
    return jnp.concatenate([state, vector.astype(state.dtype)], axis=-1)


# Names of the originals' variables.
FROM_TF = (
  (r'^audio_GRU/rnn/', 'sound.frames.stack.'),
  (r'^text_GRU/rnn/', 'text.stack.'),
  (r'^embed_layer/embed_matrix$', 'text.vectors.embedding'),
  *recurrent.FROM_TF,
)
