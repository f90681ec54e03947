"""The folder of a run: it describes itself, and is never mixed with another run's."""

import csv
import importlib.metadata
import io
import json
import pathlib
import platform
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import ml_collections
import numpy as np

from emojax.io import files, parameters

CONFIG, RUN, RESULT = 'config.json', 'run.json', 'result.json'
# Fields that may change when a run goes on: they do not touch what was computed so far.
MAY_CHANGE = ('train.num_epochs', 'data.path', 'data.resident',
              'data.resident_gib', 'data.threads', 'data.prefetch', 'checkpoint.', 'mesh.')


class RunFolder:
  """Paths and small files of one run."""

  def __init__(self, path: str | pathlib.Path):
    self.path = pathlib.Path(path)

  def claim(self, config: ml_collections.ConfigDict, about: Mapping[str, Any]) -> None:
    """Writes what describes the run, after `check`."""
    files.write_json(self.path / CONFIG, json.loads(config.to_json_best_effort()))
    files.write_json(self.path / RUN, {**about, 'versions': versions(), 'commit': commit(),
                                       'devices': [str(d) for d in jax.devices()]})

  def check(self, config: ml_collections.ConfigDict, about: Mapping[str, Any]) -> None:
    """Lets pass a folder that is empty, or holds this very run.

    Raises:
      ValueError: naming the fields that differ.
    """
    plain = json.loads(config.to_json_best_effort())
    if (self.path / CONFIG).is_file():
      before = parameters.flatten(files.read_json(self.path / CONFIG))
      now = parameters.flatten(plain)
      different = [f'{key}: {before.get(key)!r} there, {now.get(key)!r} now'
                   for key in sorted({*before, *now}) if before.get(key) != now.get(key)
                   and not key.startswith(MAY_CHANGE)]
      if different:
        raise ValueError(f'{self.path} holds a run of another config ({"; ".join(different)}); '
                         'choose another --workdir, or delete it.')
      found = files.read_json(self.path / RUN)['dataset']
      if found != about['dataset']:
        raise ValueError(f'{self.path} was run on another build of the dataset ({found} there, '
                         f'{about["dataset"]} now); choose another --workdir, or delete it.')
    elif self.path.is_dir() and any(self.path.iterdir()):
      raise ValueError(f'{self.path} is not empty and holds no run; choose another --workdir.')

  def member(self, name: str) -> pathlib.Path:
    """The folder of one member."""
    return self.path / 'members' / name


def write_predictions(
    path: pathlib.Path, *, ids: Sequence[str], units: Sequence[str], fold: str, seed: int,
    labels: np.ndarray, logits: np.ndarray, classes: Sequence[str], truncated: np.ndarray) -> None:
  """One row per utterance: id, unit, fold, seed, label, one logit per class, truncated or not.

  `labels` are class numbers [N], written by name; or 0 and 1 for each class [N, K], in K columns.
  """
  several = labels.ndim == 2
  text = io.StringIO()
  writer = csv.writer(text, lineterminator='\n')
  columns = _label_columns(classes) if several else ['label']
  writer.writerow(
    ['id', 'unit', 'fold', 'seed', *columns, *(f'logit_{c}' for c in classes), 'truncated'])
  for id, unit, label, values, cut in zip(
      ids, units, labels.tolist(), logits.astype(np.float32), truncated.tolist(), strict=True):
    writer.writerow([id, unit, fold, seed, *(label if several else [classes[label]]),
                     *(str(v) for v in values), int(cut)])
  files.write_text(path, text.getvalue())


def read_predictions(path: pathlib.Path, classes: Sequence[str]) -> dict[str, np.ndarray]:
  """The inverse: arrays `id`, `unit`, `label` ([N] or [N, K] as written) and `logits` [N, K]."""
  with open(path, newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  wanted = [f'logit_{c}' for c in classes]
  if not rows or set(wanted) - set(rows[0]):
    raise ValueError(
      f'{path}: expected the columns {wanted}, found {list(rows[0]) if rows else []}.')
  if 'label' in rows[0]:
    labels = [list(classes).index(row['label']) for row in rows]
  else:
    labels = [[int(row[name]) for name in _label_columns(classes)] for row in rows]
  return {
    'id': np.array([row['id'] for row in rows]),
    'unit': np.array([row['unit'] for row in rows]),
    'label': np.array(labels),
    'logits': np.array([[np.float32(row[name]) for name in wanted] for row in rows], np.float32)}


def _label_columns(classes: Sequence[str]) -> list[str]:
  return [f'label_{c}' for c in classes]


def versions() -> dict[str, str]:
  """Python and the packages that numbers depend on."""
  packages = ('emojax', 'jax', 'jaxlib', 'flax', 'optax', 'numpy', 'orbax-checkpoint', 'grain',
              'tensorflow-datasets', 'clu')
  return {'python': platform.python_version()} | {
    name: importlib.metadata.version(name) for name in packages}


def commit() -> str:
  """The git commit of this source tree, with '-dirty' if it was changed since; '' outside git."""
  root = pathlib.Path(__file__).resolve().parents[2]
  try:
    return subprocess.run(
      ['git', '-C', str(root), 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'],
      capture_output=True, text=True, check=True).stdout.strip()
  except (OSError, subprocess.CalledProcessError):
    return ''
