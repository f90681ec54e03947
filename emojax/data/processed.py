"""The processed data of MAT's and MNT's authors, as a corpus: `config.data.source=processed`.

    DATA/IEMOCAP/traindev_sentences.p    key -> words, as strings or bytes
                 traindev_mels.p         key -> log-mel frames [T, 80], five a second
                 traindev_emotions.p     key -> label
                 test_*.p
                 token_to_ix.pkl train_glove.npy    vocabulary and vectors, once MAT has run

DATA is `config.data.path`. To a split belong the keys of its label files (without one: of the other
two). A key without words or frames is left out, counted and named; the original means to do the
same, but misses a key that follows a missing one. The index is spelled as our builders spell it
(see `layouts`), so that a protocol serves both sources.
"""

import collections
import dataclasses
import difflib
import pathlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xxhash
from absl import logging

from emojax.data import layouts, source
from emojax.features import words as words_lib
from emojax.io import pickles, prepared

FEATURE, WIDTH = 'logmel_mat', 80
VOCABULARY, VECTORS = 'token_to_ix.pkl', 'train_glove.npy'


class Exclusion(NamedTuple):
  """A key that belongs to a split and became no row."""

  id: str
  reason: str


@dataclasses.dataclass(frozen=True)
class Processed(source.Corpus):
  """Authors' files, opened.

  Attributes:
    spoken: the words of every row.
    said: every transcript in the files' order, of keys without label or frames too.
    mels: the frames of every row.
    folder: where the files lie.
    exclusions: what was left out; `num_excluded` counts it.
  """

  spoken: Sequence[Sequence[str]]
  said: source.Transcripts
  mels: Sequence[np.ndarray]
  folder: pathlib.Path
  exclusions: tuple[Exclusion, ...]

  @property
  def words(self) -> Sequence[Sequence[str]]:
    return self.spoken

  @property
  def transcripts(self) -> source.Transcripts:
    return self.said

  def feature(self, config: str) -> source.Feature:
    """The frames; there is one kind of them."""
    if config != FEATURE:
      raise ValueError(f'the processed files of {self.name} hold the feature {FEATURE!r} alone; '
                       f'{config!r} was asked for.')
    lengths = np.array([len(mel) for mel in self.mels], np.int32)
    return source.Feature(self.about, lengths, self.mels.__getitem__)

  def word_cache(self) -> tuple[Mapping[str, int], np.ndarray]:
    """Token -> id and vectors float32 [V, D] of the original's two cache files.

    A published checkpoint is of use with its own two files alone.
    """
    return read_word_cache(self.folder)


def load(
    name: str, path: str | None, *, features: Sequence[str] = (), damaged: str = 'stop',
) -> Processed:
  """Opens the processed files of a corpus below `path`.

  Args:
    features: see `source.load`; here all frames are read at once.
    damaged: 'stop'; without checksums nobody knows what of a damaged file is right.

  Raises:
    ValueError: with what was looked for and what is there instead, or naming file and keys where
      something is not what the original could have read.
  """
  del features
  if damaged != 'stop':
    raise ValueError(f"config.data.damaged={damaged!r}: with config.data.source='processed' there "
                     "is 'stop' alone; the authors' files have no checksums.")
  if name not in layouts.LAYOUTS:
    raise ValueError(f"config.data.source='processed': the authors' data has no {name!r}; there "
                     f'are: {", ".join(layouts.LAYOUTS)}.')
  layout = layouts.LAYOUTS[name]
  folder = _find(layout, path)
  splits, kinds = _present(layout, folder)
  parts = [_read_part(name, folder, split, kinds) for split in splits]
  rows, exclusions, said = ([item for part in parts for item in getattr(part, field)]
                            for field in ('rows', 'exclusions', 'said'))
  # files that are only predicted may come later, and change nothing for what was trained before
  labelled = [path for split, part in zip(splits, parts, strict=True)
              if split not in layout.unlabelled for path in part.paths]
  _check_rows(folder, rows)
  for reason, number in collections.Counter(e.reason for e in exclusions).items():
    ids = [e.id for e in exclusions if e.reason == reason]
    logging.warning('%s: %d left out, %s: %s', folder, number, reason, ', '.join(ids[:8]))
  about = {
    'fingerprint': _fingerprint(labelled), 'source': 'processed', 'labels': list(kinds),
    'listed': len(rows) + len(exclusions), 'exclusions': dict(exclusions), 'complete': False,
    'generated': False}
  return Processed(
    name, path, _table(row.columns for row in rows), about, len(exclusions),
    spoken=[row.words for row in rows], mels=[row.mel for row in rows],
    said=source.Transcripts(_table(place for place, _ in said), [words for _, words in said]),
    folder=folder, exclusions=tuple(exclusions))


def read_word_cache(folder: pathlib.Path) -> tuple[Mapping[str, int], np.ndarray]:
  """The two cache files of a folder, held against each other; see `Processed.word_cache`."""
  listing = _listing(folder)
  for name in (VOCABULARY, VECTORS):
    if name not in listing:
      raise ValueError(f'{folder} has no {name}{_near(name, listing)}. The original writes it '
                       'there when it first runs; without it, name a file of word vectors.')
  ids = read_vocabulary(folder / VOCABULARY)
  return ids, read_vectors(folder / VECTORS, ids)


def read_vocabulary(path: pathlib.Path) -> Mapping[str, int]:
  """Token -> id, as the original pickles it."""
  ids = pickles.load(path)
  if not isinstance(ids, dict) or not all(
      isinstance(token, str) and type(id) is int for token, id in ids.items()):
    raise ValueError(f'{path} is no vocabulary: expected a dict of word -> id.')
  last = max(ids.values(), default=0)
  if ids.get(words_lib.UNKNOWN) != 1 or set(ids.values()) != set(range(1, last + 1)):
    raise ValueError(
      f'{path}: expected {words_lib.UNKNOWN!r} at 1 and every id up to the last; there are '
      f'{len(ids):,} words, {words_lib.UNKNOWN!r} at {ids.get(words_lib.UNKNOWN)}, and the last '
      f'id is {last:,}.')
  return ids


def read_vectors(path: pathlib.Path, ids: Mapping[str, int]) -> np.ndarray:
  """The vectors float32 [V, D] of a vocabulary."""
  try:
    vectors = np.load(path, allow_pickle=False)
  except (OSError, ValueError) as error:
    raise ValueError(f'{path} cannot be read ({error}).') from error
  if vectors.ndim != 2 or vectors.dtype.kind != 'f' or not np.isfinite(vectors).all():
    raise ValueError(f'{path}: expected finite vectors [V, D], found {vectors.dtype} '
                     f'{vectors.shape}.')
  last = max(ids.values())
  if len(vectors) != last + 1:
    raise ValueError(
      f'{path.parent}: {VOCABULARY} needs {last + 1:,} vectors (ids up to {last:,}), {path.name} '
      f'has {len(vectors):,}; they were not written together.')
  return vectors.astype(np.float32)


class _Row(NamedTuple):
  columns: Mapping[str, Any]
  words: list[str]
  mel: np.ndarray


class _Part(NamedTuple):
  """One split."""

  rows: list[_Row]
  exclusions: list[Exclusion]
  said: list[tuple[Mapping[str, str], list[str]]]  # where something was said, and the words
  paths: list[pathlib.Path]


def _read_part(name: str, folder: pathlib.Path, split: str, kinds: Sequence[str]) -> _Part:
  layout = layouts.LAYOUTS[name]
  has_labels = split not in layout.unlabelled
  paths = {what: folder / f'{split}_{what}.p'
           for what in ('sentences', 'mels', *(kinds if has_labels else ()))}
  sentences = _read(layout, paths['sentences'], _words)
  mels = _read(layout, paths['mels'], _frames)
  labels = {kind: _read(layout, paths[kind], layout.labels[kind].read) if has_labels else {}
            for kind in kinds}
  listed = dict.fromkeys(key for file in labels.values() for key in file)
  if not has_labels:
    listed = dict.fromkeys((*sentences, *mels))
  matched = {key: re.fullmatch(layout.key, key) for key in (*listed, *sentences)}
  place = {key: {'split': split, **layout.place(split, match)} for key, match in matched.items()}
  if layout.order:
    listed = sorted(listed, key=lambda key: layout.order(matched[key]))
  rows, exclusions = [], []
  for key in listed:
    id = f'{name}/{split}/{key}' if layout.restarts else f'{name}/{key}'
    lacking = [what for what, file in (('words', sentences), ('frames', mels)) if key not in file]
    if lacking:
      exclusions.append(Exclusion(id, f'without {" and ".join(lacking)} in {split}'))
      continue
    columns = {'id': id, **place[key]}
    for kind, values in labels.items():
      about = layout.labels[kind]
      absent = (about.absent,) * len(about.columns)
      columns |= dict(zip(about.columns, values.get(key, absent), strict=True))
    rows.append(_Row(columns, sentences[key], mels[key]))
  said = [(place[key], words) for key, words in sentences.items()]
  return _Part(rows, exclusions, said, list(paths.values()))


def _read(layout: layouts.Layout, path: pathlib.Path, read: Callable[[Any], Any]) -> dict[str, Any]:
  """Key -> what `read` makes of its value; everything wrong is told at once."""
  content = pickles.load(path)
  if not isinstance(content, dict):
    raise ValueError(f'{path} holds a {type(content).__name__}; expected a dict by utterance.')
  found, wrong = {}, []
  for key, value in content.items():
    key = key.decode() if isinstance(key, bytes) else key
    if not isinstance(key, str) or not re.fullmatch(layout.key, key):
      wrong.append(f'{key!r} is no key of {layout.folder}')
      continue
    try:
      found[key] = read(value)
    except ValueError as error:
      wrong.append(f'{key}: {error}, not {value!r:.60}')
  if wrong:
    more = f' ... ({len(wrong):,} in all)' if len(wrong) > 5 else ''
    raise ValueError(f'{path}: {"; ".join(wrong[:5])}{more}')
  return found


def _words(value: Any) -> list[str]:
  if isinstance(value, np.ndarray):
    value = value.tolist()
  if not isinstance(value, list | tuple):
    raise ValueError('expected a list of words')
  words = [word.decode() if isinstance(word, bytes) else word for word in value]
  if not all(isinstance(word, str) for word in words):
    raise ValueError('expected a list of words')
  return words


def _frames(value: Any) -> np.ndarray:
  if (not isinstance(value, np.ndarray) or value.ndim != 2 or value.shape[1] != WIDTH
      or value.dtype.kind != 'f' or not np.isfinite(value).all()):
    raise ValueError(f'expected finite frames [T, {WIDTH}]')
  return value.astype(np.float32, copy=False)


def _find(layout: layouts.Layout, path: str | None) -> pathlib.Path:
  """The folder of a corpus: below `path`, below its `data`, or `path` itself."""
  if not path:
    raise ValueError("config.data.path is empty; with data.source='processed' it names the folder "
                     f"of the authors' data that holds {layout.folder}.")
  root = pathlib.Path(path).expanduser()
  for folder in (root / layout.folder, root / 'data' / layout.folder, root):
    if any((folder / f'{layout.splits[0]}_{what}.p').is_file()
           for what in ('sentences', 'mels', *layout.labels)):
      return folder
  listing = _listing(root)
  raise ValueError(
    f'{root} holds no processed {layout.folder}: there is no {layout.splits[0]}_sentences.p in '
    f'{layout.folder}, data/{layout.folder} or itself{_near(layout.folder, listing)}; it holds: '
    f'{", ".join(listing[:12]) or "nothing"}.')


def _present(layout: layouts.Layout, folder: pathlib.Path) -> tuple[list[str], list[str]]:
  """Splits and kinds of label files that are there, once nothing lacks that belongs to them."""
  listing = set(_listing(folder))
  labelled = [split for split in layout.splits if split not in layout.unlabelled]
  kinds = [kind for kind in layout.labels
           if any(f'{split}_{kind}.p' in listing for split in labelled)]
  splits = labelled + [split for split in layout.unlabelled
                       if {f'{split}_sentences.p', f'{split}_mels.p'} & listing]
  wanted = [f'{split}_{what}.p' for split in splits for what in ('sentences', 'mels')]
  wanted += [f'{split}_{kind}.p' for split in labelled for kind in kinds]
  missing = [name + _near(name, listing) for name in wanted if name not in listing]
  if not kinds:
    missing += [' or '.join(f'{split}_{kind}.p' for kind in layout.labels) for split in labelled]
  if missing:
    near = ', '.join(missing)
    raise ValueError(f'{folder} lacks {near}; it holds: {", ".join(sorted(listing))}.')
  return splits, kinds


def _listing(folder: pathlib.Path) -> list[str]:
  return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _near(name: str, listing: Iterable[str]) -> str:
  lower = {there.lower(): there for there in listing}
  near = difflib.get_close_matches(name.lower(), lower, n=1)
  return f' (did you mean {lower[near[0]]}?)' if near else ''


def _check_rows(folder: pathlib.Path, rows: Sequence[_Row]) -> None:
  """No utterance stands in two splits, and there is one at all."""
  where = collections.defaultdict(list)
  for row in rows:
    where[row.columns['id']].append(row.columns['split'])
  twice = [f'{id} ({" and ".join(splits)})' for id, splits in where.items() if len(splits) > 1]
  if twice:
    raise ValueError(f'{folder}: {len(twice)} utterances stand in two splits: '
                     f'{", ".join(twice[:5])}.')
  if not rows:
    raise ValueError(f'{folder}: not one utterance has label, words and frames; do the files '
                     'belong together?')


def _table(rows: Iterable[Mapping[str, Any]]) -> prepared.Index:
  """Rows that have the same columns, as one array per column."""
  rows = list(rows)
  return {column: np.array([row[column] for row in rows]) for column in rows[0]}


def _fingerprint(paths: Iterable[pathlib.Path]) -> str:
  """Of names and contents, so that a run knows its data again wherever it lies."""
  total = xxhash.xxh3_128()
  for path in sorted(paths):
    total.update(f'{path.name} {path.stat().st_size}\n'.encode())
    with open(path, 'rb') as file:
      while block := file.read(1 << 20):
        total.update(block)
  return total.hexdigest()
