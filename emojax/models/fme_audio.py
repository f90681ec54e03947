"""FME's audio model: convolution and pooling of raw samples, a GRU, its last state, linear.

Source: Gustavo Cid Ornelas, "fused-multimodal-emotion" (ETH Zurich, 2019), `AudioModel` of the
author's code.
"""

from collections.abc import Mapping, Sequence

from flax import nnx

from emojax.encoders import fme, tf_readout
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  'published': dict(hidden=200, num_layers=1, filters=(25, 50), kernels=(25, 5), pools=(50, 50),
                    dropout=0.45),  # parameters.py
  'tiny': dict(hidden=8, num_layers=2, filters=(3, 4), kernels=(5, 3), pools=(50, 10), dropout=0.1),
}


class Model(nnx.Module):
  """Reads samples of sound."""

  requires = ('audio',)

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden: int = 200,
      num_layers: int = 1,
      filters: Sequence[int] = (25, 50),
      kernels: Sequence[int] = (25, 5),
      pools: Sequence[int] = (50, 50),
      dropout: float = 0.45,
      read_padding: bool = True,
      shared_bias: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network. Arguments as in `models.fme_text`, and:

    Args:
      streams: 'audio' (samples, that is frames of width 1).
      hidden, num_layers: `audio_hidden_dim`, `audio_num_layers`.
      filters, kernels, pools: of each stage of convolution, how many filters, the samples that one
        sees, and how many of its outputs become one frame.
      dropout: of every layer's inputs and outputs.
      read_padding: the original has silence, zeros, to the full length; False: frames without a
        real sample are passed over, convolutions see zeros there.
    """
    self.audio = fme.Sound(streams['audio'], hidden, num_layers, filters, kernels, pools, dropout,
                           read_padding, rngs=rngs)
    self.readout = tf_readout.Readout(hidden, heads, shared_bias=shared_bias, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    fused = self.audio.last(inputs['audio'])
    return ModelOutput(heads=self.readout(fused), features={'fused': fused}, aux_loss={})


# The names of the original's variables.
FROM_TF = ((r'^rnn/', 'audio.stack.'), *fme.FROM_TF)
