"""A stream as the mean of its frames, each projected alone: order does not count."""

from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import embedding, linear
from emojax.ops import masking
from emojax.types import Array, Stream, StreamSpec


class MeanEncoder(nnx.Module):
  """Dropout, linear, ReLU at every frame; then the mean over the real ones, zero without any."""

  def __init__(self, spec: StreamSpec, hidden: int, dropout: float, *, rngs: nnx.Rngs):
    self.vectors = embedding.Embedding(spec, rngs=rngs)
    self.dropout = dropout_lib.Dropout(dropout)
    self.project = linear.Linear(spec.width, hidden, rngs=rngs)

  def __call__(self, stream: Stream) -> Array:
    """[B, T, ...] -> [B, hidden]."""
    frames = self.dropout(self.vectors(stream))
    return masking.mean(nnx.relu(self.project(frames)), stream.mask)
