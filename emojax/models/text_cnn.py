"""A text CNN: filters over windows of words, the strongest answer of each, one linear layer.

Source: Kim, "Convolutional Neural Networks for Sentence Classification" (EMNLP 2014). Windows that
reach beyond the text are read as there, with zeros outside; unlike there, padding further never
changes an answer.
"""

from collections.abc import Mapping, Sequence

from flax import nnx

from emojax.encoders import convolution, readout
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {
  'published': dict(windows=(3, 4, 5), filters=100, dropout_input=0.0, dropout=0.5),
  'tiny': dict(windows=(1, 3), filters=8, dropout_input=0.1, dropout=0.5),
}


class Model(nnx.Module):
  """Reads word ids."""

  requires = ('text',)

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      windows: Sequence[int] = (3, 4, 5),
      filters: int = 100,
      dropout_input: float = 0.0,
      dropout: float = 0.5,
      rngs: nnx.Rngs,
  ):
    """Builds the network.

    Args:
      streams: 'text'.
      heads: head name -> output width.
      windows: widths of windows, in words.
      filters: how many of each width.
      dropout_input, dropout: on word vectors; on what the heads read.
    """
    self.encoder = convolution.WindowEncoder(
      streams['text'], windows, filters, dropout_input, rngs=rngs)
    self.readout = readout.Readout(
      ('text',), len(windows) * filters, heads, 'sum', dropout, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    return self.readout({'text': self.encoder(inputs['text'])})
