"""The folder of a prepared dataset: where it lies, what stands in it, and whether it still does.

    <data_dir>/<corpus>/<config>/<version>/
      <corpus>-utterances.array_record-*   one record per utterance, in dialogue order (TFDS)
      dataset_info.json features.json      (TFDS)
      metadata.json                        fingerprint, complete, generated, sample_rate, ...
      index.parquet                        row i describes record i
      exclusions.jsonl                     {"id", "reason", "file"} per utterance without values
      notes.jsonl                          {"note"} per oddity of the release that costs nothing
      counts.json                          listed = kept + excluded, and more
      checksums.json                       of all these files; written last

`base` holds the release (waveform, transcript, labels, votes) without what it excludes. A feature
config holds what was computed from `base`, row for row: an utterance without values stays, with
length 0. Nothing is read before every file was held against its checksum, once per process; and
each record has one in the index, so that a damaged shard costs no more than what is gone.
"""

import dataclasses
import functools
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from absl import logging

from emojax import near
from emojax.io import checksums, files, salvage

INDEX = 'index.parquet'
EXCLUSIONS = 'exclusions.jsonl'
NOTES = 'notes.jsonl'
COUNTS = 'counts.json'
METADATA = 'metadata.json'
TFDS_INFO = 'dataset_info.json'
TABLE = 'table_'  # before the name of a table of features: its config
LENGTH = 'length_'  # before the name of a table's feature: the index column of its lengths
CHECKSUM = 'checksum'  # the column of the index that holds each record's

Index = dict[str, np.ndarray]

_VERSION = re.compile(r'\d+\.\d+\.\d+')
_SHOWN = 8  # ids that a message names


class UnpreparedError(ValueError):
  """A dataset was asked for that has not been built; the message says how to build it."""


def default_data_dir() -> pathlib.Path:
  """TFDS's own default: `$TFDS_DATA_DIR`, else `~/tensorflow_datasets`."""
  return pathlib.Path(os.environ.get('TFDS_DATA_DIR') or '~/tensorflow_datasets').expanduser()


def is_dataset(folder: pathlib.Path) -> bool:
  """Whether a folder is a prepared dataset of ours, whole or damaged."""
  return bool(_VERSION.fullmatch(folder.name)) and any(
    (folder / name).is_file() for name in (checksums.SEAL, INDEX))


def listed(data_dir: str | os.PathLike) -> list[pathlib.Path]:
  """The folders of all datasets below `data_dir`."""
  return sorted(filter(is_dataset, pathlib.Path(data_dir).glob('*/*/*.*.*')))


def find(data_dir: str | os.PathLike | None, corpus: str, config: str = 'base') -> pathlib.Path:
  """The newest prepared version of `corpus/config` below `data_dir` (None: TFDS's default).

  Raises:
    UnpreparedError: if there is none, with the build command and what is there instead.
  """
  root = pathlib.Path(data_dir).expanduser() if data_dir else default_data_dir()
  versions = [folder for folder in listed(root) if folder.parts[-3:-1] == (corpus, config)]
  if versions:
    return max(versions, key=lambda folder: tuple(int(part) for part in folder.name.split('.')))
  there = sorted({'/'.join(folder.parts[-3:-1]) for folder in listed(root)})
  raise UnpreparedError(
    f'{corpus}/{config} is not prepared under {root}; '
    + (f'there {"is" if len(there) == 1 else "are"}: {", ".join(there)}'
       + near.hint(f'{corpus}/{config}', there) if there else 'nothing is')
    + f'. Build it: {_build_command(root, corpus, config, release=True)}')


def find_labels(data_dir: str | os.PathLike | None, corpus: str) -> pathlib.Path:
  """`base` of a corpus as `find` finds it; where it is not prepared, `text`."""
  try:
    return find(data_dir, corpus)
  except UnpreparedError as error:
    try:
      return find(data_dir, corpus, 'text')
    except UnpreparedError:
      raise error from None


@dataclasses.dataclass(frozen=True)
class Damage:
  """What is wrong with the files of a dataset; nothing, mostly.

  Attributes:
    folder: of the dataset.
    files: name -> what is wrong with it, such as 'is missing'.
    lost: id -> why, of the utterances whose record cannot be read any more. Where other files than
      shards are damaged, this says nothing.
    saved: row -> serialized record, of all others in damaged shards.
    num_rows: how many utterances there should be.
  """

  folder: pathlib.Path
  files: Mapping[str, str]
  lost: Mapping[str, str] = dataclasses.field(default_factory=dict)
  saved: Mapping[int, bytes] = dataclasses.field(default_factory=dict)
  num_rows: int = 0

  def __bool__(self) -> bool:
    return bool(self.files)

  @property
  def in_shards_alone(self) -> bool:
    return all(map(_is_shard, self.files))

  def __str__(self) -> str:
    told = f'{self.folder}: ' + '; '.join(f'{name} {wrong}' for name, wrong in self.files.items())
    return f'{told}. {self.loss("")}' if self.in_shards_alone else told

  def loss(self, shard: str) -> str:
    """How many utterances are lost, and the first of them; in one shard, or '': in all."""
    ids = [id for id, why in self.lost.items() if why.startswith(shard)]
    if not ids:
      return f'None of {self.num_rows:,} utterances is lost'
    more = f' and {len(ids) - _SHOWN:,} more' if len(ids) > _SHOWN else ''
    return (f'{len(ids):,} of {self.num_rows:,} utterances are lost: '
            f'{", ".join(ids[:_SHOWN])}{more}')


def damage(folder: pathlib.Path) -> Damage:
  """Holds every file of a dataset against its checksum, once per process and state of the files.

  Raises:
    ValueError: if the folder has no checksums, or these are damaged themselves.
  """
  if not (folder / checksums.SEAL).is_file():
    raise ValueError(
      f'{folder} has no {checksums.SEAL}, so nobody can tell whether it is whole: another version '
      f'of emojax built it, or part of it was deleted. Build it again: {build_command(folder)}')
  found = [(path.name, path.stat()) for path in folder.iterdir() if path.exists()]
  return _damage(folder, frozenset(
    (name, about.st_ino, about.st_size, about.st_mtime_ns) for name, about in found))


@functools.lru_cache
def _damage(folder: pathlib.Path, state: frozenset) -> Damage:
  """`state`: what tells whether a file was changed since it was verified."""
  del state
  sums = checksums.sealed(folder)
  wrong = {name: what for name in sums if (what := _wrong(folder, {name: sums[name]}))}
  if not wrong or not all(map(_is_shard, wrong)):
    return Damage(folder, wrong)
  index = _read_table(folder)
  ids, expected = index['id'].tolist(), index[CHECKSUM].tolist()
  home, first = {}, 0  # row -> the damaged shard that it stands in
  for shard, length in zip(filter(_is_shard, sorted(sums)), _shard_lengths(folder), strict=True):
    home |= dict.fromkeys(range(first, first + length), shard) if shard in wrong else {}
    first += length
  wanted, found = {expected[row] for row in home}, {}
  for shard in wrong:
    found |= salvage.records(folder / shard, wanted)
  return Damage(
    folder, wrong, num_rows=len(ids),
    lost={ids[row]: f'{shard} {wrong[shard]}' for row, shard in home.items()
          if expected[row] not in found},
    saved={row: found[expected[row]] for row in home if expected[row] in found})


class Dataset:
  """A prepared dataset, verified and opened.

  Attributes:
    index: the table; row i is record i.
    about: what `metadata.json` says: fingerprint, complete, generated ...
    counts: what `counts.json` says.
    lost: id -> why, of utterances that cannot be read any more; the index still has them.
  """

  def __init__(self, folder: pathlib.Path, *, quarantine: bool = False):
    """Opens a folder, see `find`.

    Args:
      quarantine: go on, with a warning, where shards are damaged; by default that is an error.

    Raises:
      ValueError: if it is damaged, or has no checksums; naming files and what is lost.
    """
    self._folder, found = folder, damage(folder)
    if found and not (quarantine and found.in_shards_alone):
      raise ValueError(
        f'{found}. Build it again ({build_command(folder)}), or restore what is damaged from a '
        'copy' + ('. A run goes on without what is lost with --config.data.damaged=quarantine.'
                  if found.in_shards_alone else '.'))
    if found:
      logging.warning('%s. Going on without; it is mended by building it again: %s', found,
                      build_command(folder))
    self.index = _read_table(folder)
    self._checksums = self.index.pop(CHECKSUM).tolist()
    self.about = files.read_json(folder / METADATA)
    self.counts = files.read_json(folder / COUNTS)
    self.lost, self._saved = found.lost, found.saved

  def __len__(self) -> int:
    return len(self._checksums)

  def read(self, row: int) -> dict[str, Any]:
    """The record of a row; its id stands in the index alone.

    Raises:
      ValueError: if it is lost, or was changed after it was verified.
    """
    features, records, unread = self._records
    try:
      serialized = self._saved[row] if row in self._saved else records[row]
    except (RuntimeError, IndexError) as error:  # of array_record
      raise ValueError(self._changed(row, str(error))) from error
    if salvage.checksum(serialized) != self._checksums[row]:
      raise ValueError(self._changed(row, 'its checksum is another one'))
    return features.deserialize_example_np(serialized, decoders=unread)

  @functools.cached_property
  def _records(self) -> tuple[Any, Sequence[bytes], Mapping[str, Any]]:
    """(what makes arrays of a record, serialized records, what is not to be decoded)."""
    import tensorflow_datasets as tfds  # here, since it takes a second

    builder = tfds.builder_from_directory(str(self._folder))
    # the index has the id; decoding takes a third of a read
    return (builder.info.features, builder.as_data_source('all').data_source,
            {'id': tfds.decode.SkipDecoding()})

  def _changed(self, row: int, how: str) -> str:
    id = self.index['id'][row]
    if id in self.lost:
      return f'{self._folder}: {id} is lost: {self.lost[id]}.'
    return (f'{self._folder} was changed while it was in use: {id} cannot be read ({how}). If it '
            'was built again, start again; the run tells whether it is the same dataset.')


def write_index(folder: str | os.PathLike, columns: Mapping[str, Any]) -> None:
  """Writes the index table; every column has one value per record, in record order."""
  lengths = {name: len(values) for name, values in columns.items()}
  if len(set(lengths.values())) > 1:
    raise ValueError(f'index columns differ in length: {lengths}')
  pq.write_table(pa.table(dict(columns)), pathlib.Path(folder) / INDEX)


def read_index(folder: str | os.PathLike) -> Index:
  """The index as one numpy array per column; strings come as unicode arrays."""
  return {name: column for name, column in _read_table(pathlib.Path(folder)).items()
          if name != CHECKSUM}


def build_command(folder: pathlib.Path) -> str:
  """What builds the dataset in `folder` again."""
  corpus, config = folder.parts[-3:-1]
  return _build_command(folder.parents[2], corpus, config, release=config == 'base')


def _build_command(root: pathlib.Path, corpus: str, config: str, *, release: bool) -> str:
  if config.startswith(TABLE):
    return (f'python -m data_builders.table {corpus}/{config.removeprefix(TABLE)} '
            f'FILE-OF-THE-TABLE --data_dir {root}')
  return (f'python -m data_builders.build {corpus}/{config} '
          + ('--manual_dir FOLDER-OF-THE-RELEASE ' if release else '') + f'--data_dir {root}')


def _read_table(folder: pathlib.Path) -> Index:
  path = folder / INDEX
  try:
    table = pq.read_table(path)
  except (OSError, pa.ArrowException) as error:
    raise ValueError(f'{path} cannot be read ({error}); build the dataset again.') from error
  columns = {}
  for name, column in zip(table.column_names, table.columns):
    values = column.to_numpy()
    columns[name] = np.array(values, dtype=np.str_) if pa.types.is_string(column.type) else values
  return columns


def _is_shard(name: str) -> bool:
  return '.array_record-' in name


def _shard_lengths(folder: pathlib.Path) -> list[int]:
  """How many records each shard holds."""
  split, = files.read_json(folder / TFDS_INFO)['splits']
  return [int(length) for length in split['shardLengths']]


def _wrong(folder: pathlib.Path, sums: Mapping[str, str]) -> str:
  """What is wrong with a file, by its name and checksum; '' if nothing."""
  try:
    return ''.join(checksums.damage(folder, sums).values())
  except OSError as error:
    return f'cannot be read ({error.strerror})'
