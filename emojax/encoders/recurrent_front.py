"""Two LSTMs over word ids and feature frames: what MAT and MNT begin with.

Source: Delbrouck, Tits, Dupont 2020 (arXiv 2010.02057). There are no positions; what order there is
comes from the LSTMs, which run through the padding on the right.
"""

from collections.abc import Mapping

from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import embedding, recurrent
from emojax.ops import masking
from emojax.types import Stream, StreamSpec


class RecurrentFront(nnx.Module):
  """Embeds words, then reads words and frames, each by an LSTM."""

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      hidden: int,
      dropout: float,
      mask_zero_frames: bool,
      *,
      rngs: nnx.Rngs,
  ):
    """`streams`: 'text' (ids with a vocabulary) and 'audio' (frames); others as in `models.mat`."""
    text, audio = streams['text'], streams['audio']
    self.mask_zero_frames = mask_zero_frames
    self.embedding = nnx.Param(embedding.initial_vectors(text, rngs))
    self.text_dropout = dropout_lib.Dropout(dropout)
    self.audio_dropout = dropout_lib.Dropout(dropout)
    self.text_lstm = recurrent.LSTM(text.width, hidden, rngs=rngs)
    self.audio_lstm = recurrent.LSTM(audio.width, hidden, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> tuple[Stream, Stream]:
    """Text [B, L, H] and audio [B, T, H] with their masks."""
    text, audio = inputs['text'], inputs['audio']
    ids, frames = masking.clear(text.values, text.mask), masking.clear(audio.values, audio.mask)
    audio_mask = audio.mask & (frames != 0).any(-1) if self.mask_zero_frames else audio.mask
    words = self.embedding[...][ids]
    return (Stream(self.text_lstm(self.text_dropout(words)), text.mask),
            Stream(self.audio_lstm(self.audio_dropout(frames)), audio_mask))


# Names of the original's state dict, see `post_norm.FROM_TORCH`.
FROM_TORCH = (
  (r'^embedding\.weight$', 'front.embedding'),
  (r'^lstm_x\.', 'front.text_lstm.'),
  (r'^lstm_y\.', 'front.audio_lstm.'),
  (r'\.weight_ih_l0$', '.weight_input'),
  (r'\.weight_hh_l0$', '.weight_recurrent'),
  (r'\.bias_ih_l0$', '.bias_input'),
  (r'\.bias_hh_l0$', '.bias_recurrent'),
)
