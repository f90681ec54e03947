"""A stream as the mean, or the last, of an LSTM's states over its real frames."""

from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import embedding, recurrent
from emojax.ops import masking
from emojax.types import Array, Stream, StreamSpec

POOLS = {'mean': masking.mean, 'last': masking.last}


class RecurrentEncoder(nnx.Module):
  """Dropout, an LSTM that sees real frames alone, then one vector of its states.

  Real frames are closed up first, so padding may stand before, behind or between them.
  """

  def __init__(
      self, spec: StreamSpec, hidden: int, dropout: float, pool: str, *, rngs: nnx.Rngs):
    if pool not in POOLS:
      raise ValueError(f'pool={pool!r}; there are: {", ".join(POOLS)}.')
    self.vectors = embedding.Embedding(spec, rngs=rngs)
    self.dropout = dropout_lib.Dropout(dropout)
    self.lstm = recurrent.LSTM(spec.width, hidden, rngs=rngs)
    self.pool = pool

  def __call__(self, stream: Stream) -> Array:
    """[B, T, ...] -> [B, hidden], zero without a real frame."""
    closed = masking.close_up(stream)
    states = self.lstm(self.dropout(self.vectors(closed)))
    return POOLS[self.pool](states, closed.mask)
