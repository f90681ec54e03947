"""The scores against scikit-learn, and where they are undefined against numbers typed by hand."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sklearn

from emojax.metrics import classification

nan = np.nan


def split(seed, num_classes, n=200):
  """Labels and predictions in which some classes may be rare or absent."""
  random = np.random.default_rng(seed)
  labels = random.choice(num_classes, n, p=random.dirichlet(np.full(num_classes, 0.4)))
  guesses = random.choice(num_classes, n, p=random.dirichlet(np.full(num_classes, 0.4)))
  return labels, np.where(random.random(n) < 0.6, labels, guesses)


@pytest.mark.parametrize('num_classes', [2, 4, 7])
@pytest.mark.parametrize('seed', range(8))
def test_scores_equal_sklearn(seed, num_classes):
  labels, predictions = split(seed, num_classes)
  matrix = classification.confusion(labels, predictions, num_classes)
  classes = np.arange(num_classes)
  assert matrix.dtype == np.int64
  np.testing.assert_array_equal(
    matrix, sklearn.confusion_matrix(labels, predictions, labels=classes))

  with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # scikit-learn warns of the classes that occur nowhere
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(
      labels, predictions, labels=classes, zero_division=nan)
    expected = {
      'wa': sklearn.accuracy_score(labels, predictions),
      'ua': sklearn.balanced_accuracy_score(labels, predictions),
      'f1_macro': sklearn.f1_score(labels, predictions, average='macro'),
      'f1_weighted': sklearn.f1_score(labels, predictions, average='weighted'),
    }
  assert {name: metric(matrix) for name, metric in classification.METRICS.items()} == pytest.approx(
    expected, abs=1e-12)
  np.testing.assert_allclose(classification.precision(matrix), precision, atol=1e-12)
  np.testing.assert_allclose(classification.recall(matrix), recall, atol=1e-12)
  np.testing.assert_allclose(classification.f1(matrix), f1, atol=1e-12)
  np.testing.assert_array_equal(classification.support(matrix), support)


def test_absent_classes_are_nan_and_left_out_of_means():
  # class 0 as usual; 1 never predicted; 2 predicted without support; 3 neither
  matrix = np.array([[3, 0, 1, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
  np.testing.assert_allclose(classification.precision(matrix), [0.6, nan, 0, nan])
  np.testing.assert_allclose(classification.recall(matrix), [0.75, 0, nan, nan])
  np.testing.assert_allclose(classification.f1(matrix), [2 / 3, 0, 0, nan])
  assert classification.wa(matrix) == pytest.approx(3 / 6)
  assert classification.ua(matrix) == pytest.approx((0.75 + 0) / 2)
  assert classification.f1_macro(matrix) == pytest.approx((2 / 3 + 0 + 0) / 3)
  assert classification.f1_weighted(matrix) == pytest.approx(2 / 3 * 4 / 6)


@pytest.mark.parametrize('metric', classification.METRICS.values())
def test_an_empty_split_has_no_score_and_a_perfect_one_has_one(metric):
  assert np.isnan(metric(classification.confusion([], [], 3)))
  assert metric(np.diag([5, 0, 2])) == 1.0


@pytest.mark.parametrize('metric', classification.METRICS.values())
def test_leading_axes_are_kept(metric):
  matrices = np.random.default_rng(0).integers(0, 3, (2, 5, 4, 4))
  scores = metric(matrices)
  assert scores.shape == (2, 5)
  assert scores[1, 2] == metric(matrices[1, 2])


def test_units_are_counted_apart_and_sum_to_the_whole():
  labels, predictions = split(0, 4)
  units = np.random.default_rng(1).choice(['Ses01F', 'Ses01M', 'Ses02F'], len(labels))
  names, matrices = classification.confusion_by_unit(labels, predictions, units, 4)
  assert names.tolist() == ['Ses01F', 'Ses01M', 'Ses02F']
  for name, matrix in zip(names, matrices, strict=True):
    mine = units == name
    np.testing.assert_array_equal(
      matrix, classification.confusion(labels[mine], predictions[mine], 4))
  np.testing.assert_array_equal(
    matrices.sum(0), classification.confusion(labels, predictions, 4))


@pytest.mark.parametrize('labels, predictions, message', [
  ([0, -1, 4], [0, 1, 2], r'labels lie in 0..3; 2 of 3 do not, the first is -1'),
  ([0, 1], [0.2, 0.8], r'predictions are class numbers, so integers; these are float64'),
  ([0, 1], [0], r'there are 2 labels, 1 predictions and 2 units'),
  ([[0, 1]], [0, 1], r'labels are one class number per utterance, \[N\]; these are \(1, 2\)'),
])
def test_mistakes_are_answered(labels, predictions, message):
  with pytest.raises(ValueError, match=message):
    classification.confusion(labels, predictions, 4)
