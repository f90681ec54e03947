"""Scores of predicted numbers, such as a sentiment in -3..3 or valence in 1..5.

    metric = values.METRICS['ccc']
    metric.score(metric.per_utterance(labels, predictions).sum(0))

Every score is a function of sums over utterances, so that a jackknife over a thousand units is one
call: `per_utterance` gives what is summed, `score` takes sums [..., *S] and keeps leading axes.

  * `mae`: the mean distance. The only one of which less is better, see `smaller_is_better`.
  * `corr`: Pearson's. `ccc`: Lin's concordance (Biometrics, 1989), with moments over n.
  * `ccc_unbiased`: the same with variances and covariance over n - 1, as some of the literature
    has it; it differs where the means do.

Of sentiments there are, as in the literature on CMU-MOSI and CMU-MOSEI,

  * `acc2_nonneg`, `f1_nonneg`: negative or not; 0 counts as not, on both sides;
  * `acc2_nonzero`, `f1_nonzero`: without the utterances whose label is 0; above 0 or not;
  * `acc7_round`, `acc5`: both sides cut to -3..3 (-2..2), then to the nearest integer, halves to
    the even one;  `acc7_away`: cut, then away from zero, so that only 0 itself is 0.

Both f1 are means over the two classes, weighted by support. A score is NaN exactly where it would
be 0/0: `corr` where labels or predictions are all the same, `ccc` where both are, and equal, and
`ccc_unbiased` also of a single utterance.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from emojax.metrics import averages, classification

_SAME = 1e-12  # a variance below this share of the mean square is rounding


@dataclasses.dataclass(frozen=True)
class Metric:
  """One score.

  Attributes:
    per_utterance: (labels [N], predictions [N]) of a whole split -> what is summed, [N, *S].
    score: sums [..., *S] -> [...].
    undefined: why there is no score, where there are utterances but no score.
    bounds: the least and the greatest value.
  """

  per_utterance: Callable[[np.ndarray, np.ndarray], np.ndarray]
  score: Callable[[np.ndarray], np.ndarray]
  undefined: str = ''
  bounds: tuple[float, float] = (0.0, 1.0)


def of_range(low: float, high: float) -> Mapping[str, Metric]:
  """The metrics of labels that lie in `low`..`high`."""
  return METRICS | SENTIMENT if (low, high) == (-3, 3) else METRICS


def names(metric: str, dimensions: Sequence[str]) -> tuple[str, ...]:
  """What a metric of values is called: of several its mean over them, then that of each."""
  each = (f'{metric}_{name}' for name in dimensions) if len(dimensions) > 1 else ()
  return (metric, *each)


def smaller_is_better(metric: str) -> bool:
  """Whether less of a metric is better: of a loss, a distance or a calibration error.

  Of one value or class as of several.
  """
  return metric.partition('_')[0] in ('loss', 'mae', 'ece')


def rounded(numbers: np.ndarray, limit: float = np.inf) -> np.ndarray:
  """The nearest integers in -limit..limit, halves to the even one."""
  return np.rint(np.clip(numbers, -limit, limit))


def rounded_away(numbers: np.ndarray, limit: float = np.inf) -> np.ndarray:
  """Integers in -limit..limit, away from zero."""
  cut = np.clip(numbers, -limit, limit)
  return np.sign(cut) * np.ceil(np.abs(cut))


def _distances(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
  return np.stack([np.ones(len(labels)), np.abs(predictions - labels)], axis=1)


def _mean(sums: np.ndarray) -> np.ndarray:
  """Of [count, sum]."""
  return averages.ratio(sums[..., 1], sums[..., 0])


def _moments(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
  """1, x, y, xx, yy, xy around the means, and the difference, [N, 7].

  Around the means, since squares of a large mean would swallow a small deviation.
  """
  if not len(labels):
    return np.zeros((0, 7))
  x, y = labels - labels.mean(), predictions - predictions.mean()
  return np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y, predictions - labels], axis=1)


def _corr(sums: np.ndarray) -> np.ndarray:
  variance_x, variance_y, covariance, _ = _spread(sums)
  below = np.sqrt(variance_x) * np.sqrt(variance_y)
  return np.clip(averages.ratio(covariance, below), -1, 1)


def _ccc(sums: np.ndarray) -> np.ndarray:
  variance_x, variance_y, covariance, shift = _spread(sums)
  return averages.ratio(2 * covariance, variance_x + variance_y + shift**2)


def _ccc_unbiased(sums: np.ndarray) -> np.ndarray:
  variance_x, variance_y, covariance, shift = _spread(sums)
  more = averages.ratio(sums[..., 0], sums[..., 0] - 1)
  return averages.ratio(2 * more * covariance, more * (variance_x + variance_y) + shift**2)


def _spread(sums: np.ndarray) -> tuple[np.ndarray, ...]:
  """Both variances, the covariance and the mean difference, from summed `_moments`."""
  count = sums[..., 0]
  x, y, xx, yy, xy, shift = (averages.ratio(sums[..., i], count) for i in range(1, 7))
  variances = []
  for mean, square in ((x, xx), (y, yy)):
    variance = square - mean**2
    variances.append(np.where(variance <= _SAME * square, 0, variance))
  return *variances, xy - x * y, shift


def _two_classes(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
  """Confusion matrices [N, 2, 2] of single utterances, from bool [N]."""
  matrices = np.zeros((len(labels), 2, 2))
  matrices[np.arange(len(labels)), labels.astype(int), predictions.astype(int)] = 1
  return matrices


def _nonneg(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
  return _two_classes(labels >= 0, predictions >= 0)


def _nonzero(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
  return _two_classes(labels > 0, predictions > 0) * (labels != 0)[:, None, None]


def _equal(divide: Callable[[np.ndarray, float], np.ndarray], limit: float) -> Metric:
  """The share of utterances whose label and prediction are divided alike."""
  def hits(labels, predictions):
    return np.stack([np.ones(len(labels)), divide(labels, limit) == divide(predictions, limit)], 1)

  return Metric(hits, _mean)


_ZEROS = 'all labels are 0'
_ONE_POINT = 'labels and predictions are all the same'
METRICS = {
  'mae': Metric(_distances, _mean, bounds=(0.0, np.inf)),
  'corr': Metric(_moments, _corr, 'labels or predictions are all the same', (-1.0, 1.0)),
  'ccc': Metric(_moments, _ccc, _ONE_POINT, (-1.0, 1.0)),
  'ccc_unbiased': Metric(_moments, _ccc_unbiased, _ONE_POINT, (-1.0, 1.0)),
}
SENTIMENT = {
  'acc2_nonneg': Metric(_nonneg, classification.wa),
  'f1_nonneg': Metric(_nonneg, classification.f1_weighted),
  'acc2_nonzero': Metric(_nonzero, classification.wa, _ZEROS),
  'f1_nonzero': Metric(_nonzero, classification.f1_weighted, _ZEROS),
  'acc5': _equal(rounded, 2),
  'acc7_round': _equal(rounded, 3),
  'acc7_away': _equal(rounded_away, 3),
}
