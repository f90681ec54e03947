"""One member of a group on its way through one phase, as the host sees it: control and logs."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import ml_collections
import numpy as np
from absl import logging

from emojax.data import plan as plan_lib
from emojax.io import checksums
from emojax.train import control, experiment, optim, outcome, thresholds, writers


@dataclasses.dataclass(frozen=True)
class Saved:
  """What a checkpoint says of a member, beside its arrays; JSON by `dataclasses.asdict`.

  Attributes:
    done: steps at the last evaluation. skipped: planned steps that are left out, ascending.
    log: the mark of its `metrics.jsonl`; None: it has none yet.
  """

  name: str
  done: int
  progress: control.Progress
  skipped: tuple[int, ...] = ()
  log: Mapping[str, Any] | None = None

  @classmethod
  def from_json(cls, value: Mapping[str, Any]) -> 'Saved':
    """The inverse of `dataclasses.asdict` through JSON."""
    return cls(**{**value, 'progress': control.Progress.from_json(value['progress']),
                  'skipped': tuple(value['skipped'])})


Path = tuple[tuple[int, float], ...]  # (evaluation intervals, rate scale) one after the other


class Lane:
  """What a member has done and decided, and the files it writes.

  Attributes:
    done: steps made until the last evaluation. so_far: its control's progress. skipped: planned
      steps that are left out. last: the step after which it ends. cuts: head -> the thresholds that
      it decides at, once they were found.
  """

  def __init__(
      self, data: experiment.Member, config: ml_collections.ConfigDict, rules: control.Rules,
      phase: str, folder: pathlib.Path | None, path: Path | None,
      cuts: Mapping[str, thresholds.Cut]):
    """`folder`: the member's; None writes nothing. `path`: what a refit repeats."""
    self.data, self.folder, self.skipped, self.cuts = data, folder, (), cuts
    self.restore(None)
    self._config, self._rules, self._phase = config, rules, phase
    self._path = path
    self._writes = folder is not None and jax.process_index() == 0
    self._log = self._timing = self.writer = None
    per_epoch = data.train_plan.steps_per_epoch
    self._interval = (config.train.evaluate_every_steps
                      or config.train.evaluate_every_epochs * per_epoch)
    if config.fast_dev_run:
      self.last = config.fast_dev_run
    elif path is not None and phase == 'refit':
      self.last = sum(intervals for intervals, _ in path) * self._interval
    else:
      self.last = config.train.num_epochs * per_epoch

  @property
  def name(self) -> str:
    return self.data.member.name

  @property
  def running(self) -> bool:
    return self.done < self.last and not self.so_far.stopped

  @property
  def span(self) -> tuple[int, int]:
    """The steps until the next evaluation; none for a member that is through."""
    until = min(self.done + self._interval - self.done % self._interval, self.last)
    return self.done, until if self.running else self.done

  @property
  def learning_rate(self) -> float:
    """The learning rate until the next evaluation."""
    if not self.running or self._phase == 'select':
      scale = control.rate_scale(self._rules, self.so_far)
    else:
      scales = [scale for intervals, scale in self._path for _ in range(intervals)]
      scale = scales[self.so_far.evaluations]
    return self.data.member.get('learning_rate', self._config.optim.learning_rate) * scale

  @property
  def scheduled(self) -> int:
    """How many updates the schedule of the learning rate takes."""
    config, plan = self._config, self.data.train_plan
    return max(config.train.num_epochs * plan.num_rows // config.batch.size, 1)

  def share(self, ahead: int = 0) -> float:
    """How much of the training is done, `ahead` steps after the last evaluation."""
    return (self.done + ahead) / self.last if self.running else 1.0

  @property
  def epoch(self) -> float:
    return self.done / self.data.train_plan.steps_per_epoch

  def restore(self, saved: Saved | None) -> None:
    """Goes back to where a checkpoint was written; None: to the beginning."""
    saved = saved or Saved('', 0, control.Progress())
    self.done, self.so_far, self._mark = saved.done, saved.progress, saved.log
    self.skipped = tuple(sorted({*saved.skipped, *self.skipped}))

  @property
  def saved(self) -> Saved:
    """What a checkpoint has to say of it now."""
    return Saved(self.name, self.done, self.so_far, self.skipped,
                 self._log.mark() if self._log else None)

  def open_logs(self, params: Any) -> None:
    """Begins or continues the member's files; what came after `done` is computed again.

    Raises:
      ValueError: if `metrics.jsonl` is not what it was when the checkpoint was written.
    """
    if self.writer:
      self.writer.close()
    if not self._writes:
      self.writer = writers.make_writer('', just_logging=True)
      return
    self._log = writers.MetricsLog(self.folder / outcome.METRICS)
    self._timing = writers.MetricsLog(self.folder / 'timing.jsonl')
    if self._mark:
      self._log.cut(self._mark, later=not self.running)  # another phase may have followed
    else:
      self._log.truncate(lambda row: row['phase'] != self._phase and self._phase == 'refit')
    self._timing.truncate(lambda row: row['phase'] != self._phase or row['step'] <= self.done)
    self.writer = writers.make_writer(self.folder, resumed_at=self.done or None)
    if not self.done:
      self.data.fitted.save(self.folder / f'fitted_{self._phase}')
      table = writers.parameter_table(params)
      self.writer.write_texts(0, {'parameters': '    ' + table.replace('\n', '\n    ')})
      logging.info('%s\n%s', self.name, table)

  def skip(self, step: int, ids: np.ndarray) -> None:
    """Leaves a planned step out from now on; `ids` [N] of the corpus. They are written down."""
    self.skipped = tuple(sorted({*self.skipped, step}))
    if self._writes:
      batches = {str(step): self.batch_ids(step, ids) for step in self.skipped}
      checksums.Sealed(self.folder).write_json(f'skipped_{self._phase}.json', batches)

  def batch_ids(self, step: int, ids: np.ndarray) -> list[str]:
    """Whose utterances a planned step has; `ids` [N] of the corpus."""
    rows = self.data.train_plan[step].rows
    return ids[rows[rows != plan_lib.FILLER]].tolist()

  def decide(self, found: Mapping[str, float], wrong: str) -> control.Action:
    """What an evaluation leads to; `found`: 'train/...' and, when selecting, 'valid/...' scores.

    `wrong`: what the guard found; empty: nothing.
    """
    for name, value in found.items():
      if name.endswith('loss') and not math.isfinite(value):
        wrong = '; '.join(filter(None, [f'{name} is {value} after step {self.done}', wrong]))
        break
    if wrong:
      self.so_far, action = control.give_up(self.so_far, wrong)
      return action
    if self._phase == 'select':
      self.so_far, action = control.decide(
        self._rules, self.so_far, found[f'valid/{self._rules.metric}'])
      return action
    self.so_far = dataclasses.replace(self.so_far, evaluations=self.so_far.evaluations + 1)
    return control.Action.SAVE_BEST if self.done == self.last else control.Action.KEEP

  def line(self, found: Mapping[str, float], action: control.Action) -> list[str]:
    """One evaluation as a person reads it, in parts."""
    metric, best = self._rules.metric, self.so_far.best
    parts = [f'{self.name}  epoch {self.epoch:<4.4g} train loss {found["train/loss"]:.4f}']
    if f'valid/{metric}' in found:
      head = metric.partition('/')[0]
      parts.append(f'valid loss {found[f"valid/{head}/loss"]:.4f}')
      parts.append(f'{metric} {found[f"valid/{metric}"]:.4f}'
                   + ('' if best is None else f' (best {best:.4f})'))
    if self.so_far.failed:
      return [*parts, f'given up: {self.so_far.failed}']
    return parts if action is control.Action.KEEP else [*parts, action.value.replace('_', ' ')]

  def log(self, found: Mapping[str, float], action: control.Action, learning_rate: float,
          steps_per_second: float, share_waiting: float) -> None:
    """Writes one evaluation; `learning_rate`: the one that led to it."""
    if self._log:
      self._log.write(self.done, dict(found) | {
        'phase': self._phase, 'action': action.value, 'epoch': self.epoch,
        'learning_rate': learning_rate * self._of_schedule()})
      self._timing.write(self.done, {'phase': self._phase, 'steps_per_second': steps_per_second,
                                     'share_waiting': share_waiting})
      self.writer.write_scalars(self.done, found)

  def tune(self, heads: Sequence[Any], part: str, rows: np.ndarray,
           logits: Mapping[str, np.ndarray]) -> None:
    """Finds the thresholds of those `heads` that find them on `part`, and keeps them."""
    targets = self.data.split.targets
    found = {head.name: thresholds.find(head, targets[head.name][rows], logits[head.name])
             for head in heads if head.tunes == part}
    self.cuts = {**self.cuts, **found}
    if self._writes:
      thresholds.write(self.folder, self.cuts)

  def _of_schedule(self) -> float:
    """What the schedule made of the learning rate at the last update."""
    schedule = self._config.optim.get('schedule', 'constant')
    return float(optim.SCHEDULES[schedule](self.done - 1, self.scheduled))

  def give_up(self, opened: experiment.Experiment) -> None:
    """Writes that there is no score, and why."""
    if self._writes:
      outcome.write_failure(self.folder, self.data, opened, self.so_far)
    self.writer.close()

  def finish(self, opened: experiment.Experiment, parts: Mapping[str, Any]) -> None:
    """Writes what the pooling reads; `parts`: part -> (rows, head -> logits)."""
    if self._writes:
      pictures = outcome.write_member(
        self.folder, self.data, opened, parts, self.so_far, self.cuts)
      self.writer.write_images(self.done, pictures)
    self.writer.close()


def meta(saved: Sequence[Saved], within: int = 0) -> dict[str, Any]:
  """What a checkpoint says of its group, JSON; `within`: steps made since the last evaluation."""
  return {'within': within, 'members': [dataclasses.asdict(one) for one in saved]}


def from_meta(value: Mapping[str, Any]) -> tuple[list[Saved], int]:
  """The inverse of `meta`."""
  return [Saved.from_json(one) for one in value['members']], value['within']
