"""Streams at lengths that are fixed beforehand."""

import jax.numpy as jnp

from emojax.ops import masking
from emojax.types import Stream


def to_length(stream: Stream, length: int) -> Stream:
  """Its first `length` positions, unreal ones behind where there are fewer; unreal ones are zero.
  """
  values, mask = masking.clear(stream.values, stream.mask)[:, :length], stream.mask[:, :length]
  more = [(0, 0), (0, length - mask.shape[1])]
  return Stream(jnp.pad(values, more + [(0, 0)] * (values.ndim - 2)), jnp.pad(mask, more))
