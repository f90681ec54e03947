"""The area under the ROC curve against scikit-learn, and its jackknife against brute force."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn

from emojax.metrics import ranking


def split(seed, n=120, k=7, ties=True):
  random = np.random.default_rng(seed)
  labels = (random.random(n) < 0.3).astype(int)
  scores = labels + random.normal(0, 1, n)
  return labels, np.round(scores * 2) if ties else scores, random.integers(0, k, n)


def brute(labels, scores):
  """Every pair looked at."""
  pairs = [(yes > no) + (yes == no) / 2
           for yes in scores[labels == 1] for no in scores[labels == 0]]
  return np.mean(pairs) if pairs else np.nan


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('seed', range(5))
def test_equals_sklearn_and_all_pairs(seed, ties):
  labels, scores, _ = split(seed, ties=ties)
  assert ranking.auc(labels, scores) == pytest.approx(sklearn.roc_auc_score(labels, scores))
  assert ranking.auc(labels, scores) == pytest.approx(brute(labels, scores), abs=1e-14)
  assert ranking.auc(labels > 0, scores.astype(np.float32)) == pytest.approx(
    brute(labels, scores.astype(np.float32)), abs=1e-14)


def test_by_hand():
  # yes: 2, 3; no: 1, 2, 4. Of six pairs 2 > 1, 3 > 1, 3 > 2 are won and 2 = 2 is a tie
  assert ranking.auc([1, 1, 0, 0, 0], [2, 3, 1, 2, 4]) == 3.5 / 6
  assert ranking.auc([0, 0, 1], [1, 2, 3]) == 1 and ranking.auc([1, 1, 0], [1, 2, 3]) == 0
  assert ranking.auc([0, 1, 1, 0], [5, 5, 5, 5]) == 0.5


@pytest.mark.parametrize('labels', [[1, 1, 1], [0, 0, 0], []])
def test_without_both_outcomes_there_is_no_area(labels):
  scores = np.arange(len(labels))
  assert np.isnan(ranking.auc(labels, scores))
  assert ranking.auc_interval(labels, scores, np.arange(len(labels))) is None


@pytest.mark.parametrize('k', [2, 3, 7, 40])
@pytest.mark.parametrize('ties', [False, True])
def test_without_each_unit_equals_brute_force(k, ties):
  labels, scores, units = split(k, k=k, ties=ties)
  names = np.unique(units)
  value, without = ranking.leave_one_out(labels, scores, units)
  expected = np.array([brute(labels[units != u], scores[units != u]) for u in names])
  assert value == pytest.approx(brute(labels, scores), abs=1e-14)
  np.testing.assert_allclose(without, expected, atol=1e-14)
  error = np.sqrt((len(names) - 1) / len(names) * ((expected - expected.mean()) ** 2).sum())
  effective = 120**2 / sum((units == u).sum()**2 for u in names)
  low, high = stats.t.interval(0.9, max(effective - 1, 1), loc=brute(labels, scores), scale=error)
  found = ranking.auc_interval(labels, scores, units, level=0.9)
  assert (found.low, found.high, found.k, found.effective_k) == pytest.approx(
    (max(low, 0), min(high, 1), len(names), effective), abs=1e-12)


def test_no_interval_where_one_unit_has_all_of_an_outcome():
  labels, scores, units = np.array([1, 0, 0, 0]), np.arange(4.0), np.array(['b', 'b', 'a', 'c'])
  value, without = ranking.leave_one_out(labels, scores, units)
  assert value == 0
  np.testing.assert_array_equal(without, [0, np.nan, 0])  # in the order a, b, c
  assert ranking.auc_interval(labels, scores, units) is None
  assert ranking.auc_interval([1, 0], [1, 0], ['a', 'a']) is None


def test_no_pair_is_miscounted_among_many():
  """2 * 10^5 utterances have 10^10 pairs: beyond int32, and exact."""
  n = 100_000
  labels = np.repeat([0, 1], n)
  value, without = ranking.leave_one_out(labels, np.zeros(2 * n), np.arange(2 * n) % 1000)
  assert value == 0.5 and (without == 0.5).all()


@pytest.mark.parametrize('labels, scores, units, message', [
  ([0, 2], [0, 1], [0, 1], r'labels are 0 or 1; 1 of 2 are not, the first is 2'),
  ([0, 1], [0, np.nan], [0, 1], r'1 of 2 scores are NaN'),
  ([0, 1], [0], [0, 1], r'labels are \(2,\), scores \(1,\), units \(2,\)'),
])
def test_mistakes_are_answered(labels, scores, units, message):
  with pytest.raises(ValueError, match=message):
    ranking.leave_one_out(labels, scores, units)
