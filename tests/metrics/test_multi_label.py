"""The scores against scikit-learn, and where they are undefined against numbers typed by hand."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sklearn

from emojax.metrics import multi_label

nan = np.nan


def split(seed, num_labels, n=200):
  """Labels and decisions in which some labels may be rare or absent."""
  random = np.random.default_rng(seed)
  labels = random.random((n, num_labels)) < random.beta(0.4, 1, num_labels)
  guesses = random.random((n, num_labels)) < random.beta(0.4, 1, num_labels)
  return labels.astype(int), np.where(random.random(labels.shape) < 0.6, labels, guesses)


@pytest.mark.parametrize('num_labels', [1, 3, 6])
@pytest.mark.parametrize('seed', range(8))
def test_scores_equal_sklearn(seed, num_labels):
  labels, decisions = split(seed, num_labels)
  counts = multi_label.confusion(labels, decisions)
  assert counts.dtype == np.int64
  labels_in, decisions_in = labels, decisions
  if num_labels == 1:  # to scikit-learn one column is a binary task; an empty one changes no mean
    labels_in, decisions_in = (np.pad(x, ((0, 0), (0, 1))) for x in (labels, decisions))
  matrices = sklearn.multilabel_confusion_matrix(labels_in, decisions_in)[:num_labels]
  np.testing.assert_array_equal(counts, matrices)

  with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # of labels that are there always or never
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(
      labels_in, decisions_in, zero_division=nan)
    balanced = [sklearn.balanced_accuracy_score(labels[:, c], decisions[:, c])
                for c in range(num_labels)]
    expected = {
      'accuracy_elementwise': sklearn.accuracy_score(labels.ravel(), decisions.ravel()),
      'ua': np.mean(balanced),
      **{f'f1_{average}': sklearn.f1_score(
        labels_in, decisions_in, average=average, zero_division=nan)
         for average in ('macro', 'micro', 'weighted')},
      **{name: np.nanmean(each) if np.isfinite(each).any() else nan
         for name, each in (('precision', precision[:num_labels]),
                            ('recall', recall[:num_labels]))},
    }
    changing = (labels.min(0) < labels.max(0))  # there for some, and not for others
    expected['wacc_mosei'] = np.mean(np.array(balanced)[changing]) if changing.any() else nan
  if not labels.any():
    expected['f1_weighted'] = nan  # 0/0; scikit-learn then forgets the weights
  found = {name: metric(counts) for name, metric in multi_label.METRICS.items()}
  assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)
  for mine, theirs in [(multi_label.precision, precision), (multi_label.recall, recall),
                       (multi_label.f1, f1), (multi_label.support, support)]:
    np.testing.assert_allclose(mine(counts), theirs[:num_labels], atol=1e-12)
  np.testing.assert_allclose(multi_label.balanced_accuracy(counts), balanced, atol=1e-12)
  np.testing.assert_allclose(
    multi_label.wacc_mosei(counts), np.where(changing, balanced, nan), atol=1e-12)
  np.testing.assert_allclose(
    multi_label.accuracy(counts), (labels == decisions).mean(0), atol=1e-12)


def test_labels_that_are_undefined_are_left_out_of_means():
  # 0 as usual; 1 there, never decided for; 2 the reverse; 3 neither; 4 always there
  counts = np.array([[[5, 1], [1, 3]], [[8, 0], [2, 0]], [[8, 2], [0, 0]], [[10, 0], [0, 0]],
                     [[0, 0], [4, 6]]])
  np.testing.assert_allclose(multi_label.precision(counts), [0.75, nan, 0, nan, 1])
  np.testing.assert_allclose(multi_label.recall(counts), [0.75, 0, nan, nan, 0.6])
  np.testing.assert_allclose(multi_label.f1(counts), [0.75, 0, 0, nan, 0.75])
  np.testing.assert_allclose(
    multi_label.balanced_accuracy(counts), [(5 / 6 + 3 / 4) / 2, 0.5, 0.8, 1, 0.6])
  np.testing.assert_allclose(
    multi_label.wacc_mosei(counts), [(5 / 6 + 3 / 4) / 2, 0.5, nan, nan, nan])
  np.testing.assert_allclose(multi_label.accuracy(counts), [0.8, 0.8, 0.8, 1, 0.6])
  assert multi_label.wacc_macro(counts) == pytest.approx((19 / 24 + 0.5) / 2)
  assert multi_label.precision_macro(counts) == pytest.approx((0.75 + 0 + 1) / 3)
  assert multi_label.recall_macro(counts) == pytest.approx((0.75 + 0 + 0.6) / 3)
  assert multi_label.accuracy_elementwise(counts) == pytest.approx(40 / 50)
  assert multi_label.ua(counts) == pytest.approx((19 / 24 + 0.5 + 0.8 + 1 + 0.6) / 5)
  assert multi_label.f1_macro(counts) == pytest.approx((0.75 + 0 + 0 + 0.75) / 4)
  assert multi_label.f1_micro(counts) == pytest.approx(2 * 9 / (12 + 16))
  assert multi_label.f1_weighted(counts) == pytest.approx((0.75 * 4 + 0 * 2 + 0.75 * 10) / 16)


@pytest.mark.parametrize('metric', multi_label.METRICS.values())
def test_an_empty_split_has_no_score_and_a_perfect_one_has_one(metric):
  empty = np.zeros((0, 3), int)
  assert np.isnan(metric(multi_label.confusion(empty, empty)))
  assert metric(np.array([np.diag([5, 2]), np.diag([0, 7]), np.diag([7, 0])])) == 1.0


def test_a_split_without_positives_has_no_f1():
  nothing = np.zeros((4, 2), int)
  found = {name: metric(multi_label.confusion(nothing, nothing))
           for name, metric in multi_label.METRICS.items()}
  np.testing.assert_equal(found, {
    'accuracy_elementwise': 1, 'ua': 1,
    **dict.fromkeys(('wacc_mosei', 'f1_macro', 'f1_micro', 'f1_weighted', 'precision', 'recall'),
                    nan)})


def test_weighted_accuracy_is_the_formula_of_the_literature():
  labels, decisions = split(2, 6)
  for counts in multi_label.confusion(labels, decisions):
    (tn, fp), (fn, tp) = counts
    if tp + fn and tn + fp:
      assert multi_label.wacc_mosei(counts) == pytest.approx(
        (tp * (tn + fp) / (tp + fn) + tn) / (2 * (tn + fp)))


def best_by_hand(labels, logits):
  """Class by class and threshold by threshold, with scikit-learn's f1."""
  found = []
  for there, z in zip(labels.T, logits.T):
    best, chosen = -1.0, None
    for number in range(1, 20):
      said = [np.float32(1 / (1 + np.exp(-float(x)))) > np.float32(number * 0.05) for x in z]
      score = sklearn.f1_score(there, said, zero_division=0)
      if score > best + 1e-12:
        best, chosen = score, number * 0.05
    found.append(chosen)
  return found


@pytest.mark.parametrize('seed', range(4))
def test_thresholds_are_those_of_a_search_by_hand(seed):
  random = np.random.default_rng(seed)
  labels = (random.random((60, 4)) < [0.5, 0.3, 0.1, 0.9]).astype(int)
  logits = (labels + random.normal(-0.5, 1, labels.shape)).astype(np.float32)
  found = multi_label.best_thresholds(labels, logits)
  np.testing.assert_allclose(found, best_by_hand(labels, logits), rtol=1e-12)
  assert len(set(found)) > 1, 'the case is of no use'


def test_of_equal_thresholds_the_lowest_counts_and_a_label_that_is_never_there_gets_a_half():
  labels = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1]])
  logits = np.array([[3.0, 3, -9], [-3, 3, -9], [2, 3, -9]])
  # p = 0.95, 0.05 (less than it), 0.88; all three in the last column lie below any threshold
  np.testing.assert_array_equal(multi_label.best_thresholds(labels, logits), [0.05, 0.5, 0.05])
  empty = multi_label.best_thresholds(labels[:0], logits[:0])
  np.testing.assert_array_equal(empty, [0.5] * 3)


def test_decisions_compare_float32_and_a_tie_is_a_no():
  at = lambda p: np.log(p / (1 - p))
  thresholds = np.array([0.15, 0.15, 0.15])
  logits = np.array([[at(0.15), at(0.15 + 1e-6), at(0.15 - 1e-6)]])
  assert multi_label.decide(logits, thresholds).tolist() == [[0, 1, 0]]
  rows = multi_label.decide(np.zeros((2, 2)), [[0.4, 0.6], [0.6, 0.4]])
  assert rows.tolist() == [[1, 0], [0, 1]], 'each row at its own'


def rates_by_hand(labels, decisions):
  """The walk of the original: (strict, subset, intersect)."""
  strict = subset = intersect = 0
  for there, said in zip(labels, decisions):
    if (there == said).all():
      strict, subset, intersect = strict + 1, subset + 1, intersect + 1
      continue
    is_subset = is_intersect = False
    for a, b in zip(there, said):
      if a and b:
        is_subset = is_intersect = True
      elif b:
        is_subset = False
        break
    subset, intersect = subset + is_subset, intersect + is_intersect
  return strict / len(labels), subset / len(labels), intersect / len(labels)


@pytest.mark.parametrize('seed', range(4))
def test_rates_of_utterances_are_those_of_a_walk_over_the_labels(seed):
  labels, decisions = split(seed, 4)
  found = multi_label.sample_rates(labels, decisions)
  assert found == pytest.approx(rates_by_hand(labels, decisions))
  assert found[0] <= found[1] <= found[2] < 1
  assert np.isnan(multi_label.sample_rates(labels[:0], decisions[:0])).all()


@pytest.mark.parametrize('metric', multi_label.METRICS.values())
def test_leading_axes_are_kept(metric):
  counts = np.random.default_rng(0).integers(0, 3, (2, 5, 4, 2, 2))
  scores = metric(counts)
  assert scores.shape == (2, 5)
  assert scores[1, 2] == metric(counts[1, 2])


def test_units_are_counted_apart_and_sum_to_the_whole():
  labels, decisions = split(0, 4)
  units = np.random.default_rng(1).choice(['b', 'a', 'c'], len(labels))
  names, counts = multi_label.confusion_by_unit(labels, decisions, units)
  assert names.tolist() == ['a', 'b', 'c'] and counts.dtype == np.int64
  for name, mine in zip(names, counts, strict=True):
    np.testing.assert_array_equal(
      mine, sklearn.multilabel_confusion_matrix(labels[units == name], decisions[units == name]))
  np.testing.assert_array_equal(counts.sum(0), multi_label.confusion(labels, decisions))


def test_booleans_are_numbers_too():
  labels, decisions = split(3, 4)
  np.testing.assert_array_equal(
    multi_label.confusion(labels > 0, decisions > 0), multi_label.confusion(labels, decisions))


@pytest.mark.parametrize('labels, decisions, message', [
  ([[0, -1], [-1, 1]], [[0, 1], [0, 1]], r'labels are 0 or 1; 2 of 4 are not, the first is -1'),
  ([[0, 1]], [[0.2, 0.8]], r'decisions are 0 or 1; 2 of 2 are not, the first is 0.2'),
  ([[0, 1]], [[0, 1], [0, 1]], r'labels are \(1, 2\), decisions \(2, 2\), and there are 1 units'),
  ([0, 1], [0, 1], r'labels are 0 or 1 per utterance and label, \[N, L\]; these are \(2,\)'),
])
def test_mistakes_are_answered(labels, decisions, message):
  with pytest.raises(ValueError, match=message):
    multi_label.confusion(labels, decisions)
