"""The Threefry-2x32 hash, written out so that XLA makes one loop of it.

On CPUs jax's own keeps its rounds in a loop over whole arrays: every round goes through memory, and
of the 64 bits of a block one half is thrown away. Source: Salmon et al., "Parallel random numbers:
as easy as 1, 2, 3" (SC 2011), 20 rounds.
"""

import jax
import jax.numpy as jnp

from emojax.types import Array

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def hash_2x32(key: tuple[Array, Array], counter: tuple[Array, Array]) -> tuple[Array, Array]:
  """64 random bits for every counter: two uint32 arrays for two uint32 arrays of equal shape.

  `key`: two uint32 arrays that broadcast with the counters.
  """
  keys = (key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(_PARITY))
  x, y = counter[0] + keys[0], counter[1] + keys[1]
  for group in range(5):
    for rotation in _ROTATIONS[group % 2]:
      x = x + y
      y = x ^ ((y << rotation) | (y >> (32 - rotation)))
    x = x + keys[(group + 1) % 3]
    y = y + keys[(group + 2) % 3] + jnp.uint32(group + 1)
  return x, y


def words(key: Array) -> tuple[Array, Array]:
  """The two words of a typed threefry key."""
  data = jax.random.key_data(key)
  assert data.shape[-1] == 2, f'expected a threefry key, not {key.dtype}'
  return data[..., 0], data[..., 1]
