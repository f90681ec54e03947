"""How far stated probabilities lie from how often they come true: the expected calibration error.

After Guo et al., On Calibration of Modern Neural Networks (ICML 2017): confidences fall into 15
bins of one width, (0, 1/15] to (14/15, 1], 0 into the first; the error is |share that is right -
mean confidence| of each bin, weighted by the bin's share of all. Less is better.

    calibration.ece(calibration.by_unit(confidence, right, units).sum(0))

Of a bin that is |sum of right - sum of confidence| / N, so the error is a function of sums over
utterances, and a jackknife over a thousand units is one call. It is NaN on an empty split, and
where a confidence is NaN.
"""

import numpy as np
from numpy.typing import ArrayLike

from emojax.metrics import averages

NUM_BINS = 15
_EDGES = np.arange(1, NUM_BINS) / NUM_BINS


def by_unit(confidence: ArrayLike, right: ArrayLike, units: ArrayLike) -> np.ndarray:
  """What is summed of each unit, in sorted order of `units` [N]: [k, 1 + bins].

  The first number counts utterances, the others are the sums of right - confidence in each bin.

  Args:
    confidence: probabilities [N] of what was decided; or of yes, where `right` says if it was yes.
    right: whether it came true, [N].
  """
  confidence = np.asarray(confidence, np.float64)
  names, unit_index = np.unique(np.asarray(units), return_inverse=True)
  k = len(names)
  cell = unit_index * NUM_BINS + np.digitize(confidence, _EDGES, right=True)
  gaps = np.bincount(cell, np.asarray(right) - confidence, minlength=k * NUM_BINS)
  return np.column_stack([np.bincount(unit_index, minlength=k), gaps.reshape(k, NUM_BINS)])


def ece(sums: np.ndarray) -> np.ndarray:
  """The expected calibration error of sums [..., 1 + bins], [...]."""
  return averages.ratio(np.abs(sums[..., 1:]).sum(-1), sums[..., 0])


def ece_of(confidence: ArrayLike, right: ArrayLike) -> float:
  """The expected calibration error of a whole split."""
  return float(ece(by_unit(confidence, right, np.zeros(len(right), int)).sum(0)))


def sigmoid(logits: ArrayLike) -> np.ndarray:
  """1 / (1 + exp(-logits)) as float64, for logits of any size; NaN where they are NaN."""
  with np.errstate(invalid='ignore'):
    return np.exp(-np.logaddexp(0, -np.asarray(logits, np.float64)))


def largest_of_softmax(logits: ArrayLike) -> np.ndarray:
  """The probability of the class with the largest logit, [..., K] -> [...]."""
  logits = np.asarray(logits, np.float64)
  with np.errstate(invalid='ignore'):  # of a diverged model
    return 1 / np.exp(logits - logits.max(-1, keepdims=True)).sum(-1)
