"""Arrays of authors, row by row: mapped into memory, checked, several files as one."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Rows:
  """Arrays one behind the other, [N, ...]; rows are read when they are asked for."""

  arrays: Sequence[np.ndarray]
  paths: Sequence[pathlib.Path]

  @property
  def shape(self) -> tuple[int, ...]:
    return (sum(map(len, self.arrays)), *self.arrays[0].shape[1:])

  def __getitem__(self, row: int) -> np.ndarray:
    array, row = self._place(row)
    return self.arrays[array][row]

  def path(self, row: int) -> pathlib.Path:
    """The file that a row stands in."""
    return self.paths[self._place(row)[0]]

  def column(self) -> np.ndarray:
    """All of one number per row, int64 [N].

    Raises:
      ValueError: if one is negative.
    """
    values = np.concatenate([np.asarray(array, np.int64) for array in self.arrays])
    if len(values) and values.min() < 0:
      row = int(values.argmin())
      raise ValueError(f'{self.path(row)}: expected counts, found {values[row]}.')
    return values

  def finite(self, row: int, ids: Sequence[str]) -> np.ndarray:
    """A row as float32; `ids`: what messages call the rows."""
    values = np.asarray(self[row], np.float32)
    if not np.isfinite(values).all():
      raise ValueError(f'{self.path(row)}: {ids[row]} has values that are not finite.')
    return values

  def _place(self, row: int) -> tuple[int, int]:
    for number, array in enumerate(self.arrays):
      if row < len(array):
        return number, row
      row -= len(array)
    raise IndexError(row)


@dataclasses.dataclass(frozen=True)
class Lazy(Sequence):
  """`length` values that are made when they are asked for."""

  length: int
  make: Callable[[int], Any]

  def __len__(self) -> int:
    return self.length

  def __getitem__(self, row: int) -> Any:
    if not 0 <= row < self.length:
      raise IndexError(row)
    return self.make(row)


def mapped(path: pathlib.Path, shape: tuple[int | None, ...], kinds: str = 'f') -> np.ndarray:
  """The array [N, *shape] of an .npy file, mapped into memory.

  Args:
    shape: sizes behind the rows; None: any.
    kinds: accepted kinds of dtype: 'f' floating, 'iu' integers.

  Raises:
    ValueError: if it is something else, or damaged; arrays of objects are never read.
  """
  try:
    array = np.load(path, mmap_mode='r', allow_pickle=False)
  except (OSError, ValueError, EOFError) as error:
    raise ValueError(f'{path} cannot be read ({error}).') from error
  fits = array.ndim == 1 + len(shape) and all(
    wanted in (None, size) for wanted, size in zip(shape, array.shape[1:]))
  if not fits or array.dtype.kind not in kinds:
    sizes = ', '.join(['N', *('any' if size is None else str(size) for size in shape)])
    what = 'floating-point numbers' if kinds == 'f' else 'integers'
    raise ValueError(f'{path}: expected {what} [{sizes}], found {array.dtype} '
                     f'{list(array.shape)}.')
  return array


def read_integers(path: pathlib.Path) -> np.ndarray:
  """A number a line, int64 [N]."""
  lines = path.read_text('utf-8').splitlines()
  wrong = [f'line {i + 1}, {line!r}' for i, line in enumerate(lines)
           if not line.strip().removeprefix('-').isdecimal()]
  if wrong:
    raise ValueError(f'{path}: expected an integer a line, found {"; ".join(wrong[:3])} '
                     f'({len(wrong):,} such lines).')
  return np.array([int(line) for line in lines], np.int64)
