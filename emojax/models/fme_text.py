"""FME's text model: a GRU over words, its last state, linear.

Source: Gustavo Cid Ornelas, "fused-multimodal-emotion" (ETH Zurich, 2019), `TextModel` of the
author's code.
"""

from collections.abc import Mapping

from flax import nnx

from emojax.encoders import fme, tf_readout
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  'published': dict(hidden=200, dropout=0.45),  # parameters.py
  'tiny': dict(hidden=8, dropout=0.1),
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
      dropout: float = 0.45,
      read_padding: bool = True,
      shared_bias: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network.

    Args:
      streams: 'text' (ids with a vocabulary).
      heads: head name -> number of classes.
      hidden: `text_hidden_dim`.
      dropout: of the GRU's inputs, and of its outputs, which nothing here reads; 1 - `dr_prob`,
        which is what is kept.
      read_padding: the original runs the GRU on through word 0 to the full length; False stops it
        at each utterance's last word.
      shared_bias: all classes have one number as their bias, as the original; False: one each.
    """
    self.text = fme.Text(streams['text'], hidden, dropout, read_padding, rngs=rngs)
    self.readout = tf_readout.Readout(hidden, heads, shared_bias=shared_bias, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    fused = self.text.last(inputs['text'])
    return ModelOutput(heads=self.readout(fused), features={'fused': fused}, aux_loss={})


# The names of the original's variables.
FROM_TF = ((r'^rnn/', 'text.stack.'), *fme.FROM_TF)
