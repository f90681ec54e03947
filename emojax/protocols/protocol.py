"""What a protocol is: label maps, folds and promises as data, resolved over the index of a corpus.

A corpus' protocols stand in the file of its name beside this one, in a dict `PROTOCOLS`; a protocol
is asked for as 'corpus/name'. A name that ends in `_as_published` is chosen on its test part, as
its source did.
"""

import dataclasses
import difflib
import importlib
import pkgutil
from collections.abc import Mapping, Sequence

import numpy as np

Where = Mapping[str, Sequence[str]]  # index column -> accepted values; all columns must agree
SPLITS = ('train', 'valid', 'test')


@dataclasses.dataclass(frozen=True)
class LabelMap:
  """From a release's spelling to class ids.

  Attributes:
    column: the index column that holds the label.
    classes: class name -> spellings that belong to it; ids follow this order. Other spellings have
      no class, and their utterances no place in the protocol.
    expected: class name -> utterances in the complete release, checked when it is real.
  """

  column: str
  classes: Mapping[str, Sequence[str]]
  expected: Mapping[str, int] | None = None

  @property
  def names(self) -> tuple[str, ...]:
    return tuple(self.classes)

  def ids(self, labels: np.ndarray) -> np.ndarray:
    """Class ids [N] of `labels` [N] as the release spells them; -1 where there is no class."""
    ids = np.full(len(labels), -1, np.int32)
    for number, spellings in enumerate(self.classes.values()):
      ids[np.isin(labels, list(spellings))] = number
    return ids


@dataclasses.dataclass(frozen=True)
class Fold:
  """One division of the corpus; `name` says what is tested on."""

  name: str
  train: Where
  valid: Where
  test: Where


@dataclasses.dataclass(frozen=True)
class Protocol:
  """How a corpus is used.

  Attributes:
    name: 'corpus/name'.
    labels: head name -> label map.
    folds: at least one.
    unit: index column in which train, valid and test are disjoint and on which intervals cluster.
    select_on: what the best evaluation is chosen by, on the validation part: 'head/metric'.
    report: what must be reported.
    source: who uses it so.
    notice: what every result made with it says first; empty for a clean protocol.
  """

  name: str
  labels: Mapping[str, LabelMap]
  folds: tuple[Fold, ...]
  unit: str
  select_on: str
  report: tuple[str, ...]
  source: str
  notice: str = ''

  @property
  def corpus(self) -> str:
    return self.name.split('/')[0]

  @property
  def clean(self) -> bool:
    return not self.name.endswith('_as_published')

  def __post_init__(self):
    if self.clean == bool(self.notice):
      raise ValueError(f'protocol {self.name}: a notice belongs to names in _as_published alone.')


@dataclasses.dataclass(frozen=True)
class Split:
  """One fold over one index: class ids of all rows, and the rows of each part.

  Attributes:
    rows: 'train' | 'valid' | 'test' -> ascending row numbers; only rows with a class in every head.
    targets: head -> class ids [N] of every row of the index, -1 without a class.
  """

  fold: Fold
  rows: Mapping[str, np.ndarray]
  targets: Mapping[str, np.ndarray]


def corpora() -> list[str]:
  """The corpora that have protocols, by file name."""
  package = importlib.import_module('emojax.protocols')
  return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name != 'protocol')


def load(name: str) -> Protocol:
  """The protocol 'corpus/name'; a wrong name is answered with the right ones."""
  corpus = name.partition('/')[0]
  if corpus not in corpora():
    raise ValueError(f'protocol {name!r}: there is no emojax/protocols/{corpus}.py; '
                     f'corpora: {", ".join(corpora())}.')
  protocols = importlib.import_module(f'emojax.protocols.{corpus}').PROTOCOLS
  if name not in protocols:
    near = difflib.get_close_matches(name, protocols, n=1)
    raise ValueError(f'protocol {name!r} is not in emojax/protocols/{corpus}.py'
                     f'{f" (did you mean {near[0]!r}?)" if near else ""}; '
                     f'there are: {", ".join(protocols)}.')
  return protocols[name]


def choose_folds(protocol: Protocol, wanted: str) -> list[int]:
  """Fold numbers from 'all' or a comma-separated list of numbers or names."""
  names = [fold.name for fold in protocol.folds]
  if wanted == 'all':
    return list(range(len(names)))
  chosen = []
  for word in filter(None, (part.strip() for part in str(wanted).split(','))):
    if word in names:
      chosen.append(names.index(word))
    elif word.isdecimal() and int(word) < len(names):
      chosen.append(int(word))
    else:
      raise ValueError(f'members.folds={wanted!r}: {protocol.name} has no fold {word!r}; it has '
                       f'{", ".join(f"{i} ({name})" for i, name in enumerate(names))}.')
  if not chosen or len(set(chosen)) < len(chosen):
    raise ValueError(f"members.folds={wanted!r}: expected 'all' or fold numbers, each once.")
  return chosen


def resolve(
    protocol: Protocol, fold: int, index: Mapping[str, np.ndarray], *, complete: bool = False,
) -> Split:
  """The rows of a fold.

  Args:
    index: the table of the prepared corpus.
    complete: whether it is the whole real release, so that class counts can be checked.

  Raises:
    ValueError: if a column is missing, a part is empty, the training part has one class only, parts
      share units, or counts of a complete release are not what they should be.
  """
  columns = {protocol.unit, *(m.column for m in protocol.labels.values())}
  chosen = protocol.folds[fold]
  for where in (chosen.train, chosen.valid, chosen.test):
    columns |= set(where)
  absent = sorted(columns - set(index))
  if absent:
    raise ValueError(f'{protocol.name} needs the index columns {absent}; there are '
                     f'{sorted(index)}. Build {protocol.corpus} again with this version.')

  targets = {head: labels.ids(index[labels.column]) for head, labels in protocol.labels.items()}
  for head, labels in protocol.labels.items():
    counts = np.bincount(targets[head] + 1, minlength=len(labels.names) + 1)[1:]
    found = dict(zip(labels.names, counts.tolist()))
    if complete and labels.expected and found != dict(labels.expected):
      raise ValueError(
        f'{protocol.name}, head {head}: the release has {found} utterances per class, '
        f'expected {dict(labels.expected)}.')
  has_class = np.logical_and.reduce([ids >= 0 for ids in targets.values()])
  rows = {part: np.flatnonzero(has_class & _matches(index, getattr(chosen, part)))
          for part in SPLITS}

  for part, found in rows.items():
    if not len(found):
      raise ValueError(
        f'{protocol.name}, fold {chosen.name}: the {part} part is empty; it asks for '
        f'{dict(getattr(chosen, part))}, the index has '
        f'{_values(index, getattr(chosen, part))}.')
  for head, ids in targets.items():
    present = np.unique(ids[rows['train']])
    if len(present) < 2:
      only = protocol.labels[head].names[present[0]]
      raise ValueError(f'{protocol.name}, fold {chosen.name}: all {len(rows["train"])} training '
                       f'utterances are {only!r}; nothing can be learned from one class.')
  units = {part: set(index[protocol.unit][found].tolist()) for part, found in rows.items()}
  pairs = [('train', 'valid'), ('train', 'test')] + ([('valid', 'test')] if protocol.clean else [])
  for one, other in pairs:
    shared = sorted(units[one] & units[other])
    if shared:
      raise ValueError(f'{protocol.name}, fold {chosen.name}: {one} and {other} share the '
                       f'{protocol.unit}s {shared[:5]}.')
  return Split(chosen, rows, targets)


def _matches(index: Mapping[str, np.ndarray], where: Where) -> np.ndarray:
  return np.logical_and.reduce([np.isin(index[c], list(values)) for c, values in where.items()])


def _values(index: Mapping[str, np.ndarray], where: Where) -> dict[str, list[str]]:
  return {column: sorted(set(index[column].tolist()))[:12] for column in where}
