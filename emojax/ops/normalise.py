"""Normalisations that libraries do not have."""

import jax.numpy as jnp

from emojax.types import Array


def torch_std(x: Array, scale: Array, shift: Array, *, eps: float = 1e-6) -> Array:
  """scale * (x - mean) / (std + eps) + shift over the last axis, with the unbiased std (n - 1).

  The layer norm of the "annotated transformer" and of what descends from it. It is not the usual
  one, which divides by sqrt(biased variance + eps). The gradient of a constant row is finite here;
  the original's is NaN.
  """
  centred = x - x.mean(-1, keepdims=True)
  variance = jnp.square(centred).sum(-1, keepdims=True) / (x.shape[-1] - 1)
  varies = variance > 0
  std = jnp.where(varies, jnp.sqrt(jnp.where(varies, variance, 1)), 0)
  return scale * centred / (std + eps) + shift


def standard(x: Array, scale: Array, shift: Array, *, eps: float = 1e-6) -> Array:
  """The usual layer norm over the last axis: scale * (x - mean) / sqrt(variance + eps) + shift."""
  centred = x - x.mean(-1, keepdims=True)
  variance = jnp.square(centred).mean(-1, keepdims=True)
  return scale * centred / jnp.sqrt(variance + eps) + shift
