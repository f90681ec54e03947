"""Dropout whose rate is data and whose mask is a function of (key, layer, call), never of a counter."""

import zlib

import jax
import jax.numpy as jnp
from flax import nnx

from emojax.types import Array


class Rate(nnx.Variable):
  """A dropout rate: state that is read, not trained, so that members of a group can differ in it."""


class Dropout(nnx.Module):
  """Zeroes each value with probability `rate` and divides the others by 1 - rate.

  A layer is silent until `seed` gives it a key. Bits are drawn with time as the first axis (`time`
  names that axis of the input) and at the full length of the other axes, so that the mask of a real
  position does not depend on how far a batch was padded. A word of random bits serves two values:
  the rate is met to within 1 / 65536.
  """

  def __init__(self, rate: float):
    if not 0 <= rate < 1:
      raise ValueError(f'dropout rate {rate}: expected 0 <= rate < 1.')
    self.rate = Rate(jnp.float32(rate))
    self.key = nnx.data(None)
    self.calls = 0
    self.possible = rate > 0  # a rate of zero costs nothing

  def __call__(self, x: Array, *, time: int = 1, pad_to: dict[int, int] | None = None) -> Array:
    """Drops values of `x`; `pad_to`: axis -> full length, for other axes that are padded as well."""
    if self.key is None or not self.possible:
      return x
    key = jax.random.fold_in(self.key, self.calls)
    self.calls += 1
    shape = list(x.shape)
    for axis, length in (pad_to or {}).items():
      shape[axis] = length
    shape.insert(0, shape.pop(time))
    bits = jnp.moveaxis(_half_words(key, tuple(shape)), 0, time)
    bits = jax.lax.slice(bits, (0,) * x.ndim, x.shape)
    rate = self.rate[...]
    kept = bits >= jnp.round(rate * 65536).astype(jnp.uint32)
    return jnp.where(kept, x / (1 - rate).astype(x.dtype), 0)


def seed(model: nnx.Module, key: Array | None) -> None:
  """Gives every dropout layer of `model` its own key, derived from `key` and its path; None: silence."""
  for path, module in nnx.iter_modules(model):
    if isinstance(module, Dropout):
      name = '/'.join(str(part) for part in path)
      module.key = None if key is None else jax.random.fold_in(key, zlib.crc32(name.encode()))
      module.calls = 0


def _half_words(key: Array, shape: tuple[int, ...]) -> Array:
  """Random 16-bit numbers, two to a generated word, as uint32 of `shape`."""
  words = jax.random.bits(key, (*shape[:-1], (shape[-1] + 1) // 2), jnp.uint32)
  pairs = jnp.concatenate([words >> 16, words & 0xFFFF], axis=-1)
  return pairs[..., :shape[-1]]
