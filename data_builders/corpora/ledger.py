"""What stands beside the records of a dataset: index, exclusions, counts, and a fingerprint."""

import collections
import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from data_builders.corpora import release
from emojax.io import files, prepared, salvage

COUNTED = ('split', 'session', 'emotion')  # columns of `counts.json`, where a corpus has them


class Ledger:
  """Kept while records are written, saved when all are."""

  def __init__(self, exclusions: Sequence[release.Exclusion] = ()):
    self.columns = collections.defaultdict(list)
    self.exclusions = list(exclusions)
    self.notes: list[str] = []
    self._hash = hashlib.blake2b(digest_size=16)
    self._checksums = []

  def __len__(self) -> int:
    """Rows so far."""
    return len(self.columns['id'])

  def add(self, record: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    """Takes note of the next record; `row` is what the index says of it."""
    for name, value in row.items():
      self.columns[name].append(value)
    arrays = {name: value for name, value in record.items() if isinstance(value, np.ndarray)}
    shapes = {name: (str(array.dtype), array.shape) for name, array in arrays.items()}
    self._hash.update(repr(sorted((record | shapes).items())).encode())
    for name in sorted(arrays):
      self._hash.update(np.ascontiguousarray(arrays[name]).data)

  def add_written(self, record: bytes) -> None:
    """Takes note of the next record as it is written."""
    self._checksums.append(salvage.checksum(record))

  @property
  def fingerprint(self) -> str:
    """Of content and order of the records: equal builds agree, though their files differ."""
    return self._hash.hexdigest()

  def save(self, folder: pathlib.Path, *, excluded_have_rows: bool) -> None:
    """Writes index, exclusions, notes and counts into the folder of the records."""
    checksums = {prepared.CHECKSUM: np.array(self._checksums, np.uint64)}
    prepared.write_index(folder, self.columns | checksums)
    _write_lines(folder / prepared.EXCLUSIONS, map(dataclasses.asdict, self.exclusions))
    _write_lines(folder / prepared.NOTES, ({'note': note} for note in self.notes))
    excluded = len(self.exclusions)
    kept = len(self) - excluded if excluded_have_rows else len(self)
    counts = {'listed': kept + excluded, 'kept': kept, 'excluded': excluded}
    for name in COUNTED:
      if any(self.columns.get(name, ())):
        counts[name] = dict(sorted(collections.Counter(self.columns[name]).items()))
    if 'duration' in self.columns:
      counts['seconds'] = round(sum(self.columns['duration']), 3)
    files.write_json(folder / prepared.COUNTS, counts)


def _write_lines(path: pathlib.Path, items: Iterable[Mapping[str, Any]]) -> None:
  files.write_text(path, ''.join(json.dumps(item) + '\n' for item in items))
