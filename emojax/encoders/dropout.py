"""Dropout whose rate is data and whose mask is a function of (key, layer, call, place).

All masks of a step are drawn at once. The model is first traced to learn which layers drop what
(`Tape.record`), then one hash gives the masks of all of them, then the model runs and each layer
takes its part. One large loop compiles and runs several times faster than a draw in each layer.

A block of the hash decides for four successive times. Its counter is (row of the batch, place
inside the row), and places count with time first: the mask of a real position depends neither on
how far a batch was padded, nor on how many devices share it.
"""

import dataclasses
import math
import zlib
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.extend import random

from emojax.ops import threefry
from emojax.types import Array

LANES = 4  # 16-bit numbers in a block of the hash, for as many times


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

  @property
  def drops(self) -> bool:
    """Whether a call would drop anything."""
    return self.tape is not None and self.possible

  def __call__(self, x: Array, *, time: int = 1, pad_to: dict[int, int] | None = None) -> Array:
    """Drops values of `x` [B, ...].

    Args:
      time: the axis that is padded on the right, if there is one (a vector has none: time=0).
      pad_to: axis -> full length, for further axes that may be padded.
    """
    if not self.drops:
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
    """Blocks of the hash for one row of the batch, each for `LANES` times."""
    return -(-self.steps // LANES) * self.width


class Tape:
  """First notes who asks for which mask, then, once they are drawn, hands them out."""

  def __init__(self):
    self._sites: list[_Site] = []
    self._calls: dict[str, int] = {}
    self._drawn: list[Array] | None = None

  def record(self, run: Callable, *args) -> None:
    """Traces `run(*args)`, in which layers hold this tape, without computing anything."""
    jax.eval_shape(run, *args)

  def draw(self, key: Array, rows: Array, rates: Mapping[str, Array]) -> None:
    """Draws what was recorded.

    Args:
      rows: [B], the number that each example has in the batch of the step.
      rates: layer -> dropout rate.
    """
    self._drawn, self._calls = [], {}
    if not self._sites:
      return
    numbers = jnp.array([site.number for site in self._sites], jnp.uint32)
    # jax's own hash: of two or three numbers LLVM takes minutes to compile ours.
    keys = jnp.split(random.threefry_2x32(
      threefry.words(key), jnp.concatenate([numbers, jnp.zeros_like(numbers)])), 2)
    least = jnp.round(jnp.stack([rates[site.name] for site in self._sites]) * 65536)
    parts = _two_parts([site.blocks for site in self._sites])
    row = rows.astype(jnp.uint32)[:, None]

    def per_block(of_site: Callable) -> Array:
      """[2, blocks of the larger part], what `of_site` says of a site's blocks."""
      lines = [jnp.concatenate([of_site(i, self._sites[i].blocks) for i in part], dtype=jnp.uint32)
               for part in parts]
      longest = max(map(len, lines))
      return jnp.stack([jnp.pad(line, (0, longest - len(line))) for line in lines])

    def draw_part(part: tuple[Array, ...]) -> Array:
      *key, least, place = (jnp.broadcast_to(x, (len(row), *x.shape)) for x in part)
      blocks = threefry.hash_2x32(tuple(key), (jnp.broadcast_to(row, place.shape), place))
      numbers = [number for block in blocks for number in (block >> 16, block & 0xFFFF)]
      return sum((number >= least).astype(jnp.uint8) << lane for lane, number in enumerate(numbers))

    fill = lambda value: lambda i, n: jnp.full(n, value[i])
    # A loop, because its result is certain to be written down: from a plain expression XLA would
    # compute the hash again wherever a mask is read, once for every value.
    drawn = jax.lax.map(draw_part, (
      *(per_block(fill(word)) for word in keys), per_block(fill(least)),
      per_block(lambda i, n: jnp.arange(n))))
    self._drawn = [None] * len(self._sites)
    for line, part in zip(drawn, parts, strict=True):
      ends = np.cumsum([self._sites[i].blocks for i in part])
      for i, packed in zip(part, jnp.split(line, ends[:-1].tolist(), axis=1)):
        self._drawn[i] = packed[:, :self._sites[i].blocks]

  def take(self, name: str, steps: int, width: int) -> Array | None:
    """The mask [B, steps, width] for the next call of layer `name`, True where a value is kept.

    None while recording.
    """
    call = self._calls.get(name, 0)
    self._calls[name] = call + 1
    if self._drawn is None:
      self._sites.append(_Site(name, call, steps, width))
      return None
    assert self._drawn, 'the model asks for other masks than when it was recorded'
    packed = self._drawn.pop(0)
    packed = packed.reshape(len(packed), -1, 1, width)  # four times in one byte
    lane = jnp.arange(LANES, dtype=jnp.uint8)[None, None, :, None]
    return ((packed >> lane) & 1).reshape(len(packed), -1, width)[:, :steps] != 0


def _two_parts(sizes: Sequence[int]) -> list[list[int]]:
  """Numbers of the sites in two parts of about equal size, the largest sites first."""
  parts, totals = [[], []], [0, 0]
  for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
    lighter = totals.index(min(totals))
    parts[lighter].append(i)
    totals[lighter] += sizes[i]
  return [part for part in parts if part]


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
