"""Late fusion over time: an LSTM reads each modality alone; one linear layer per head reads all.

As `late_fusion`, but the order of words and frames counts. Padding does not, wherever it stands.
"""

from collections.abc import Mapping

from flax import nnx

from emojax.encoders import readout, recurrent_mean
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {'tiny': dict(hidden=16, dropout_input=0.1, dropout=0.2)}


class Model(nnx.Module):
  """Reads words and frames of any number of modalities."""

  requires = ()  # of a config; once built, the streams it was built for

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden: int = 64,
      pool: str = 'mean',
      fusion: str = 'sum',
      dropout_input: float = 0.0,
      dropout: float = 0.0,
      rngs: nnx.Rngs,
  ):
    """Builds the network. Arguments as in `models.late_fusion`, and one more:

    Args:
      pool: the 'mean' of an LSTM's states over real frames, or the 'last'.
    """
    self.requires = tuple(sorted(streams))
    self.encoders = nnx.Dict({
      name: recurrent_mean.RecurrentEncoder(streams[name], hidden, dropout_input, pool, rngs=rngs)
      for name in self.requires})
    self.readout = readout.Readout(self.requires, hidden, heads, fusion, dropout, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    return self.readout({name: encode(inputs[name]) for name, encode in self.encoders.items()})
