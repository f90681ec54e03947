"""What FME's models are made of: GRUs over sound and over words, which may start from any state.

Source: Gustavo Cid Ornelas, "fused-multimodal-emotion" (ETH Zurich, 2019), the author's code. It
has no lengths: its GRUs run through padding until a stream's full length, where the word is 0.
"""

from collections.abc import Sequence

from flax import nnx

from emojax.encoders import embedding, recurrent, tf_readout, waveform
from emojax.ops import masking, padding
from emojax.types import Array, Stream, StreamSpec

DEVIATION = 0.01  # of words without pretrained vectors, as the original's


class Sound(nnx.Module):
  """Samples become frames by convolution; a stack of GRUs reads them."""

  def __init__(
      self,
      audio: StreamSpec,
      hidden: int,
      num_layers: int,
      filters: Sequence[int],
      kernels: Sequence[int],
      pools: Sequence[int],
      dropout: float,
      read_padding: bool,
      *,
      rngs: nnx.Rngs,
  ):
    """Arguments as in `models.fme_audio`."""
    self.waveform = waveform.Waveform(audio, filters, kernels, pools, read_padding, rngs=rngs)
    self.stack = recurrent.GRUStack(
      filters[-1], hidden, num_layers, dropout, dropout, kernel='glorot', rngs=rngs)
    self.read_padding = read_padding

  def __call__(self, audio: Stream) -> Stream:
    """[B, T, D] -> [B, T', H], outputs with dropout; zero where nothing is real."""
    frames = self.waveform(audio)
    outputs, _ = self.stack(frames.values, self._mask(frames))
    return Stream(outputs, frames.mask)

  def last(self, audio: Stream) -> Array:
    """[B, H], the state after the last frame; zero if none is real."""
    frames = self.waveform(audio)
    return self.stack.last(frames.values, self._mask(frames))

  def _mask(self, frames: Stream) -> Array | None:
    return None if self.read_padding else frames.mask


class Text(nnx.Module):
  """Words are looked up; one GRU reads them."""

  def __init__(
      self, text: StreamSpec, hidden: int, dropout: float, read_padding: bool, *, rngs: nnx.Rngs):
    """Arguments as in `models.fme_text`."""
    self.embedding = nnx.Param(embedding.initial_vectors(text, rngs, DEVIATION))
    self.stack = recurrent.GRUStack(
      text.width, hidden, 1, dropout, dropout, kernel='glorot', rngs=rngs)
    self.length, self.read_padding = text.length, read_padding

  def last(self, text: Stream, initial: Array | None = None) -> Array:
    """[B, H], the state after the last word; `initial` [B, H] (None: zeros) if none is real."""
    return self.stack.last(*self.words(text), initial)

  def words(self, text: Stream) -> tuple[Array, Array | None]:
    """Ids [B, T] -> vectors [B, T, D] and which are real; None: all, those of padding too."""
    if self.read_padding:
      text = padding.to_length(text, self.length)
      return self.embedding[...][text.values], None
    return self.embedding[...][masking.clear(text.values, text.mask)], text.mask


def check_equal(hidden_audio: int, hidden_text: int) -> None:
  """Refuses states of different widths where one starts from the other."""
  if hidden_audio != hidden_text:
    raise ValueError(f'hidden_audio={hidden_audio} and hidden_text={hidden_text}: the text starts '
                     "from the audio's last output, so that both must be equal.")


# Names of the original's variables; a model says first which of its parts `rnn/` is.
FROM_TF = (
  (r'^embedding_layer/embed_matrix$', 'text.embedding'),
  (r'^output_layer/', 'readout.heads.{head}/'),
  *tf_readout.FROM_TF,
  *recurrent.FROM_TF,
  *waveform.FROM_TF,
)
