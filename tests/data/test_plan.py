"""The batch plan against the slow obvious version, on random corpora."""

import collections

import numpy as np
import pytest

from emojax.data import plan as plan_lib

FULL = {'audio': 40, 'text': 15}
BUCKETS = {'audio': (10, 24, 40), 'text': (5, 15, 15)}
DRAWN = ('reshuffle', 'shuffle_once', 'with_replacement')

every_sampler = pytest.mark.parametrize('sampler', plan_lib.SAMPLERS)


def made(corpus=0, **changes):
  """(plan, rows of the split, stream -> lengths of all 300 dataset rows)."""
  random = np.random.default_rng(corpus)
  rows = np.sort(random.choice(300, size=random.integers(20, 200), replace=False))
  lengths = {'audio': random.integers(0, 60, 300), 'text': random.integers(0, 20, 300)}
  options = dict(batch_size=8, sampler='reshuffle', buckets=BUCKETS) | changes
  return plan_lib.Plan(rows, lengths, FULL, **options), rows, lengths


def real(batches):
  return np.concatenate([batch.rows[batch.rows != plan_lib.FILLER] for batch in batches])


def same(one, other):
  return len(one) == len(other) and all(
    a.lengths == b.lengths and a.rows.tolist() == b.rows.tolist() for a, b in zip(one, other))


@pytest.mark.parametrize('sampler', ['reshuffle', 'shuffle_once', 'in_order'])
@pytest.mark.parametrize('buckets', [None, {}, BUCKETS])
def test_every_epoch_has_every_row_once(sampler, buckets):
  for corpus in range(10):
    plan, rows, _ = made(corpus, sampler=sampler, buckets=buckets, batch_size=1 + 3 * corpus)
    for epoch in (0, 1, 7):
      np.testing.assert_array_equal(np.sort(real(plan.epoch(epoch))), rows)


@every_sampler
def test_a_row_stands_in_the_smallest_bucket_that_holds_all_its_streams(sampler):
  for corpus in range(5):
    plan, _, lengths = made(corpus, sampler=sampler)
    for batch in plan.epoch(0):
      for row in real([batch]):
        heard, read = min(lengths['audio'][row], 40), min(lengths['text'][row], 15)
        bucket = 0 if heard <= 10 and read <= 5 else 1 if heard <= 24 else 2
        assert batch.lengths == (('audio', (10, 24, 40)[bucket]), ('text', (5, 15, 15)[bucket]))


def test_streams_without_buckets_are_padded_to_the_longest():
  plan, _, lengths = made(buckets={'audio': (10, 40)})
  for batch in plan.epoch(0):
    longest = max(lengths['audio'][real([batch])])
    assert batch.lengths == (('audio', 10 if longest <= 10 else 40), ('text', 15))
  without = made(buckets=None)[0].epoch(0)
  assert {batch.lengths for batch in without} == {(('audio', 40), ('text', 15))}


def test_the_last_bucket_is_as_long_as_the_longest_whatever_it_says():
  plan, rows, _ = made(buckets={'audio': (10, 12)})
  assert {dict(batch.lengths)['audio'] for batch in plan.epoch(0)} == {10, 40}
  np.testing.assert_array_equal(np.sort(real(plan.epoch(0))), rows)


@every_sampler
def test_there_are_no_more_shapes_than_buckets_and_no_empty_batches(sampler):
  plan, rows, lengths = made(sampler=sampler)
  batches = plan.epoch(0)
  assert len({batch.lengths for batch in batches}) <= 3
  assert all((batch.rows != plan_lib.FILLER).any() for batch in batches)
  short = plan_lib.Plan(rows[lengths['audio'][rows] <= 10], lengths, FULL, batch_size=8,
                        sampler=sampler, buckets={'audio': (10, 40)})
  assert {batch.lengths for batch in short.epoch(0)} == {(('audio', 10), ('text', 15))}


@every_sampler
def test_only_remainders_are_filled_and_only_behind(sampler):
  plan, _, _ = made(sampler=sampler)
  counts = collections.defaultdict(list)
  for batch in plan.epoch(3):
    is_filler = batch.rows == plan_lib.FILLER
    assert len(batch.rows) == 8 and (np.diff(is_filler.astype(int)) >= 0).all()
    counts[batch.lengths].append(int(is_filler.sum()))
  for fillers in counts.values():
    assert sum(filler > 0 for filler in fillers) <= 1, 'one remainder a bucket'


@every_sampler
@pytest.mark.parametrize('shards', [2, 3, 8, 16])
def test_more_devices_add_only_filler(sampler, shards):
  alone, _, _ = made(sampler=sampler)
  shared, _, _ = made(sampler=sampler, shards=shards)
  size = {2: 8, 3: 9, 8: 8, 16: 16}[shards]
  assert shared.steps_per_epoch == alone.steps_per_epoch
  for one, other in zip(alone.epoch(1), shared.epoch(1)):
    assert len(other.rows) == size and other.lengths == one.lengths
    assert other.rows.tolist() == one.rows.tolist() + [plan_lib.FILLER] * (size - 8)


@every_sampler
def test_a_step_is_a_pure_function_of_seed_and_step(sampler):
  plan, _, _ = made(sampler=sampler)
  number = plan.steps_per_epoch
  assert len(plan.epoch(0)) == number
  forward = [plan[step] for step in range(4 * number)]
  again = made(sampler=sampler)[0]
  assert same(forward, [again[step] for step in reversed(range(4 * number))][::-1])
  assert same(forward[2 * number:3 * number], again.epoch(2))


@pytest.mark.parametrize('sampler', DRAWN)
def test_seeds_differ(sampler):
  assert not same(made(sampler=sampler)[0].epoch(0), made(sampler=sampler, seed=1)[0].epoch(0))


@every_sampler
def test_epochs_differ_where_they_should(sampler):
  plan, _, _ = made(sampler=sampler)
  epochs = [plan.epoch(number) for number in range(3)]
  repeats = sampler in ('shuffle_once', 'in_order')
  assert same(epochs[0], epochs[1]) == same(epochs[1], epochs[2]) == same(epochs[0], epochs[2])
  assert same(epochs[0], epochs[1]) == repeats


def test_in_order_is_in_order():
  plan, rows, _ = made(sampler='in_order', buckets=None)
  assert real(plan.epoch(0)).tolist() == rows.tolist()
  bucketed, _, _ = made(sampler='in_order')
  by_shape = collections.defaultdict(list)
  for batch in bucketed.epoch(0):
    by_shape[batch.lengths] += real([batch]).tolist()
  assert all(found == sorted(found) for found in by_shape.values())
  shapes = [batch.lengths for batch in bucketed.epoch(0)]
  assert shapes == sorted(shapes), 'bucket after bucket'


@pytest.mark.parametrize('sampler', DRAWN)
def test_shuffled_batches_of_the_buckets_are_mixed(sampler):
  shapes = [batch.lengths for batch in made(sampler=sampler)[0].epoch(0)]
  assert shapes != sorted(shapes) and shapes != sorted(shapes, reverse=True)


def test_drawing_with_replacement_leaves_out_what_chance_leaves_out():
  rows = np.arange(2000)
  plan = plan_lib.Plan(rows, {}, {}, batch_size=64, sampler='with_replacement')
  drawn = real(plan.epoch(0))
  assert len(drawn) == 2000 and plan.steps_per_epoch == 32
  # the share that is drawn at least once: 1 - 1/e, with a deviation of 0.0070 at 2000
  assert abs(len(np.unique(drawn)) / 2000 - 0.6321) < 5 * 0.007


def test_a_shuffle_gives_every_place_to_every_row():
  plan = plan_lib.Plan(np.arange(4), {}, {}, batch_size=4, sampler='reshuffle')
  counts = np.zeros((4, 4))
  for epoch in range(400):
    counts[np.arange(4), plan.epoch(epoch)[0].rows] += 1
  assert abs(counts - 100).max() < 5 * (400 * 0.25 * 0.75)**0.5


@pytest.mark.parametrize('changes, message', [
  (dict(sampler='sorted'), r"sampler 'sorted'; there are: reshuffle, shuffle_once"),
  (dict(buckets={'video': (1, 2)}),
   r"buckets for \['video'\], which are not streams; streams: \['audio', 'text'\]"),
  (dict(buckets={'audio': (1, 2), 'text': (1,)}), 'every stream needs as many lengths'),
])
def test_mistakes_are_answered(changes, message):
  with pytest.raises(ValueError, match=message):
    made(**changes)
