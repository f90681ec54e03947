"""What the parser of a raw release hands to the builder, and the small things all parsers share."""

import collections
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from emojax.io import files

TRUTH = 'truth.json'  # what a generated release says of itself
# What the metadata of a dataset take from it: best possible scores, and what they are of.
FROM_TRUTH = ('generated', 'statement', 'prior', 'bayes_accuracy', 'best_emotions',
              'best_sentiment')
UNLABELLED = 'audio without label'  # no utterance of the corpus: a complete release may hold some


@dataclasses.dataclass(frozen=True)
class Clip:
  """A stretch of a sound, or of a film's sound."""

  path: pathlib.Path
  start: float | None = None  # seconds into the file; None: from its beginning
  end: float | None = None  # None: to its end


@dataclasses.dataclass(frozen=True)
class Word:
  """A word and when it is said, in seconds into the dialogue."""

  start: float
  end: float
  text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance:
  """What a release says of one utterance; a corpus adds fields of its own.

  Every field becomes a field of the record: str, int and float as they are, anything else as JSON.
  """

  id: str  # 'corpus/name', so that corpora can be joined
  dialogue: str
  position: int  # among the labelled utterances of its dialogue, by start time, from 0
  session: str
  speaker: str
  gender: str  # 'F' or 'M'; '': the release does not say
  start: float  # seconds into the dialogue
  end: float  # NaN: as long as its sound
  transcript: str
  emotion: str  # in the spelling of the release
  split: str = ''  # the release's own part: 'train', 'valid', 'test'; '': it has none
  words: tuple[Word, ...] = ()  # where the release has them with their times


@dataclasses.dataclass(frozen=True)
class Exclusion:
  """Something the release lists that did not become a record (or, in a feature, has no values)."""

  id: str
  reason: str
  file: str  # relative to the release


@dataclasses.dataclass(frozen=True)
class Release:
  """A parsed release: whatever it lists is either an utterance or an exclusion."""

  root: pathlib.Path
  truth: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # empty for a real release
  utterances: list[Utterance] = dataclasses.field(default_factory=list)  # in dialogue order
  sounds: list[Clip | None] = dataclasses.field(default_factory=list)  # of each; None: absent
  exclusions: list[Exclusion] = dataclasses.field(default_factory=list)
  shortfalls: list[str] = dataclasses.field(default_factory=list)  # why it is not complete
  notes: list[str] = dataclasses.field(default_factory=list)  # oddities that cost no utterance

  def add(self, utterance: Utterance, sound: pathlib.Path | Clip | None) -> None:
    """`sound`: a whole file, a stretch of one, or None where the release's media are absent."""
    self.utterances.append(utterance)
    self.sounds.append(Clip(sound) if isinstance(sound, pathlib.Path) else sound)

  def exclude(self, id: str, reason: str, file: pathlib.Path) -> None:
    self.exclusions.append(Exclusion(id, reason, str(file.relative_to(self.root))))

  def expect(self, what: str, number: int, expected: int) -> None:
    """Notes a shortfall if there are not `expected`, with the exclusions that may explain it."""
    lost = collections.defaultdict(list)
    for exclusion in self.exclusions:
      lost[exclusion.reason].append(exclusion.id.partition('/')[2])
    if number != expected or lost.keys() - {UNLABELLED}:
      why = '; '.join(f'{len(ids):,} {reason}: {some(ids)}' for reason, ids in lost.items())
      self.shortfalls.append(
        f'{what}: {number:,} of {expected:,} utterances' + (f' ({why})' if why else ''))

  def extend(self, part: 'Release') -> None:
    for name in ('utterances', 'sounds', 'exclusions', 'shortfalls', 'notes'):
      getattr(self, name).extend(getattr(part, name))


def find_root(
  manual_dir: pathlib.Path, corpus: str, child: str, is_root: Callable[[pathlib.Path], bool],
  expected: str,
) -> pathlib.Path:
  """`manual_dir` or its folder `child`, whichever the release is; symlinks are followed.

  Raises:
    ValueError: if neither is one, with what was expected and what is there.
  """
  for folder in (manual_dir, manual_dir / child):
    if is_root(folder):
      return folder
  if not manual_dir.is_dir():
    found = 'is not a folder' if manual_dir.exists() else 'does not exist'
  else:
    names = [path.name + '/' * path.is_dir() for path in listing(manual_dir)]
    found = 'holds ' + (some(names, 5) or 'nothing')
  raise ValueError(
    f'{corpus}: --manual_dir {manual_dir} {found}; expected {expected}, or the folder above it.')


def read_truth(root: pathlib.Path, corpus: str) -> Mapping[str, Any]:
  """What a generated release says of itself, in its folder or beside it; empty for a real one."""
  return truth_in(root, corpus) or truth_in(root.parent, corpus)


def truth_in(folder: pathlib.Path, corpus: str) -> Mapping[str, Any]:
  """What stands in a folder of a generated corpus of that name; empty where nothing does."""
  path = folder / TRUTH
  truth = files.read_json(path) if path.is_file() else {}
  return truth if truth.get('corpus', corpus) == corpus else {}


def from_truth(truth: Mapping[str, Any]) -> dict[str, Any]:
  """What the metadata of a dataset take from `truth.json`, and which release it is of."""
  return {name: truth[name] for name in FROM_TRUTH if name in truth} | {'release': identity(truth)}


def identity(truth: Mapping[str, Any]) -> str:
  """Which release it is, in words; compared so that one is not taken for another."""
  if not truth:
    return 'the real release'
  details = [f'{name} {truth[name]}' for name in ('version', 'seed', 'size') if name in truth]
  if planted := truth.get('defects'):
    details.append('with defects' if planted is True else f'with the defect {planted}')
  return f'a generated release ({", ".join(details)})'


def listing(folder: pathlib.Path, pattern: str = '*') -> Iterator[pathlib.Path]:
  """Sorted content of a folder, without hidden files: macOS left `._x` beside many `x`."""
  return iter(sorted(path for path in folder.glob(pattern) if not path.name.startswith('.')))


def read_text(path: pathlib.Path) -> str:
  """Text of an old annotation file: UTF-8 if it is that, else Windows' Western encoding."""
  content = path.read_bytes()
  try:
    return content.decode('utf-8-sig')
  except UnicodeDecodeError:
    return content.decode('cp1252', errors='replace')


def some(names: Sequence[str], number: int = 3) -> str:
  """'a, b, c and 4 more'."""
  names = list(names)
  more = f' and {len(names) - number:,} more' if len(names) > number else ''
  return ', '.join(names[:number]) + more
