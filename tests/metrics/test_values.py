"""Scores of numbers against scipy, scikit-learn and tables typed by hand, rows by brute force."""

import json
import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn

from emojax.metrics import results, values

SENTIMENTS = values.of_range(-3, 3)
SOURCE = dict(protocol='mosi/sentiment', fold='standard', seed=1, split='test', head='sentiment',
              n_excluded=0, unit='video')


def score(metric, labels, predictions):
  metric = SENTIMENTS[metric]
  return float(metric.score(metric.per_utterance(
    np.asarray(labels, float), np.asarray(predictions, float)).sum(0)))


def drawn(seed=0, n=80):
  """Labels in thirds, zeros among them, and predictions that go beyond -3..3."""
  random = np.random.default_rng(seed)
  labels = random.integers(-9, 10, n) / 3
  return labels, 1.2 * labels + random.normal(0.2, 1, n), random.integers(0, 6, n)


def oracles(y, p):
  """Metric -> score, said another way."""
  there = y != 0
  away = lambda v: [int(math.copysign(math.ceil(min(abs(x), 3)), x)) for x in v.tolist()]
  near = lambda v, m: [round(max(-m, min(m, x))) for x in v.tolist()]  # Python's: halves to even
  f1 = lambda a, b: sklearn.f1_score(a, b, average='weighted')
  return {
    'mae': sklearn.mean_absolute_error(y, p),
    'corr': stats.pearsonr(y, p).statistic,
    'ccc': 2 * np.cov(y, p, bias=True)[0, 1] / (y.var() + p.var() + (y.mean() - p.mean())**2),
    'ccc_unbiased': 2 * np.cov(y, p)[0, 1] / (
      y.var(ddof=1) + p.var(ddof=1) + (y.mean() - p.mean())**2),
    'acc2_nonneg': np.mean((y >= 0) == (p >= 0)),
    'f1_nonneg': f1(y >= 0, p >= 0),
    'acc2_nonzero': np.mean((y > 0)[there] == (p > 0)[there]),
    'f1_nonzero': f1((y > 0)[there], (p > 0)[there]),
    'acc5': np.mean([a == b for a, b in zip(near(y, 2), near(p, 2))]),
    'acc7_round': np.mean([a == b for a, b in zip(near(y, 3), near(p, 3))]),
    'acc7_away': np.mean([a == b for a, b in zip(away(y), away(p))]),
  }


@pytest.mark.parametrize('seed', range(5))
def test_scores_equal_the_libraries(seed):
  labels, predictions, _ = drawn(seed)
  assert {name: score(name, labels, predictions) for name in SENTIMENTS} == pytest.approx(
    oracles(labels, predictions), rel=1e-12)


# label and prediction -> right by this rule
@pytest.mark.parametrize('y, p, nonneg, nonzero, five, seven, away', [
  (0.0, 0.0, 1, None, 1, 1, 1),
  (0.0, -0.4, 0, None, 1, 1, 0),
  (0.0, 0.1, 1, None, 1, 1, 0),
  (0.5, 0.0, 1, 0, 1, 1, 0),  # round half to even: 0
  (0.5, 0.6, 1, 1, 0, 0, 1),
  (1.5, 2.4, 1, 1, 1, 1, 0),  # 2 and 2; away 2 and 3
  (2.5, 3.7, 1, 1, 1, 0, 1),  # 2 and 3, cut; away 3 and 3
  (3.0, 9.0, 1, 1, 1, 1, 1),
  (-2.6, -7.0, 1, 1, 1, 1, 1),
  (-1.0, 0.0, 0, 1, 0, 0, 0),
  (1.0, -1.0, 0, 0, 0, 0, 0),
])
def test_single_utterances(y, p, nonneg, nonzero, five, seven, away):
  names = ('acc2_nonneg', 'acc2_nonzero', 'acc5', 'acc7_round', 'acc7_away')
  found = [score(name, [y], [p]) for name in names]
  assert [None if math.isnan(x) else x for x in found] == [nonneg, nonzero, five, seven, away]


def test_weighted_f1_by_hand():
  # not negative: 3 labels, 2 found, 3 said, f1 2/3; negative: 2 labels, 1 found, 2 said, f1 1/2
  assert score('f1_nonneg', [0, 1, 2, -1, -2], [0, 3, -1, 1, -1]) == pytest.approx(
    (3 * 2 / 3 + 2 * 1 / 2) / 5)


def test_concordance_by_hand():
  # means 2 and 3, variances 2/3 and 2/3, covariance 2/3: 4/3 over 4/3 + 1
  assert score('ccc', [1, 2, 3], [2, 3, 4]) == pytest.approx(4 / 7)
  # over n - 1: variances and covariance 1, so 2 over 2 + 1
  assert score('ccc_unbiased', [1, 2, 3], [2, 3, 4]) == pytest.approx(2 / 3)
  assert math.isnan(score('ccc_unbiased', [1], [2])) and score('ccc', [1], [2]) == 0
  assert score('corr', [1, 2, 3], [2, 3, 4]) == pytest.approx(1) and score(
    'mae', [1, 2, 3], [2, 3, 4]) == 1


def test_the_range_of_the_labels_decides_what_there_is():
  assert list(values.of_range(1, 5)) == ['mae', 'corr', 'ccc', 'ccc_unbiased']
  assert set(SENTIMENTS) == set(oracles(*drawn()[:2]))


def test_of_a_distance_less_is_better():
  for name in ('mae', 'loss', 'mae_valence', 'mae_class', 'ece', 'ece_happy'):
    assert values.smaller_is_better(name)
  for name in ('wa', 'corr', 'ccc_valence', 'acc2_nonneg', 'f1_macro', 'auc_lost'):
    assert not values.smaller_is_better(name)


@pytest.mark.parametrize('constant', [0.1, 1e6 + 0.1, -3.0])
def test_predictions_that_are_all_the_same_have_no_correlation(constant):
  labels = np.array([0.1, 2.3, -1.7, 0.3, 1.1])
  same = np.full(5, np.float32(constant))
  assert math.isnan(score('corr', labels, same)) and math.isnan(score('corr', same, labels))
  assert score('ccc', labels, same) == pytest.approx(0, abs=1e-9)
  assert math.isnan(score('ccc', same, same)) and score('mae', same, same) == 0


def test_a_large_mean_swallows_nothing():
  labels, predictions, _ = drawn()
  for name in ('corr', 'ccc', 'mae'):
    assert score(name, labels + 1e7, predictions + 1e7) == pytest.approx(
      score(name, labels, predictions), rel=1e-7)


def rows_of(labels, predictions, units, names=('sentiment',), metrics=SENTIMENTS):
  as_columns = [np.reshape(x, (len(units), len(names))) for x in (labels, predictions)]
  return results.value_rows(*as_columns, units, names=names, metrics=metrics, **SOURCE)


def interval(value, without, sizes, bounds):
  k = len(without)
  error = math.sqrt((k - 1) / k * sum((w - np.mean(without))**2 for w in without))
  degrees = max(sum(sizes)**2 / sum(n * n for n in sizes) - 1, 1)
  reach = stats.t.ppf(0.975, degrees) * error
  return [max(value - reach, bounds[0]), min(value + reach, bounds[1])]


def test_rows_equal_a_brute_jackknife():
  labels, predictions, units = drawn(3)
  rows = rows_of(labels, predictions, units)
  value = oracles(labels, predictions)
  without = [oracles(labels[units != u], predictions[units != u]) for u in range(6)]
  assert [row['metric'] for row in rows] == list(SENTIMENTS)
  for row in rows:
    name = row['metric']
    assert row['value'] == pytest.approx(value[name], rel=1e-12)
    expected = interval(value[name], [w[name] for w in without], np.bincount(units),
                        SENTIMENTS[name].bounds)
    assert row['ci95'] == pytest.approx(expected, rel=1e-9)
    assert (row['n'], row['k'], row['head']) == (80, 6, 'sentiment') and 'reason' not in row
  assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_of_several_values_the_mean_comes_first_with_an_interval_of_its_own():
  names, general = ('valence', 'activation'), values.of_range(1, 5)
  parts = [drawn(seed) for seed in (1, 2)]
  units = parts[0][2]
  labels, predictions = (np.stack([part[i] for part in parts], 1) for i in range(2))
  rows = {row['metric']: row for row in rows_of(labels, predictions, units, names, general)}
  assert list(rows) == [f'{metric}{of}' for metric in ('mae', 'corr', 'ccc', 'ccc_unbiased')
                        for of in ('', '_valence', '_activation')]
  alone = {row['metric']: row for row in rows_of(
    labels[:, 1], predictions[:, 1], units, metrics=general)}
  for metric in general:
    assert rows[f'{metric}_activation'] == alone[metric] | {'metric': f'{metric}_activation'}
    mean = lambda keep, metric=metric: np.mean([
      oracles(labels[keep, c], predictions[keep, c])[metric] for c in range(2)])
    assert rows[metric]['value'] == pytest.approx(mean(units >= 0), rel=1e-12)
    assert rows[metric]['ci95'] == pytest.approx(interval(
      mean(units >= 0), [mean(units != u) for u in range(6)], np.bincount(units),
      general[metric].bounds), rel=1e-9)


def test_the_order_of_utterances_and_the_names_of_units_say_nothing():
  labels, predictions, units = drawn(4)
  order = np.random.default_rng(0).permutation(len(units))
  names = np.array(['e', 'a', 'f', 'c', 'b', 'd'])
  for one, other in zip(rows_of(labels, predictions, units),
                        rows_of(labels[order], predictions[order], names[units[order]])):
    assert one['value'] == pytest.approx(other['value'], rel=1e-12)
    assert one['ci95'] == pytest.approx(other['ci95'], rel=1e-9)


def test_what_is_undefined_has_a_reason():
  labels, _, units = drawn(5)
  by_name = lambda rows: {row['metric']: row for row in rows}
  same = by_name(rows_of(labels, np.full(80, 0.7), units))
  assert (same['corr']['value'], same['corr']['reason']) == (
    None, 'labels or predictions are all the same')
  assert same['mae']['ci95'] and same['ccc']['value'] == 0
  zeros = by_name(rows_of(np.zeros(80), labels, units))
  for name in ('acc2_nonzero', 'f1_nonzero'):
    assert (zeros[name]['value'], zeros[name]['reason']) == (None, 'all labels are 0')
  assert zeros['acc2_nonneg']['value'] is not None
  # of predictions that differ in one unit alone: a value, but without that unit none
  once = by_name(rows_of(labels, np.where(units == 2, labels, 0.7), units))
  assert once['corr']['value'] and once['corr']['ci95'] is None
  assert once['corr']['reason'] == 'undefined without one of the 6 videos'
  for row in rows_of([], [], []) + rows_of([], [], [], ('a', 'b'), values.METRICS):
    assert (row['value'], row['n'], row['reason']) == (None, 0, 'no utterances')


def test_a_diverged_model_has_no_score():
  labels, predictions, units = drawn()
  predictions[7] = np.inf
  with pytest.raises(ValueError, match='1 of 80 utterances have values that are not fin.* row 7'):
    rows_of(labels, predictions, units)
  with pytest.raises(ValueError, match=r'outputs are values \[N, 2\]; these are \(80, 1\)'):
    results.value_rows(np.zeros((80, 2)), predictions[:, None], units, names=('a', 'b'),
                       metrics=SENTIMENTS, **SOURCE)
