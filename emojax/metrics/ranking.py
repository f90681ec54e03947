"""How well scores tell yes from no at any threshold: the area under the ROC curve.

It is the share of pairs (one yes, one no) in which the yes has the higher score; a tie counts half.
No sum over utterances, but one over pairs, so its jackknife has a way of its own.
"""

import numpy as np
from numpy.typing import ArrayLike

from emojax.metrics import intervals


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
  """The area under the ROC curve of `scores` [N] at `labels` [N], 0 or 1.

  1/2 is chance; NaN where all labels are equal, and on an empty split.
  """
  return leave_one_out(labels, scores, np.zeros(len(labels), np.int64))[0]


def leave_one_out(
    labels: ArrayLike, scores: ArrayLike, units: ArrayLike) -> tuple[float, np.ndarray]:
  """The area of all utterances, and without each unit in turn, [k], in sorted order of `units` [N].

  Without a unit, the pairs between it and everyone are gone; those inside it were then taken away
  twice. All pairs are counted in three sorts, in whole numbers, so ties are exact.
  """
  yes, ranks, unit_index, k = _checked(labels, scores, units)
  everyone = np.zeros_like(unit_index)
  # [k]: twice the pairs that are won by the yes of each unit, by the yes against its no, and both
  won = _per_unit(_wins(ranks, yes, everyone), unit_index[yes], k)
  lost_by = _per_unit(_wins(-ranks, ~yes, everyone), unit_index[~yes], k)
  inside = _per_unit(_wins(ranks, yes, unit_index), unit_index[yes], k)
  num_yes = _per_unit(np.ones(yes.sum()), unit_index[yes], k)
  num_no = _per_unit(np.ones((~yes).sum()), unit_index[~yes], k)

  total = won.sum()
  pairs = num_yes.sum() * num_no.sum()
  pairs_without = (num_yes.sum() - num_yes) * (num_no.sum() - num_no)
  with np.errstate(invalid='ignore'):  # 0/0 where there is no pair
    return (float(np.float64(total) / (2 * pairs)),
            (total - won - lost_by + inside) / (2 * pairs_without))


def auc_interval(
    labels: ArrayLike, scores: ArrayLike, units: ArrayLike, *, level: float = 0.95
) -> intervals.Interval | None:
  """The delete-one-unit jackknife interval of `auc`; None where `intervals.jackknife` has none."""
  value, without = leave_one_out(labels, scores, units)
  _, sizes = np.unique(units, return_counts=True)
  return intervals.from_leave_one_out(value, without, sizes, level=level)


def _wins(ranks: np.ndarray, chosen: np.ndarray, groups: np.ndarray) -> np.ndarray:
  """For each of the `chosen`: 2 for every other of its group with a lower rank, 1 for an equal."""
  if not len(ranks):
    return np.zeros(0, np.int64)
  lowest = ranks.min()
  first = groups * (ranks.max() - lowest + 1)  # where the keys of a group begin
  keys = first + ranks - lowest
  others = np.sort(keys[~chosen])
  below = np.searchsorted(others, keys[chosen], 'left')
  upto = np.searchsorted(others, keys[chosen], 'right')
  return below + upto - 2 * np.searchsorted(others, first[chosen], 'left')


def _per_unit(values: np.ndarray, unit_index: np.ndarray, k: int) -> np.ndarray:
  """Sums [k]; whole numbers below 2^53, so exact in float64."""
  return np.bincount(unit_index, weights=values, minlength=k)


def _checked(labels, scores, units) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
  """Where the label is 1, dense ranks of the scores, unit numbers, and how many units there are."""
  labels, scores, units = np.asarray(labels), np.asarray(scores), np.asarray(units)
  if not (labels.ndim == 1 and labels.shape == scores.shape == units.shape):
    raise ValueError(
      f'one label, score and unit per utterance, please; labels are {labels.shape}, scores '
      f'{scores.shape}, units {units.shape}.')
  outside = (labels != 0) & (labels != 1)
  if outside.any():
    raise ValueError(f'labels are 0 or 1; {outside.sum()} of {len(labels)} are not, the first is '
                     f'{labels[outside][0]}.')
  if np.isnan(scores).any():
    raise ValueError(f'{np.isnan(scores).sum()} of {len(scores)} scores are NaN and have no rank.')
  _, ranks = np.unique(scores, return_inverse=True)
  names, unit_index = np.unique(units, return_inverse=True)
  return labels == 1, ranks, unit_index, len(names)
