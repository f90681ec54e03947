"""The rows of `result.json`, and what a score is worth where the best possible one is known.

A row is a flat dict that JSON can hold:

    {protocol, fold, seed, split, head, metric, value, ci95, n, n_excluded, unit, k}

`value` and `ci95` ([low, high]) are fractions; a distance (`mae`) is on the scale of its labels.
Where one is absent (None) or of no use, a further key, `reason`, says why; a member of a grid has a
key `setting`; what is to be known beforehand stands in `notice`. `fold` is the name of a fold,
'pooled' (the caller joins the predictions of all folds and asks for rows as usual) or 'mean' (made
here, with two more keys, `sd`, `members`).
"""

import dataclasses
import functools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from emojax.metrics import (
  averages,
  calibration,
  classification,
  intervals,
  multi_label,
  ranking,
)
from emojax.metrics import values as values_lib

Row = dict[str, Any]
# Of a multi-label head: scores that there are of each class for itself, as '<score>_<class>'.
OF_EACH = (*multi_label.OF_EACH, 'auc', 'ece')


def classification_rows(
    labels: ArrayLike,
    outputs: ArrayLike,
    units: ArrayLike,
    *,
    num_classes: int,
    confidence: ArrayLike | None = None,
    protocol: str,
    fold: str | int,
    seed: int | None,
    split: str,
    head: str,
    n_excluded: int,
    unit: str,
) -> list[Row]:
  """One row per metric of `classification.METRICS`, with its jackknife interval over units.

  With `confidence` also one of `ece`.

  Args:
    labels: class numbers, [N].
    outputs: logits [N, K], or predicted class numbers [N]; of equal logits the first class wins.
    units: who or what each utterance belongs to, [N]; `unit` says what that is ('speaker').
    confidence: the probability of each predicted class, [N].
    n_excluded: utterances of this split that the dataset or the protocol left out.

  Raises:
    ValueError: if a logit is NaN or infinite: a diverged model has no score.
  """
  predictions = _predictions(outputs, num_classes)
  _, per_unit = classification.confusion_by_unit(labels, predictions, units, num_classes)
  sizes = _sizes(units)
  scores = _jackknifed(classification.METRICS, per_unit, sizes)
  if confidence is not None:
    of_bins = calibration.by_unit(confidence, predictions == np.asarray(labels), units)
    scores += _jackknifed({'ece': calibration.ece}, of_bins, sizes)
  return _rows(
    scores, sizes, protocol=protocol, fold=fold, seed=seed, split=split, head=head,
    n_excluded=n_excluded, unit=unit)


def multi_label_rows(
    labels: ArrayLike, logits: ArrayLike, units: ArrayLike, *, class_names: Sequence[str],
    thresholds: ArrayLike | None = None, **source: Any,
) -> list[Row]:
  """One row per metric of all classes, then one per metric of each (`of_single_classes`).

  Those of all are `multi_label.METRICS`, `auc_macro` and `ece`: means over the classes that have
  a value. A class that is there always, or never, has no area.

  Args:
    labels: 0 or 1 for each class, [N, K].
    logits: [N, K]; a class is decided for where its logit lies above 0.
    thresholds: probabilities above which classes are decided for instead, [K] or [N, K].
    units: who or what each utterance belongs to, [N].
    **source: protocol, fold, seed, split, head, n_excluded and unit, as for `classification_rows`.

  Raises:
    ValueError: if a logit is NaN or infinite: a diverged model has no score.
  """
  labels, logits = np.asarray(labels), _finite(logits, len(class_names))
  decisions = logits > 0 if thresholds is None else multi_label.decide(logits, thresholds)
  _, per_unit = multi_label.confusion_by_unit(labels, decisions, units)
  sizes = _sizes(units)
  areas = [ranking.leave_one_out(labels[:, c], logits[:, c], units)
           for c in range(len(class_names))]
  macro = (float(averages.mean_of_defined([area for area, _ in areas])),
           averages.mean_of_defined(np.stack([without for _, without in areas], -1)))
  of_bins = np.stack([calibration.by_unit(calibration.sigmoid(logits[:, c]), labels[:, c], units)
                      for c in range(len(class_names))], axis=1)  # [k, K, 1 + bins]
  both = 'no class has both positives and negatives'
  scores = []
  for name, metric in multi_label.METRICS.items():
    reason = {'wacc_mosei': both, 'precision': 'no class is decided for'}.get(
      name, 'no class has positives')
    scores += _jackknifed({name: metric}, per_unit, sizes, reason)
  scores.append(_Score('auc_macro', macro[0], intervals.from_leave_one_out(*macro, sizes), both))
  scores += _jackknifed({'ece': lambda sums: calibration.ece(sums).mean(-1)}, of_bins, sizes)
  for c, (name, counts) in enumerate(zip(class_names, per_unit.sum(0), strict=True)):
    absent = f'{name} has no {"negatives" if counts[1].any() else "positives"}'
    reasons = {'precision': f'{name} is never decided for'}
    for metric_name, metric in multi_label.OF_EACH.items():
      scores += _jackknifed(
        {f'{metric_name}_{name}': functools.partial(_of_class, metric, c)}, per_unit, sizes,
        reasons.get(metric_name, absent))
    area, without = areas[c]
    scores.append(_Score(
      f'auc_{name}', area, intervals.from_leave_one_out(area, without, sizes), absent))
    scores += _jackknifed({f'ece_{name}': calibration.ece}, of_bins[:, c], sizes)
  return _rows(scores, sizes, **source)


def of_single_classes(class_names: Iterable[str]) -> list[str]:
  """What scores of single classes of a multi-label head are called."""
  return [f'{metric}_{name}' for name in class_names for metric in OF_EACH]


def value_rows(
    labels: ArrayLike, outputs: ArrayLike, units: ArrayLike, *, names: Sequence[str],
    metrics: Mapping[str, values_lib.Metric], **source: Any,
) -> list[Row]:
  """One row per metric; of several values its mean over them, then '<metric>_<name>' of each.

  Args:
    labels: numbers [N, K].
    outputs: predicted numbers [N, K].
    units: who or what each utterance belongs to, [N].
    names: of the K values.
    metrics: see `values.of_range`.
    **source: protocol, fold, seed, split, head, n_excluded and unit, as for `classification_rows`.

  Raises:
    ValueError: if a prediction is NaN or infinite: a diverged model has no score.
  """
  labels = np.asarray(labels, np.float64)
  outputs = _finite(outputs, len(names), 'values').astype(np.float64)
  _, unit_index = np.unique(units, return_inverse=True)
  sizes, scores = _sizes(units), []
  for metric_name, metric in metrics.items():
    per_utterance = np.stack([metric.per_utterance(labels[:, c], outputs[:, c])
                              for c in range(len(names))], axis=1)
    per_unit = np.zeros((len(sizes), *per_utterance.shape[1:]))  # [k, K, *S]
    np.add.at(per_unit, unit_index, per_utterance)
    some = [slice(None), *(slice(c, c + 1) for c in range(len(names)))]  # all, then each
    mean = lambda sums, metric=metric: metric.score(sums).mean(-1)
    for name, which in zip(values_lib.names(metric_name, names), some):
      sums = per_unit[:, which]
      scores.append(_Score(
        name, float(mean(sums.sum(0))),
        intervals.jackknife(mean, sums, sizes, bounds=metric.bounds), metric.undefined))
  return _rows(scores, sizes, **source)


def mean_rows(rows: Iterable[Row]) -> list[Row]:
  """Rows of fold 'mean': per protocol, setting, split, head and metric the mean over members.

  A member is a fold with a seed. `sd` is the spread over the `members` (n - 1 below; None for one
  member). There is no interval: folds share training data and seeds share test data, so members are
  not independent; the pooled rows have one. `n`, `n_excluded` and `k` count each fold once; `seed`
  is kept if all members have the same. If one member has no value, the mean has none. Rows 'pooled'
  and 'mean' are passed over.
  """
  groups: dict[tuple, dict[tuple, Row]] = {}
  for row in rows:
    if row['fold'] in ('pooled', 'mean'):
      continue
    group = groups.setdefault(tuple(row.get(key) for key in _SHARED), {})
    member = (row['fold'], row['seed'])
    if member in group:
      raise ValueError(
        f'two rows for {row["metric"]} of fold {member[0]}, seed {member[1]} ({row["protocol"]}, '
        f'{row["split"]}, {row["head"]}).')
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


# what the members of a mean agree in; 'setting' stands in rows of a grid alone
_SHARED = ('protocol', 'setting', 'split', 'head', 'metric', 'unit')


class _Score(NamedTuple):
  metric: str
  value: float
  interval: intervals.Interval | None
  undefined: str = ''  # why `value` is NaN, if it is, though there are utterances


def _jackknifed(
    metrics: Mapping[str, Any], per_unit: np.ndarray, sizes: np.ndarray, undefined: str = '',
) -> list[_Score]:
  """Every metric of the statistics of all units, with its interval."""
  total = per_unit.sum(0)
  return [
    _Score(name, float(metric(total)), intervals.jackknife(metric, per_unit, sizes), undefined)
    for name, metric in metrics.items()]


def _of_class(metric: Any, c: int, counts: np.ndarray) -> np.ndarray:
  return metric(counts[..., c:c + 1, :, :])[..., 0]


def _sizes(units: ArrayLike) -> np.ndarray:
  """How many utterances each unit has, [k]."""
  return np.unique(units, return_counts=True)[1]


def _rows(
    scores: Iterable[_Score], sizes: np.ndarray, *, protocol: str, fold: str | int,
    seed: int | None, split: str, head: str, n_excluded: int, unit: str) -> list[Row]:
  n, k, rows = int(sizes.sum()), len(sizes), []
  for score in scores:
    row = {
      'protocol': protocol, 'fold': fold, 'seed': seed, 'split': split, 'head': head,
      'metric': score.metric, 'value': None if np.isnan(score.value) else score.value,
      'ci95': [score.interval.low, score.interval.high] if score.interval else None,
      'n': n, 'n_excluded': n_excluded, 'unit': unit, 'k': k,
    }
    reason = _reason(score, k, unit)
    rows.append(row | {'reason': reason} if reason else row)
  return rows


def _reason(score: _Score, k: int, unit: str) -> str | None:
  if score.interval:
    weigh = f' weigh as {score.interval.effective_k:.1f}' if k > 2 else ''
    return None if score.interval.useful else f'{k} {unit}s{weigh}: no useful interval'
  if k == 0:
    return 'no utterances'
  if np.isnan(score.value):
    return score.undefined
  return f'1 {unit}: no interval' if k == 1 else f'undefined without one of the {k} {unit}s'


def _predictions(outputs: ArrayLike, num_classes: int) -> np.ndarray:
  outputs = np.asarray(outputs)
  return outputs if outputs.ndim == 1 else _finite(
    outputs, num_classes, or_else=' or predictions [N]').argmax(1)


def _finite(outputs: ArrayLike, width: int, what: str = 'logits', or_else: str = '') -> np.ndarray:
  """Outputs [N, width], once all are finite."""
  outputs = np.asarray(outputs)
  if outputs.ndim != 2 or outputs.shape[1] != width:
    raise ValueError(f'outputs are {what} [N, {width}]{or_else}; these are {outputs.shape}.')
  damaged = np.flatnonzero(~np.isfinite(outputs).all(1))
  if damaged.size:
    raise ValueError(
      f'{damaged.size} of {len(outputs)} utterances have {what} that are not finite, the first in '
      f'row {damaged[0]}; a diverged model has no score.')
  return outputs


def _mean_row(members: list[Row]) -> Row:
  values = [row['value'] for row in members if row['value'] is not None]
  complete = len(values) == len(members)
  reason = (
    'members are not independent: the pooled rows have the interval' if complete else
    f'no value in {len(members) - len(values)} of {len(members)} members')
  folds = {row['fold']: row for row in members}.values()
  seeds = {row['seed'] for row in members}
  return {
    **{key: members[0][key] for key in _SHARED if key in members[0]},
    'fold': 'mean', 'seed': seeds.pop() if len(seeds) == 1 else None,
    'value': statistics.fmean(values) if complete else None,
    'sd': statistics.stdev(values) if complete and len(values) > 1 else None,
    'members': len(members), 'ci95': None,
    **{key: sum(row[key] for row in folds) for key in ('n', 'n_excluded', 'k')},
    'reason': reason,
  }
