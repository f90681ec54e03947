"""What every encoder of a stream begins with: vectors at the real positions, zeros elsewhere."""

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import initial
from emojax.ops import masking
from emojax.types import Array, Stream, StreamSpec

DEVIATION = 0.3  # as widely spread as pretrained word vectors, of which random ones take the place


class Embedding(nnx.Module):
  """Words are looked up; frames are vectors already."""

  def __init__(self, spec: StreamSpec, *, deviation: float = DEVIATION, rngs: nnx.Rngs):
    """`deviation`: of words without pretrained vectors."""
    words = spec.vocabulary_size > 0
    self.embedding = nnx.Param(initial_vectors(spec, rngs, deviation)) if words else None

  def __call__(self, stream: Stream) -> Array:
    """Ids [B, T] or frames [B, T, D] -> [B, T, D]."""
    values = masking.clear(stream.values, stream.mask)  # where nothing is real, ids may be wrong
    if self.embedding is None:
      return values
    return masking.clear(self.embedding[...][values], stream.mask)


def initial_vectors(text: StreamSpec, rngs: nnx.Rngs, deviation: float = DEVIATION) -> Array:
  """[V, D]: the stream's word vectors, or random ones."""
  if text.vectors is not None:
    return jnp.asarray(text.vectors, jnp.float32)
  return initial.normal(deviation)(rngs.params(), (text.vocabulary_size, text.width))
