"""Softmax and means over the real positions of a stream."""

import jax
import jax.numpy as jnp

from emojax.types import Array

MASKED = -1e9  # what the originals put in place of a masked score


def clear(values: Array, mask: Array) -> Array:
  """`values` [B, T, ...], zero where `mask` [B, T] is False, whatever stood there, NaN included."""
  return jnp.where(mask.reshape(mask.shape + (1,) * (values.ndim - mask.ndim)), values, 0)


def softmax(scores: Array, mask: Array, *, empty: str = 'zero') -> Array:
  """Softmax of `scores` over the positions of their last axis where `mask` (broadcastable) is True.

  Args:
    empty: what a row without a real position gets: 'zero' everywhere, or 'uniform' over all
      positions, padded ones included, as PyTorch code that fills masked scores with -1e9 does. The
      latter depends on the padded length.
  """
  if empty not in ('zero', 'uniform'):
    raise ValueError(f"empty={empty!r}; there are: 'zero', 'uniform'.")
  weights = jax.nn.softmax(jnp.where(mask, scores, jnp.asarray(MASKED, scores.dtype)), axis=-1)
  if empty == 'uniform':
    return weights
  return jnp.where(mask, weights, 0)
