"""Initialisers that compile next to nothing.

A parameter is cut from the front of a random vector whose size is a power of four, so that the
dozens of shapes of a network need a handful of compiled programs. With partitionable threefry the
front of a longer vector is the shorter one: a value depends on key and position alone.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from emojax.types import Array


def uniform(bound: float):
  """Uniform in [-bound, bound)."""
  return functools.partial(_cut, _uniform, bound)


def normal(deviation: float):
  """Normal around zero."""
  return functools.partial(_cut, _normal, deviation)


def glorot(key: Array, shape: tuple[int, int]) -> Array:
  """Uniform, as TensorFlow starts a kernel [in, out]."""
  return uniform(math.sqrt(6 / sum(shape)))(key, shape)


def orthogonal(key: Array, shape: tuple[int, int]) -> Array:
  """Orthonormal columns, or rows where there are fewer of them; uniform over all such matrices."""
  tall = normal(1)(key, (max(shape), min(shape)))
  numbers = jnp if isinstance(tall, jax.core.Tracer) else np  # numpy compiles nothing
  q, r = numbers.linalg.qr(tall)
  q = q * numbers.sign(numbers.diagonal(r))[None]
  return jnp.asarray(q if shape[0] >= shape[1] else q.T)


def _cut(draw, scale: float, key: Array, shape: tuple[int, ...], dtype=jnp.float32, **_) -> Array:
  count = math.prod(shape)
  size = 4096
  while size < count:
    size *= 4
  vector = draw(key, size)
  if not isinstance(vector, jax.core.Tracer):
    vector = np.asarray(vector)  # numpy cuts, reshapes and scales without compiling
  return jnp.asarray(np.float32(scale) * vector[:count].reshape(shape), dtype)


@functools.partial(jax.jit, static_argnums=1)
def _uniform(key: Array, size: int) -> Array:
  return jax.random.uniform(key, (size,), jnp.float32, -1, 1)


@functools.partial(jax.jit, static_argnums=1)
def _normal(key: Array, size: int) -> Array:
  return jax.random.normal(key, (size,), jnp.float32)
