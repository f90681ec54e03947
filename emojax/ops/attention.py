"""Scaled dot-product attention over several heads."""

import math

import jax
import jax.numpy as jnp

from emojax.ops import masking
from emojax.types import Array


def split_heads(x: Array, heads: int) -> Array:
  """[B, T, heads * d] -> [B, heads, T, d]."""
  b, t, width = x.shape
  return x.reshape(b, t, heads, width // heads).transpose(0, 2, 1, 3)


def join_heads(x: Array) -> Array:
  """[B, heads, T, d] -> [B, T, heads * d]."""
  b, h, t, d = x.shape
  return x.transpose(0, 2, 1, 3).reshape(b, t, h * d)


def weights(query: Array, key: Array, mask: Array, *, empty: str = 'zero') -> Array:
  """Attention weights [B, H, Q, S] of queries [B, H, Q, d] over keys [B, H, S, d], mask [B, S].

  `empty`: what a query without a real source gets, see `masking.softmax`.
  """
  # Keys laid out as columns: XLA's batched products on CPUs are a third faster so.
  columns = jax.lax.optimization_barrier(key.swapaxes(2, 3))
  scores = jnp.einsum('BHQD,BHDS->BHQS', query / math.sqrt(query.shape[-1]), columns)
  return masking.softmax(scores, mask[:, None, None, :], empty=empty)
