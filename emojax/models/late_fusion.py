"""Late fusion: each modality is encoded and averaged alone; one linear layer per head reads all.

No published system, but what every one should be held against. It takes whatever streams a config
has; a modality that is absent adds nothing.
"""

from collections.abc import Mapping

from flax import nnx

from emojax.encoders import project, readout
from emojax.types import ModelOutput, Stream, StreamSpec

PRESETS = {'tiny': dict(hidden=16, dropout_input=0.1, dropout=0.2)}


class Model(nnx.Module):
  """Reads words and frames, or single vectors, of any number of modalities."""

  requires = ()  # of a config; once built, the streams it was built for

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden: int = 64,
      fusion: str = 'sum',
      dropout_input: float = 0.0,
      dropout: float = 0.0,
      rngs: nnx.Rngs,
  ):
    """Builds the network.

    Args:
      streams: any, at least one.
      heads: head name -> output width.
      hidden: width that each modality is projected to.
      fusion: heads read the 'sum' of the modalities, or 'concatenate' them.
      dropout_input, dropout: on frames and word vectors; on what the heads read.
    """
    self.requires = tuple(sorted(streams))
    self.encoders = nnx.Dict({
      name: project.MeanEncoder(streams[name], hidden, dropout_input, rngs=rngs)
      for name in self.requires})
    self.readout = readout.Readout(self.requires, hidden, heads, fusion, dropout, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    return self.readout({name: encode(inputs[name]) for name, encode in self.encoders.items()})
