"""What a validation score leads to: go on, keep as best, go back and cut the rate, or stop.

Pure host functions of one member's progress. The rules of MAT's `train.py` are the general case:
a score that is not better than the best (strictly) first uses up the rate cuts, each with a return
to the best parameters and optimizer state; only then does patience begin to count.
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any


class Action(enum.Enum):
  KEEP = 'keep'
  SAVE_BEST = 'save_best'
  RESTORE = 'restore'
  STOP = 'stop'


@dataclasses.dataclass(frozen=True)
class Rules:
  """How one experiment reacts.

  Attributes:
    metric: the validation metric that is compared, e.g. 'emotion/wa'.
    smaller_is_better: whether less of it is better.
    decay: factor on the learning rate at each cut (`--lr_decay`).
    decay_times: how many cuts, each with a return to the best (`--lr_decay_times`).
    patience: evaluations without a better score, after the last cut, until it stops; 0: never
      (`--early_stop`).
    first_evaluation: evaluations before this one (from 1) do not count (`--eval_start`).
    choose: 'best'; or 'last': the last evaluation counts whatever its score, nothing is chosen.
  """

  metric: str
  smaller_is_better: bool = False
  decay: float = 1.0
  decay_times: int = 0
  patience: int = 0
  first_evaluation: int = 0
  choose: str = 'best'

  def __post_init__(self):
    if self.choose not in ('best', 'last'):
      raise ValueError(f"control.choose={self.choose!r}; there are: 'best', 'last'.")
    if self.choose == 'last' and (self.decay_times or self.patience):
      raise ValueError(f"control.choose='last' compares nothing, so decay_times={self.decay_times} "
                       f'and patience={self.patience} cannot count; set both to 0.')

  @property
  def restores(self) -> bool:
    return self.decay_times > 0


@dataclasses.dataclass(frozen=True)
class Progress:
  """Where one member stands; JSON through `dataclasses.asdict` and `from_json`."""

  evaluations: int = 0
  best: float | None = None
  best_evaluation: int = 0
  decays: int = 0
  since_best: int = 0
  stopped: bool = False
  failed: str = ''  # why it was given up, if it was: what is no longer finite, and since when
  # (evaluation intervals, rate scale) that led here, and to the best: what `refit` repeats
  path: tuple[tuple[int, float], ...] = ()
  best_path: tuple[tuple[int, float], ...] = ()

  @classmethod
  def from_json(cls, value: Mapping[str, Any]) -> 'Progress':
    """The inverse of `dataclasses.asdict` through JSON, which turns tuples into lists."""
    paths = {name: tuple((count, scale) for count, scale in value[name])
             for name in ('path', 'best_path')}
    return cls(**{**value, **paths})


def rate_scale(rules: Rules, progress: Progress) -> float:
  """The learning rate's factor until the next evaluation: absolute, not relative to the last."""
  return rules.decay ** progress.decays


def give_up(progress: Progress, reason: str) -> tuple[Progress, Action]:
  """The end of a member that cannot be trained on."""
  return dataclasses.replace(progress, stopped=True, failed=reason), Action.STOP


def decide(rules: Rules, progress: Progress, score: float) -> tuple[Progress, Action]:
  """The progress after an evaluation that gave `score`, and what is to be done."""
  if score != score:
    raise ValueError(f'evaluation {progress.evaluations + 1}: {rules.metric} is NaN; a class '
                     'without examples in the validation split is the usual cause, or a '
                     'correlation of predictions that are all the same: choose by ccc or mae.')
  scale = rate_scale(rules, progress)
  path = list(progress.path)
  if path and path[-1][1] == scale:
    path[-1] = (path[-1][0] + 1, scale)
  else:
    path.append((1, scale))
  now = dataclasses.replace(progress, evaluations=progress.evaluations + 1, path=tuple(path))
  if now.evaluations < rules.first_evaluation:
    return now, Action.KEEP

  sign = -1 if rules.smaller_is_better else 1
  if rules.choose == 'last' or now.best is None or sign * score > sign * now.best:
    return dataclasses.replace(
      now, best=score, best_evaluation=now.evaluations, since_best=0, best_path=now.path,
    ), Action.SAVE_BEST
  if now.decays < rules.decay_times:
    return dataclasses.replace(now, decays=now.decays + 1, path=now.best_path), Action.RESTORE
  now = dataclasses.replace(now, since_best=now.since_best + 1)
  if now.since_best == rules.patience:
    return dataclasses.replace(now, stopped=True), Action.STOP
  return now, Action.KEEP
