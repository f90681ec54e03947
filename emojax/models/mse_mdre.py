"""MDRE, the multimodal dual recurrent encoder: two GRUs, each vector halved, then concatenated.

Source: Yoon, Byun, Jung, "Multimodal Speech Emotion Recognition Using Audio and Text" (SLT 2018,
arXiv 1810.04635), `SingleEncoderModelMulti` of the authors' code. ARE's and TRE's vectors meet;
nothing stands between the projections that halve them and the readout.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import gru_encoder, tf_readout
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  # reference_script.sh
  'published': dict(hidden_audio=200, hidden_text=200, num_layers_audio=1, num_layers_text=1,
                    dropout_audio=0.3, dropout_text=0.7),
  'tiny': dict(hidden_audio=6, hidden_text=8, num_layers_audio=1, num_layers_text=2,
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
    """Builds the network.

    Args:
      streams: 'text' (ids with a vocabulary), 'audio' (frames) and 'prosody' (one frame).
      heads: head name -> number of classes.
      hidden_audio, hidden_text: `--hidden_dim_audio --hidden_dim_text`.
      num_layers_audio, num_layers_text: `--num_layer_audio --num_layer_text`.
      dropout_audio, dropout_text: 1 - `--dr_audio`, 1 - `--dr_text`; of the inputs and outputs of
        each layer.
      shared_bias: the outputs of a layer share one bias, as in the original; False: each has its
        own.
    """
    self.sound = gru_encoder.SoundEncoder(
      streams, hidden_audio, num_layers_audio, dropout_audio, rngs=rngs)
    self.text = gru_encoder.GRUEncoder(
      streams['text'], hidden_text, num_layers_text, dropout_text, rngs=rngs)
    halves = self.sound.width // 2, hidden_text // 2
    self.sound_half = tf_readout.Projection(
      self.sound.width, halves[0], shared_bias=shared_bias, rngs=rngs)
    self.text_half = tf_readout.Projection(
      hidden_text, halves[1], shared_bias=shared_bias, rngs=rngs)
    self.readout = tf_readout.Readout(sum(halves), heads, shared_bias=shared_bias, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    fused = jnp.concatenate([self.sound_half(self.sound(inputs)),
                             self.text_half(self.text.last(inputs['text']))], axis=-1)
    return ModelOutput(heads=self.readout(fused), features={'fused': fused}, aux_loss={})


# The names of the original's variables.
FROM_TF = (
  (r'^audio_output_layer/', 'sound_half/'),
  (r'^text_output_layer/', 'text_half/'),
  (r'^multi_output_layer/', 'readout.heads.{head}/'),
  *tf_readout.FROM_TF,
  *gru_encoder.FROM_TF,
)
