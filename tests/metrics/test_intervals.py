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
  assert intervals.jackknife(mean, [[2, 1], [2, 2]], [2, 2]) == intervals.Interval(0.0, 1.0, 2, 2.0)
  wide = intervals.jackknife(mean, [[2, 1], [2, 2]], [2, 2], bounds=(-np.inf, np.inf))
  assert (wide.low, wide.high) == pytest.approx((0.75 - 12.7062047 / 4, 0.75 + 12.7062047 / 4))


@pytest.mark.parametrize('sizes, effective', [
  ([7, 7, 7], 3), ([9], 1), ([5, 0], 1),
  ([3, 1, 1, 1], 3),  # 6^2 / (9 + 3)
  ([4, 1, 1], 2),  # 6^2 / (16 + 2)
  ([2, 1, 1], 8 / 3),  # 4^2 / (4 + 2)
  ([99, 1], 10000 / 9802),
])
def test_effective_k_by_hand(sizes, effective):
  assert intervals.effective_k(sizes) == pytest.approx(effective)
  assert intervals.effective_k([sizes] * 2) == pytest.approx([effective] * 2)


@pytest.mark.parametrize('sizes, effective, t, useful', [
  # t(2) and t(1) from a printed table, those of a fraction from scipy.stats
  ([1, 1, 1], 3, 4.30265, True),
  ([3, 1, 1, 1], 3, 4.30265, True),
  ([2, 1, 1, 1, 1, 1, 1, 1], 81 / 11, stats.t.ppf(0.975, 70 / 11), True),
  ([2, 2, 2, 1, 1, 1], 81 / 15, stats.t.ppf(0.975, 4.4), True),
  ([4, 1, 1], 2, 12.7062, False),
  ([1000] + [1] * 8, 1008**2 / 1000008, 12.7062, False),  # 1.016 - 1 is no number of degrees
  ([990, 10], 1000**2 / 980200, 12.7062, False),
])
def test_few_big_units_decide(sizes, effective, t, useful):
  """Equal steps of 0.01 up and down: only t differs, and it counts units by their weight."""
  without = 0.5 + 0.01 * np.arange(len(sizes))
  found = intervals.from_leave_one_out(0.6, without, sizes, bounds=(-np.inf, np.inf))
  k = len(sizes)
  error = (k - 1) * np.sqrt((k + 1) / 12) * 0.01  # of 0..k-1, sum of squares = k (k^2 - 1) / 12
  assert (found.low, found.high) == pytest.approx((0.6 - t * error, 0.6 + t * error), rel=1e-5)
  assert (found.k, found.useful) == (k, useful)
  assert found.effective_k == pytest.approx(effective)


def test_is_the_t_interval_of_a_mean_when_units_are_single_values():
  values = np.random.default_rng(0).normal(5, 2, 12)
  found = intervals.jackknife(
    mean, np.stack([np.ones(12), values], 1), np.ones(12), bounds=(-np.inf, np.inf), level=0.9)
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
  sizes = np.array([(units == unit).sum() for unit in range(k)])
  effective = 300**2 / (sizes**2).sum()
  low, high = stats.t.interval(
    0.95, max(effective - 1, 1), loc=ORACLES[name](labels, predictions), scale=error)
  _, per_unit = classification.confusion_by_unit(labels, predictions, units, 3)
  found = intervals.jackknife(classification.METRICS[name], per_unit, sizes)
  assert (found.low, found.high) == pytest.approx((max(low, 0), min(high, 1)), abs=1e-12)
  assert (found.k, found.effective_k, found.useful) == (k, pytest.approx(effective), k > 2)


def test_units_that_agree_give_no_width():
  found = intervals.jackknife(classification.wa, np.stack([np.diag([4, 4])] * 5), [8] * 5)
  assert found == intervals.Interval(1.0, 1.0, 5, 5.0)
  one_big = np.stack([np.diag([n, n]) for n in (10**6, 1, 1)])
  found = intervals.jackknife(classification.wa, one_big, one_big.sum((1, 2)))
  assert (found.low, found.high, found.useful) == (1.0, 1.0, False)


@pytest.mark.parametrize('per_unit', [
  np.zeros((0, 2)),  # no unit
  [[3, 2]],  # one
  [[3, 2], [0, 0], [0, 0]],  # undefined without the first
  [[0, 0], [0, 0]],  # undefined altogether
])
def test_no_interval_where_none_is_honest(per_unit):
  assert intervals.jackknife(mean, np.asarray(per_unit), [3] * len(per_unit)) is None


def coverage(name, draw_sizes):
  """The share of 400 experiments whose interval holds the truth, with unlike speakers in each."""
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
    sizes = draw_sizes(random)
    accuracy = random.beta(a, b, len(sizes))[:, None, None]
    cells = prior[:, None] * (accuracy * np.eye(4) + (1 - accuracy) * wrong)  # [k, K, K]
    per_unit = random.multinomial(sizes, cells.reshape(-1, 16)).reshape(-1, 4, 4)
    found = intervals.jackknife(metric, per_unit, sizes)
    covered += found.low <= truth <= found.high
  print(f'{name}: {covered / 400:.1%} covered')
  return covered / 400


@pytest.mark.parametrize('name', classification.METRICS)
def test_covers_the_truth(name):
  assert 0.90 <= coverage(name, lambda random: random.integers(50, 150, 10)) <= 0.98


@pytest.mark.parametrize('sizes', [
  [990, 10], [980, 10, 10], [500, 490, 10], [900] + [100] * 9, [3510] + [10] * 39])
def test_covers_the_truth_where_one_or_two_units_have_most(sizes):
  """With t(k - 1) it is 88 to 95 %; too wide is no harm here, too narrow is."""
  assert coverage('wa', lambda _: sizes) >= 0.92


def test_from_scores_without_each_unit():
  # three units: mean 0.5, error sqrt(2/3 * 2 * 0.01) = 0.11547, t(2) = 4.30265
  found = intervals.from_leave_one_out(0.6, np.array([0.4, 0.5, 0.6]), [8, 8, 8])
  assert (found.low, found.high, found.k) == pytest.approx((0.6 - 0.496827, 1.0, 3), abs=1e-6)
  for score, without in [(0.6, []), (0.6, [0.5]), (np.nan, [0.4, 0.5]), (0.6, [0.4, np.nan])]:
    assert intervals.from_leave_one_out(score, np.array(without), [3] * len(without)) is None


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
