"""Dropout whose rate is data and whose mask is a function of (key, layer, call, place).

All masks of a step are drawn at once. The model is first traced to learn which layers drop what
(`Tape.record`), then one hash gives the masks of all of them, then the model runs and each layer
takes its part. One large loop compiles and runs several times faster than a draw in each layer.

The counter of the hash is (row of the batch, place inside the row), and places count with time
first: the mask of a real position depends neither on how far a batch was padded, nor on how many
devices share it.
"""

import dataclasses
import math
import zlib
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from flax import nnx

from emojax.ops import threefry
from emojax.types import Array

LANES = 4  # 16-bit numbers in a block of the hash


class Rate(nnx.Variable):
  """A dropout rate: state that is read, not trained, so members of a group can differ in it."""


class Dropout(nnx.Module):
  """Zeroes each value with probability `rate` (within 1 / 65536), divides the others by 1 - rate.

  A layer is silent until `attach` gives it a tape.
  """

  def __init__(self, rate: float):
    if not 0 <= rate < 1:
      raise ValueError(f'dropout rate {rate}: expected 0 <= rate < 1.')
    self.rate = Rate(jnp.float32(rate))
    self.possible = rate > 0  # a rate of zero costs nothing
    self.tape, self.name = None, ''

  def __call__(self, x: Array, *, time: int = 1, pad_to: dict[int, int] | None = None) -> Array:
    """Drops values of `x` [B, ...].

    Args:
      time: the axis that is padded on the right, if there is one (a vector has none: time=0).
      pad_to: axis -> full length, for further axes that may be padded.
    """
    if self.tape is None or not self.possible:
      return x
    shape = list(x.shape)
    for axis, length in (pad_to or {}).items():
      shape[axis] = length
    if not time:
      shape.insert(1, 1)
    steps = shape.pop(time or 1)
    kept = self.tape.take(self.name, steps, math.prod(shape[1:]))  # [B, steps, width]
    if kept is None:
      return x
    kept = kept.reshape(x.shape[0], steps, *shape[1:])
    kept = jnp.moveaxis(kept, 1, time) if time else kept[:, 0]
    kept = jax.lax.slice(kept, (0,) * x.ndim, x.shape)
    return jnp.where(kept, x / (1 - self.rate[...]).astype(x.dtype), 0)


@dataclasses.dataclass(frozen=True)
class _Site:
  """One call of one layer, and the size of its mask."""

  name: str
  call: int
  steps: int
  width: int

  @property
  def number(self) -> int:
    """Tells calls apart."""
    return zlib.crc32(f'{self.name}#{self.call}'.encode())

  @property
  def blocks(self) -> int:
    """Blocks of the hash per step, each for `LANES` values."""
    return -(-self.width // LANES)


class Tape:
  """First notes who asks for which mask, then, once they are drawn, hands them out."""

  def __init__(self):
    self._sites: list[_Site] = []
    self._calls: dict[str, int] = {}
    self._masks: list[Array] | None = None

  def record(self, run: Callable, *args) -> None:
    """Traces `run(*args)`, in which layers hold this tape, without computing anything."""
    jax.eval_shape(run, *args)

  def draw(self, key: Array, batch_size: int, rates: Mapping[str, Array]) -> None:
    """Draws what was recorded: for each call a mask [B, steps, width], True where a value is kept.

    `rates`: layer -> dropout rate.
    """
    self._masks, self._calls = [], {}
    if not self._sites:
      return
    numbers = jnp.array([site.number for site in self._sites], jnp.uint32)
    keys = threefry.hash_2x32(threefry.words(key), (numbers, jnp.zeros_like(numbers)))
    least = jnp.stack([rates[site.name] for site in self._sites])
    least = jnp.round(least * 65536).astype(jnp.uint32)
    sizes = [site.steps * site.blocks for site in self._sites]
    shape = (batch_size, sum(sizes))

    def spread(per_site: Array) -> Array:
      per_block = jnp.concatenate([jnp.full(n, per_site[i]) for i, n in enumerate(sizes)])
      return jnp.broadcast_to(per_block[None], shape)

    place = jnp.concatenate([jnp.arange(n, dtype=jnp.uint32) for n in sizes])
    row = jnp.arange(batch_size, dtype=jnp.uint32)
    blocks = threefry.hash_2x32(
      tuple(spread(k) for k in keys),
      (jnp.broadcast_to(row[:, None], shape), jnp.broadcast_to(place[None], shape)))
    # Four bytes of a word, each 0 or 1: one array of one byte a value is all that is written.
    halves = [half for block in blocks for half in (block >> 16, block & 0xFFFF)]
    packed = sum((half >= spread(least)).astype(jnp.uint32) << 8 * i
                 for i, half in enumerate(halves))
    kept = jax.lax.bitcast_convert_type(packed, jnp.uint8).reshape(batch_size, -1) != 0
    start = 0
    for site, size in zip(self._sites, sizes):
      mine = kept[:, start * LANES:(start + size) * LANES]
      self._masks.append(mine.reshape(batch_size, site.steps, -1)[..., :site.width])
      start += size

  def take(self, name: str, steps: int, width: int) -> Array | None:
    """The mask [B, steps, width] for the next call of layer `name`; None while recording."""
    call = self._calls.get(name, 0)
    self._calls[name] = call + 1
    if self._masks is None:
      self._sites.append(_Site(name, call, steps, width))
      return None
    assert self._masks, 'the model asks for other masks than when it was recorded'
    return self._masks.pop(0)


def rates(model: nnx.Module) -> dict[str, Array]:
  """Layer -> dropout rate."""
  return {'/'.join(map(str, path)): module.rate[...] for path, module in nnx.iter_modules(model)
          if isinstance(module, Dropout)}


def attach(model: nnx.Module, tape: Tape | None) -> None:
  """Gives every dropout layer of `model` the tape, and its path for a name; None: silence."""
  for path, module in nnx.iter_modules(model):
    if isinstance(module, Dropout):
      module.tape = tape
      module.name = '/'.join(map(str, path)) if tape else ''
