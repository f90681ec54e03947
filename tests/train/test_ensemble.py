"""Order, size and logits of ensembles; the goldens hold the original's own answers."""

import itertools

import numpy as np
import pytest

from emojax.train import ensemble


def test_members_come_in_reverse_order_of_spelling(tmp_path):
  names = ['best9.5_1.pkl', 'best72.5_2.pkl', 'best72.5_10.pkl', 'best100.0_3.pkl', 'best7.pkl']
  expected = ['best9.5_1.pkl', 'best72.5_2.pkl', 'best72.5_10.pkl', 'best7.pkl', 'best100.0_3.pkl']
  assert ensemble.order(names) == expected
  paths = [tmp_path / name for name in names]
  assert ensemble.order(paths) == [str(tmp_path / name) for name in expected]


@pytest.mark.parametrize('right, number, seed, name', [
  (787, 1085, 1234567, 'best72.53456221198157_1234567.pkl'),  # the name that the README mentions
  (1, 9, 3, 'best11.11111111111111_3.pkl'),
  (4, 9, 2, 'best44.44444444444444_2.pkl'),
  (9, 9, 0, 'best100.0_0.pkl'),
])
def test_a_member_is_called_as_the_original_would(right, number, seed, name):
  assert ensemble.published_name(right / number, seed) == name
  assert ensemble.published_name(np.float64(right / number), seed) == name


def test_the_best_score_comes_first_and_ties_by_name():
  scores = {'b': 0.5, 'a': 0.5, 'd': 0.25, 'c': 0.75, 'a0': 0.5}
  assert ensemble.by_score(scores) == ['c', 'a', 'a0', 'b', 'd']
  assert ensemble.by_score(scores, smaller_is_better=True) == ['d', 'a', 'a0', 'b', 'c']


@pytest.mark.parametrize('scores, size', [
  ([0.5], 1), ([0.5, 0.5, 0.5], 1), ([0.5, 0.6, 0.6, 0.1], 2), ([0.1, 0.2, 0.3], 3)])
def test_the_smallest_of_the_best_sizes_is_chosen(scores, size):
  assert ensemble.smallest_best(scores) == size
  assert ensemble.smallest_best([-score for score in scores], smaller_is_better=True) == size


def test_the_mean_of_logits_decides_not_that_of_shares_or_votes():
  members = [np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]]), np.array([[9.0, 0.0]])]
  means = ensemble.mean_logits(members)
  assert [mean.argmax() for mean in means] == [1, 1, 0]
  for size, mean in enumerate(means, start=1):
    np.testing.assert_allclose(mean, np.mean(members[:size], axis=0), rtol=1e-15)


def test_members_of_different_shape_are_refused():
  with pytest.raises(ValueError):
    ensemble.mean_logits([np.zeros((3, 2)), np.zeros((2, 2))])


def test_folds_stay_apart_and_are_pooled_as_far_as_the_smallest_goes():
  random = np.random.default_rng(0)
  folds = [[random.normal(size=(n, 2)) for _ in range(members)]
           for n, members in ((3, 4), (1, 2), (2, 3))]
  found = ensemble.pooled_logits(folds)
  assert [logits.shape for logits in found] == [(6, 2), (6, 2)]
  for size, logits in enumerate(found, start=1):
    rows = [[sum(member[row, c] for member in fold[:size]) / size for c in range(2)]
            for fold in folds for row in range(len(fold[0]))]
    np.testing.assert_allclose(logits, rows, rtol=1e-14)


def test_order_and_size_together_by_brute_force():
  """The chosen size scores best of all sizes of the order, and none smaller does."""
  random = np.random.default_rng(1)
  labels = random.integers(0, 3, 40)
  members = {name: random.normal(size=(40, 3)) + np.eye(3)[labels] for name in 'abcde'}
  accuracy = lambda logits: float((logits.argmax(1) == labels).mean())
  order = ensemble.by_score({name: accuracy(logits) for name, logits in members.items()})
  assert all(accuracy(members[a]) >= accuracy(members[b]) for a, b in itertools.pairwise(order))
  scores = [accuracy(np.mean([members[name] for name in order[:size]], axis=0))
            for size in range(1, 6)]
  size = ensemble.smallest_best(
    [accuracy(logits) for logits in ensemble.pooled_logits([[members[n] for n in order]])])
  assert scores[size - 1] == max(scores) and max(scores[:size - 1], default=-1) < max(scores)
