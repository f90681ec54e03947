"""The batch plan: which rows stand in which batch, a pure function of (seed, step).

Resuming is therefore one integer, and a step has the same batch however many devices or processes
read it.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

SAMPLERS = ('reshuffle', 'shuffle_once', 'with_replacement', 'in_order')
FILLER = -1  # stands where a batch has no row left; it weighs nothing

Lengths = tuple[tuple[str, int], ...]  # (stream, padded length), hashable: one compilation each


@dataclasses.dataclass(frozen=True)
class Planned:
  """One batch: dataset rows [B], `FILLER` in the last ones of a remainder, and what to pad to."""

  rows: np.ndarray
  lengths: Lengths


class Plan:
  """Batches over `rows`, of which there are `num_rows`, epoch after epoch."""

  def __init__(
      self,
      rows: np.ndarray,
      lengths: Mapping[str, np.ndarray],
      full: Mapping[str, int],
      *,
      batch_size: int,
      sampler: str,
      seed: int = 0,
      buckets: Mapping[str, tuple[int, ...]] | None = None,
      shards: int = 1,
  ):
    """Plans batches.

    Args:
      rows: dataset rows [n] of the split.
      lengths: stream -> real length of every dataset row.
      full: stream -> the longest padded length; what is longer was cut by the view.
      batch_size: B, over all devices and processes.
      sampler: 'reshuffle' each epoch, 'shuffle_once', 'with_replacement' or 'in_order'.
      buckets: stream -> ascending padded lengths (all streams as many); a row goes to the first
        bucket that holds all its streams, the last is always `full`. Streams that are not named are
        padded to `full`. None: one bucket.
      shards: devices that share a batch, times its parts that run one after the other; filler rows
        are added until it divides over them, so that what a batch holds does not depend on them.

    Raises:
      ValueError: for an unknown sampler or stream, or buckets of different number.
    """
    if sampler not in SAMPLERS:
      raise ValueError(f'sampler {sampler!r}; there are: {", ".join(SAMPLERS)}.')
    unknown = set(buckets or {}) - set(full)
    if unknown:
      raise ValueError(f'buckets for {sorted(unknown)}, which are not streams; '
                       f'streams: {sorted(full)}.')
    if len({len(bounds) for bounds in (buckets or {}).values()}) > 1:
      raise ValueError(f'buckets {dict(buckets)}: every stream needs as many lengths.')
    for name, bounds in (buckets or {}).items():
      if list(bounds) != sorted(bounds):
        raise ValueError(f'buckets of {name}: {tuple(bounds)} should ascend.')
    self._rows, self._batch_size, self._sampler, self._seed = rows, batch_size, sampler, seed
    self._padded_size = -(-batch_size // shards) * shards
    self.num_rows = len(rows)
    self._buckets, self._members = _divide(rows, lengths, full, buckets or {})
    self.steps_per_epoch = sum(-(-len(m) // batch_size) for m in self._members)

  def __getitem__(self, step: int) -> Planned:
    """The batch of `step`, counted from 0 over all epochs."""
    return self._epoch(step // self.steps_per_epoch)[step % self.steps_per_epoch]

  def epoch(self, number: int) -> tuple[Planned, ...]:
    """All batches of an epoch, in their order."""
    return self._epoch(number)

  @functools.lru_cache(maxsize=2)  # noqa: B019, a plan lives as long as its run
  def _epoch(self, number: int) -> tuple[Planned, ...]:
    drawn = 0 if self._sampler == 'shuffle_once' else number
    random = np.random.Generator(np.random.Philox(key=[self._seed, drawn]))
    batches = []
    for lengths, members in zip(self._buckets, self._members):
      if self._sampler == 'with_replacement':
        order = random.integers(len(members), size=len(members))
      elif self._sampler == 'in_order':
        order = np.arange(len(members))
      else:
        order = random.permutation(len(members))
      for start in range(0, len(members), self._batch_size):
        rows = self._rows[members[order[start:start + self._batch_size]]]
        filler = np.full(self._padded_size - len(rows), FILLER, rows.dtype)
        batches.append(Planned(np.concatenate([rows, filler]), lengths))
    if self._sampler != 'in_order' and len(self._buckets) > 1:
      batches = [batches[i] for i in random.permutation(len(batches))]
    return tuple(batches)


def _divide(rows, lengths, full, buckets) -> tuple[list[Lengths], list[np.ndarray]]:
  """The padded lengths of each bucket in use, and the positions in `rows` that belong to it."""
  count = len(next(iter(buckets.values()))) if buckets else 1
  shapes = []
  for number in range(count):
    shape = {name: min(buckets[name][number], most) if name in buckets else most
             for name, most in full.items()}
    shapes.append(tuple(sorted((full if number == count - 1 else shape).items())))
  chosen = np.full(len(rows), count - 1)
  for number in reversed(range(count - 1)):
    fits = np.logical_and.reduce(
      [np.minimum(lengths[name][rows], full[name]) <= most for name, most in shapes[number]])
    chosen[fits] = number
  used = [number for number in range(count) if (chosen == number).any()]
  return [shapes[n] for n in used], [np.flatnonzero(chosen == n) for n in used]
