"""Opens one file of a table, `.npz`, `.csv` or a pickle, as arrays by key."""

import csv
import fnmatch
import pathlib
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emojax import near
from emojax.io import pickles

KINDS = {'.npz': 'npz', '.csv': 'csv', '.pkl': 'pickle', '.pickle': 'pickle', '.p': 'pickle'}


class File:
  """Arrays by key; of a pickle the keys of nested dicts are joined by '/', as 'train/text'."""

  def __init__(self, path: pathlib.Path):
    """Opens it.

    Raises:
      ValueError: if it is absent, damaged or of another kind.
    """
    self.path, self.kind = path, KINDS.get(path.suffix.lower())
    if not self.kind:
      raise ValueError(f'{path} is no table: expected a file that ends in {", ".join(KINDS)}.')
    if not path.is_file():
      raise ValueError(f'{path}: there is no such file.')
    open_ = {'npz': _open_npz, 'csv': _open_csv, 'pickle': _open_pickle}[self.kind]
    self._content: Mapping[str, Any] = open_(path)

  @property
  def keys(self) -> list[str]:
    """All keys, in the order of the file."""
    return list(self._content)

  def read(self, key: str) -> np.ndarray | Sequence[np.ndarray]:
    """One value per row: an array [N, ...], or N arrays of different lengths."""
    if key not in self._content:
      there = ', '.join(self.keys[:20]) + (' ...' if len(self.keys) > 20 else '')
      raise ValueError(f'{self.path} has no key {key!r}{near.hint(key, self.keys)}; there '
                       f'are: {there}.')
    try:
      return _rows(self._content[key])
    except (ValueError, OSError, zipfile.BadZipFile, zlib.error, EOFError) as error:
      raise ValueError(f'{self.path}: {key!r} cannot be read ({error}).') from error

  def read_numbers(self, patterns: Sequence[str]) -> np.ndarray:
    """Columns of a csv file side by side, float64 [N, D]; '*' in a pattern stands for anything."""
    chosen = []
    for pattern in patterns:
      found = [key for key in fnmatch.filter(self.keys, pattern) if key not in chosen]
      if not found:
        self.read(pattern)  # says what there is
      chosen += found
    return np.stack([self._numbers(key) for key in chosen], axis=1)

  def _numbers(self, key: str) -> np.ndarray:
    values = self.read(key)
    try:
      return np.array([value or 'nan' for value in values.tolist()], np.float64)
    except ValueError as error:
      raise ValueError(f'{self.path}: column {key!r} is asked for as numbers ({error}).') from error


def _open_npz(path: pathlib.Path) -> Mapping[str, Any]:
  if not zipfile.is_zipfile(path):
    raise ValueError(f'{path} is no readable npz file, or the end of it is missing; fetch it '
                     'again, or write it again with numpy.savez.')
  return np.load(path, allow_pickle=False)


def _open_csv(path: pathlib.Path) -> Mapping[str, Any]:
  try:
    with open(path, newline='', encoding='utf-8-sig') as file:
      header, *rows = list(csv.reader(file, strict=True)) or [[]]
  except (UnicodeDecodeError, csv.Error) as error:
    raise ValueError(f'{path} is no readable csv file in UTF-8 ({error}).') from error
  twice = sorted({name for name in header if header.count(name) > 1})
  if twice or not header:
    raise ValueError(f'{path}: ' + (f'the header has {twice[0]!r} twice.' if twice else
                                    'expected a header, the file is empty.'))
  for line, row in enumerate(rows, start=2):
    if len(row) != len(header):
      raise ValueError(f'{path}: row {line} has {len(row)} cells, the header {len(header)}; cells '
                       'that hold commas need quotes.')
  return {name: [row[i] for row in rows] for i, name in enumerate(header)}


def _open_pickle(path: pathlib.Path) -> Mapping[str, Any]:
  value = pickles.load(path)
  if not isinstance(value, dict):
    raise ValueError(f'{path}: expected a dict, such as {{"train": {{"text": ..., "id": ...}}}}, '
                     f'found a {type(value).__name__}.')
  return _flat(value)


def _flat(value: Mapping[Any, Any]) -> dict[str, Any]:
  found = {}
  for key, content in value.items():
    if isinstance(content, dict):
      found |= {f'{key}/{inner}': item for inner, item in _flat(content).items()}
    else:
      found[str(key)] = content
  return found


def _rows(value: Any) -> np.ndarray | Sequence[np.ndarray]:
  """Text in one form; arrays that differ in length stay as they are."""
  if isinstance(value, (list, tuple)) or isinstance(value, np.ndarray) and value.dtype == object:
    items = list(value.reshape(-1) if isinstance(value, np.ndarray) else value)
    if items and all(isinstance(item, np.ndarray) and item.ndim == 2 for item in items):
      return items
    value = np.array([_text(item) for item in items])
  if not isinstance(value, np.ndarray) or not value.ndim:
    raise ValueError(f'expected one value per row, found a {type(value).__name__}')
  if value.dtype.kind == 'S':
    return np.char.decode(value, 'utf-8')
  if value.dtype.kind not in 'Ubiuf':
    raise ValueError(f'expected text or numbers, found {value.dtype}')
  return value


def _text(item: Any) -> Any:
  return item.decode('utf-8') if isinstance(item, bytes) else item
