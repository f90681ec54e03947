"""The frames of a table's feature: which are real, and what becomes of numbers that are not finite.
"""

import collections
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from data_builders.corpora import release, table_description


@dataclasses.dataclass(frozen=True)
class Frames:
  """One feature of a table.

  Attributes:
    name: for messages.
    described: its description.
    rows: of each utterance, [D] or [T, D], padding included; views of what the file holds.
    lengths: how many frames of each are real; None: the description's `padding` says.
  """

  name: str
  described: table_description.Feature
  rows: Sequence[np.ndarray]
  lengths: Sequence[int] | None = None

  @property
  def width(self) -> int:
    return self.rows[0].shape[-1]

  def read(self, row: int) -> np.ndarray:
    """The real frames [T, D] float32, as the file has them; too large for float32 is infinite."""
    frames = self.rows[row].reshape(-1, self.width)
    if self.lengths is not None:
      frames = frames[:self.lengths[row]]
    elif self.described.padding != 'none':
      real = np.flatnonzero((frames != 0).any(1))
      first, last = (real[0], real[-1] + 1) if len(real) else (0, 0)
      frames = frames[:last] if self.described.padding == 'end' else frames[first:]
      frames = frames if len(real) else frames[:0]
    with np.errstate(over='ignore'):
      return frames.astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Finite:
  """`Frames` after the description's rule for what is not finite.

  Attributes:
    dropped: row -> why it has to be left out.
    about: the rule, and what it touched, as metadata.
    smallest: the smallest finite value of each column [D], where the rule needs it.
  """

  frames: Frames
  dropped: dict[int, str]
  about: dict[str, Any]
  smallest: np.ndarray | None

  @property
  def none(self) -> np.ndarray:
    """No frames [0, D]."""
    return np.zeros((0, self.frames.width), np.float32)

  def read(self, row: int) -> np.ndarray:
    """The real frames [T, D] float32, all finite."""
    frames = self.frames.read(row)
    if np.isfinite(frames).all():
      return frames
    replaced = 0 if self.smallest is None else self.smallest[None]
    return np.where(np.isfinite(frames), frames, replaced)


def finite(frames: Frames, ids: Sequence[str], chosen: Iterable[int]) -> Finite:
  """Looks at the `chosen` rows and applies the rule; `ids`: of all rows, for messages.

  Raises:
    ValueError: if the rule is 'error' and something is not finite, or the rule cannot serve.
  """
  found, columns = {}, collections.Counter()
  smallest = np.full(frames.width, np.inf, np.float32)
  other = []  # rows with NaN or +inf
  for row in chosen:
    values = frames.read(row)
    is_finite = np.isfinite(values)
    smallest = np.minimum(
      smallest, np.where(is_finite, values, np.inf).min(0, initial=np.inf))
    if not is_finite.all():
      found[row] = int((~is_finite).sum())
      columns.update(np.flatnonzero((~is_finite).any(0)).tolist())
      if not (is_finite | np.isneginf(values)).all():
        other.append(row)
  rule = frames.described.nonfinite
  told = _told(frames.name, found, columns, ids)
  if found and rule == 'error':
    raise ValueError(
      f'{told}. Say in the description what becomes of them, nonfinite: '
      f'{", ".join(map(repr, table_description.NONFINITE[1:]))}.')
  if rule == 'column_minimum' and (other or found and not np.isfinite(smallest).all()):
    why = (f'{release.some([ids[row] for row in other])} ha{"s" if len(other) == 1 else "ve"} NaN '
           'or +inf' if other else 'a column has no finite value at all')
    raise ValueError(f"{told}. nonfinite='column_minimum' is for -inf alone, and {why}; choose "
                     "'drop_row' or 'zero'.")
  about = {'rule': rule, 'values': sum(found.values()), 'utterances': len(found),
           'columns': sorted(columns)}
  dropped = {}
  if rule == 'drop_row':
    dropped = {row: f'{frames.name}: numbers are not finite' for row in found}
  return Finite(frames, dropped, about, smallest if rule == 'column_minimum' else None)


def _told(name: str, found: dict[int, int], columns: Iterable[int], ids: Sequence[str]) -> str:
  shown = release.some([str(column) for column in sorted(columns)], 8)
  return (f'{name}: {sum(found.values()):,} numbers of {len(found):,} utterances are not finite, '
          f'in the columns {shown} (from 0): {release.some([ids[row] for row in found])}')
