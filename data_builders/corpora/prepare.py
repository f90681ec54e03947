"""Prepares one config of one corpus: finds its builder, keeps what is good, replaces what is not.

A reader sees a whole dataset or none: it is built in a folder `incomplete.*`, sealed with the
checksums of its files, and then renamed.
"""

import contextlib
import difflib
import fcntl
import importlib
import io
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import absl.logging
import tensorflow_datasets as tfds

import data_builders
from data_builders.corpora import base, feature_configs, release
from emojax.io import checksums, files, prepared

HERE = pathlib.Path(data_builders.__file__).parent


def corpora() -> list[str]:
  """Every folder here that holds a builder of its own name."""
  return sorted(path.parent.name for path in HERE.glob('*/*_dataset_builder.py')
                if path.name == f'{path.parent.name}_dataset_builder.py')


def builder_class(corpus: str) -> type[base.Builder]:
  """The builder of a corpus, found by its folder's name."""
  if corpus not in corpora():
    raise ValueError(_unknown('corpus', corpus, corpora()))
  return importlib.import_module(f'data_builders.{corpus}.{corpus}_dataset_builder').Builder


def configs(corpus: str, config: str | None = None) -> list[str]:
  """The one config that was asked for, or all in the order they build on each other."""
  known = list(builder_class(corpus).builder_configs)
  if config and config not in known:
    raise ValueError(_unknown(f'config of {corpus}', config, known))
  return [config] if config else known


def prepare(
  corpus: str, config: str, data_dir: pathlib.Path, *, manual_dir: pathlib.Path | None = None,
  num_shards: int | None = None, workers: int | None = None, partial: bool = False,
  overwrite: bool = False,
) -> tuple[pathlib.Path, str]:
  """Builds `corpus/config` under `data_dir` unless it is there already.

  Returns:
    The folder, and why it was built ('new', 'replaced: ...') or 'kept'.

  Raises:
    ValueError: if the release or the request is not good enough; nothing is left behind then.
  """
  name = f'{corpus}/{config}'
  cls = builder_class(corpus)
  configs(corpus, config)
  parent = data_dir / corpus / config
  with _alone(parent, name):
    folder = parent / str(cls.VERSION)
    why = 'replaced: --overwrite' if overwrite and folder.exists() else ''
    why = why or _why_build(folder, cls, config, manual_dir, partial)
    if not why:
      return folder, 'kept'
    if config == 'base' and not manual_dir:
      raise prepared.UnpreparedError(
        f'{name} is not in {data_dir} and is built from the release: add --manual_dir FOLDER. '
        f'{cls.MANUAL_DOWNLOAD_INSTRUCTIONS}')
    source = None if config == 'base' else prepared.find(data_dir, corpus)
    room = parent / 'incomplete.new'
    builder = cls(config=config, data_dir=room, partial=partial, workers=workers, base=source)
    with tempfile.TemporaryDirectory() as downloads, _quiet():
      builder.download_and_prepare(
        file_format='array_record', download_dir=downloads,
        download_config=tfds.download.DownloadConfig(
          manual_dir=manual_dir, num_shards=num_shards, try_download_gcs=False))
    built = pathlib.Path(builder.data_dir)
    checksums.seal(built, checksums.of_folder(built))
    if folder.exists():  # it stayed until the new one was whole
      folder.rename(parent / 'incomplete.replaced')
    built.rename(folder)
  return folder, why


def _why_build(
  folder: pathlib.Path, cls: type[base.Builder], config: str, manual_dir: pathlib.Path | None,
  partial: bool,
) -> str:
  """Why the folder has to be built; '' if it is good."""
  if not folder.exists():
    return 'new'
  if not prepared.is_dataset(folder):
    raise ValueError(f'{folder} is no dataset of ours (it has no {prepared.INDEX}); '
                     'replace it with --overwrite, or choose another --data_dir.')
  damage = _damage(folder)
  told = '; '.join(f'{name} {wrong}' for name, wrong in damage.items())
  if config == 'base':
    if damage and not manual_dir:
      raise ValueError(f'{folder}: {told}. It is built again from the release: add --manual_dir '
                       'FOLDER; or restore it from a copy.')
    if prepared.METADATA not in damage:
      said = files.read_json(folder / prepared.METADATA)
      _check_same_release(folder, said, cls, manual_dir, partial)
  if damage or config == 'base':
    return f'replaced: {told}' if damage else ''
  said = files.read_json(folder / prepared.METADATA)
  source = files.read_json(prepared.find(folder.parents[2], cls.name) / prepared.METADATA)
  if said['base_fingerprint'] != source['fingerprint']:
    return 'replaced: base has changed since'
  wanted = feature_configs.FEATURES[config].metadata()
  changed = [name for name, value in wanted.items() if said.get(name) != value]
  return f'replaced: its {" and ".join(changed)} changed' if changed else ''


def _damage(folder: pathlib.Path) -> Mapping[str, str]:
  """Name -> what is wrong with a file of a dataset."""
  if not (folder / checksums.SEAL).is_file():
    return {checksums.SEAL: 'is missing'}
  try:
    return prepared.damage(folder).files
  except ValueError:
    return {checksums.SEAL: 'is not as it was written'}


def _check_same_release(
  folder: pathlib.Path, said: Mapping[str, Any], cls: type[base.Builder],
  manual_dir: pathlib.Path | None, partial: bool,
) -> None:
  """A prepared `base` must be what was asked for: of that release, and the whole of it."""
  given = release.identity(cls.read_release(manual_dir).truth) if manual_dir else said['release']
  if given != said['release']:
    raise ValueError(
      f'{folder} was built from {said["release"]}, but {manual_dir} holds {given}. Choose another '
      '--data_dir, or replace it with --overwrite.')
  if not said['complete'] and not partial:
    raise ValueError(
      f'{folder} was built from a part of the release (--partial). Keep it with --partial, or '
      'build it from the whole release with --overwrite --manual_dir FOLDER.')


@contextlib.contextmanager
def _alone(parent: pathlib.Path, name: str) -> Iterator[None]:
  """Keeps other builds of this config out; the system frees the lock of a process that dies."""
  parent.mkdir(parents=True, exist_ok=True)
  with open(parent / '.lock', 'w') as lock:
    try:
      fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      raise ValueError(f'{name} is being built in {parent} by another process; wait for it, or '
                       'choose another --data_dir.') from None
    _remove_incomplete(parent)  # left by builds that were killed: the lock is ours
    try:
      yield
    finally:
      _remove_incomplete(parent)


def _remove_incomplete(parent: pathlib.Path) -> None:
  for path in parent.glob('incomplete.*'):
    shutil.rmtree(path)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """TFDS prints, logs and draws bars; what a user needs to see we say ourselves."""
  verbosity = absl.logging.get_verbosity()
  absl.logging.set_verbosity(absl.logging.ERROR)
  tfds.disable_progress_bar()
  try:
    with contextlib.redirect_stdout(io.StringIO()):
      yield
  finally:
    tfds.enable_progress_bar()
    absl.logging.set_verbosity(verbosity)


def _unknown(what: str, name: str, known: list[str]) -> str:
  near = difflib.get_close_matches(name, known, n=1)
  return (f'there is no {what} {name!r}; there are: {", ".join(known)}'
          + (f' (did you mean {near[0]}?)' if near else '') + '.')
