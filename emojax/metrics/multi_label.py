"""Scores of a multi-label classifier, computed from a 2 x 2 matrix of counts for each label.

    counts = multi_label.confusion(labels, decisions)  # both [N, L], 0 or 1
    multi_label.METRICS['f1_macro'](counts)

Every score takes counts [..., L, 2, 2], row = label no or yes, column = decision no or yes, and
keeps the leading axes. The matrix of a label is one of `classification` with the classes no and
yes, and so are its scores; precision, recall and f1 are those of yes.

A value is NaN exactly where it would be 0/0, and a mean over labels leaves such labels out:
  * precision: never decided for;  recall: never there;  f1: neither. A label that is there and
    never decided for, or the reverse, has f1 = 0;
  * balanced accuracy, where a label is always (or never) there, is the share that is right;
  * `f1_weighted` is defined once any label is there, `f1_macro` and `f1_micro` also once one is
    decided for; on an empty split all scores are NaN.
scikit-learn says the same with `zero_division=nan`; without, it counts such labels as 0.
"""

import numpy as np
from numpy.typing import ArrayLike

from emojax.metrics import averages, classification


def confusion(labels: ArrayLike, decisions: ArrayLike) -> np.ndarray:
  """Counts, int64 [L, 2, 2], from 0 or 1 for each utterance and label, [N, L]."""
  return _count(labels, decisions, np.zeros(len(labels), np.int64), 1)[0]


def confusion_by_unit(
    labels: ArrayLike, decisions: ArrayLike, units: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """The sorted unit names [k], and the counts of each, int64 [k, L, 2, 2]; `units` are [N]."""
  names, unit_index = np.unique(np.asarray(units), return_inverse=True)
  return names, _count(labels, decisions, unit_index, len(names))


def support(counts: np.ndarray) -> np.ndarray:
  """How often each label is there, [..., L]."""
  return classification.support(counts)[..., 1]


def precision(counts: np.ndarray) -> np.ndarray:
  """Of the decisions for each label, the share that is right, [..., L]."""
  return classification.precision(counts)[..., 1]


def recall(counts: np.ndarray) -> np.ndarray:
  """Of the utterances that have each label, the share that is found, [..., L]."""
  return classification.recall(counts)[..., 1]


def f1(counts: np.ndarray) -> np.ndarray:
  """The harmonic mean of precision and recall of each label, [..., L]."""
  return classification.f1(counts)[..., 1]


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
  """The mean of the shares found among those with and among those without each label, [..., L]."""
  return classification.ua(counts)


def accuracy_elementwise(counts: np.ndarray) -> np.ndarray:
  """The share of all N * L decisions that are right, [...]."""
  return classification.wa(_all_labels(counts))


def ua(counts: np.ndarray) -> np.ndarray:
  """Unweighted accuracy: the mean balanced accuracy, [...]."""
  return averages.mean_of_defined(balanced_accuracy(counts))


def f1_macro(counts: np.ndarray) -> np.ndarray:
  """The mean f1 of the labels that are there or decided for, [...]."""
  return averages.mean_of_defined(f1(counts))


def f1_micro(counts: np.ndarray) -> np.ndarray:
  """The f1 of all N * L decisions taken together, [...]."""
  return classification.f1(_all_labels(counts))[..., 1]


def f1_weighted(counts: np.ndarray) -> np.ndarray:
  """The mean f1 weighted by support, [...]; labels that are never there weigh nothing."""
  return averages.weighted_mean(f1(counts), support(counts))


METRICS = {
  'accuracy_elementwise': accuracy_elementwise, 'ua': ua, 'f1_macro': f1_macro,
  'f1_micro': f1_micro, 'f1_weighted': f1_weighted}


def _count(labels, decisions, unit_index, num_units) -> np.ndarray:
  """Counts [num_units, L, 2, 2], by one count over (unit, label, there, decided for)."""
  labels, decisions = _binary('labels', labels), _binary('decisions', decisions)
  if labels.shape != decisions.shape or len(labels) != len(unit_index):
    raise ValueError(
      f'one row of labels and of decisions and one unit per utterance, please; labels are '
      f'{labels.shape}, decisions {decisions.shape}, and there are {len(unit_index)} units.')
  num_labels = labels.shape[1]
  cell = ((unit_index[:, None] * num_labels + np.arange(num_labels)) * 2 + labels) * 2 + decisions
  counts = np.bincount(cell.ravel(), minlength=num_units * num_labels * 4)
  return counts.reshape(num_units, num_labels, 2, 2).astype(np.int64)


def _binary(name: str, values: ArrayLike) -> np.ndarray:
  values = np.asarray(values)
  if values.ndim != 2:
    raise ValueError(f'{name} are 0 or 1 per utterance and label, [N, L]; these are '
                     f'{values.shape}.')
  outside = (values != 0) & (values != 1)
  if outside.any():
    raise ValueError(
      f'{name} are 0 or 1; {outside.sum()} of {values.size} are not, the first is '
      f'{values[outside][0]}. Utterances without a label are left out before scoring.')
  return values.astype(np.int64)


def _all_labels(counts: np.ndarray) -> np.ndarray:
  return np.asarray(counts).sum(-3)
