"""From plan to device: two ways to feed the same batches to a step.

`Resident` keeps a corpus whose padded arrays fit on the device and sends row numbers; `Streaming`
reads, pads and sends every batch ahead of its step through Grain. Both have `data` (stays on the
device), `feeds` (an iterator of (feed, lengths), one a step) and `read`, the pure function with
which the step makes its batch. Feeds have the member axis [M, B].
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax.struct
import grain
import jax
import jax.numpy as jnp
import numpy as np

from emojax.data import plan as plan_lib
from emojax.data import streams as streams_lib
from emojax.types import Array, Batch, Stream

Put = Callable[[Any], Any]  # a host tree with leading axes [M, b], this process' rows, -> devices
Local = Callable[[int], slice]  # batch size -> the rows of a batch that this process reads


@flax.struct.dataclass
class Feed:
  """What `Resident` sends per step: rows [M, B] (`plan.FILLER`: none) and their weights [M, B]."""

  row: Array
  weight: Array


class Resident:
  """All rows in use on the device."""

  def __init__(
      self,
      streams: Mapping[str, Stream],
      targets: Mapping[str, np.ndarray],
      weights: np.ndarray,
      used: np.ndarray,
      *,
      put: Put,
      replicate: Put,
      local: Local,
  ):
    """Takes streams that are on the device already (`place`), so that members can share them.

    Args:
      targets: head -> class ids [N] over all rows; `weights` [N]: example weights.
      used: the rows that `streams` hold, ascending.
      put, replicate: place a feed, or what every device keeps, on the mesh.
    """
    self._used, self._weights, self._put, self._local = used, weights, put, local
    self.data = {'streams': dict(streams)} | replicate({
      'targets': {name: ids[used] for name, ids in targets.items()},
      'rows': used.astype(np.int32),
    })

  def feeds(self, plan: plan_lib.Plan, first: int, last: int) -> Iterator[tuple[Feed, tuple]]:
    """The feeds of steps `first` to `last` (exclusive)."""
    for step in range(first, last):
      planned = plan[step]
      rows = planned.rows[self._local(len(planned.rows))]
      real = rows != plan_lib.FILLER
      row = np.where(real, np.searchsorted(self._used, rows), plan_lib.FILLER)
      weight = np.where(real, self._weights[rows], 0)
      feed = Feed(row.astype(np.int32)[None], weight.astype(np.float32)[None])
      yield self._put(feed), planned.lengths

  @staticmethod
  def read(data: Any, feed: Feed, lengths: plan_lib.Lengths) -> Batch:
    """Gathers one member's batch [B, T, ...] on the device."""
    real = feed.row >= 0
    at = jnp.maximum(feed.row, 0)

    def gather(stream: Stream, length: int) -> Stream:
      values, mask = (x.at[at, :length].get(mode='promise_in_bounds')
                      for x in (stream.values, stream.mask))
      return Stream(values, mask & real[:, None])

    return Batch(
      inputs={name: gather(data['streams'][name], length) for name, length in lengths},
      targets={name: ids[at] for name, ids in data['targets'].items()},
      weight=feed.weight,
      index=jnp.where(real, data['rows'][at], plan_lib.FILLER))


class Streaming:
  """Batches read ahead of their steps, for corpora that do not fit on the device."""

  data = None

  def __init__(
      self,
      streams: Mapping[str, streams_lib.Reader],
      targets: Mapping[str, np.ndarray],
      weights: np.ndarray,
      *,
      put: Put,
      local: Local,
      num_threads: int = 1,
      prefetch: int = 4,
  ):
    self._make = functools.partial(batch, streams, targets, weights)
    self._put, self._local = put, local
    self._options = grain.ReadOptions(num_threads=num_threads, prefetch_buffer_size=prefetch)

  def feeds(self, plan: plan_lib.Plan, first: int, last: int) -> Iterator[tuple[Batch, tuple]]:
    """The feeds of steps `first` to `last` (exclusive), read in the background."""
    planned = grain.MapDataset.source(_PlanSource(plan, last)).slice(slice(first, last))
    batches = planned.map(self._read).to_iter_dataset(self._options)
    for made, lengths in batches:
      yield self._put(jax.tree.map(lambda x: x[None], made)), lengths

  def _read(self, planned: plan_lib.Planned) -> tuple[Batch, tuple]:
    rows = planned.rows[self._local(len(planned.rows))]
    return self._make(rows, planned.lengths), planned.lengths

  @staticmethod
  def read(data: None, feed: Batch, lengths: plan_lib.Lengths) -> Batch:
    del data, lengths
    return feed


def batch(
    streams: Mapping[str, streams_lib.Reader],
    targets: Mapping[str, np.ndarray],
    weights: np.ndarray,
    rows: np.ndarray,
    lengths: plan_lib.Lengths,
) -> Batch:
  """Rows [B] as host arrays [B, T, ...], padded to `lengths`."""
  real = rows != plan_lib.FILLER
  return Batch(
    inputs={name: streams_lib.pad(streams[name], rows, length) for name, length in lengths},
    targets={name: np.where(real, ids[rows], 0) for name, ids in targets.items()},
    weight=np.where(real, weights[rows], 0).astype(np.float32),
    index=rows.astype(np.int32))


def place(reader: streams_lib.Reader, used: np.ndarray, replicate: Put) -> Stream:
  """The rows `used` of a stream, padded to its full length, on every device."""
  return replicate(streams_lib.pad(reader, used, reader.spec.length))


def resident_bytes(streams: Mapping[str, streams_lib.Reader], num_rows: int) -> int:
  """Device memory that `Resident` takes for `num_rows`."""
  per_row = sum(r.spec.length * (1 if r.spec.vocabulary_size else r.spec.width)
                for r in streams.values())
  return 4 * per_row * num_rows


class _PlanSource:
  """A plan as a Grain random-access source."""

  def __init__(self, plan: plan_lib.Plan, steps: int):
    self._plan, self._steps = plan, steps

  def __len__(self) -> int:
    return self._steps

  def __getitem__(self, step: int) -> plan_lib.Planned:
    return self._plan[step]
