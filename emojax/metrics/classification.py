"""Scores of a single-label classifier, computed from the confusion matrix of a whole split.

    matrix = classification.confusion(labels, predictions, num_classes=4)
    classification.METRICS['ua'](matrix)

Every score takes matrices [..., K, K] and keeps the leading axes, so that a jackknife over a
thousand units is one call. Values are fractions in 0..1, the best of every score is 1.

A value is NaN exactly where it would be 0/0, and a mean over classes leaves such classes out:
  * recall: a class without support;  precision: a class that was never predicted;
  * f1: a class with neither. One with support that is never predicted, or the reverse, has f1 = 0;
  * `ua` is the mean over classes with support, `f1_macro` over classes with support or predictions;
  * on an empty split all scores are NaN.
scikit-learn averages the same classes (`balanced_accuracy_score`, `f1_score` without `labels=`).
"""

import numpy as np
from numpy.typing import ArrayLike

from emojax.metrics import averages


def confusion(labels: ArrayLike, predictions: ArrayLike, num_classes: int) -> np.ndarray:
  """Counts, int64 [K, K]: row = label, column = prediction. Inputs are integers [N] in 0..K-1."""
  return _count(labels, predictions, np.zeros(np.shape(labels), np.int64), 1, num_classes)[0]


def confusion_by_unit(
    labels: ArrayLike, predictions: ArrayLike, units: ArrayLike, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
  """The sorted unit names [k], and one confusion matrix for each, int64 [k, K, K].

  `units` [N] names the speaker (dialogue, video, ...) of each utterance.
  """
  names, unit_index = np.unique(np.asarray(units), return_inverse=True)
  return names, _count(labels, predictions, unit_index, len(names), num_classes)


def support(matrix: np.ndarray) -> np.ndarray:
  """How often each class is the label, [..., K]."""
  return np.asarray(matrix).sum(-1)


def precision(matrix: np.ndarray) -> np.ndarray:
  """Of the predictions of each class, the share that is right, [..., K]."""
  return averages.ratio(_hits(matrix), np.asarray(matrix).sum(-2))


def recall(matrix: np.ndarray) -> np.ndarray:
  """Of the utterances of each class, the share that is found, [..., K]."""
  return averages.ratio(_hits(matrix), support(matrix))


def f1(matrix: np.ndarray) -> np.ndarray:
  """The harmonic mean of precision and recall of each class, [..., K]."""
  return averages.ratio(2 * _hits(matrix), np.asarray(matrix).sum(-2) + support(matrix))


def wa(matrix: np.ndarray) -> np.ndarray:
  """Weighted accuracy as the field says it: the share of utterances that are right, [...]."""
  return averages.ratio(_hits(matrix).sum(-1), support(matrix).sum(-1))


def ua(matrix: np.ndarray) -> np.ndarray:
  """Unweighted accuracy: the mean recall of the classes that occur, [...]."""
  return averages.mean_of_defined(recall(matrix))


def f1_macro(matrix: np.ndarray) -> np.ndarray:
  """The mean f1 of the classes that occur or are predicted, [...]."""
  return averages.mean_of_defined(f1(matrix))


def f1_weighted(matrix: np.ndarray) -> np.ndarray:
  """The mean f1 weighted by support, [...]; classes that do not occur weigh nothing."""
  return averages.weighted_mean(f1(matrix), support(matrix))


METRICS = {'wa': wa, 'ua': ua, 'f1_macro': f1_macro, 'f1_weighted': f1_weighted}


def _count(labels, predictions, unit_index, num_units, num_classes) -> np.ndarray:
  """Matrices [num_units, K, K], by one count over (unit, label, prediction)."""
  labels = _classes('labels', labels, num_classes)
  predictions = _classes('predictions', predictions, num_classes)
  if not len(labels) == len(predictions) == len(unit_index):
    raise ValueError(
      f'one label, prediction and unit per utterance, please; there are {len(labels)} labels, '
      f'{len(predictions)} predictions and {len(unit_index)} units.')
  cell = (unit_index * num_classes + labels) * num_classes + predictions
  counts = np.bincount(cell, minlength=num_units * num_classes**2)
  return counts.reshape(num_units, num_classes, num_classes).astype(np.int64)


def _classes(name: str, values: ArrayLike, num_classes: int) -> np.ndarray:
  values = np.asarray(values)
  if values.ndim != 1:
    raise ValueError(f'{name} are one class number per utterance, [N]; these are {values.shape}.')
  if not values.size:
    return values.astype(np.int64)
  if not np.issubdtype(values.dtype, np.integer):
    raise ValueError(f'{name} are class numbers, so integers; these are {values.dtype}.')
  outside = (values < 0) | (values >= num_classes)
  if outside.any():
    raise ValueError(
      f'{name} lie in 0..{num_classes - 1}; {outside.sum()} of {values.size} do not, the first is '
      f'{values[outside][0]}. Utterances without a label are left out before scoring.')
  return values.astype(np.int64)


def _hits(matrix: np.ndarray) -> np.ndarray:
  return np.diagonal(matrix, axis1=-2, axis2=-1)
