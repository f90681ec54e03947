"""The folder of a run: it describes itself, and is never mixed with another run's."""

import contextlib
import csv
import fcntl
import importlib.metadata
import io
import json
import os
import pathlib
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import ml_collections
import numpy as np

from emojax.io import checksums, files, parameters

LOCK = '.lock'
CONFIG, RUN, RESULT = 'config.json', 'run.json', 'result.json'
IMPORTED = 'imported.json'  # in the folder of a run that began with another program's checkpoints
# Fields that may change when a run goes on: they do not touch what was computed so far.
MAY_CHANGE = ('train.num_epochs', 'data.path', 'data.damaged', 'data.resident',
              'data.resident_gib', 'data.threads', 'data.prefetch', 'batch.accumulate',
              'checkpoint.', 'mesh.')


class RunFolder:
  """Paths and small files of one run."""

  def __init__(self, path: str | pathlib.Path):
    self.path = pathlib.Path(path)
    self.sealed = checksums.Sealed(self.path)

  @contextlib.contextmanager
  def alone(self) -> Iterator[None]:
    """Keeps other processes out; the system frees the lock of one that dies.

    Of the processes of one job, the first holds the lock for all.

    Raises:
      ValueError: naming the process that is there.
    """
    if jax.process_index():
      yield
      return
    self.path.mkdir(parents=True, exist_ok=True)
    with open(self.path / LOCK, 'a+', encoding='utf-8') as lock:
      try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
      except BlockingIOError:
        lock.seek(0)
        raise ValueError(
          f'{self.path} is in use by {lock.read() or "another process"}; wait until it has ended, '
          'or choose another --workdir.') from None
      lock.truncate(0)
      program = pathlib.Path(sys.argv[0])
      lock.write(f'{program.parent.name}.{program.stem}, process {os.getpid()} on '
                 f'{socket.gethostname()}')
      lock.flush()
      files.clear_unfinished(self.path)
      try:
        yield
      finally:
        lock.truncate(0)
        if {path.name for path in self.path.iterdir()} == {LOCK}:  # nothing came of it
          (self.path / LOCK).unlink()
          self.path.rmdir()

  def claim(self, config: ml_collections.ConfigDict, about: Mapping[str, Any]) -> None:
    """Writes what describes the run, after `check`."""
    self.write_config(config)
    self.sealed.write_json(RUN, {**about, 'versions': versions(), 'commit': commit(),
                                 'devices': [str(d) for d in jax.devices()]})

  def write_config(self, config: ml_collections.ConfigDict) -> None:
    """Writes the resolved config."""
    self.sealed.write_json(CONFIG, json.loads(config.to_json_best_effort()))

  def check(self, config: ml_collections.ConfigDict, about: Mapping[str, Any]) -> None:
    """Lets pass a folder that is empty, or holds this very run.

    Raises:
      ValueError: naming the fields that differ.
    """
    plain = json.loads(config.to_json_best_effort())
    if (self.path / CONFIG).is_file():
      before = parameters.flatten(self.sealed.read_json(CONFIG))
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
      self._check_widths(about.get('widths', {}))
    elif self.path.is_dir() and any(path.name != LOCK for path in self.path.iterdir()):
      raise ValueError(f'{self.path} is not empty and holds no run; choose another --workdir.')

  def _check_widths(self, now: Mapping[str, int]) -> None:
    """Refuses frames of another width than those that imported parameters were trained on."""
    there = self._imported.get('widths', {})
    different = [f'{name}: {there[name]} there, {now[name]} now' for name in sorted(now)
                 if there.get(name, now[name]) != now[name]]
    if different:
      raise ValueError(f'{self.path} was imported, and its frames have other numbers than those of '
                       f'this data ({"; ".join(different)}); name the data that it was trained on, '
                       'or import it again with the config of these features.')

  @property
  def dataset(self) -> str | None:
    """The fingerprint of the dataset; None before a run, or an imported one, has seen it."""
    return self._said('dataset')

  @property
  def about(self) -> Mapping[str, Any] | None:
    """What reports need to know of the corpus; None before a run has seen it."""
    return self._said('about')

  @property
  def notices(self) -> list[str]:
    """What every result says besides its protocol's notice, as far as it is known."""
    notice = self._imported.get('notice')
    return [*((self.about or {}).get('notices', ())), *([notice] if notice else [])]

  @property
  def together(self) -> int | None:
    """How many of its members train together at most; None before a run has begun."""
    if self.imported:
      return 1
    return self._said('together')

  def _said(self, field: str) -> Any:
    """A field of `run.json`; None before there is one."""
    return self.sealed.read_json(RUN).get(field) if (self.path / RUN).is_file() else None

  @property
  def imported(self) -> dict[str, Any]:
    """Member name -> what `imported.json` says of it; empty if the run is not an imported one."""
    return self._imported.get('members', {})

  @property
  def _imported(self) -> Mapping[str, Any]:
    """`imported.json`; empty if there is none."""
    there = (self.path / IMPORTED).is_file()
    return self.sealed.read_json(IMPORTED) if there else {}

  def member(self, name: str) -> pathlib.Path:
    """The folder of one member."""
    return self.path / 'members' / name


def phase(refit: bool) -> str:
  """What files of a phase are called."""
  return 'refit' if refit else 'select'


def predictions_csv(
    head: Any, *, ids: Sequence[str], units: Sequence[str], folds: Sequence[str],
    logits: np.ndarray, truncated: np.ndarray, seeds: Sequence[int] | None = None,
    labels: np.ndarray | None = None, predictions: np.ndarray | None = None) -> str:
  """A table of one row per utterance.

  Columns: id, unit, fold, seed, label, prediction, the outputs of `head` (a logit per class, or the
  values), its thresholds (a probability per class) if it decides at some, truncated.

  What is None has no column. `labels` and `predictions` are class numbers [N], written by name; or
  0 and 1 for each class, or numbers, [N, K], in K columns.
  """
  columns = {'id': ids, 'unit': units, 'fold': folds} | ({} if seeds is None else {'seed': seeds})
  for name, values in (('label', labels), ('prediction', predictions)):
    if values is not None and values.ndim == 1:
      columns[name] = [head.classes[number] for number in values.tolist()]
    elif values is not None:
      columns |= zip(_per_class(name, head.classes), values.astype(head.label_type).T, strict=True)
  columns |= zip(head.outputs, logits.astype(np.float32).T, strict=True)
  if head.cut is not None:
    cut = np.broadcast_to(head.cut.astype(np.float32), logits.shape)
    columns |= zip(_per_class('threshold', head.classes), cut.T, strict=True)
  columns['truncated'] = truncated.astype(int)
  text = io.StringIO()
  writer = csv.writer(text, lineterminator='\n')
  writer.writerow(columns)
  writer.writerows(zip(*columns.values(), strict=True))
  return text.getvalue()


def read_predictions(path: pathlib.Path, head: Any) -> dict[str, np.ndarray]:
  """The inverse: arrays `id`, `unit`, `fold`, `logits` [N, K], `truncated`, and `label` if there.

  Of a head that decides at thresholds also these, `thresholds` [N, K].

  Raises:
    ValueError: if the file is damaged, or not of this head.
  """
  with open(checksums.Sealed(path.parent).check(path.name), newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  cut = _per_class('threshold', head.classes) if head.tunes else []
  wanted = [*head.outputs, *cut]
  if not rows or set(wanted) - set(rows[0]):
    raise ValueError(
      f'{path}: expected the columns {wanted}, found {list(rows[0]) if rows else []}.')
  found = {name: np.array([row[name] for row in rows]) for name in ('id', 'unit', 'fold')}
  numbers = lambda names: np.array([[np.float32(row[name]) for name in names] for row in rows])
  found['logits'] = numbers(head.outputs)
  if cut:
    found['thresholds'] = numbers(cut)
  found['truncated'] = np.array([row['truncated'] == '1' for row in rows])
  several = _per_class('label', head.classes)
  if 'label' in rows[0]:
    found['label'] = np.array([head.classes.index(row['label']) for row in rows])
  elif several[0] in rows[0]:
    found['label'] = np.array([[head.label_type(row[name]) for name in several] for row in rows])
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
