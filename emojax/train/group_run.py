"""Members that train together: their compiled steps, and their way through one phase.

`loop` opens what they need and says who comes when.
"""

import dataclasses
import functools
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from emojax.data import loader as loader_lib
from emojax.data import plan as plan_lib
from emojax.train import (
  checkpoint,
  control,
  experiment,
  functional,
  guard,
  init_from,
  members,
  optim,
  progress,
  run_folder,
  step,
  thresholds,
  writers,
)
from emojax.train import lane as lane_lib
from emojax.train import state as state_lib
from emojax.types import Tree

EVALUATION = 2**31 + 1  # folded into a member's key; no step has this number


class Stopped(Exception):
  """Training was asked to stop; the same command goes on from here."""


class Trainer:
  """What all groups of a phase share: compiled steps, and the shapes that fit each member."""

  def __init__(self, opened: experiment.Experiment, rules: control.Rules, *, refit: bool,
               stop: Callable[[], bool] = lambda: False):
    config = opened.config
    self.opened, self.config, self.refit, self.stop = opened, config, refit, stop
    self.guard = guard.Guard(**config.guard)
    # Trained for a known number of epochs, the last state is the one that counts.
    self.rules = dataclasses.replace(rules, decay=1.0, decay_times=0) if refit else rules
    self.tx = optim.of_config(config.optim)
    self.shapes = opened.shapes(refit=refit)
    factors = config.optim.get('rate_factors', '')
    self.factors = optim.rate_factors(factors, self.shapes) if factors else None
    opened.check_accumulation(refit=refit)
    make = opened.member(opened.members[0], refit=refit).make
    self.graphdef = functional.graph(make)
    self.layout = opened.placement.layout(jax.eval_shape(functools.partial(
      state_lib.init, [make], self.tx, [0], restores=self.rules.restores, shapes=self.shapes)))
    self._steps = {}
    self.save_best, self.restore_best = (
      jax.jit(change, donate_argnums=0, out_shardings=self.layout)
      for change in (state_lib.save_best, state_lib.restore_best))

  def begin(self, member: members.Member) -> dict[str, np.ndarray]:
    """What a member begins with by `config.init_from`, see `init_from.load`."""
    text, opened = self.config.get('init_from', ''), self.opened
    if not text:
      return {}
    ids, split = opened.corpus.index['id'], opened.splits[member.fold]
    return init_from.load(
      text, member, protocol=opened.protocol.name,
      held_out={part: ids[split.rows[part]] for part in ('valid', 'test')},
      fitted=opened.fitted(member.fold, self.refit), phase=run_folder.phase(self.refit),
      shapes=functional.shapes(opened.make(member, refit=self.refit))[0])

  def steps(self, loader: loader_lib.Group) -> tuple[Callable, Callable]:
    """(train step, eval step) of groups that have as many members and share as much data."""
    axes = jax.tree.structure(loader.in_axes, is_leaf=lambda x: x is None)
    key = (loader.read, loader.size, axes, tuple(jax.tree.leaves(
      loader.in_axes, is_leaf=lambda x: x is None)))
    if key not in self._steps:
      options = dict(members=loader.size, in_axes=(loader.in_axes, 0), layout=self.layout)
      self._steps[key] = (
        step.make_train_step(self.graphdef, self.opened.heads, self.tx, loader.read,
                             accumulate=self.config.batch.accumulate, guard=self.guard,
                             schedule=self.config.optim.get('schedule', 'constant'),
                             factors=self.factors,
                             modality_dropout=self.config.get('modality_dropout', 0.0),
                             **options),
        step.make_eval_step(self.graphdef, loader.read, **options))
    return self._steps[key]


class GroupRun:
  """Members that train together on their way through one phase; often it is one alone."""

  def __init__(self, trainer: Trainer, group: Sequence[members.Member],
               folder: run_folder.RunFolder | None, watch: progress.Progress,
               paths: Sequence[lane_lib.Path | None] | None = None,
               cuts: Sequence[Mapping[str, thresholds.Cut]] | None = None):
    """Opens the members' data.

    Args:
      paths: per member the (intervals, rate scale) to repeat, in the refit phase.
      cuts: per member head -> thresholds, as far as they were found before.
    """
    self.trainer, self.config, self.heads = trainer, trainer.config, trainer.opened.heads
    self.watch, self.placement = watch, trainer.opened.placement
    self.phase = run_folder.phase(trainer.refit)
    self.lanes = [
      lane_lib.Lane(trainer.opened.member(member, refit=trainer.refit), self.config, trainer.rules,
                    self.phase, folder and folder.member(member.name), path, known)
      for member, path, known in zip(
        group, paths or [None] * len(group), cuts or [{}] * len(group), strict=True)]
    self.name = group[0].name if len(group) == 1 else f'{len(group)} members'
    self.loader = loader_lib.Group([lane.data.loader for lane in self.lanes],
                                   spread=self.placement.spread)
    self.constant = self._constant_settings()
    self.keys = self._evaluation_keys()
    self.train_step, self.eval_step = trainer.steps(self.loader)
    home = folder and (folder.member(group[0].name) if len(group) == 1 else folder.path)
    self.stopping = False  # it was asked to
    self.checkpoints = home and checkpoint.Checkpoints(
      home / f'checkpoints_{self.phase}', keep=self.config.checkpoint.keep)

  def train(self) -> None:
    """Trains until every member has stopped or made its last step.

    Raises:
      Stopped: if it was asked to; everything is saved.
    """
    state, sums = self.restore()
    if self.checkpoints and jax.process_index() == 0:
      self.checkpoints.tidy()
    if self.done:
      self.watch.say(f'{self.name}: goes on after step {self.done}')
    self._open_logs(state)
    self.clock = writers.periodic_actions.ReportProgress(
      num_train_steps=max(lane.last for lane in self.lanes), writer=self.lanes[0].writer,
      every_steps=None, every_secs=20)
    saved_at, started, waited = time.monotonic(), time.monotonic(), 0.0

    while any(lane.running for lane in self.lanes):
      spans = [lane.span for lane in self.lanes]
      rates = [lane.learning_rate for lane in self.lanes]
      began, within = time.monotonic(), self.within
      state, sums, seconds = self._interval(state, sums, spans, rates)
      waited += seconds
      ran = [m for m, (start, stop) in enumerate(spans) if stop > start]
      found = self._training_metrics(sums, ran)
      bad = self._bad_steps(found)
      left_out = self._leave_out(bad)
      if left_out:
        state, sums = self.restore()
        self._open_logs(state)
      if left_out or self.within < max(stop - start for start, stop in spans):
        self._save(state, sums)
        if self.stopping:
          self._stop()
        continue
      made = sum(max(stop - start - within, 0) for start, stop in spans)
      per_second = made / (time.monotonic() - began)
      for lane, (_, until) in zip(self.lanes, spans, strict=True):
        lane.done = until
      self.within, sums = 0, self._no_sums()

      # Evaluate, decide, then save: a checkpoint never holds an evaluation without its consequence.
      if self.phase == 'select':
        for m, scores in self._scores(state, 'valid', ran).items():
          found[m] |= {f'valid/{name}': value for name, value in scores.items()}
      actions = {m: self.lanes[m].decide(found[m], self._what_is_bad(m, bad)) for m in ran}
      state = self._act(state, actions)
      for m in ran:
        self.lanes[m].log(found[m], actions[m], rates[m], per_second,
                          waited / (time.monotonic() - started))
      self._tell({m: found[m] for m in ran}, actions, per_second)
      ended = not any(lane.running for lane in self.lanes)
      late = time.monotonic() - saved_at >= self.config.checkpoint.every_seconds
      if ended or self.placement.agreed(late):
        self._save(state, sums)
        saved_at = time.monotonic()
    for lane in self.lanes:
      lane.writer.flush()
      self.watch.training_done()
    self.state = state

  @property
  def alive(self) -> list[int]:
    """The numbers of those that were not given up."""
    return [m for m, lane in enumerate(self.lanes) if not lane.so_far.failed]

  def survivors(self) -> tuple[
      list[members.Member], list[lane_lib.Path], list[Mapping[str, thresholds.Cut]]]:
    """The members that can go on, the paths that led to their best, and their thresholds.

    The others are closed.
    """
    for lane in self.lanes:
      if lane.so_far.failed:
        lane.give_up(self.trainer.opened)
    going_on = [self.lanes[m] for m in self.alive]
    return ([lane.data.member for lane in going_on], [lane.so_far.best_path for lane in going_on],
            [lane.cuts for lane in going_on])

  def tune(self, values: Any, part: str) -> None:
    """Finds the thresholds that are found on a part and not known yet, by `values`."""
    lacking = [head for head in self.heads if head.tunes == part
               and any(head.name not in self.lanes[m].cuts for m in self.alive)]
    if lacking:
      found = self.predict(values, part, self.alive)
      for m in self.alive:
        self.lanes[m].tune(lacking, part, *found[m])

  def finish(self) -> None:
    """Evaluates the best on validation and, once, on test; writes what the pooling reads."""
    wanted = ('test',) if self.phase == 'refit' else ('valid', 'test')  # refit trained on valid
    parts = {part: self.predict(self.state.best, part, self.alive) for part in wanted}
    for (part, found), m in itertools.product(parts.items(), self.alive):
      self.lanes[m].tune(self.heads, part, *found[m])
    for m in self.alive:
      self.lanes[m].finish(
        self.trainer.opened, {part: found[m] for part, found in parts.items()})

  def predict(self, values: Any, part: str, only: Sequence[int],
              modalities: tuple[str, ...] = ()) -> list[tuple]:
    """Per member the rows of a part, ascending, and each head's logits [n, K] by `values`.

    Those that are not in `only` rest; their rows are empty. With `modalities` all others are
    hidden.
    """
    plans = [lane.data.plans[part] for lane in self.lanes]
    most = self.config.fast_dev_run or max(plan.steps_per_epoch for plan in plans)
    spans = [(0, min(plan.steps_per_epoch, most) if m in only else 0)
             for m, plan in enumerate(plans)]
    outputs = [
      self.eval_step(
        values['params'], values['model_state'], self.loader.data, feed, lengths, self.keys,
        modalities)
      for feed, lengths, _ in self.loader.feeds(plans, spans)]
    outputs = self.placement.fetch(outputs)  # once, after all steps were sent
    found = []
    for m, (plan, (_, count)) in enumerate(zip(plans, spans, strict=True)):
      rows = np.concatenate([plan[n].rows for n in range(count)] or [np.zeros(0, int)])
      real = np.flatnonzero(rows != plan_lib.FILLER)
      order = real[np.argsort(rows[real])]
      found.append((rows[order], {
        head.name: np.concatenate([o[head.name][m] for o in outputs[:count]])[order]
        for head in self.heads if count}))
    return found

  def restore(self) -> tuple[state_lib.TrainState, Any]:
    """The state to go on from and the sums since the last evaluation; lanes know their steps.

    `self.done` is the most steps that a member has made; 0: there was no checkpoint.
    """
    begun = self.checkpoints and self.checkpoints.steps()  # then its sources may be gone
    begins = () if begun else [self.trainer.begin(lane.data.member) for lane in self.lanes]
    state = self.placement.lay(state_lib.init(
      [lane.data.make for lane in self.lanes], self.trainer.tx,
      [lane.data.member.seed for lane in self.lanes],
      restores=self.trainer.rules.restores, shapes=self.trainer.shapes, begins=begins))
    sums, saved = self._no_sums(), [None] * len(self.lanes)
    self.done = self.within = 0
    if self.checkpoints and (found := self.checkpoints.restore(state, sums)):
      self.done, state, sums, meta = found
      saved, self.within = lane_lib.from_meta(meta)
    for lane, where in zip(self.lanes, saved, strict=True):
      lane.restore(where)
    return state, sums

  def _no_sums(self) -> Any:
    """Running metrics before the first step."""
    return self.placement.spread(step.zero_sums(self.heads, len(self.lanes)))

  def _open_logs(self, state: state_lib.TrainState) -> None:
    for m, lane in enumerate(self.lanes):
      lane.open_logs(_of_member(state.params, m))

  def _interval(self, state, sums, spans, rates) -> tuple[state_lib.TrainState, Any, float]:
    """Trains each member towards the end of its span, from `self.within` steps behind its start.

    It may end before: to be saved, or since it was asked to stop. Returns state, sums and the
    seconds of waiting.
    """
    settings = self.constant.replace(
      learning_rate=self.placement.spread(jnp.asarray(rates, jnp.float32)))
    waited, active_on_device = 0.0, {}
    first, longest = max(lane.done for lane in self.lanes), max(b - a for a, b in spans)
    every = self.config.checkpoint.every_steps
    ahead = [(min(start + self.within, stop), stop) for start, stop in spans]
    for feed, lengths, active, wait in timed(self.loader.feeds(
        [lane.data.train_plan for lane in self.lanes], ahead)):
      active = tuple(here and start + self.within not in lane.skipped
                     for here, lane, (start, _) in zip(active, self.lanes, spans, strict=True))
      if any(active):
        if active not in active_on_device:
          active_on_device[active] = self.placement.spread(jnp.array(active))
        state, sums = self.train_step(
          state, sums, self.loader.data, feed, settings, active_on_device[active], lengths)
      self.within += 1
      waited += wait
      self.clock(first + self.within)
      self.watch.tick(
        self.name, first + self.within, max(lane.last for lane in self.lanes), sum(
          lane.share(min(self.within, stop - start))
          for lane, (start, stop) in zip(self.lanes, spans, strict=True)))
      if self.within < longest:
        self.stopping = self.trainer.stop()
        if self.stopping or every and (first + self.within) % every == 0:
          break
    jax.block_until_ready(state)
    return state, sums, waited

  def _stop(self) -> None:
    for lane in self.lanes:
      lane.writer.close()
    at = max(lane.done for lane in self.lanes) + self.within
    raise Stopped(f'{self.name}: stopped after step {at}'
                  + (', saved.' if self.checkpoints else '.'))

  def _training_metrics(self, sums: Any, ran: Sequence[int]) -> list[dict[str, float]]:
    """Per member 'train/name' -> value; nothing for those that did not run."""
    sums = self.placement.fetch(sums)
    found = [{} for _ in self.lanes]
    for m in ran:
      solo = jax.tree.map(lambda x, m=m: x[m], sums).compute()
      found[m] = {f'train/{name}': float(value) for name, value in solo.items()}
    return found

  def _bad_steps(self, found: Sequence[dict[str, float]]) -> dict[int, int]:
    """Member -> its first planned step whose update was bad, taken out of the metrics."""
    firsts = {m: int(here.pop('train/first_bad')) for m, here in enumerate(found) if here}
    return {m: guard.planned_step(first, self.lanes[m].skipped)
            for m, first in firsts.items() if first != guard.NEVER}

  def _leave_out(self, bad: Mapping[int, int]) -> bool:
    """Notes the bad steps as skipped, where the config says so; whether there was one."""
    rule, ids = self.trainer.guard, self.trainer.opened.corpus.index['id']
    chosen = {m: n for m, n in bad.items()
              if rule.action == 'skip' and len(self.lanes[m].skipped) < rule.most_skips}
    for m, n in chosen.items():
      self.lanes[m].skip(n, ids)
      self.watch.say(f'{self.lanes[m].name}: the batch of step {n + 1} is left out from now on; '
                     'training goes back to the last checkpoint')
    return bool(chosen)

  def _what_is_bad(self, m: int, bad: Mapping[int, int]) -> str:
    """The first bad batch of a member in words; empty if there is none."""
    if m not in bad:
      return ''
    ids = self.lanes[m].batch_ids(bad[m], self.trainer.opened.corpus.index['id'])
    return (f'the first bad batch was that of step {bad[m] + 1} ({", ".join(ids[:4])}'
            + (f' and {len(ids) - 4} more' if len(ids) > 4 else '') + ')')

  def _act(self, state: state_lib.TrainState, actions: Mapping[int, control.Action]):
    """Saves or restores the best of those members whose control says so."""
    for action, change in ((control.Action.SAVE_BEST, self.trainer.save_best),
                           (control.Action.RESTORE, self.trainer.restore_best)):
      chosen = np.array([actions.get(m) is action for m in range(len(self.lanes))])
      if chosen.any():
        state = change(state, self.placement.spread(jnp.asarray(chosen)))
    return state

  def _scores(self, state, part: str, only: Sequence[int]) -> dict[int, dict[str, float]]:
    """Member -> 'head/metric' -> score of the current parameters."""
    found = self.predict({'params': state.params, 'model_state': state.model_state}, part, only)
    scores = {m: {} for m in only}
    for m, head in itertools.product(only, self.heads):
      rows, logits = found[m][0], found[m][1][head.name]
      data = self.lanes[m].data
      labels = data.split.targets[head.name][rows]
      if np.isfinite(logits).all():
        weighing = head.weighing(data.fitted.class_weights[head.name])
        these = weighing.tuned(labels, logits).scores(labels, logits)
      else:  # there is nothing to say but that
        these = {'loss': math.nan}
      scores[m] |= {f'{head.name}/{name}': value for name, value in these.items()}
    return scores

  def _constant_settings(self) -> step.Settings:
    """What members differ in all the time; the learning rate comes with each interval."""
    listed = [lane.data.member for lane in self.lanes]

    def each(field, default):
      return self.placement.spread(
        jnp.array([member.get(field, default) for member in listed], jnp.float32))

    decays = [member.get('weight_decay', self.config.optim.weight_decay) for member in listed]
    weighed = [h.name for h in self.heads if h.weighs_positives
               and self.config.heads[h.name].get('class_weights', 'none') != 'none']
    return step.Settings(
      learning_rate=each('learning_rate', self.config.optim.learning_rate),
      loss_weight={h.name: each(f'heads.{h.name}.weight', h.weight) for h in self.heads},
      weight_decay=(each('weight_decay', self.config.optim.weight_decay)
                    if any(decays) else None),
      positive_weight={name: self.placement.spread(jnp.array(
        [lane.data.fitted.class_weights[name] for lane in self.lanes], jnp.float32))
        for name in weighed},
      span=self.placement.spread(jnp.array([lane.scheduled for lane in self.lanes], jnp.float32)))

  def _evaluation_keys(self) -> Any:
    """What dropout is drawn with where it stays on while evaluating; None: it does not."""
    if not self.config.get('evaluate_with_dropout', False):
      return None
    keys = [jax.random.key(lane.data.member.seed) for lane in self.lanes]
    return self.placement.spread(jnp.stack([jax.random.fold_in(key, EVALUATION) for key in keys]))

  def _tell(self, found: Mapping[int, Mapping[str, float]], actions: Mapping[int, control.Action],
            steps_per_second: float) -> None:
    """Prints one evaluation: a member alone as a line, of a group who ended and how all stand."""
    pace = self.watch.pace(steps_per_second, sum(lane.share() for lane in self.lanes))
    lines = {m: self.lanes[m].line(found[m], actions[m]) for m in found}
    if len(self.lanes) == 1:
      self.watch.say(' | '.join([*lines[0], pace]))
      return
    for m, line in lines.items():
      if not self.lanes[m].running:
        self.watch.say(' | '.join(line))
    running = [lane for lane in self.lanes if lane.running]
    parts = [f'{self.name}, {len(running)} alive',
             f'epoch {max(self.lanes[m].epoch for m in found):.4g}',
             f'train loss {_span(found[m]["train/loss"] for m in found)}']
    best = [lane.so_far.best for lane in self.lanes if lane.so_far.best is not None]
    if self.phase == 'select' and best:
      parts.append(f'best {self.trainer.rules.metric} {_span(best)}')
    self.watch.say(' | '.join([*parts, pace]))

  def _save(self, state: state_lib.TrainState, sums: Any) -> None:
    if self.checkpoints:
      self.checkpoints.save(max(lane.done for lane in self.lanes) + self.within, state, sums,
                            lane_lib.meta([lane.saved for lane in self.lanes], self.within))


def _span(values: Iterable[float]) -> str:
  """'0.1234 .. 0.5678', of those that are finite."""
  finite = [value for value in values if math.isfinite(value)]
  return f'{min(finite):.4f} .. {max(finite):.4f}' if finite else '-'


@jax.jit  # one program, not one for every shape
def _of_member(tree: Tree, m: int) -> Tree:
  return jax.tree.map(lambda x: x[m], tree)


def timed(feeds: Iterator) -> Iterator:
  """Adds to each feed the seconds that were waited for it."""
  feeds = iter(feeds)
  while True:
    began = time.monotonic()
    feed = next(feeds, None)
    if feed is None:
      return
    yield *feed, time.monotonic() - began
