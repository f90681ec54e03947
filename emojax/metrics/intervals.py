"""How far a score could be off: intervals that count speakers, not utterances.

Utterances of one speaker are alike, so a thousand of them from two speakers say little about a
third. `jackknife` leaves out one unit at a time (speaker, dialogue, video; the protocol says which)
and looks at how much the score moves. It asks of the formula only that the score is a function of
sums over units: confusion matrices, or the moments behind a correlation.

`binomial` is for utterances known to be independent, as in the generated corpora.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Interval:
  """`low`..`high` around a score, found from `k` units."""

  low: float
  high: float
  k: int

  @property
  def useful(self) -> bool:
    """False at k = 2: t(1) = 12.7 makes the interval so wide that it says nothing."""
    return self.k > 2


def jackknife(
    metric: Callable[[np.ndarray], np.ndarray],
    per_unit: np.ndarray,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
) -> Interval | None:
  """The delete-one-unit jackknife interval, score +- t(k - 1) * standard error, cut at `bounds`.

  Args:
    metric: a function from summed statistics [..., *S] to scores [...].
    per_unit: the statistics of each unit, [k, *S]; their sum belongs to the whole split.
    bounds: the least and the greatest value that the metric can have.
    level: the share of such intervals that shall cover the true score.

  Returns:
    None where there is no honest interval: with fewer than two units, or when the score of the
    whole or of any leave-one-out set is undefined. Leaving out only the undefined ones would drop
    the very units that matter most. Units that all agree give a width of 0: only differences count.
  """
  per_unit = np.asarray(per_unit)
  total = per_unit.sum(0)
  without = np.asarray(metric(total - per_unit), np.float64)
  assert without.shape == per_unit.shape[:1], 'the metric has to keep leading axes'
  return from_leave_one_out(float(metric(total)), without, bounds=bounds, level=level)


def from_leave_one_out(
    score: float,
    without: np.ndarray,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
) -> Interval | None:
  """The interval of `jackknife` from a `score` and its values `without` each of the units, [k].

  For scores that are no function of sums over units, or are cheaper to find in another way.
  """
  k = len(without)
  if k < 2 or not (np.isfinite(score) and np.isfinite(without).all()):
    return None
  error = math.sqrt((k - 1) / k * np.square(without - without.mean()).sum())
  reach = _t_quantile(0.5 + level / 2, k - 1) * error
  low, high = np.clip([score - reach, score + reach], *bounds)
  return Interval(float(low), float(high), k)


def binomial(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
  """The exact (Clopper-Pearson) interval for a share of `n` independent trials; (0, 1) at n = 0."""
  if not 0 <= successes <= n:
    raise ValueError(f'successes lie in 0..n; {successes} of {n} do not.')
  from scipy import special

  tail = (1 - level) / 2
  low = special.betaincinv(successes, n - successes + 1, tail) if successes > 0 else 0.0
  high = special.betaincinv(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
  return float(low), float(high)


def _t_quantile(p: float, degrees: int) -> float:
  from scipy import special  # scipy.stats says the same and costs a second to import

  return float(special.stdtrit(degrees, p))
