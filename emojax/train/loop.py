"""Train every member of an experiment, evaluate its best once on test, pool the results.

`train_and_evaluate` reads top to bottom; how members train together is in `group_run.py`, the pure
steps in `step.py`.
"""

from collections.abc import Callable, Sequence

import jax
import ml_collections
import numpy as np

from emojax.metrics import values
from emojax.protocols import protocol as protocol_lib
from emojax.train import (
  control,
  experiment,
  group_run,
  grouping,
  init_from,
  outcome,
  processes,
  progress,
  run_folder,
  sharding,
  thresholds,
)

# Of each parameter, while training: itself, its gradient, two moments, and the best of all but the
# gradient.
COPIES = 7


def train_and_evaluate(config: ml_collections.ConfigDict, workdir: str,
                       stop: Callable[[], bool] = lambda: False) -> str:
  """Runs, resumes or answers again the experiment of `config` in `workdir`; returns its report.

  `stop`: asked after every step; once it says so, everything is saved.

  Raises:
    group_run.Stopped: when asked to.
    ValueError: for whatever a user has to mend, `workdir` being in use among it.
  """
  if config.fast_dev_run:
    return _train_and_evaluate(config, None, stop)
  folder = run_folder.RunFolder(workdir)
  with folder.alone():
    return _train_and_evaluate(config, folder, stop)


def _train_and_evaluate(config: ml_collections.ConfigDict, folder: run_folder.RunFolder | None,
                        stop: Callable[[], bool]) -> str:
  placement = sharding.make_placement(**config.mesh)
  opened = experiment.Experiment(
    config, placement, fitted=folder and experiment.kept_fitted(config, folder))
  rules = make_rules(config, opened)
  phases = ('select', 'refit') if config.refit else ('select',)
  together = largest_group(opened, folder)
  trainers = {}  # phase -> what all its members share: one compiled step
  unfinished = list(opened.members)
  if folder:
    folder.check(config, opened.about)
    opened.note(folder.notices)
    if folder.dataset is None:
      opened.note(init_from.notices(config.get('init_from', ''), opened.members))
    unfinished = [member for member in opened.members if not outcome.is_done(folder, member)]
    if unfinished:
      # what is wrong is found before anything is written
      trainers['select'] = group_run.Trainer(opened, rules, refit=False, stop=stop)
      for member in unfinished if folder.dataset is None else ():
        trainers['select'].begin(member)
      placement.wait_for_all('opened')
    if unfinished and jax.process_index() == 0:
      folder.claim(config, opened.about | {'together': together})
      outcome.forget_predictions(folder, unfinished)

  watch = progress.Progress(
    len(opened.members) * len(phases), speaks=processes.is_first())
  for group in grouping.divide(opened.members, together):
    if not set(group) & set(unfinished):
      watch.say(f'{", ".join(member.name for member in group)}: done before')
      continue
    paths = cuts = None
    for phase in phases:
      if phase not in trainers:
        trainers[phase] = group_run.Trainer(opened, rules, refit=phase == 'refit', stop=stop)
      run = group_run.GroupRun(trainers[phase], group, folder, watch, paths, cuts)
      run.train()
      if phase != phases[-1]:
        run.tune(run.state.best, 'valid')
      group, paths, cuts = run.survivors()
      if not group:
        break
    else:
      run.finish()
  if not folder:
    return (
      f'fast_dev_run: {config.fast_dev_run} batches of train, validation and test ran; nothing '
      'was saved.')
  if jax.process_index() == 0:
    outcome.pool(folder, opened)
  placement.wait_for_all('pooled')
  return outcome.summary(
    folder, opened.protocol, opened.heads, opened.members, opened.about['about'])


def largest_group(opened: experiment.Experiment, folder: run_folder.RunFolder | None) -> int:
  """How many members train together: as when the run began, else as `config.members.mode` says."""
  if folder and folder.together is not None:
    return folder.together
  config = opened.config

  def state_bytes():
    shapes = jax.tree.leaves(opened.shapes())
    return COPIES * sum(int(np.prod(x.shape)) * x.dtype.itemsize for x in shapes)

  return opened.placement.agreed(grouping.largest_group(
    config.members.mode, len(opened.members), across=config.mesh.member, state_bytes=state_bytes))


def predict_again(
    config: ml_collections.ConfigDict, workdir: str, part: str, data_path: str | None,
    sets: Sequence[Sequence[str]] = ((),)) -> None:
  """Writes the predictions of a finished run on another part, by each member's best parameters.

  They are written for each of the `sets` of modalities, with all others hidden; () hides nothing.
  """
  if data_path:
    config.data.path = data_path
  folder = run_folder.RunFolder(workdir)
  with folder.alone():
    _predict_again(config, folder, part, sets)


def _predict_again(
    config: ml_collections.ConfigDict, folder: run_folder.RunFolder, part: str,
    sets: Sequence[Sequence[str]]) -> None:
  opened = experiment.Experiment(
    config, sharding.make_placement(**config.mesh),
    unlabelled=part == protocol_lib.UNLABELLED, fitted=experiment.kept_fitted(config, folder))
  folder.check(config, opened.about)
  trainer = group_run.Trainer(opened, make_rules(config, opened), refit=config.refit)
  if folder.dataset is None:  # an imported run sees data for the first time
    folder.claim(config, opened.about)
  watch = progress.Progress(len(opened.members))
  lacking = outcome.failures(folder, opened.members)
  for group in grouping.divide(opened.members, largest_group(opened, folder)):
    if config.refit:  # only those that were not given up before went on into this phase
      group = [member for member in group if member.name not in lacking]
    if all(member.name in lacking for member in group):
      continue
    run = group_run.GroupRun(trainer, group, folder, watch, [()] * len(group), [
      thresholds.read(folder.member(member.name), opened.heads) for member in group])
    state, _ = run.restore()
    if not run.done:  # the parameters are those of a model that never trained
      raise ValueError(
        f'{folder.path}: there is no checkpoint of {run.name} to predict {part} with; put its '
        'checkpoints back, or train it again in a folder of its own.')
    for where in ('valid', 'test'):
      run.tune(state.best, where)
    alive = run.alive
    for modalities in sets:
      found = run.predict(state.best, part, alive, tuple(modalities))
      for m in alive:
        lane = run.lanes[m]
        outcome.write_predictions(
          lane.folder, lane.data, opened, part, *found[m], lane.cuts, modalities)


def make_rules(config: ml_collections.ConfigDict, opened: experiment.Experiment) -> control.Rules:
  """The control of `config`; by default it compares what the protocol selects on."""
  settings = dict(config.control)
  settings['metric'] = settings['metric'] or opened.protocol.select_on
  there = [f'{head.name}/{metric}' for head in opened.heads for metric in head.metrics]
  if settings['metric'] not in there:
    raise ValueError(f"config.control.metric={settings['metric']!r}: expected HEAD/METRIC; there "
                     f'are: {", ".join(there)}.')
  metric = settings['metric'].partition('/')[2]
  return control.Rules(**settings, smaller_is_better=values.smaller_is_better(metric))
