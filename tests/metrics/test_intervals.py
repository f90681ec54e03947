"""The jackknife against brute force and the coverage it promises; the binomial against scipy."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn

from emojax.metrics import classification, intervals


def mean(sums):
  """The mean from [count, sum]; undefined without a count."""
  with np.errstate(invalid='ignore'):
    return sums[..., 1] / sums[..., 0]


def test_by_hand():
  # two units with 1 of 2 and 2 of 2 right: 3/4; without the first 1, without the second 1/2
  # error = sqrt(1/2 * (1/4^2 + 1/4^2)) = 1/4, t(1) = 12.706: 0.75 +- 3.18, cut at 0 and 1
  assert intervals.jackknife(mean, [[2, 1], [2, 2]]) == intervals.Interval(0.0, 1.0, 2)
  wide = intervals.jackknife(mean, [[2, 1], [2, 2]], bounds=(-np.inf, np.inf))
  assert (wide.low, wide.high) == pytest.approx((0.75 - 12.7062047 / 4, 0.75 + 12.7062047 / 4))


def test_is_the_t_interval_of_a_mean_when_units_are_single_values():
  values = np.random.default_rng(0).normal(5, 2, 12)
  found = intervals.jackknife(
    mean, np.stack([np.ones(12), values], 1), bounds=(-np.inf, np.inf), level=0.9)
  expected = stats.t.interval(0.9, 11, loc=values.mean(), scale=stats.sem(values))
  assert (found.low, found.high, found.k) == pytest.approx((*expected, 12))


ORACLES = {
  'wa': sklearn.accuracy_score,
  'ua': sklearn.balanced_accuracy_score,
  'f1_macro': lambda y, p: sklearn.f1_score(y, p, average='macro'),
  'f1_weighted': lambda y, p: sklearn.f1_score(y, p, average='weighted'),
}


@pytest.mark.parametrize('k', [2, 3, 10])
@pytest.mark.parametrize('name', classification.METRICS)
def test_equals_brute_force(name, k):
  random = np.random.default_rng(k)
  labels, units = random.integers(0, 3, 300), random.integers(0, k, 300)
  predictions = np.where(random.random(300) < 0.4 + 0.5 * units / k, labels, 0)
  without = np.array([
    ORACLES[name](labels[units != unit], predictions[units != unit]) for unit in range(k)])
  error = np.sqrt((k - 1) / k * ((without - without.mean()) ** 2).sum())
  low, high = stats.t.interval(
    0.95, k - 1, loc=ORACLES[name](labels, predictions), scale=error)
  _, per_unit = classification.confusion_by_unit(labels, predictions, units, 3)
  found = intervals.jackknife(classification.METRICS[name], per_unit)
  assert (found.low, found.high) == pytest.approx((max(low, 0), min(high, 1)), abs=1e-12)
  assert (found.k, found.useful) == (k, k > 2)


def test_units_that_agree_give_no_width():
  found = intervals.jackknife(classification.wa, np.stack([np.diag([4, 4])] * 5))
  assert found == intervals.Interval(1.0, 1.0, 5)


@pytest.mark.parametrize('per_unit', [
  np.zeros((0, 2)),  # no unit
  [[3, 2]],  # one
  [[3, 2], [0, 0], [0, 0]],  # undefined without the first
  [[0, 0], [0, 0]],  # undefined altogether
])
def test_no_interval_where_none_is_honest(per_unit):
  assert intervals.jackknife(mean, np.asarray(per_unit)) is None


@pytest.mark.parametrize('name', classification.METRICS)
def test_covers_the_truth(name):
  """400 experiments, 10 unlike speakers in each: about 95 % of the intervals hold the truth."""
  random = np.random.default_rng(7)
  prior = np.array([0.31, 0.29, 0.20, 0.20])
  wrong = np.array([  # label -> prediction, where it is wrong
    [0, 0.6, 0.3, 0.1], [0.5, 0, 0.1, 0.4], [0.7, 0.1, 0, 0.2], [0.2, 0.7, 0.1, 0]])
  a, b = 7.0, 3.0  # a speaker's accuracy is Beta(7, 3): mean 0.7, sd 0.14
  share = a / (a + b)
  metric = classification.METRICS[name]
  truth = metric(prior[:, None] * (share * np.eye(4) + (1 - share) * wrong))
  covered = 0
  for _ in range(400):
    accuracy = random.beta(a, b, 10)[:, None, None]
    cells = prior[:, None] * (accuracy * np.eye(4) + (1 - accuracy) * wrong)  # [10, K, K]
    per_unit = random.multinomial(random.integers(50, 150, 10), cells.reshape(10, 16))
    found = intervals.jackknife(metric, per_unit.reshape(10, 4, 4))
    covered += found.low <= truth <= found.high
  print(f'{name}: {covered / 400:.1%} covered')
  assert 0.90 <= covered / 400 <= 0.98


def test_from_scores_without_each_unit():
  # three units: mean 0.5, error sqrt(2/3 * 2 * 0.01) = 0.11547, t(2) = 4.30265
  found = intervals.from_leave_one_out(0.6, np.array([0.4, 0.5, 0.6]))
  assert (found.low, found.high, found.k) == pytest.approx((0.6 - 0.496827, 1.0, 3), abs=1e-6)
  for score, without in [(0.6, []), (0.6, [0.5]), (np.nan, [0.4, 0.5]), (0.6, [0.4, np.nan])]:
    assert intervals.from_leave_one_out(score, np.array(without)) is None


@pytest.mark.parametrize('successes, n', [(0, 10), (10, 10), (1, 10), (70, 100), (1761, 1983)])
@pytest.mark.parametrize('level', [0.9, 0.95])
def test_binomial_equals_scipy(successes, n, level):
  expected = stats.binomtest(successes, n).proportion_ci(level, method='exact')
  assert intervals.binomial(successes, n, level) == pytest.approx(tuple(expected))


def test_binomial_at_its_ends():
  assert intervals.binomial(0, 0) == (0.0, 1.0)
  assert intervals.binomial(0, 10)[1] == pytest.approx(1 - 0.025 ** (1 / 10))
  with pytest.raises(ValueError, match='11 of 10'):
    intervals.binomial(11, 10)
