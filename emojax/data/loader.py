"""From plan to device: two ways to feed the same batches to a step.

`Resident` keeps a corpus whose padded arrays fit on the device and sends row numbers; `Streaming`
reads, pads and sends every batch ahead of its step through Grain. Both have `data` (stays on the
device), `feed` (what one step of one member needs, on the host) and `read`, the pure function with
which the step makes its batch. `Group` joins the loaders of several members, with a leading member
axis [M, B] in what it sends.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import flax.struct
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
      targets: head -> class ids [N], or several labels [N, K], over all rows.
      weights: example weights [N].
      used: the rows that `streams` hold, ascending.
      put, replicate: place a feed, or what every device keeps, on the mesh.
    """
    self._used, self._weights, self.put, self._local = used, weights, put, local
    self.data = {'streams': dict(streams)} | replicate({
      'targets': {name: ids[used] for name, ids in targets.items()},
      'rows': used.astype(np.int32),
    })

  def feed(self, planned: plan_lib.Planned) -> Feed:
    """The rows of one batch, by where they stand among those on the device."""
    rows = planned.rows[self._local(len(planned.rows))]
    real = rows != plan_lib.FILLER
    row = np.where(real, np.searchsorted(self._used, rows), plan_lib.FILLER)
    weight = np.where(real, self._weights[rows], 0)
    return Feed(row.astype(np.int32), weight.astype(np.float32))

  def feeds(self, plan: plan_lib.Plan, first: int, last: int) -> Iterator[tuple[Feed, tuple]]:
    """(feed [1, B], lengths) of steps `first` to `last` (exclusive) of a member alone."""
    return (made[:2] for made in Group([self]).feeds([plan], [(first, last)]))

  def each(self, make: Callable, source: Sequence) -> Iterator:
    """`make` of every item: row numbers need no reading ahead."""
    return map(make, (source[i] for i in range(len(source))))

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
    self.put, self._local = put, local
    self._ahead = {'num_threads': num_threads, 'prefetch_buffer_size': prefetch}

  def feed(self, planned: plan_lib.Planned) -> Batch:
    """One batch, read and padded."""
    return self._make(planned.rows[self._local(len(planned.rows))], planned.lengths)

  def feeds(self, plan: plan_lib.Plan, first: int, last: int) -> Iterator[tuple[Batch, tuple]]:
    """(feed [1, B, ...], lengths) of steps `first` to `last` (exclusive) of a member alone."""
    return (made[:2] for made in Group([self]).feeds([plan], [(first, last)]))

  def each(self, make: Callable, source: Sequence) -> Iterator:
    """`make` of every item, in the background."""
    import grain  # half a second, which a resident corpus does without

    ahead = grain.ReadOptions(**self._ahead)
    return iter(grain.MapDataset.source(source).map(make).to_iter_dataset(ahead))

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
    targets={name: np.where(real.reshape(-1, *(1,) * (ids.ndim - 1)), ids[rows], 0)
             for name, ids in targets.items()},
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


class Group:
  """The loaders of a group's members as one: what they share is kept once, the rest is stacked.

  Attributes:
    data: what stays on the device; `in_axes` says for each of its arrays whether it has a member
      axis (0) or is shared (None), as `jax.vmap` wants it.
  """

  def __init__(self, loaders: Sequence[Resident | Streaming], spread: Put = lambda tree: tree):
    """`spread` lays what has a member axis on the mesh."""
    self._loaders, self.read, self.size = loaders, loaders[0].read, len(loaders)
    leaves = [jax.tree.leaves(loader.data) for loader in loaders]
    shared = [all(x is like[0] for x in like) for like in zip(*leaves, strict=True)]
    joined = [like[0] if same else spread(jnp.stack(like))
              for like, same in zip(zip(*leaves, strict=True), shared, strict=True)]
    structure = jax.tree.structure(loaders[0].data)
    self.data = structure.unflatten(joined)
    self.in_axes = structure.unflatten([None if same else 0 for same in shared])

  def feeds(self, plans: Sequence[plan_lib.Plan], spans: Sequence[tuple[int, int]],
            ) -> Iterator[tuple[Any, plan_lib.Lengths, tuple[bool, ...]]]:
    """(feed [M, B, ...], lengths, active), one a step.

    Member m runs the steps `spans[m]` (first, last exclusive) of `plans[m]`; one that is through
    before the others is not active, and gets filler rows. All are padded to the longest.
    """
    first = self._loaders[0]
    for feed, lengths, active in first.each(self._make, _Steps(plans, spans)):
      yield first.put(feed), lengths, active

  @staticmethod
  def lengths(plans: Sequence[plan_lib.Plan], spans: Sequence[tuple[int, int]],
              ) -> Iterator[plan_lib.Lengths]:
    """What each step of `feeds` is padded to, without reading anything."""
    steps = _Steps(plans, spans)
    return (_longest(steps[number]) for number in range(len(steps)))

  def _make(self, planned: Sequence[plan_lib.Planned | None]):
    lengths = _longest(planned)
    idle = np.full_like(next(p for p in planned if p is not None).rows, plan_lib.FILLER)
    feeds = [loader.feed(plan_lib.Planned(idle if p is None else p.rows, lengths))
             for loader, p in zip(self._loaders, planned, strict=True)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *feeds)
    return stacked, lengths, tuple(p is not None for p in planned)


def _longest(planned: Sequence[plan_lib.Planned | None]) -> plan_lib.Lengths:
  """What the members' batches of one step are all padded to."""
  real = [dict(p.lengths) for p in planned if p is not None]
  return tuple((name, max(lengths[name] for lengths in real)) for name in real[0])


class _Steps:
  """The planned batches of a group, step by step: one for each member, None where it is idle."""

  def __init__(self, plans: Sequence[plan_lib.Plan], spans: Sequence[tuple[int, int]]):
    self._plans, self._spans = plans, spans

  def __len__(self) -> int:
    return max(stop - start for start, stop in self._spans)

  def __getitem__(self, step: int) -> list[plan_lib.Planned | None]:
    return [plan[start + step] if start + step < stop else None
            for plan, (start, stop) in zip(self._plans, self._spans, strict=True)]
