"""Initialisers that compile next to nothing.

A parameter is cut from the front of a random vector whose size is a power of two, so that the few
dozen shapes of a network need a handful of compiled programs. With partitionable threefry the front
of a longer vector is the shorter one: a value depends on key and position alone.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from emojax.types import Array


def uniform(bound: float):
  """Uniform in [-bound, bound)."""
  return lambda key, shape, dtype=jnp.float32, **_: bound * _draw(_uniform, key, shape, dtype)


def normal(deviation: float):
  """Normal around zero."""
  return lambda key, shape, dtype=jnp.float32, **_: deviation * _draw(_normal, key, shape, dtype)


def _draw(draw, key: Array, shape: tuple[int, ...], dtype) -> Array:
  count = math.prod(shape)
  vector = draw(key, 1 << (count - 1).bit_length())
  if not isinstance(vector, jax.core.Tracer):
    vector = np.asarray(vector)  # numpy cuts and reshapes without compiling
  return jnp.asarray(vector[:count].reshape(shape), dtype)


@functools.partial(jax.jit, static_argnums=1)
def _uniform(key: Array, size: int) -> Array:
  return jax.random.uniform(key, (size,), jnp.float32, -1, 1)


@functools.partial(jax.jit, static_argnums=1)
def _normal(key: Array, size: int) -> Array:
  return jax.random.normal(key, (size,), jnp.float32)
