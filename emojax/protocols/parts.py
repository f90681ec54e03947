"""Which rows of an index a part of a fold is: by values of columns, by a list, or by a draw.

A list stands in `lists/NAME.txt` beside this file. After its comment every line is a part, a group
(dialogue, video) and numbers of that group's utterances:

    train -3g5yACwYnA 2-4,9           that is -3g5yACwYnA_2, ..._3, ..._4 and ..._9
    valid Ses01F_impro01 F005-006     Ses01F_impro01_F005 and Ses01F_impro01_F006
"""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Callable, Mapping

import numpy as np

from emojax.protocols import labels as labels_lib
from emojax.protocols.labels import Index, Where

LISTS = pathlib.Path(__file__).with_name('lists')


@dataclasses.dataclass(frozen=True)
class Listed:
  """Utterances that a list names one by one, by their ids without the corpus.

  Attributes:
    file: the list's name, without '.txt'.
    part: the part's name there.
  """

  file: str
  part: str

  @property
  def names(self) -> tuple[str, ...]:
    return read_list(self.file)[self.part]


@dataclasses.dataclass(frozen=True)
class Drawn:
  """Rows that a seeded function picks among those with a label.

  It sees them in the order of their ids, which is that of a release's sorted files, whatever the
  order of the index.

  Attributes:
    draw: number of candidates n -> which of them, in 0..n-1.
    among: what candidates must have; nothing: all with a label.
  """

  draw: Callable[[int], np.ndarray]
  among: Where = dataclasses.field(default_factory=dict)


Part = Where | Listed | Drawn


def columns(part: Part) -> tuple[str, ...]:
  """The index columns that a part reads."""
  match part:
    case Listed():
      return ('id',)
    case Drawn():
      return ('id', *part.among)
  return tuple(part)


def matches(part: Part, index: Index, has_label: np.ndarray) -> np.ndarray:
  """Which rows belong to a part, bool [N], whether they have a label or not."""
  match part:
    case Listed():
      return np.isin(_names(index), part.names)
    case Drawn():
      candidates = np.flatnonzero(has_label & labels_lib.matches(index, part.among))
      ordered = candidates[np.argsort(index['id'][candidates], kind='stable')]
      found = np.zeros(len(has_label), bool)
      found[ordered[part.draw(len(ordered))]] = True
      return found
  return labels_lib.matches(index, part)


def missing(part: Part, index: Index) -> list[str]:
  """Names on a part's list that the index lacks."""
  if not isinstance(part, Listed):
    return []
  there = set(_names(index).tolist())
  return [name for name in part.names if name not in there]


def shown(part: Part, index: Index) -> str:
  """What a part asks for and what the index has instead, for messages."""
  match part:
    case Listed():
      return (f'it asks for the {len(part.names):,} utterances of the list {part.file} '
              f'({part.part}: {", ".join(part.names[:3])} ...), the index has '
              f'{", ".join(_names(index)[:3].tolist())} ...')
    case Drawn():
      rows = int(labels_lib.matches(index, part.among).sum())
      among = f' with {_shown(part.among)}' if part.among else ''
      return f'it is drawn from {rows:,} rows{among}, less those without a label'
  return (f'it asks for {_shown(part)}, the index has '
          f'{_shown({column: sorted(set(index[column].tolist())) for column in part})}')


@functools.cache
def read_list(name: str) -> Mapping[str, tuple[str, ...]]:
  """Part -> names of its utterances."""
  found = {}
  for line in (LISTS / f'{name}.txt').read_text('utf-8').splitlines():
    if line and not line.startswith('#'):
      part, group, numbers = line.split(' ')
      found.setdefault(part, []).extend(f'{group}_{n}' for n in _numbers(numbers))
  return {part: tuple(names) for part, names in found.items()}


def _numbers(text: str) -> list[str]:
  """'F005-006,M002' -> F005, F006, M002."""
  found = []
  for run in text.split(','):
    letter, first, last = re.fullmatch(r'(\D*)(\d+)(?:-(\d+))?', run).groups()
    found += [f'{letter}{n:0{len(first)}}' for n in range(int(first), int(last or first) + 1)]
  return found


def _names(index: Index) -> np.ndarray:
  return np.char.rpartition(index['id'], '/')[:, 2]


def _shown(where: Where) -> str:
  """As a dict is shown, but with a dozen values per column at most."""
  parts = []
  for column, values in where.items():
    more = f' and {len(values) - 12:,} more' if len(values) > 12 else ''
    parts.append(f'{column!r}: {values[:12]}{more}')
  return '{' + ', '.join(parts) + '}'
