"""Prepares one config of one corpus: finds its builder, keeps what is good, replaces what is not.

A reader sees a whole dataset or none: it is built in a folder `incomplete.*`, sealed with the
checksums of its files, and then renamed.
"""

import contextlib
import fcntl
import importlib
import io
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import absl.logging
import tensorflow_datasets as tfds

import data_builders
from data_builders.corpora import base, beam_pipeline, release
from emojax import near
from emojax.features import catalogue
from emojax.io import checksums, files, prepared

FROM_RELEASE = ('base', base.TEXT)  # other configs are computed from `base`
HERE = pathlib.Path(data_builders.__file__).parent
ROOM = 'incomplete.new'  # in the folder of a config: where it is built
COMPUTED = 'computed'  # there too: values of a costly feature, until it is built


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
  """The one config that was asked for; or `base` and the features that are built by default.

  Raises:
    ValueError: if there is no such corpus or config, or if what it needs is not installed.
  """
  known = list(builder_class(corpus).builder_configs)
  if config and config not in known:
    raise ValueError(_unknown(f'config of {corpus}', config, known))
  if config in catalogue.FEATURES:
    catalogue.named(config)
  return [config] if config else [name for name in known if _is_default(name)]


def needs_base(config: str) -> bool:
  """Whether a config that is asked for alone is computed from `base`."""
  return bool(config) and config not in FROM_RELEASE


def prepare(
  corpus: str, config: str, data_dir: pathlib.Path, *, manual_dir: pathlib.Path | None = None,
  num_shards: int | None = None, workers: int | None = None, partial: bool = False,
  overwrite: bool = False, beam: Sequence[str] | None = None,
) -> tuple[pathlib.Path, str]:
  """Builds `corpus/config` under `data_dir` unless it is there already.

  A build of a costly feature that did not end leaves what it computed, and the next goes on there.

  Args:
    beam: options of an Apache Beam pipeline that computes the feature; None: processes do.

  Returns:
    The folder, and why it was built ('new', 'replaced: ...') or 'kept'.

  Raises:
    ValueError: if the release or the request is not good enough; no dataset is left behind then.
  """
  name = f'{corpus}/{config}'
  cls = builder_class(corpus)
  configs(corpus, config)
  parent = data_dir / corpus / config
  with alone(parent, name):
    folder = parent / str(cls.VERSION)
    why = 'replaced: --overwrite' if overwrite and folder.exists() else ''
    why = why or _why_build(folder, cls, config, manual_dir, partial)
    computed = parent / COMPUTED
    if not why:
      shutil.rmtree(computed, ignore_errors=True)
      return folder, 'kept'
    if config in FROM_RELEASE and not manual_dir:
      raise prepared.UnpreparedError(
        f'{name} is not in {data_dir} and is built from the release: add --manual_dir FOLDER. '
        f'{cls.MANUAL_DOWNLOAD_INSTRUCTIONS}')
    source = None if config in FROM_RELEASE else prepared.find(data_dir, corpus)
    feature = catalogue.FEATURES.get(config)
    if beam is not None:
      _check_beam(name, feature)
      beam_pipeline.fill(source, feature, computed, beam)
    is_kept = beam is not None or feature and feature.costly
    builder = cls(config=config, data_dir=parent / ROOM, partial=partial, workers=workers,
                  base=source, cache=computed if is_kept else None)
    install(builder, folder, manual_dir=manual_dir, num_shards=num_shards)
    shutil.rmtree(computed, ignore_errors=True)
  return folder, why


def install(builder: base.Builder, folder: pathlib.Path, **download: Any) -> None:
  """Runs a builder whose data_dir is the room beside `folder`, and puts what it built there.

  Call it inside `alone`. `download`: fields of TFDS's DownloadConfig.
  """
  with tempfile.TemporaryDirectory() as downloads, quiet():
    builder.download_and_prepare(
      file_format='array_record', download_dir=downloads,
      download_config=tfds.download.DownloadConfig(try_download_gcs=False, **download))
  built = pathlib.Path(builder.data_dir)
  checksums.seal(built, checksums.of_folder(built))
  if folder.exists():  # it stayed until the new one was whole
    folder.rename(folder.parent / 'incomplete.replaced')
  built.rename(folder)


def _is_default(config: str) -> bool:
  if config in catalogue.FEATURES:
    return catalogue.FEATURES[config].by_default
  return config != base.TEXT


def _check_beam(name: str, feature: catalogue.Feature | None) -> None:
  if not feature:
    raise ValueError(f'{name} is read from the release, and no feature for --beam to compute.')
  beam_pipeline.require()


def _why_build(
  folder: pathlib.Path, cls: type[base.Builder], config: str, manual_dir: pathlib.Path | None,
  partial: bool,
) -> str:
  """Why the folder has to be built; '' if it is good."""
  if not folder.exists():
    return 'new'
  damage = damage_of(folder)
  told = '; '.join(f'{name} {wrong}' for name, wrong in damage.items())
  if config in FROM_RELEASE:
    if damage and not manual_dir:
      raise ValueError(f'{folder}: {told}. It is built again from the release: add --manual_dir '
                       'FOLDER; or restore it from a copy.')
    if prepared.METADATA not in damage:
      said = files.read_json(folder / prepared.METADATA)
      _check_same_release(folder, said, cls, manual_dir, partial)
  if damage or config in FROM_RELEASE:
    return f'replaced: {told}' if damage else ''
  said = files.read_json(folder / prepared.METADATA)
  source = files.read_json(prepared.find(folder.parents[2], cls.name) / prepared.METADATA)
  if said['base_fingerprint'] != source['fingerprint']:
    return 'replaced: base has changed since'
  wanted = catalogue.FEATURES[config].metadata()
  changed = [name for name, value in wanted.items() if said.get(name) != value]
  return f'replaced: its {" and ".join(changed)} changed' if changed else ''


def damage_of(folder: pathlib.Path) -> Mapping[str, str]:
  """Name -> what is wrong with a file of a dataset.

  Raises:
    ValueError: if the folder was never one.
  """
  if not prepared.is_dataset(folder):
    raise ValueError(f'{folder} is no dataset of ours (it has no {prepared.INDEX}); '
                     'replace it with --overwrite, or choose another --data_dir.')
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
  """What is prepared must be what was asked for: of that release, and the whole of it."""
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
def alone(parent: pathlib.Path, name: str) -> Iterator[None]:
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
def quiet() -> Iterator[None]:
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
  return f'there is no {what} {name!r}; there are: {", ".join(known)}{near.hint(name, known)}.'
