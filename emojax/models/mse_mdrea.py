"""MDREA: MDRE with attention, in which what was heard asks what was said.

Source: Yoon, Byun, Jung, "Multimodal Speech Emotion Recognition Using Audio and Text" (SLT 2018,
arXiv 1810.04635), `SingleEncoderModelMultiAttn` of the authors' code, with its later mask.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import gru_encoder, tf_readout
from emojax.ops import masking
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  # reference_script.sh
  'published': dict(hidden_audio=200, hidden_text=200, num_layers_audio=1, num_layers_text=1,
                    dropout_audio=0.3, dropout_text=0.7),
  'tiny': dict(hidden_audio=6, hidden_text=8, num_layers_audio=1, num_layers_text=1,
               dropout_audio=0.1, dropout_text=0.1),
}


class Model(nnx.Module):
  """Reads feature frames, a vector of prosody and word ids."""

  requires = ('text', 'audio', 'prosody')

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden_audio: int = 200,
      hidden_text: int = 200,
      num_layers_audio: int = 1,
      num_layers_text: int = 1,
      dropout_audio: float = 0.3,
      dropout_text: float = 0.7,
      shared_bias: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network. Arguments as in `models.mse_mdre`."""
    self.sound = gru_encoder.SoundEncoder(
      streams, hidden_audio, num_layers_audio, dropout_audio, rngs=rngs)
    self.text = gru_encoder.GRUEncoder(
      streams['text'], hidden_text, num_layers_text, dropout_text, rngs=rngs)
    self.query = tf_readout.Projection(
      self.sound.width, hidden_text, shared_bias=shared_bias, rngs=rngs)
    self.readout = tf_readout.Readout(2 * hidden_text, heads, shared_bias=shared_bias, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    words, _ = self.text(inputs['text'])
    query = self.query(self.sound(inputs))
    attention = masking.softmax(jnp.einsum('BTD,BD->BT', words, query), inputs['text'].mask)
    fused = jnp.concatenate([jnp.einsum('BT,BTD->BD', attention, words), query], axis=-1)
    return ModelOutput(heads=self.readout(fused),
                       features={'fused': fused, 'attention': attention}, aux_loss={})


# The names of the original's variables.
FROM_TF = (
  (r'^attn_projection_helper$', 'query.kernel'),
  (r'^attn_bias$', 'query.bias'),
  (r'^multi_output_layer/', 'readout.heads.{head}/'),
  *tf_readout.FROM_TF,
  *gru_encoder.FROM_TF,
)
