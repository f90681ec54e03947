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
IMPORTED = 'imported.json'  # in the folder of a run that began with another program's checkpoints
# Fields that may change when a run goes on: they do not touch what was computed so far.
MAY_CHANGE = ('train.num_epochs', 'data.path', 'data.resident',
              'data.resident_gib', 'data.threads', 'data.prefetch', 'checkpoint.', 'mesh.')


class RunFolder:
  """Paths and small files of one run."""

  def __init__(self, path: str | pathlib.Path):
    self.path = pathlib.Path(path)

  def claim(self, config: ml_collections.ConfigDict, about: Mapping[str, Any]) -> None:
    """Writes what describes the run, after `check`."""
    self.write_config(config)
    files.write_json(self.path / RUN, {**about, 'versions': versions(), 'commit': commit(),
                                       'devices': [str(d) for d in jax.devices()]})

  def write_config(self, config: ml_collections.ConfigDict) -> None:
    """Writes the resolved config."""
    files.write_json(self.path / CONFIG, json.loads(config.to_json_best_effort()))

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
      found = self.dataset
      if found is not None and found != about['dataset']:
        raise ValueError(f'{self.path} was run on another build of the dataset ({found} there, '
                         f'{about["dataset"]} now); choose another --workdir, or delete it.')
    elif self.path.is_dir() and any(self.path.iterdir()):
      raise ValueError(f'{self.path} is not empty and holds no run; choose another --workdir.')

  @property
  def dataset(self) -> str | None:
    """The fingerprint of the dataset; None before a run, or an imported one, has seen it."""
    path = self.path / RUN
    return files.read_json(path)['dataset'] if path.is_file() else None

  @property
  def together(self) -> int | None:
    """How many of its members train together at most; None before a run has begun."""
    if (self.path / IMPORTED).is_file():
      return 1
    path = self.path / RUN
    return files.read_json(path).get('together') if path.is_file() else None

  def member(self, name: str) -> pathlib.Path:
    """The folder of one member."""
    return self.path / 'members' / name


def write_predictions(
    path: pathlib.Path, *, ids: Sequence[str], units: Sequence[str], folds: Sequence[str],
    logits: np.ndarray, classes: Sequence[str], truncated: np.ndarray,
    seeds: Sequence[int] | None = None, labels: np.ndarray | None = None,
    predictions: np.ndarray | None = None) -> None:
  """One row per utterance: id, unit, fold, seed, label, prediction, logit per class, truncated.

  What is None has no column. `labels` and `predictions` are class numbers [N], written by name; or
  0 and 1 for each class [N, K], in K columns.
  """
  columns = {'id': ids, 'unit': units, 'fold': folds} | ({} if seeds is None else {'seed': seeds})
  for name, values in (('label', labels), ('prediction', predictions)):
    if values is not None and values.ndim == 1:
      columns[name] = [classes[number] for number in values.tolist()]
    elif values is not None:
      columns |= zip(_per_class(name, classes), values.T.tolist(), strict=True)
  columns |= zip(_per_class('logit', classes), logits.astype(np.float32).T, strict=True)
  columns['truncated'] = truncated.astype(int)
  text = io.StringIO()
  writer = csv.writer(text, lineterminator='\n')
  writer.writerow(columns)
  writer.writerows(zip(*columns.values(), strict=True))
  files.write_text(path, text.getvalue())


def read_predictions(path: pathlib.Path, classes: Sequence[str]) -> dict[str, np.ndarray]:
  """The inverse: arrays `id`, `unit`, `fold`, `logits` [N, K], `truncated`, and `label` if there.

  Raises:
    ValueError: if the file is not of these classes.
  """
  with open(path, newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  wanted = _per_class('logit', classes)
  if not rows or set(wanted) - set(rows[0]):
    raise ValueError(
      f'{path}: expected the columns {wanted}, found {list(rows[0]) if rows else []}.')
  found = {name: np.array([row[name] for row in rows]) for name in ('id', 'unit', 'fold')}
  found['logits'] = np.array([[np.float32(row[name]) for name in wanted] for row in rows])
  found['truncated'] = np.array([row['truncated'] == '1' for row in rows])
  several = _per_class('label', classes)
  if 'label' in rows[0]:
    found['label'] = np.array([list(classes).index(row['label']) for row in rows])
  elif several[0] in rows[0]:
    found['label'] = np.array([[int(row[name]) for name in several] for row in rows])
  return found


def _per_class(name: str, classes: Sequence[str]) -> list[str]:
  return [f'{name}_{c}' for c in classes]


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
