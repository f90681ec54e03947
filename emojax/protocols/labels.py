"""From what a release says of an utterance to the numbers that a head learns.

A label map reads columns of an index: `Categories` reads a name as the release spells it,
`EachClass` makes each of these names a question of its own, `Score` reads a number that a rule
divides into classes, `MultiLabel` several intensities, each there or not, and `Values` numbers that
are to be predicted as they are. Every kind has what `LabelMap` lists.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol as Interface

import numpy as np

FORMS = ('class', 'ordered class', 'several classes', 'values')
Index = Mapping[str, np.ndarray]  # column -> values [N]
Where = Mapping[str, Sequence[str]]  # column -> accepted values; all columns must agree


class LabelMap(Interface):
  """What all kinds have in common.

  Attributes:
    columns: every index column that it reads.
    names: class names; ids follow this order. Of numbers: what each is called.
    form: what a head has to learn, see `FORMS`.
    expected: class name -> utterances in the complete release, checked when it is real; or None.
    counted: which rows `expected` counts; empty: all.
    unlabelled: rows that may be without a label, as the release says itself; empty: none.
  """

  columns: tuple[str, ...]
  names: tuple[str, ...]
  form: str
  expected: Mapping[str, int] | None
  counted: Where
  unlabelled: Where

  def ids(self, index: Index) -> np.ndarray:
    """Class ids int32 [N]; of several labels 0 or 1, [N, K]. Rows without a label are -1.

    Numbers are float32 [N, K] (also one alone), NaN without a label.
    """


@dataclasses.dataclass(frozen=True)
class Categories:
  """One name per utterance.

  Attributes:
    column: the index column that holds it.
    classes: class name -> spellings that belong to it. Other spellings have no class, and their
      utterances no place in the protocol.
  """

  column: str
  classes: Mapping[str, Sequence[str]]
  expected: Mapping[str, int] | None = None
  counted: Where = dataclasses.field(default_factory=dict)
  form = 'class'
  unlabelled = types.MappingProxyType({})

  @property
  def columns(self) -> tuple[str, ...]:
    return tuple(dict.fromkeys((self.column, *self.counted)))

  @property
  def names(self) -> tuple[str, ...]:
    return tuple(self.classes)

  def ids(self, index: Index) -> np.ndarray:
    labels = index[self.column]
    ids = np.full(len(labels), -1, np.int32)
    for number, spellings in enumerate(self.classes.values()):
      ids[np.isin(labels, list(spellings))] = number
    return ids


@dataclasses.dataclass(frozen=True)
class EachClass:
  """Classes of `Categories`, each as a label of its own that is there or not; one of them is."""

  of: Categories
  form = 'several classes'

  @property
  def columns(self) -> tuple[str, ...]:
    return self.of.columns

  @property
  def names(self) -> tuple[str, ...]:
    return self.of.names

  @property
  def expected(self) -> Mapping[str, int] | None:
    return self.of.expected

  @property
  def counted(self) -> Where:
    return self.of.counted

  @property
  def unlabelled(self) -> Where:
    return self.of.unlabelled

  def ids(self, index: Index) -> np.ndarray:
    ids = self.of.ids(index)[:, None]
    return np.where(ids < 0, -1, ids == np.arange(len(self.names))).astype(np.int32)


@dataclasses.dataclass(frozen=True)
class Rule:
  """Divides finite scores [n] in -3..3 into classes; an id of -1 leaves the utterance out."""

  names: tuple[str, ...]
  divide: Callable[[np.ndarray], np.ndarray]


_SEVEN = ('-3', '-2', '-1', '0', '+1', '+2', '+3')
RULES = {
  'nonzero2': Rule(('negative', 'positive'), lambda y: np.where(y == 0, -1, y > 0)),
  'nonneg2': Rule(('negative', 'non-negative'), lambda y: y >= 0),
  # to the nearest integer, halves to the even one: Python's round
  'round7': Rule(_SEVEN, lambda y: np.rint(y) + 3),
  # away from zero, as older readers of the CMU SDK: only 0 itself is neutral
  'away7': Rule(_SEVEN, lambda y: np.sign(y) * np.ceil(np.abs(y)) + 3),
}


@dataclasses.dataclass(frozen=True)
class Score:
  """A number in -3..3 per utterance, divided into classes.

  Attributes:
    column: the index column that holds it.
    rule: a key of `RULES`.
    unlabelled: rows that may be without a number (NaN), as the release says itself.
  """

  column: str
  rule: str
  expected: Mapping[str, int] | None = None
  counted: Where = dataclasses.field(default_factory=dict)
  unlabelled: Where = dataclasses.field(default_factory=dict)
  form = 'ordered class'

  @property
  def columns(self) -> tuple[str, ...]:
    return tuple(dict.fromkeys((self.column, *self.counted, *self.unlabelled)))

  @property
  def names(self) -> tuple[str, ...]:
    return RULES[self.rule].names

  def ids(self, index: Index) -> np.ndarray:
    """Also refuses numbers outside -3..3."""
    scores = index[self.column]
    there = _labelled(index, np.isfinite(scores), self.unlabelled, self.column)
    _check_range(index, self.column, np.where(there, scores, 0), -3, 3)
    ids = np.full(len(scores), -1, np.int32)
    ids[there] = RULES[self.rule].divide(scores[there])
    return ids


@dataclasses.dataclass(frozen=True)
class MultiLabel:
  """Several intensities per utterance; a label is there where its intensity lies above 0.

  Attributes:
    intensities: class name -> the index column of its intensity.
    expected: class name -> utterances that have it.
    unlabelled: rows that may be without intensities (NaN), as the release says itself.
  """

  intensities: Mapping[str, str]
  expected: Mapping[str, int] | None = None
  counted: Where = dataclasses.field(default_factory=dict)
  unlabelled: Where = dataclasses.field(default_factory=dict)
  form = 'several classes'

  @property
  def columns(self) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*self.intensities.values(), *self.counted, *self.unlabelled)))

  @property
  def names(self) -> tuple[str, ...]:
    return tuple(self.intensities)

  def ids(self, index: Index) -> np.ndarray:
    columns = list(self.intensities.values())
    values = np.stack([index[column] for column in columns], axis=1)  # [N, K]
    there = _labelled(
      index, np.isfinite(values).all(1), self.unlabelled, f'one of {", ".join(columns)}')
    return np.where(there[:, None], values > 0, -1).astype(np.int32)


@dataclasses.dataclass(frozen=True)
class Values:
  """Numbers per utterance, learned as they are: a sentiment, or valence, activation and dominance.

  A sentiment in -3..3 is written so, beside a `Score` of the same column:

      REAL = Values(('sentiment',), -3, 3)
      Protocol('mosi/sentiment', {'sentiment': REAL}, (_FOLD,), unit='video',
               select_on='sentiment/mae', report=('sentiment/mae', 'sentiment/corr', ...), ...)

  The range decides which scores there are: mae, corr and ccc of all, and of -3..3 also acc2_nonneg,
  acc2_nonzero, f1_nonneg, f1_nonzero, acc5, acc7_round and acc7_away. Of several values each is
  their mean, and `<score>_<column>` that of one.

  Attributes:
    dimensions: the index columns, by whose names they are called.
    low, high: the range that they lie in.
    clip: so far outside they are set to its nearest end, and counted by `clipped`; further outside
      they are an error.
    expected: column -> utterances that have a number.
    unlabelled: rows that may be without numbers (NaN), as the release says itself.
  """

  dimensions: tuple[str, ...]
  low: float
  high: float
  clip: float = 0.0
  expected: Mapping[str, int] | None = None
  counted: Where = dataclasses.field(default_factory=dict)
  unlabelled: Where = dataclasses.field(default_factory=dict)
  form = 'values'

  @property
  def columns(self) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*self.dimensions, *self.counted, *self.unlabelled)))

  @property
  def names(self) -> tuple[str, ...]:
    return self.dimensions

  def ids(self, index: Index) -> np.ndarray:
    """The numbers float32 [N, K]; also refuses those too far outside low..high."""
    values = self._read(index)
    there = _labelled(index, np.isfinite(values).all(1), self.unlabelled,
                      f'one of {", ".join(self.dimensions)}')
    for name, column in zip(self.dimensions, values.T, strict=True):
      _check_range(index, name, np.where(there, column, self.low), self.low, self.high, self.clip)
    within = np.clip(values, self.low, self.high)
    return np.where(there[:, None], within, np.nan).astype(np.float32)

  def clipped(self, index: Index) -> dict[str, int]:
    """How many numbers of each column lie outside low..high."""
    values = self._read(index)
    outside = (values < self.low) | (values > self.high)
    return dict(zip(self.dimensions, outside.sum(0).tolist(), strict=True))

  def _read(self, index: Index) -> np.ndarray:
    return np.stack([index[column] for column in self.dimensions], axis=1).astype(np.float64)


def labelled(ids: np.ndarray) -> np.ndarray:
  """Which rows of a label map's ids have a label, bool [N]."""
  there = ids >= 0 if np.issubdtype(ids.dtype, np.integer) else np.isfinite(ids)
  return there if ids.ndim == 1 else there.all(1)


def counts(ids: np.ndarray, names: Sequence[str]) -> dict[str, int]:
  """How many utterances each class has; of numbers, how many have each."""
  if np.issubdtype(ids.dtype, np.floating):
    found = np.isfinite(ids).sum(0)
  elif ids.ndim == 1:
    found = np.bincount(ids + 1, minlength=len(names) + 1)[1:]
  else:
    found = (ids == 1).sum(0)
  return dict(zip(names, found.tolist(), strict=True))


def matches(index: Index, where: Where) -> np.ndarray:
  """Which rows have an accepted value in every column, bool [N]; no column accepts all."""
  everything = np.ones(len(next(iter(index.values()))), bool)
  return np.logical_and.reduce(
    [everything, *(np.isin(index[column], list(values)) for column, values in where.items())])


def _labelled(index: Index, there: np.ndarray, unlabelled: Where, what: str) -> np.ndarray:
  """`there`, once all others are rows of which the release says that they have no label."""
  allowed = matches(index, unlabelled) if unlabelled else np.zeros(len(there), bool)
  wrong = np.flatnonzero(~there & ~allowed)
  if len(wrong):
    raise ValueError(
      f'{what} is no finite number for {_named(index, wrong)}. A label that is missing is no '
      'class: complete the labels, or take these utterances out of them.')
  return there


def _check_range(
    index: Index, column: str, values: np.ndarray, low: float, high: float, clip: float = 0.0,
) -> None:
  """Refuses `values` [N] that lie further than `clip` outside low..high."""
  outside = np.flatnonzero((values < low - clip) | (values > high + clip))
  if len(outside):
    raise ValueError(f'{column} should lie in {low:g}..{high:g}; it is {values[outside[0]]} or the '
                     f'like for {_named(index, outside)}.')


def _named(index: Index, rows: np.ndarray) -> str:
  ids = index['id'][rows[:5]].tolist() if 'id' in index else [f'row {row}' for row in rows[:5]]
  more = f' and {len(rows) - 5:,} more' if len(rows) > 5 else ''
  return f'{", ".join(ids)}{more}'
