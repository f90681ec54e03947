"""Train every member of an experiment, evaluate its best once on test, pool the results.

`train_and_evaluate` reads top to bottom; the pure steps it calls are in `step.py`.
"""

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from absl import logging

from emojax.data import plan as plan_lib
from emojax.train import (
  checkpoint,
  control,
  experiment,
  functional,
  optim,
  outcome,
  progress,
  run_folder,
  sharding,
  step,
  writers,
)
from emojax.train import state as state_lib


def train_and_evaluate(config: ml_collections.ConfigDict, workdir: str) -> str:
  """Runs, resumes or answers again the experiment of `config` in `workdir`; returns its report."""
  placement = sharding.Placement(sharding.make_mesh(**config.mesh))
  opened = experiment.Experiment(config, placement)
  rules = make_rules(config, opened)
  phases = ('select', 'refit') if config.refit else ('select',)
  trainers = {}  # phase -> what all its members share: one compiled step
  folder = None if config.fast_dev_run else run_folder.RunFolder(workdir)
  if folder:
    about = {
      'protocol': opened.protocol.name, 'members': [m.name for m in opened.members],
      'dataset': opened.corpus.about['fingerprint'],
      'about': {key: value for key, value in opened.corpus.about.items()
                if key in ('generated', 'statement', 'bayes_accuracy', 'complete')}}
    folder.check(config, about)
    if not all(outcome.is_done(folder, member) for member in opened.members):
      trainers['select'] = Trainer(opened, rules, refit=False)  # what is wrong is found before ...
      folder.claim(config, about)  # ... anything is written

  watch = progress.Progress(len(opened.members) * len(phases))
  for member in opened.members:
    if folder and outcome.is_done(folder, member):
      watch.say(f'{member.name}: done before')
      continue
    path = None
    for phase in phases:
      if phase not in trainers:
        trainers[phase] = Trainer(opened, rules, refit=phase == 'refit')
      run = MemberRun(trainers[phase], opened.member(member, refit=phase == 'refit'), folder, watch)
      found = run.train(path)
      path = found.best_path
      if phase == phases[-1]:
        run.finish(found)
  if not folder:
    return (
      f'fast_dev_run: {config.fast_dev_run} batches of train, validation and test ran; nothing '
      'was saved.')
  if jax.process_index() == 0:
    outcome.pool(folder, opened)
  return outcome.summary(folder, opened.protocol, opened.heads, opened.members, opened.corpus.about)


def predict_again(
    config: ml_collections.ConfigDict, workdir: str, part: str, data_path: str | None) -> None:
  """Writes the predictions of a finished run on another part, by each member's best parameters."""
  if data_path:
    config.data.path = data_path
  opened = experiment.Experiment(config, sharding.Placement(sharding.make_mesh(**config.mesh)))
  trainer = Trainer(opened, make_rules(config, opened), refit=config.refit)
  folder, watch = run_folder.RunFolder(workdir), progress.Progress(len(opened.members))
  for member in opened.members:
    run = MemberRun(trainer, opened.member(member, refit=config.refit), folder, watch)
    _, _, state, _ = run.restore(run.fresh_state())
    outcome.write_predictions(run.folder, run.data, opened, part, *run.predict(state.best, part))


def make_rules(config: ml_collections.ConfigDict, opened: experiment.Experiment) -> control.Rules:
  """The control of `config`; by default it compares what the protocol selects on."""
  settings = dict(config.control)
  settings['metric'] = settings['metric'] or opened.protocol.select_on
  head, _, metric = settings['metric'].partition('/')
  names = {h.name: h for h in opened.heads}
  if head not in names or not metric:
    raise ValueError(f"config.control.metric={settings['metric']!r}: expected HEAD/METRIC, with a "
                     f'head of {list(names)}.')
  return control.Rules(**settings)


class Trainer:
  """What all members of a phase share: compiled steps, and the shapes that fit each of them."""

  def __init__(self, opened: experiment.Experiment, rules: control.Rules, *, refit: bool):
    config = opened.config
    settings = dict(config.optim)
    self.opened, self.config, self.refit = opened, config, refit
    self.learning_rate = settings.pop('learning_rate')
    # Trained for a known number of epochs, the last state is the one that counts.
    self.rules = dataclasses.replace(rules, decay=1.0, decay_times=0) if refit else rules
    self.tx = optim.build(**settings)
    self.shapes = opened.shapes(refit=refit)
    first = opened.member(opened.members[0], refit=refit)
    graphdef = functional.graph(first.make)
    self.train_step = step.make_train_step(
      graphdef, opened.heads, self.tx, first.loader.read, self.learning_rate, in_axes=(None, 0))
    self.eval_step = step.make_eval_step(graphdef, first.loader.read, in_axes=(None, 0))
    self.save_best = jax.jit(state_lib.save_best, donate_argnums=0)
    self.restore_best = jax.jit(state_lib.restore_best, donate_argnums=0)


class MemberRun:
  """One member on its way through one phase."""

  def __init__(self, trainer: Trainer, data: experiment.Member,
               folder: run_folder.RunFolder | None, watch: progress.Progress):
    self.trainer, self.data, self.watch = trainer, data, watch
    self.config, self.heads = trainer.config, trainer.opened.heads
    self.phase = 'refit' if trainer.refit else 'select'
    self.folder = folder.member(data.member.name) if folder else None
    self.placement = trainer.opened.placement
    self.writes = self.folder is not None and jax.process_index() == 0
    train = data.train_plan
    self.interval = (self.config.train.evaluate_every_steps
                     or self.config.train.evaluate_every_epochs * train.steps_per_epoch)

  def train(self, path: tuple[tuple[int, float], ...] | None) -> control.Progress:
    """Trains to the end; `path`: the (intervals, rate scale) to repeat, in the refit phase."""
    state = self.fresh_state()
    sums = self.placement.replicate(step.zero_sums(self.heads, members=1))
    done, so_far, state, checkpoints = self.restore(state)
    log, timing, writer = self._open_logs(done, state)
    last = self._last_step(path)
    active = self.placement.replicate(jnp.array([True]))
    report = writers.periodic_actions.ReportProgress(
      num_train_steps=last, writer=writer, every_steps=None, every_secs=20)
    saved_at, started, waited = time.monotonic(), time.monotonic(), 0.0

    while done < last and not so_far.stopped:
      until = min(done + self.interval - done % self.interval, last)
      scale = self._scale(so_far, path)
      scales = self.placement.replicate(jnp.array([scale], jnp.float32))
      began, begun_at = time.monotonic(), done
      feeds = _timed(self.data.loader.feeds(self.data.train_plan, done, until))
      for feed, lengths, wait in feeds:
        state, sums = self.trainer.train_step(
          state, sums, self.data.loader.data, feed, scales, active, lengths)
        done += 1
        waited += wait
        report(done)
        self.watch.tick(self.data.member.name, done, last)
      jax.block_until_ready(state)
      seconds = time.monotonic() - began
      solo = jax.tree.map(lambda x: x[0], jax.device_get(sums))
      found = {f'train/{k}': float(v) for k, v in solo.compute().items()}
      sums = self.placement.replicate(step.zero_sums(self.heads, members=1))

      # Evaluate, decide, then save: a checkpoint never holds an evaluation without its consequence.
      action = control.Action.KEEP
      if self.phase == 'select':
        found |= {f'valid/{k}': v for k, v in self._scores(state, 'valid').items()}
        so_far, action = control.decide(
          self.trainer.rules, so_far, found[f'valid/{self.trainer.rules.metric}'])
      else:
        so_far = dataclasses.replace(so_far, evaluations=so_far.evaluations + 1)
        action = control.Action.SAVE_BEST if done == last else action
      if action is control.Action.SAVE_BEST:
        state = self.trainer.save_best(state, active)
      elif action is control.Action.RESTORE:
        state = self.trainer.restore_best(state, active)
      rate = self.trainer.learning_rate * scale
      note = '' if action is control.Action.KEEP else action.value.replace('_', ' ')
      self.watch.evaluated(
        self.data.member.name, self._epoch(done), found, self.trainer.rules.metric, so_far.best,
        note, (done - begun_at) / seconds, done / last)
      if self.writes:
        log.write(done, found | {'phase': self.phase, 'action': action.value,
                                 'learning_rate': rate, 'epoch': self._epoch(done)})
        timing.write(done, {'phase': self.phase, 'steps_per_second': (done - begun_at) / seconds,
                            'share_waiting': waited / (time.monotonic() - started)})
        writer.write_scalars(done, found)
      is_last = done >= last or so_far.stopped
      if checkpoints and (
          is_last or time.monotonic() - saved_at >= self.config.checkpoint.every_seconds):
        checkpoints.save(done, state, {'progress': dataclasses.asdict(so_far)})
        saved_at = time.monotonic()
    writer.flush()
    self.watch.member_done()
    self.state, self.writer, self.step = state, writer, done
    return so_far

  def finish(self, so_far: control.Progress) -> None:
    """Evaluates the best on validation and, once, on test; writes what the pooling reads."""
    wanted = ('test',) if self.phase == 'refit' else ('valid', 'test')  # refit trained on valid
    parts = {part: self.predict(self.state.best, part) for part in wanted}
    if self.writes:
      pictures = outcome.write_member(self.folder, self.data, self.trainer.opened, parts, so_far)
      self.writer.write_images(self.step, pictures)
    self.writer.close()

  def predict(self, values: Any, part: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Rows of a part, ascending, and each head's logits [n, K] with `values['params']`."""
    plan = self.data.plans[part]
    rows, outputs = [], []
    count = min(plan.steps_per_epoch, self.config.fast_dev_run or plan.steps_per_epoch)
    for number, (feed, lengths) in enumerate(self.data.loader.feeds(plan, 0, count)):
      outputs.append(self.trainer.eval_step(
        values['params'], values['model_state'], self.data.loader.data, feed, lengths))
      rows.append(plan[number].rows)
    outputs = jax.device_get(outputs)  # once, after all steps were sent
    rows = np.concatenate(rows)
    real = np.flatnonzero(rows != plan_lib.FILLER)
    order = real[np.argsort(rows[real])]
    return rows[order], {head.name: np.concatenate([o[head.name][0] for o in outputs])[order]
                         for head in self.heads}

  def _scores(self, state: state_lib.TrainState, part: str) -> dict[str, float]:
    """'head/metric' -> score of the current parameters."""
    rows, logits = self.predict({'params': state.params, 'model_state': state.model_state}, part)
    return {f'{head.name}/{name}': value for head in self.heads for name, value in head.scores(
      self.data.split.targets[head.name][rows], logits[head.name]).items()}

  def fresh_state(self) -> state_lib.TrainState:
    """The state before the first step, on the mesh."""
    return self.placement.replicate(state_lib.init(
      [self.data.make], self.trainer.tx, [self.data.member.seed],
      restores=self.trainer.rules.restores, shapes=self.trainer.shapes))

  def restore(self, state: state_lib.TrainState):
    """(steps done, progress, state, checkpoints), from the newest good checkpoint if any."""
    if self.folder is None:
      return 0, control.Progress(), state, None
    kept = checkpoint.Checkpoints(
      self.folder / f'checkpoints_{self.phase}', keep=self.config.checkpoint.keep)
    found = kept.restore(state)
    if found is None:
      return 0, control.Progress(), state, kept
    done, state, meta = found
    self.watch.say(f'{self.data.member.name}: goes on after step {done}')
    return done, control.Progress.from_json(meta['progress']), state, kept

  def _open_logs(self, done: int, state: state_lib.TrainState):
    if not self.writes:
      return None, None, writers.make_writer('', just_logging=True)
    log = writers.MetricsLog(self.folder / 'metrics.jsonl')
    timing = writers.MetricsLog(self.folder / 'timing.jsonl')
    for file in (log, timing):  # what came after the restored step is computed again
      file.truncate(lambda row: row['phase'] != self.phase and self.phase == 'refit'
                    or row['phase'] == self.phase and row['step'] <= done)
    writer = writers.make_writer(self.folder, resumed_at=done if done else None)
    if not done:
      self.data.fitted.save(self.folder / f'fitted_{self.phase}')
      table = writers.parameter_table(jax.tree.map(lambda x: x[0], state.params))
      writer.write_texts(0, {'parameters': '    ' + table.replace('\n', '\n    ')})
      logging.info('%s\n%s', self.data.member.name, table)
    return log, timing, writer

  def _last_step(self, path) -> int:
    if self.config.fast_dev_run:
      return self.config.fast_dev_run
    per_epoch = self.data.train_plan.steps_per_epoch
    if path is not None and self.phase == 'refit':
      return sum(intervals for intervals, _ in path) * self.interval
    return self.config.train.num_epochs * per_epoch

  def _scale(self, so_far: control.Progress, path) -> float:
    """The factor on the learning rate in the next interval."""
    if self.phase == 'select':
      return control.rate_scale(self.trainer.rules, so_far)
    scales = [scale for intervals, scale in path for _ in range(intervals)]
    return scales[so_far.evaluations]

  def _epoch(self, done: int) -> float:
    return done / self.data.train_plan.steps_per_epoch


def _timed(feeds: Iterator) -> Iterator:
  """Adds to each feed the seconds that were waited for it."""
  feeds = iter(feeds)
  while True:
    began = time.monotonic()
    feed = next(feeds, None)
    if feed is None:
      return
    yield *feed, time.monotonic() - began
