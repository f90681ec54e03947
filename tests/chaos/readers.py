"""What the project answers of a folder, asked through its own functions, in this process.

An answer is text or bytes: two that are equal were made from equal values. What is costly and does
not depend on what is damaged, the opened experiment and its compiled steps, is kept between
questions; the files that are damaged are read each time.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import ml_collections
import numpy as np

from emojax.data import source
from emojax.io import prepared
from emojax.train import (
  ensembling,
  experiment,
  finished,
  group_run,
  grouping,
  loop,
  outcome,
  progress,
  run_folder,
  sharding,
)


def dataset(folder: pathlib.Path) -> str:
  """All that a prepared dataset holds: index, what it says of itself, every record."""
  corpus = source.load('iemocap', folder, features=['logmel_mat'])
  feature = corpus.feature('logmel_mat')
  base = prepared.Dataset(prepared.find(folder, 'iemocap'))
  rows = range(len(corpus.index['id']))
  return _digest([
    corpus.index, corpus.about, corpus.num_excluded, feature.about, feature.lengths,
    [feature.read(row) for row in rows], [base.read(row) for row in rows]])


def report(folder: pathlib.Path, parts: Sequence[str]) -> str:
  """What `emojax.evaluate` prints of a finished run."""
  run = finished.open_run(str(folder))
  for part in parts:
    if run.needs_predictions(part):
      loop.predict_again(run.config, str(folder), part, None)
  return '\n'.join(map(run.report, parts))


def ensemble(folder: pathlib.Path) -> str:
  """What `emojax.evaluate --ensemble` prints of all runs in a folder."""
  runs = [finished.open_run(str(path)) for path in sorted(folder.iterdir())]
  joined = ensembling.Ensemble(runs, size=None, as_published=False)
  return f'{joined.about()}\n{joined.report("test")}'


class Experiments:
  """Experiments that are open, and questions to run folders that need one."""

  def __init__(self):
    self._opened = {}  # config and fitted values -> experiment
    self._trainers = {}  # the same and whether it is for a refit -> trainer

  def command_again(self, folder: pathlib.Path, config: ml_collections.ConfigDict) -> str:
    """What the command of a finished run prints, and the result that it writes."""
    run, opened, _ = self._open(folder, config)
    undone = [member.name for member in opened.members if not outcome.is_done(run, member)]
    if undone:
      return f'trains {undone}'
    rows = outcome.pool(run, opened)
    return json.dumps(rows) + outcome.summary(
      run, opened.protocol, opened.heads, opened.members, opened.about['about'])

  def predicting(self, folder: pathlib.Path) -> str:
    """The parameters by which `emojax.evaluate` predicts what a finished run did not."""
    config = finished.open_run(str(folder)).config
    run, opened, key = self._open(folder, config)
    outcome.failures(run, opened.members)
    trainer, found = self._trainer(opened, key, config.refit), []
    for group in grouping.divide(opened.members, loop.largest_group(opened, run)):
      going = group_run.GroupRun(trainer, group, run, progress.Progress(1), [()] * len(group))
      state, _ = going.restore()
      found.append([going.done, state.best if going.done else None])
    return _digest(found)

  def going_on(self, folder: pathlib.Path, config: ml_collections.ConfigDict) -> str:
    """Where the command of an interrupted run goes on: state, control, and lines that it keeps."""
    run, opened, key = self._open(folder, config)
    trainer, found = self._trainer(opened, key, False), []
    for group in grouping.divide(opened.members, loop.largest_group(opened, run)):
      going = group_run.GroupRun(trainer, group, run, progress.Progress(1), [None] * len(group))
      state, sums = going.restore()
      for lane in going.lanes:
        lane.open_logs(state.params)
        lane.writer.close()
      found.append([
        [outcome.is_done(run, member) for member in group], going.done, going.within, state, sums,
        [lane.saved for lane in going.lanes],
        [(lane.folder / outcome.METRICS).read_bytes() for lane in going.lanes]])
    return _digest(found)

  def _open(self, folder: pathlib.Path, config: ml_collections.ConfigDict):
    """(run folder, experiment, key of it), checked against each other."""
    run = run_folder.RunFolder(folder)
    fitted = experiment.kept_fitted(config, run)
    key = config.to_json_best_effort(sort_keys=True) + _digest(
      {str(which): values for which, values in fitted.items()})
    if key not in self._opened:
      self._opened[key] = experiment.Experiment(
        config, sharding.make_placement(**config.mesh), fitted=fitted)
    run.check(config, self._opened[key].about)
    return run, self._opened[key], key

  def _trainer(self, opened: experiment.Experiment, key: str, refit: bool) -> group_run.Trainer:
    if (key, refit) not in self._trainers:
      self._trainers[key, refit] = group_run.Trainer(
        opened, loop.make_rules(opened.config, opened), refit=refit)
    return self._trainers[key, refit]


def _digest(value: Any) -> str:
  found = hashlib.blake2b(digest_size=16)

  def add(value):
    if isinstance(value, Mapping):
      for name in sorted(value):
        found.update(f'{name}:'.encode())
        add(value[name])
    elif isinstance(value, (list, tuple)):
      found.update(f'{len(value)}['.encode())
      for element in value:
        add(element)
    elif isinstance(value, jax.Array) and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
      add(jax.random.key_data(value))
    elif isinstance(value, (np.ndarray, jax.Array)):
      array = np.asarray(value)
      found.update(f'{array.dtype}{array.shape}'.encode() + array.tobytes())
    elif isinstance(value, bytes):
      found.update(value)
    elif dataclasses.is_dataclass(value):
      add(vars(value))
    else:
      found.update(repr(value).encode())

  add(value)
  return found.hexdigest()
