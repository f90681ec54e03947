"""Scores of a multi-label classifier, computed from a 2 x 2 matrix of counts for each label.

    counts = multi_label.confusion(labels, decisions)  # both [N, L], 0 or 1
    multi_label.METRICS['f1_macro'](counts)

Every score takes counts [..., L, 2, 2], row = label no or yes, column = decision no or yes, and
keeps the leading axes. The matrix of a label is one of `classification` with the classes no and
yes, and so are its scores; precision, recall and f1 are those of yes.

A value is NaN exactly where it would be 0/0, and a mean over labels leaves such labels out:
  * precision: never decided for;  recall: never there;  f1: neither. A label that is there and
    never decided for, or the reverse, has f1 = 0;
  * `wacc_mosei`, the weighted accuracy of the literature on CMU-MOSEI: always, or never, there;
  * balanced accuracy is the same, but there it is the share that is right;
  * `f1_weighted` is defined once any label is there, `f1_macro` and `f1_micro` also once one is
    decided for; on an empty split all scores are NaN.
scikit-learn says the same with `zero_division=nan`; without, it counts such labels as 0.

Decisions lie at a logit of 0, or at a probability for each label, see `best_thresholds`.
"""

import numpy as np
from numpy.typing import ArrayLike

from emojax.metrics import averages, calibration, classification

THRESHOLDS = np.arange(1, 20) / 20  # that are tried
UNKNOWN = 0.5  # the threshold of a label that is never there


def confusion(labels: ArrayLike, decisions: ArrayLike) -> np.ndarray:
  """Counts, int64 [L, 2, 2], from 0 or 1 for each utterance and label, [N, L]."""
  return _count(labels, decisions, np.zeros(len(labels), np.int64), 1)[0]


def confusion_by_unit(
    labels: ArrayLike, decisions: ArrayLike, units: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """The sorted unit names [k], and the counts of each, int64 [k, L, 2, 2]; `units` are [N]."""
  names, unit_index = np.unique(np.asarray(units), return_inverse=True)
  return names, _count(labels, decisions, unit_index, len(names))


def decide(logits: ArrayLike, thresholds: ArrayLike) -> np.ndarray:
  """1 where the probability lies above the threshold, else 0, int64 [N, L].

  Both are float32, as in MME2E, so that a probability of just 0.35 does not lie above 0.35.

  Args:
    logits: [N, L].
    thresholds: probabilities, [L] or [N, L].
  """
  return (calibration.sigmoid(logits).astype(np.float32)
          > np.asarray(thresholds, np.float32)).astype(np.int64)


def best_thresholds(labels: ArrayLike, logits: ArrayLike) -> np.ndarray:
  """Of `THRESHOLDS` that with the highest f1 of each label, the lowest of equals, [L].

  A label that is never there gets `UNKNOWN`.
  """
  labels = np.asarray(labels)
  found = np.nan_to_num([f1(confusion(labels, decide(logits, t))) for t in THRESHOLDS])
  return np.where((labels == 1).any(0), THRESHOLDS[found.argmax(0)], UNKNOWN)


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


def wacc_mosei(counts: np.ndarray) -> np.ndarray:
  """(TP * Nneg / Npos + TN) / (2 * Nneg) of each label, [..., L].

  That is the mean of recall and specificity.
  """
  return classification.recall(counts).mean(-1)


def accuracy(counts: np.ndarray) -> np.ndarray:
  """The share of decisions on each label that are right, [..., L]."""
  return classification.wa(counts)


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


def wacc_macro(counts: np.ndarray) -> np.ndarray:
  """The mean `wacc_mosei` of the labels that are there for some and not for others, [...]."""
  return averages.mean_of_defined(wacc_mosei(counts))


def precision_macro(counts: np.ndarray) -> np.ndarray:
  """The mean precision of the labels that are decided for, [...]."""
  return averages.mean_of_defined(precision(counts))


def recall_macro(counts: np.ndarray) -> np.ndarray:
  """The mean recall of the labels that are there, [...]."""
  return averages.mean_of_defined(recall(counts))


def sample_rates(labels: ArrayLike, decisions: ArrayLike) -> tuple[float, float, float]:
  """(strict, subset, intersect) of MME2E's `eval_mosei_emo`: shares of utterances; both [N, L].

  Strict ones are right in every label, and count for all three. In a subset one, some label is
  found and none is decided for wrongly. In an intersect one, some label is found before, in the
  order of the labels, the first that is decided for wrongly. NaN on an empty split.
  """
  labels, decisions = _binary('labels', labels), _binary('decisions', decisions)
  found, wrong = labels & decisions, decisions & (1 - labels)
  strict = (labels == decisions).all(1)
  subset = strict | found.any(1) & ~wrong.any(1)
  intersect = strict | (found & (wrong.cumsum(1) == 0)).any(1)
  return tuple(float(averages.ratio(hits.sum(), len(labels))) for hits in
               (strict, subset, intersect))


METRICS = {
  'accuracy_elementwise': accuracy_elementwise, 'wacc_mosei': wacc_macro, 'ua': ua,
  'f1_macro': f1_macro, 'f1_micro': f1_micro, 'f1_weighted': f1_weighted,
  'precision': precision_macro, 'recall': recall_macro}
OF_EACH = {'accuracy': accuracy, 'wacc_mosei': wacc_mosei, 'precision': precision,
           'recall': recall, 'f1': f1}


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
