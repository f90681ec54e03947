"""The folder of a prepared dataset: where it lies, and the index that stands beside its records.

    <data_dir>/<corpus>/<config>/<version>/
      <corpus>-utterances.array_record-*   one record per utterance, in dialogue order (TFDS)
      dataset_info.json features.json      (TFDS)
      metadata.json                        fingerprint, complete, generated, sample_rate, ...
      index.parquet                        row i describes record i
      exclusions.jsonl                     {"id", "reason", "file"} per utterance without values
      counts.json                          listed = kept + excluded, and more

`base` holds the release (waveform, transcript, labels, votes) without what it excludes. A feature
config holds what was computed from `base`, row for row: an utterance without values stays, with
length 0. Records are read with `tfds.builder_from_directory(folder).as_data_source('all')`.
"""

import difflib
import os
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

INDEX = 'index.parquet'
EXCLUSIONS = 'exclusions.jsonl'
COUNTS = 'counts.json'

Index = dict[str, np.ndarray]

_VERSION = re.compile(r'\d+\.\d+\.\d+')


class UnpreparedError(ValueError):
  """A dataset was asked for that has not been built; the message says how to build it."""


def default_data_dir() -> pathlib.Path:
  """TFDS's own default: `$TFDS_DATA_DIR`, else `~/tensorflow_datasets`."""
  return pathlib.Path(os.environ.get('TFDS_DATA_DIR') or '~/tensorflow_datasets').expanduser()


def find(data_dir: str | os.PathLike | None, corpus: str, config: str = 'base') -> pathlib.Path:
  """The newest prepared version of `corpus/config` below `data_dir` (None: TFDS's default).

  Raises:
    UnpreparedError: if there is none, with the build command and what is there instead.
  """
  root = pathlib.Path(data_dir).expanduser() if data_dir else default_data_dir()
  versions = [
    folder for folder in (root / corpus / config).glob('*.*.*')
    if _VERSION.fullmatch(folder.name)  # TFDS builds in `incomplete.XXXXXX_1.0.0`
    and (folder / INDEX).is_file() and (folder / 'dataset_info.json').is_file()
  ]
  if versions:
    return max(versions, key=lambda folder: tuple(int(part) for part in folder.name.split('.')))
  there = sorted({
    '/'.join(index.parts[-4:-2]) for index in root.glob(f'*/*/*/{INDEX}')
    if _VERSION.fullmatch(index.parts[-2])
  })
  near = difflib.get_close_matches(f'{corpus}/{config}', there, n=1)
  raise UnpreparedError(
    f'{corpus}/{config} is not prepared under {root}; '
    + (f'there {"is" if len(there) == 1 else "are"}: {", ".join(there)}'
       + (f' (did you mean {near[0]}?)' if near else '') if there else 'nothing is')
    + f'. Build it: python -m data_builders.build {corpus}/{config} '
    f'--manual_dir FOLDER-OF-THE-RELEASE --data_dir {root}')


def write_index(folder: str | os.PathLike, columns: Mapping[str, Any]) -> None:
  """Writes the index table; every column has one value per record, in record order."""
  lengths = {name: len(values) for name, values in columns.items()}
  if len(set(lengths.values())) > 1:
    raise ValueError(f'index columns differ in length: {lengths}')
  pq.write_table(pa.table(dict(columns)), pathlib.Path(folder) / INDEX)


def read_index(folder: str | os.PathLike) -> Index:
  """The index as one numpy array per column; strings come as unicode arrays."""
  path = pathlib.Path(folder) / INDEX
  try:
    table = pq.read_table(path)
  except (OSError, pa.ArrowException) as error:
    raise ValueError(f'{path} cannot be read ({error}); build the dataset again.') from error
  columns = {}
  for name, column in zip(table.column_names, table.columns):
    values = column.to_numpy()
    columns[name] = np.array(values, dtype=np.str_) if pa.types.is_string(column.type) else values
  return columns
