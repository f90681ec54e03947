"""Both loaders give the same batches, from any step on; `put` and `local` are trivial here."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.data import loader, streams
from emojax.data import plan as plan_lib
from emojax.types import StreamSpec

N = 14
USED = np.array([0, 1, 3, 4, 5, 7, 8, 10, 11, 13])  # other folds use the rest, or nobody
ROWS = np.array([1, 3, 4, 7, 8, 11, 13])
VOCABULARY = {'UNK': 1, 'a': 2, 'b': 3}
WEIGHTS = np.linspace(0.5, 2, N).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 2, (N, 3)).astype(np.int32)
LABELS[[2, 6]] = -1  # without a label; nobody uses these rows
TARGETS = {'emotion': np.arange(N, dtype=np.int32) % 4, 'several': LABELS}
LENGTHS = np.random.default_rng(0).integers(0, 9, N)


def read(row):
  return np.random.default_rng(row).normal(size=(LENGTHS[row], 3)).astype(np.float32)


READERS = {
  'text': streams.Words([['a', 'b', 'c'][:row % 4] for row in range(N)], VOCABULARY,
                        StreamSpec(5, 2, vocabulary_size=4)),
  'audio': streams.Frames(read, LENGTHS, StreamSpec(3, 6)),
}


def plan(sampler='reshuffle'):
  return plan_lib.Plan(
    ROWS, {name: reader.lengths for name, reader in READERS.items()}, {'text': 2, 'audio': 6},
    batch_size=3, sampler=sampler, buckets={'audio': (4, 6)}, shards=4)


def whole(size):
  return slice(0, size)


def nowhere(tree):
  return tree


def resident(local=whole, put=nowhere):
  on_device = functools.partial(jax.tree.map, jnp.asarray)
  placed = {name: loader.place(reader, USED, on_device) for name, reader in READERS.items()}
  return loader.Resident(placed, TARGETS, WEIGHTS, USED, put=put, replicate=on_device, local=local)


def streaming(local=whole, put=nowhere):
  return loader.Streaming(READERS, TARGETS, WEIGHTS, put=put, local=local)


LOADERS = {'resident': resident, 'streaming': streaming}
gather = jax.jit(loader.Resident.read, static_argnames='lengths')


def batches(loaded, first, last, sampler='reshuffle'):
  """What a step of one member reads: [(batch, lengths)]."""
  found = []
  read_batch = gather if isinstance(loaded, loader.Resident) else loaded.read
  for feed, lengths in loaded.feeds(plan(sampler), first, last):
    one = read_batch(loaded.data, jax.tree.map(lambda x: x[0], feed), lengths)
    found.append((jax.tree.map(np.asarray, one), lengths))
  return found


@pytest.fixture(params=LOADERS)
def loaded(request):
  return LOADERS[request.param]()


@functools.cache
def by_hand(first, last):
  """The same, read row by row from the plan."""
  found = []
  for step in range(first, last):
    planned = plan()[step]
    rows = planned.rows.tolist()
    inputs = {}
    for name, length in planned.lengths:
      examples = [READERS[name].example(row)[:length] if row >= 0 else [] for row in rows]
      inputs[name] = examples
    found.append((rows, inputs, planned.lengths))
  return found


def test_batches_hold_the_rows_of_the_plan(loaded):
  found, expected = batches(loaded, 0, 6), by_hand(0, 6)
  assert len(found) == len(expected)
  for (batch, lengths), (rows, examples, planned) in zip(found, expected):
    assert lengths == planned and batch.index.tolist() == rows
    np.testing.assert_array_equal(batch.weight, [WEIGHTS[row] if row >= 0 else 0 for row in rows])
    assert batch.weight.dtype == np.float32 and batch.index.dtype == np.int32
    for place, row in enumerate(rows):
      if row >= 0:
        assert batch.targets['emotion'][place] == row % 4
        assert batch.targets['several'][place].tolist() == LABELS[row].tolist()
      assert 0 <= batch.targets['emotion'][place] < 4, 'filler has a class too'
      assert set(batch.targets['several'][place].tolist()) <= {0, 1}
    for name, length in planned:
      stream = batch.inputs[name]
      assert stream.mask.shape == stream.values.shape[:2] == (4, length)
      for place, example in enumerate(examples[name]):
        real = len(example)
        assert stream.mask[place].tolist() == [True] * real + [False] * (length - real)
        np.testing.assert_array_equal(stream.values[place][:real].ravel(), np.ravel(example))


def test_both_give_the_same_types():
  one, other = (batches(make(), 0, 1)[0][0] for make in LOADERS.values())
  assert jax.tree.structure(one) == jax.tree.structure(other)
  for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other)):
    assert (a.shape, a.dtype) == (b.shape, b.dtype)


def test_starting_in_the_middle_goes_on_as_from_the_start(loaded):
  straight, later = batches(loaded, 0, 8), batches(loaded, 5, 8)
  for (one, lengths), (other, same_lengths) in zip(straight[5:], later, strict=True):
    assert lengths == same_lengths
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_nothing_is_asked_for_nothing_is_read(loaded):
  assert batches(loaded, 4, 4) == []


def test_an_epoch_in_order_weighs_every_row_once(loaded):
  weight = np.zeros(N)
  for batch, _ in batches(loaded, 0, plan('in_order').steps_per_epoch, 'in_order'):
    np.add.at(weight, batch.index[batch.index >= 0], batch.weight[batch.index >= 0])
  np.testing.assert_array_equal(weight, np.where(np.isin(np.arange(N), ROWS), WEIGHTS, 0))


@pytest.mark.parametrize('make', LOADERS.values(), ids=LOADERS)
def test_processes_read_their_part_of_each_batch(make):
  parts = [list(make(local).feeds(plan(), 2, 5)) for local in (lambda size: slice(0, size // 2),
                                                               lambda size: slice(size // 2, size))]
  together = list(make().feeds(plan(), 2, 5))
  for (upper, _), (lower, _), (feed, _) in zip(*parts, together, strict=True):
    jax.tree.map(lambda a, b, c: np.testing.assert_array_equal(np.concatenate([a, b], 1), c),
                 upper, lower, feed)


@pytest.mark.parametrize('make', LOADERS.values(), ids=LOADERS)
def test_feeds_pass_through_put_with_a_member_axis(make):
  seen = []
  [(feed, _)] = make(put=lambda tree: seen.append(tree) or 'on the device').feeds(plan(), 0, 1)
  assert feed == 'on the device'
  assert all(leaf.shape[:2] == (1, 4) for leaf in jax.tree.leaves(seen))


def test_resident_bytes():
  # 10 rows of 2 ids and 6 * 3 numbers, four bytes each
  assert loader.resident_bytes(READERS, 10) == 4 * 10 * (2 + 18)
