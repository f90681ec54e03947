"""How far a score could be off: intervals that count speakers, not utterances.

Utterances of one speaker are alike, so a thousand of them from two speakers say little about a
third. `jackknife` leaves out one unit at a time (speaker, dialogue, video; the protocol says which)
and looks at how much the score moves. It asks of the formula only that the score is a function of
sums over units: confusion matrices, or the moments behind a correlation.

Few big units among many small ones (MELD's six leads) decide how far the score moves, so the error
is known as badly as from few. The interval therefore counts units by Kish's effective number
(Survey Sampling, 1965), `effective_k` = (sum n)^2 / sum n^2 with n utterances in a unit: k units of
one size are k, six big ones among a hundred are hardly more than six. It has t(effective k - 1), as
Satterthwaite would: in a sum of squares to which units contribute in proportion to n, this is his
number of degrees of freedom. One sum of squares has no fewer than 1, so neither has t.

`binomial` is for utterances known to be independent, as in the generated corpora.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike


@dataclasses.dataclass(frozen=True)
class Interval:
  """`low`..`high` around a score, found from `k` units that weigh as `effective_k` of one size."""

  low: float
  high: float
  k: int
  effective_k: float

  @property
  def useful(self) -> bool:
    """False up to effective k = 2: t(1) = 12.7 makes the interval so wide that it says nothing."""
    return self.effective_k > 2


def effective_k(sizes: ArrayLike) -> np.ndarray:
  """Kish's effective number of units, 1 to k, from how many utterances each has, [..., k]."""
  sizes = np.asarray(sizes, np.float64)
  return np.square(sizes.sum(-1)) / np.square(sizes).sum(-1)


def jackknife(
    metric: Callable[[np.ndarray], np.ndarray],
    per_unit: np.ndarray,
    sizes: ArrayLike,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
) -> Interval | None:
  """The delete-one-unit jackknife interval: score +- t * standard error, cut at `bounds`.

  t has max(effective k - 1, 1) degrees of freedom.

  Args:
    metric: a function from summed statistics [..., *S] to scores [...].
    per_unit: the statistics of each unit, [k, *S]; their sum belongs to the whole split.
    sizes: how many utterances each unit has, [k].
    bounds: the least and the greatest value that the metric can have.
    level: the share of such intervals that shall cover the true score.

  Returns:
    None where there is no honest interval: with fewer than two units, or when the score of the
    whole or of any leave-one-out set is undefined. Leaving out only the undefined ones would drop
    the very units that matter most. Units that all agree give a width of 0: only differences count.
    Where `useful` is False, the interval is honest but says nothing.
  """
  per_unit = np.asarray(per_unit)
  without = np.asarray(metric(_others(per_unit)), np.float64)
  assert without.shape == per_unit.shape[:1], 'the metric has to keep leading axes'
  return from_leave_one_out(
    float(metric(per_unit.sum(0))), without, sizes, bounds=bounds, level=level)


def from_leave_one_out(
    score: float,
    without: np.ndarray,
    sizes: ArrayLike,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
) -> Interval | None:
  """The interval of `jackknife` from a `score` and its values `without` each of the units, [k].

  `sizes` are those of `jackknife`, [k], in the same order or any other.
  For scores that are no function of sums over units, or are cheaper to find in another way.
  """
  k = len(without)
  assert np.shape(sizes) == (k,), 'one size per unit'
  if k < 2 or not (np.isfinite(score) and np.isfinite(without).all()):
    return None
  error = math.sqrt((k - 1) / k * np.square(without - without.mean()).sum())
  effective = float(effective_k(sizes))
  reach = _t_quantile(0.5 + level / 2, max(effective - 1, 1)) * error
  low, high = np.clip([score - reach, score + reach], *bounds)
  return Interval(float(low), float(high), k, effective)


def binomial(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
  """The exact (Clopper-Pearson) interval for a share of `n` independent trials; (0, 1) at n = 0."""
  if not 0 <= successes <= n:
    raise ValueError(f'successes lie in 0..n; {successes} of {n} do not.')
  from scipy import special

  tail = (1 - level) / 2
  low = special.betaincinv(successes, n - successes + 1, tail) if successes > 0 else 0.0
  high = special.betaincinv(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
  return float(low), float(high)


def _others(per_unit: np.ndarray) -> np.ndarray:
  """For each unit the sum over all others, [k, *S].

  Added up, not the total less its own: a unit of large numbers would leave its rounding behind.
  """
  nothing = np.zeros_like(per_unit[:1])
  before = np.concatenate([nothing, per_unit[:-1].cumsum(0)])
  after = np.concatenate([nothing, per_unit[:0:-1].cumsum(0)])[::-1]
  return before + after


def _t_quantile(p: float, degrees: float) -> float:
  from scipy import special  # scipy.stats says the same and costs a second to import

  return float(special.stdtrit(degrees, p))
