"""FME's multimodal model without attention: the text's GRU starts from the audio's last output.

Source: Gustavo Cid Ornelas, "fused-multimodal-emotion" (ETH Zurich, 2019), `train_multimodal.py`
and `TextModel` of the author's code, as they are meant: there the audio model's trained weights are
overwritten by random ones, and its output is not read.
"""

from collections.abc import Mapping, Sequence

import jax
from flax import nnx

from emojax.encoders import fme, tf_readout
from emojax.ops import masking
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  'published': dict(hidden_audio=200, hidden_text=200, num_layers_audio=1, filters=(25, 50),
                    kernels=(25, 5), pools=(50, 50), dropout_audio=0.45, dropout_text=0.45),
  'tiny': dict(hidden_audio=8, hidden_text=8, num_layers_audio=1, filters=(3, 4), kernels=(5, 3),
               pools=(50, 10), dropout_audio=0.1, dropout_text=0.1),
}


class Model(nnx.Module):
  """Reads word ids and samples of sound."""

  requires = ('text', 'audio')

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden_audio: int = 200,
      hidden_text: int = 200,
      num_layers_audio: int = 1,
      filters: Sequence[int] = (25, 50),
      kernels: Sequence[int] = (25, 5),
      pools: Sequence[int] = (50, 50),
      dropout_audio: float = 0.45,
      dropout_text: float = 0.45,
      freeze_audio: bool = True,
      read_padding: bool = True,
      shared_bias: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network. Arguments as in `models.fme_text` and `models.fme_audio`, and:

    Args:
      hidden_audio, hidden_text: must be equal.
      freeze_audio: the audio's part, loaded from a trained `fme_audio`, gets no gradient.
    """
    fme.check_equal(hidden_audio, hidden_text)
    self.audio = fme.Sound(streams['audio'], hidden_audio, num_layers_audio, filters, kernels,
                           pools, dropout_audio, read_padding, rngs=rngs)
    self.text = fme.Text(streams['text'], hidden_text, dropout_text, read_padding, rngs=rngs)
    self.readout = tf_readout.Readout(hidden_text, heads, shared_bias=shared_bias, rngs=rngs)
    self.freeze_audio = freeze_audio

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    sound = self.audio(inputs['audio'])
    heard = masking.last(sound.values, sound.mask)
    if self.freeze_audio:
      heard = jax.lax.stop_gradient(heard)
    fused = self.text.last(inputs['text'], heard)
    return ModelOutput(heads=self.readout(fused), features={'fused': fused}, aux_loss={})


# The names of the variables of the original's text model; the audio's come from `fme_audio`.
FROM_TF = ((r'^rnn/', 'text.stack.'), *fme.FROM_TF)
