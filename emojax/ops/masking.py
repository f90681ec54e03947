"""Softmax, mean, largest and last over the real positions of a stream."""

import jax
import jax.numpy as jnp

from emojax.types import Array, Stream

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


def mean(values: Array, mask: Array) -> Array:
  """The mean of `values` [B, T, D] over the positions of `mask` [B, T]; zero where it has none."""
  count = mask.sum(1, keepdims=True).astype(values.dtype)
  return clear(values, mask).sum(1) / count.clip(min=1)


def largest(values: Array, mask: Array) -> Array:
  """The largest of `values` [B, T, D] over the positions of `mask` [B, T]; zero where it has none.
  """
  found = jnp.where(mask[..., None], values, -jnp.inf).max(1)
  return clear(found, mask.any(1))


def last(values: Array, mask: Array) -> Array:
  """`values` [B, T, D] at the last position of `mask` [B, T]; zero where it has none."""
  place = mask.shape[1] - 1 - jnp.argmax(mask[:, ::-1], axis=1)
  found = jnp.take_along_axis(values, place[:, None, None], axis=1)[:, 0]
  return clear(found, mask.any(1))


def close_up(stream: Stream) -> Stream:
  """The same positions, real ones first and in their order."""
  order = jnp.argsort(~stream.mask, axis=1, stable=True)
  across = order.reshape(order.shape + (1,) * (stream.values.ndim - 2))
  return Stream(jnp.take_along_axis(stream.values, across, axis=1),
                jnp.take_along_axis(stream.mask, order, axis=1))
