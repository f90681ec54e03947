"""What a protocol is: label maps, folds and promises as data, resolved over the index of a corpus.

A corpus' protocols stand in the file of its name beside this one, in a dict `PROTOCOLS`; a protocol
is asked for as 'corpus/name'. A name that ends in `_as_published` leaks where its source did: it is
chosen on its test part, or utterances of one speaker stand in several parts.
"""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterable, Mapping

import numpy as np
import xxhash

from emojax import near
from emojax.protocols import labels as labels_lib
from emojax.protocols import parts as parts_lib
from emojax.protocols.labels import Index, LabelMap, Where
from emojax.protocols.parts import Part

SPLITS = ('train', 'valid', 'test')
UNLABELLED = 'unlabelled'  # a further part: rows to be predicted, never trained on or scored
PARTS = (*SPLITS, UNLABELLED)
SHARED = ('draws', 'labels', 'parts', 'protocol')  # the files beside this one that are no corpus


@dataclasses.dataclass(frozen=True)
class HeldOut:
  """A share of the training part's units, taken out of it for validation.

  Units are ranked by a hash of seed and name: who is held out depends on no label and no order.
  """

  share: float
  seed: int = 0


@dataclasses.dataclass(frozen=True)
class Fold:
  """One division of the corpus; `name` says what is tested on."""

  name: str
  train: Part
  valid: Part | HeldOut  # HeldOut: of a training part by columns
  test: Part


@dataclasses.dataclass(frozen=True)
class Protocol:
  """How a corpus is used.

  Attributes:
    name: 'corpus/name'.
    labels: head name -> label map.
    folds: at least one.
    unit: index column in which train, valid and test are disjoint and on which intervals cluster;
      'utterance' stands for the column 'id'.
    select_on: what the best evaluation is chosen by, on the validation part: 'head/metric'.
    report: what must be reported.
    source: who uses it so.
    notice: what every result made with it says first; without one, nothing needs to be said.
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
  def unit_column(self) -> str:
    return 'id' if self.unit == 'utterance' else self.unit

  @property
  def clean(self) -> bool:
    return not self.name.endswith('_as_published')

  @property
  def unlabelled(self) -> tuple[Where, ...]:
    """Where the release has utterances without labels, to be predicted."""
    return tuple(labels.unlabelled for labels in self.labels.values() if labels.unlabelled)

  def __post_init__(self):
    if not self.clean and not self.notice:
      raise ValueError(f'protocol {self.name}: a name in _as_published needs a notice that says '
                       'what was chosen on what.')


@dataclasses.dataclass(frozen=True)
class Split:
  """One fold over one index: class ids of all rows, and the rows of each part.

  Attributes:
    fold: with the units of a held-out part written out.
    rows: 'train' | 'valid' | 'test' -> ascending row numbers; only rows with a label in every head.
      'unlabelled' -> those that the release has without one, often none.
    targets: head -> class ids [N] of every row of the index, or 0 and 1 of several labels [N, K];
      -1 without a label. Of values the numbers [N, K], NaN without a label.
  """

  fold: Fold
  rows: Mapping[str, np.ndarray]
  targets: Mapping[str, np.ndarray]


def corpora() -> list[str]:
  """The corpora that have protocols, by file name."""
  package = importlib.import_module('emojax.protocols')
  return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name not in SHARED)


def load(name: str) -> Protocol:
  """The protocol 'corpus/name'; a wrong name is answered with the right ones."""
  corpus = name.partition('/')[0]
  if corpus not in corpora():
    raise ValueError(f'protocol {name!r}: there is no emojax/protocols/{corpus}.py; '
                     f'corpora: {", ".join(corpora())}.')
  protocols = _protocols(corpus)
  if name not in protocols:
    raise ValueError(f'protocol {name!r} is not in emojax/protocols/{corpus}.py'
                     f'{near.hint(name, protocols)}; '
                     f'there are: {", ".join(protocols)}.')
  return protocols[name]


def check_unlabelled(protocol: Protocol) -> None:
  """Refuses a protocol whose release labels everything."""
  if not protocol.unlabelled:
    there = [name for corpus in corpora() for name, other in _protocols(corpus).items()
             if other.unlabelled]
    raise ValueError(f'{protocol.name} has no {UNLABELLED} part; these have one: '
                     f'{", ".join(there)}.')


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
    protocol: Protocol, fold: int, index: Index, *, complete: bool = False) -> Split:
  """The rows of a fold.

  Args:
    index: the table of the corpus.
    complete: whether it is the whole real release, so that class counts can be checked.

  Raises:
    ValueError: if a column is missing, a part is empty, the training part has one class only, parts
      share units, or counts of a complete release are not what they should be.
  """
  chosen = protocol.folds[fold]
  unit = protocol.unit_column
  columns = {unit, *(c for m in protocol.labels.values() for c in m.columns)}
  for part in SPLITS:
    asked = getattr(chosen, part)
    columns |= set() if isinstance(asked, HeldOut) else set(parts_lib.columns(asked))
  absent = sorted(columns - set(index))
  if absent:
    raise ValueError(f'{protocol.name} needs the index columns {absent}; there are '
                     f'{sorted(index)}. Build {protocol.corpus} again with this version, put the '
                     "original authors' file that holds them beside the others, or name them in "
                     'the description of the table.')

  targets = {head: labels.ids(index) for head, labels in protocol.labels.items()}
  for head, labels in protocol.labels.items():
    counted = targets[head][labels_lib.matches(index, labels.counted)]
    found = labels_lib.counts(counted, labels.names)
    if complete and labels.expected and found != dict(labels.expected):
      raise ValueError(
        f'{protocol.name}, head {head}: the release has {found} utterances per class, '
        f'expected {dict(labels.expected)}.')
  if isinstance(chosen.valid, HeldOut):
    candidates = index[unit][labels_lib.matches(index, chosen.train)]
    chosen = _hold_out(chosen, unit, candidates.tolist())
  has_label = np.logical_and.reduce([labels_lib.labelled(ids) for ids in targets.values()])
  rows = {part: np.flatnonzero(
    has_label & parts_lib.matches(getattr(chosen, part), index, has_label)) for part in SPLITS}

  for part, found in rows.items():
    asked = getattr(chosen, part)
    if not len(found):
      raise ValueError(f'{protocol.name}, fold {chosen.name}: the {part} part is empty; '
                       f'{parts_lib.shown(asked, index)}.')
    if complete and (lost := parts_lib.missing(asked, index)):
      raise ValueError(f'{protocol.name}, fold {chosen.name}: the release lacks {len(lost):,} '
                       f'utterances that its {part} part lists: {", ".join(lost[:5])}.')
  for head, ids in targets.items():
    _check_variety(ids[rows['train']], protocol.labels[head], f'{protocol.name}, fold '
                   f'{chosen.name}: all {len(rows["train"])} training utterances')
  units = {part: set(index[unit][found].tolist()) for part, found in rows.items()}
  pairs = [('train', 'valid'), ('train', 'test'), ('valid', 'test')]
  if not protocol.clean and chosen.valid == chosen.test:  # chosen on test, as the name says
    pairs.pop()
  for one, other in pairs:
    shared = sorted(units[one] & units[other])
    if shared:
      raise ValueError(f'{protocol.name}, fold {chosen.name}: {one} and {other} share the '
                       f'{protocol.unit}s {shared[:5]}.')
  named = np.logical_or.reduce([np.zeros_like(has_label), *(
    labels_lib.matches(index, where) for where in protocol.unlabelled)])
  rows[UNLABELLED] = np.flatnonzero(named & ~has_label)
  return Split(chosen, rows, targets)


def _protocols(corpus: str) -> Mapping[str, Protocol]:
  return importlib.import_module(f'emojax.protocols.{corpus}').PROTOCOLS


def _hold_out(fold: Fold, unit: str, candidates: Iterable[str]) -> Fold:
  """The fold with its held-out units in `valid`, at least one, and the others in `train`."""
  rule = fold.valid
  ranked = sorted(
    set(candidates), key=lambda name: xxhash.xxh64_hexdigest(f'{rule.seed}/{name}'.encode()))
  number = max(1, round(rule.share * len(ranked)))
  held, kept = tuple(sorted(ranked[:number])), tuple(sorted(ranked[number:]))
  return dataclasses.replace(
    fold, train={**fold.train, unit: kept}, valid={**fold.train, unit: held})


def _check_variety(ids: np.ndarray, labels: LabelMap, who: str) -> None:
  """Refuses training labels of which nothing can be learned."""
  if labels.form == 'values':
    for name, numbers in zip(labels.names, ids.T):
      if numbers.min() == numbers.max():
        raise ValueError(f'{who} have {name} {numbers[0]:g}; nothing can be learned about a number '
                         'that never changes.')
  elif labels.form == 'several classes':
    for name, there in zip(labels.names, ids.T):
      if there.min() == there.max():
        raise ValueError(f'{who} are {"" if there[0] else "not "}{name!r}; nothing can be learned '
                         'about a label that never changes.')
  elif len(present := np.unique(ids)) < 2:
    raise ValueError(f'{who} are {labels.names[present[0]]!r}; nothing can be learned from one '
                     'class.')
