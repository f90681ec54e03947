"""ARE, the audio recurrent encoder: a GRU over MFCC frames, its last state beside prosody, linear.

Source: Yoon, Byun, Jung, "Multimodal Speech Emotion Recognition Using Audio and Text" (SLT 2018,
arXiv 1810.04635), `SingleEncoderModelAudio` of the authors' code.
"""

from collections.abc import Mapping

from flax import nnx

from emojax.encoders import gru_encoder, tf_readout
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  'published': dict(hidden=200, num_layers=1, dropout=0.3),  # reference_script.sh
  'tiny': dict(hidden=8, num_layers=1, dropout=0.1),
}


class Model(nnx.Module):
  """Reads feature frames and a vector of prosody."""

  requires = ('audio', 'prosody')

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden: int = 200,
      num_layers: int = 1,
      dropout: float = 0.3,
      shared_bias: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network.

    Args:
      streams: 'audio' (frames) and 'prosody' (one frame).
      heads: head name -> number of classes.
      hidden, num_layers: `--hidden_dim --num_layer`.
      dropout: 1 - `--dr`; of the inputs and outputs of each layer.
      shared_bias: all classes share one bias, as the original; False: each has its own.
    """
    self.sound = gru_encoder.SoundEncoder(streams, hidden, num_layers, dropout, rngs=rngs)
    self.readout = tf_readout.Readout(self.sound.width, heads, shared_bias=shared_bias, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    fused = self.sound(inputs)
    return ModelOutput(heads=self.readout(fused), features={'fused': fused}, aux_loss={})


# The names of the original's variables.
FROM_TF = (
  (r'^audio_output_layer/', 'readout.heads.{head}/'),
  *tf_readout.FROM_TF,
  *gru_encoder.FROM_TF,
)
