"""TRE, the text recurrent encoder: a GRU over words, its last state, linear.

Source: Yoon, Byun, Jung, "Multimodal Speech Emotion Recognition Using Audio and Text" (SLT 2018,
arXiv 1810.04635), `SingleEncoderModelText` of the authors' code.
"""

from collections.abc import Mapping

from flax import nnx

from emojax.encoders import gru_encoder, tf_readout
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  'published': dict(hidden=200, num_layers=1, dropout=0.7),  # reference_script.sh
  'tiny': dict(hidden=8, num_layers=2, dropout=0.1),
}


class Model(nnx.Module):
  """Reads word ids."""

  requires = ('text',)

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden: int = 200,
      num_layers: int = 1,
      dropout: float = 0.7,
      shared_bias: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network. Arguments as in `models.mse_are`, but:

    Args:
      streams: 'text' (ids with a vocabulary).
    """
    self.text = gru_encoder.GRUEncoder(streams['text'], hidden, num_layers, dropout, rngs=rngs)
    self.readout = tf_readout.Readout(hidden, heads, shared_bias=shared_bias, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    fused = self.text.last(inputs['text'])
    return ModelOutput(heads=self.readout(fused), features={'fused': fused}, aux_loss={})


# The names of the original's variables.
FROM_TF = (
  (r'^text_output_layer/', 'readout.heads.{head}/'),
  *tf_readout.FROM_TF,
  *gru_encoder.FROM_TF,
)
