"""The rows of `result.json`, and what a score is worth where the best possible one is known.

A row is a flat dict that JSON can hold:

    {protocol, fold, seed, split, head, metric, value, ci95, n, n_excluded, unit, k}

`value` and `ci95` ([low, high]) are fractions. Where one is absent (None) or of no use, a further
key, `reason`, says why. `fold` is the name of a fold, 'pooled' (the caller joins the predictions
of all folds and asks for rows as usual) or 'mean' (made here, with two more keys, `sd`, `members`).
"""

import dataclasses
import statistics
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from emojax.metrics import classification, intervals

Row = dict[str, Any]


def classification_rows(
    labels: ArrayLike,
    outputs: ArrayLike,
    units: ArrayLike,
    *,
    num_classes: int,
    protocol: str,
    fold: str | int,
    seed: int | None,
    split: str,
    head: str,
    n_excluded: int,
    unit: str,
) -> list[Row]:
  """One row per metric of `classification.METRICS`, with its jackknife interval over units.

  Args:
    labels: class numbers, [N].
    outputs: logits [N, K], or predicted class numbers [N]; of equal logits the first class wins.
    units: who or what each utterance belongs to, [N]; `unit` says what that is ('speaker').
    n_excluded: utterances of this split that the dataset or the protocol left out.

  Raises:
    ValueError: if a logit is NaN or infinite: a diverged model has no score.
  """
  predictions = _predictions(outputs, num_classes)
  _, per_unit = classification.confusion_by_unit(labels, predictions, units, num_classes)
  total, k = per_unit.sum(0), len(per_unit)
  rows = []
  for name, metric in classification.METRICS.items():
    value, interval = float(metric(total)), intervals.jackknife(metric, per_unit)
    row = {
      'protocol': protocol, 'fold': fold, 'seed': seed, 'split': split, 'head': head,
      'metric': name, 'value': None if np.isnan(value) else value,
      'ci95': [interval.low, interval.high] if interval else None,
      'n': int(total.sum()), 'n_excluded': n_excluded, 'unit': unit, 'k': k,
    }
    reason = _reason(interval, k, unit)
    rows.append(row | {'reason': reason} if reason else row)
  return rows


def mean_rows(rows: Iterable[Row]) -> list[Row]:
  """Rows of fold 'mean': per protocol, split, head and metric the mean over members (fold, seed).

  `sd` is the spread over the `members` (n - 1 below; None for one member). There is no interval:
  folds share training data and seeds share test data, so members are not independent; the pooled
  rows have one. `n`, `n_excluded` and `k` count each fold once; `seed` is kept if all members have
  the same. If one member has no value, the mean has none. Rows 'pooled' and 'mean' are passed over.
  """
  groups: dict[tuple, dict[tuple, Row]] = {}
  for row in rows:
    if row['fold'] in ('pooled', 'mean'):
      continue
    group = groups.setdefault(tuple(row[key] for key in _SHARED), {})
    member = (row['fold'], row['seed'])
    if member in group:
      raise ValueError(
        f'two rows for {row["metric"]} of fold {member[0]}, seed {member[1]} ({row["protocol"]}, '
        f'{row["split"]}, {row["head"]}); settings of a grid are averaged one at a time.')
    group[member] = row
  return [_mean_row(list(group.values())) for group in groups.values()]


def known_share(score: float, best: float, chance: float) -> float:
  """How much of what can be known was learned: 0 at chance, 1 at the best possible score."""
  if not best > chance:
    raise ValueError(f'the best score lies above chance; {best} does not lie above {chance}.')
  return (score - chance) / (best - chance)


@dataclasses.dataclass(frozen=True)
class Judgement:
  """An accuracy held against the best possible one."""

  accuracy: float
  ci95: tuple[float, float]  # exact binomial
  known_share: float
  beats_best: bool  # the whole interval lies above the best: something leaks


def judge(correct: int, n: int, *, best: float, chance: float) -> Judgement:
  """Holds `correct` of `n` against the Bayes accuracy of a generated corpus (its `truth.json`).

  Utterances there are independent, so the interval is binomial. A perfect model is falsely accused
  of a leak in at most 2.5 % of tests.
  """
  if n < 1:
    raise ValueError('nothing to judge: no utterances.')
  low, high = intervals.binomial(correct, n)
  return Judgement(
    correct / n, (low, high), known_share(correct / n, best, chance), beats_best=low > best)


_SHARED = ('protocol', 'split', 'head', 'metric', 'unit')  # what the members of a mean agree in


def _predictions(outputs: ArrayLike, num_classes: int) -> np.ndarray:
  outputs = np.asarray(outputs)
  if outputs.ndim == 1:
    return outputs
  if outputs.ndim != 2 or outputs.shape[1] != num_classes:
    raise ValueError(
      f'outputs are logits [N, {num_classes}] or predictions [N]; these are {outputs.shape}.')
  damaged = np.flatnonzero(~np.isfinite(outputs).all(1))
  if damaged.size:
    raise ValueError(
      f'{damaged.size} of {len(outputs)} utterances have logits that are not finite, the first in '
      f'row {damaged[0]}; a diverged model has no score.')
  return outputs.argmax(1)


def _reason(interval: intervals.Interval | None, k: int, unit: str) -> str | None:
  if interval:
    return None if interval.useful else f'{k} {unit}s: no useful interval'
  if k == 0:
    return 'no utterances'
  return f'1 {unit}: no interval' if k == 1 else f'undefined without one of the {k} {unit}s'


def _mean_row(members: list[Row]) -> Row:
  values = [row['value'] for row in members if row['value'] is not None]
  complete = len(values) == len(members)
  reason = (
    'members are not independent: the pooled rows have the interval' if complete else
    f'no value in {len(members) - len(values)} of {len(members)} members')
  folds = {row['fold']: row for row in members}.values()
  seeds = {row['seed'] for row in members}
  return {
    **{key: members[0][key] for key in _SHARED},
    'fold': 'mean', 'seed': seeds.pop() if len(seeds) == 1 else None,
    'value': statistics.fmean(values) if complete else None,
    'sd': statistics.stdev(values) if complete and len(values) > 1 else None,
    'members': len(members), 'ci95': None,
    **{key: sum(row[key] for row in folds) for key in ('n', 'n_excluded', 'k')},
    'reason': reason,
  }
