"""Prepares one config of one corpus: finds its builder, keeps what is good, replaces what is not.

A reader sees a whole dataset or none: TFDS writes into a folder `incomplete.*` and renames it.
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
from emojax.io import files, prepared

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
    # A folder that is to be replaced stays until the new one is whole.
    room = parent / 'incomplete.replacement' if folder.exists() else data_dir
    builder = cls(config=config, data_dir=room, partial=partial, workers=workers, base=source)
    with tempfile.TemporaryDirectory() as downloads, _quiet():
      builder.download_and_prepare(
        file_format='array_record', download_dir=downloads,
        download_config=tfds.download.DownloadConfig(
          manual_dir=manual_dir, num_shards=num_shards, try_download_gcs=False))
    if room != data_dir:
      folder.rename(parent / 'incomplete.replaced')
      pathlib.Path(builder.data_dir).rename(folder)
      _remove_incomplete(parent)
  return folder, why


def _why_build(
  folder: pathlib.Path, cls: type[base.Builder], config: str, manual_dir: pathlib.Path | None,
  partial: bool,
) -> str:
  """Why the folder has to be built; '' if it is good."""
  if not folder.exists():
    return 'new'
  if not (folder / prepared.INDEX).is_file():
    raise ValueError(f'{folder} is no dataset of ours (it has no {prepared.INDEX}); '
                     'replace it with --overwrite, or choose another --data_dir.')
  said = files.read_json(folder / 'metadata.json')
  if config == 'base':
    _check_same_release(folder, said, cls, manual_dir, partial)
    return ''
  source = files.read_json(prepared.find(folder.parents[2], cls.name) / 'metadata.json')
  if said['base_fingerprint'] != source['fingerprint']:
    return 'replaced: base has changed since'
  wanted = feature_configs.FEATURES[config].metadata()
  changed = [name for name, value in wanted.items() if said.get(name) != value]
  return f'replaced: its {" and ".join(changed)} changed' if changed else ''


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
