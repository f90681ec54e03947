"""One file of a table: the ids, index columns and features of its rows."""

import collections
import re
import typing
from collections.abc import Sequence
from typing import Any

import numpy as np

from data_builders.corpora import release, table_description, table_files, table_frames

# Columns that the utterances of other datasets have too are of the same kind here.
_KINDS = {name: kind for name, kind in typing.get_type_hints(release.Utterance).items()
          if kind in (str, int, float)} | {'video': str}


class Part:
  """The rows of a file, all splits one after the other.

  Attributes:
    ids: 'corpus/id'.
    splits: to which split each belongs; '' where the table has none.
    columns: index column -> values, text, int or float.
    features: feature -> frames.
    notes: what the file lacks, and may.
  """

  def __init__(self, part: table_description.Part, file: table_files.File,
               description: table_description.Description, corpus: str):
    """Reads it.

    Raises:
      ValueError: if a key is absent or of another form, or an id is there twice.
    """
    self.file, self._corpus = file, corpus
    self.ids, self.splits, self.notes = [], [], []
    self.columns = collections.defaultdict(list)
    rows, lengths = collections.defaultdict(list), collections.defaultdict(list)
    for split, spelled in (description.splits or {'': ''}).items():
      count = None
      for name, feature in part.features.items():
        found = self._frames(feature, spelled)
        count = self._same_count(count, name, found)
        rows[name] += list(found)
        if feature.lengths:
          lengths[name] += self._lengths(name, feature, found, spelled)
      for name, column in part.columns.items():
        found = self._values(column, spelled)
        if found is not None:
          count = self._same_count(count, name, found)
          self.columns[name] += found
      ids = self._values(part.id, spelled) if part.id else None
      if ids is None:
        ids = [f'{split}_{row}' if split else f'row_{row}' for row in range(count or 0)]
      self._same_count(count, 'id', ids)
      self.ids += [self._named(str(id)) for id in ids]
      self.splits += [split] * len(ids)
    for name in part.columns:
      if name not in self.columns:
        self.notes.append(f'{file.path.name} has no {part.columns[name].key}')
    self.columns = {name: self._typed(name, values) for name, values in self.columns.items()}
    self._check_ids()
    self.features = {
      name: table_frames.Frames(name, feature, self._of_one_width(name, rows[name]),
                                lengths.get(name))
      for name, feature in part.features.items()}

  def _frames(self, feature: table_description.Feature, split: str) -> Any:
    if self.file.kind == 'csv':
      return self.file.read_numbers([feature.key] if isinstance(feature.key, str) else feature.key)
    if not isinstance(feature.key, str):
      raise ValueError(f'{self.file.path}: a list of columns {feature.key} is for csv files.')
    found = self.file.read(feature.key.replace('{split}', split))
    if isinstance(found, np.ndarray):
      if found.dtype.kind not in 'biuf' or found.ndim > 3:
        raise ValueError(f'{self.file.path}: {feature.key} is {found.dtype} {found.shape}; '
                         'expected numbers [N, D] or [N, T, D].')
      found = found[:, None] if found.ndim == 1 else found
    return found

  def _lengths(self, name, feature, frames, split) -> list[int]:
    """How many frames of each row are real."""
    key = feature.lengths.key.replace('{split}', split)
    found = np.asarray(self.file.read(key))
    take = feature.lengths.take
    if found.ndim == 3 and take is not None and 0 <= take < found.shape[1]:
      found = found[:, take]
    if len(found) != len(frames) or found.dtype.kind not in 'biuf' or found.ndim > 2:
      raise ValueError(f'{self.file.path}: {key} is {found.dtype} {found.shape}; expected a length '
                       f'for each of the {len(frames):,} rows of {name}.')
    if found.ndim == 2 and found.shape[1] > 1:
      real = found != 0
      found = real.sum(1)
      if not (real == (np.arange(real.shape[1]) < found[:, None])).all():
        raise ValueError(f'{self.file.path}: the mask {key} has gaps; expected ones first.')
    found = found.reshape(-1)
    longest = np.array([1 if row.ndim == 1 else len(row) for row in frames])
    wrong = np.flatnonzero((found < 0) | (found > longest) | (found != np.floor(found)))
    if len(wrong):
      raise ValueError(f'{self.file.path}: {key} says {found[wrong[0]]} for row {wrong[0]}, whose '
                       f'{name} has {longest[wrong[0]]} frames.')
    return found.astype(int).tolist()

  def _values(self, column: table_description.Column, split: str) -> list[Any] | None:
    """A value per row; None where the file may lack it, and does."""
    key = column.key.replace('{split}', split)
    if column.optional and key not in self.file.keys:
      return None
    found = np.asarray(self.file.read(key))
    found = found.reshape(len(found), -1)
    if found.shape[1] != 1 and column.take is None:
      raise ValueError(f'{self.file.path}: {key} has {found.shape[1]} values per row; say which '
                       'with take (from 0).')
    if column.take is not None and not 0 <= column.take < found.shape[1]:
      raise ValueError(f'{self.file.path}: {key} has {found.shape[1]} values per row, there is no '
                       f'take={column.take}.')
    values = found[:, column.take or 0].tolist()
    return [self._matched(column, value) for value in values] if column.match else values

  def _matched(self, column: table_description.Column, value: Any) -> str:
    matched = re.fullmatch(column.match, str(value))
    if not matched:
      raise ValueError(f'{self.file.path}: {column.key} has {value!r}, which does not match '
                       f'{column.match!r}.')
    return '_'.join(group or '' for group in matched.groups())

  def _same_count(self, count: int | None, name: str, found: Sequence[Any]) -> int:
    if count is not None and count != len(found):
      raise ValueError(f'{self.file.path}: {name} has {len(found):,} rows, what was read before it '
                       f'{count:,}; they are not of one table.')
    return len(found)

  def _named(self, id: str) -> str:
    return id if id.startswith(f'{self._corpus}/') else f'{self._corpus}/{id}'

  def _typed(self, name: str, values: list[Any]) -> list[Any]:
    """Values of one kind; a csv column that is all numbers, or empty, is one of numbers."""
    kind = _KINDS.get(name)
    if kind is str:
      return [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v) for v in values]
    numbers = _numbers(values) if kind or self.file.kind == 'csv' else None
    if kind and numbers is None or kind is int and not all(float(n).is_integer() for n in numbers):
      raise ValueError(f'{self.file.path}: {name} should be {"whole " * (kind is int)}numbers, '
                       f'found {release.some(sorted(set(map(str, values))))}.')
    return values if numbers is None else [(kind or type(n))(n) for n in numbers]

  def _check_ids(self) -> None:
    first = {}
    for row, (id, split) in enumerate(zip(self.ids, self.splits, strict=True)):
      if id == f'{self._corpus}/':
        raise ValueError(f'{self.file.path}: row {row} (from 0) has no id.')
      if id in first:
        before = self.splits[first[id]]
        raise ValueError(
          f'{self.file.path}: {id} stands in two splits, {before} and {split}; what is trained on '
          'would be scored as unseen.' if before != split else
          f'{self.file.path}: {id} is there twice, in the rows {first[id]} and {row} (from 0).')
      first[id] = row
    if not first:
      raise ValueError(f'{self.file.path} has no rows.')

  def _of_one_width(self, name: str, rows: list[np.ndarray]) -> list[np.ndarray]:
    widths = sorted({row.shape[-1] for row in rows})
    if len(widths) > 1 or not widths[0]:
      raise ValueError(f'{self.file.path}: the rows of {name} are {", ".join(map(str, widths))} '
                       'wide; expected one width.')
    return rows


def _numbers(values: list[Any]) -> list[Any] | None:
  """Text as int, or else as float with NaN where nothing stands; None: it is no numbers."""
  if not any(isinstance(value, str) for value in values):
    return values
  if not any(values):
    return None
  for kind in (int, float):
    try:
      return [kind(np.nan if value == '' else value) for value in values]
    except ValueError:  # of int(nan) too
      pass
  return None
