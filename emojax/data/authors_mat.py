"""The processed data of MAT's and MNT's authors.

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

import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from emojax.data import authors, layouts, source
from emojax.data.authors import Exclusion, listing, near
from emojax.features import words as words_lib
from emojax.io import pickles

FEATURE, WIDTH = 'logmel_mat', 80
VOCABULARY, VECTORS = 'token_to_ix.pkl', 'train_glove.npy'


class Processed(authors.Authored):
  """MAT's files of one corpus, opened; all frames are in memory."""

  def word_cache(self) -> tuple[Mapping[str, int], np.ndarray]:
    """Token -> id and vectors float32 [V, D] of the original's two cache files.

    A published checkpoint is of use with its own two files alone.
    """
    return read_word_cache(self.folder)


def corpora() -> tuple[str, ...]:
  return tuple(layouts.LAYOUTS)


def looks_for(name: str) -> str:
  """What `find` looks for, for messages."""
  layout = layouts.LAYOUTS[name]
  return (f'{layout.splits[0]}_sentences.p in {layout.folder}, data/{layout.folder} or itself')


def find(name: str, root: pathlib.Path) -> pathlib.Path | None:
  """The folder of a corpus: below `root`, below its `data`, or `root` itself."""
  layout = layouts.LAYOUTS[name]
  for folder in (root / layout.folder, root / 'data' / layout.folder, root):
    if any((folder / f'{layout.splits[0]}_{what}.p').is_file()
           for what in ('sentences', 'mels', *layout.labels)):
      return folder
  return None


def load(name: str, path: str, folder: pathlib.Path) -> Processed:
  """Opens the files of a corpus in `folder`.

  Raises:
    ValueError: naming file and keys where something is not what the original could have read.
  """
  layout = layouts.LAYOUTS[name]
  splits, kinds = _present(layout, folder)
  parts = [_read_part(name, folder, split, kinds) for split in splits]
  rows, exclusions, said = ([item for part in parts for item in getattr(part, field)]
                            for field in ('rows', 'exclusions', 'said'))
  # files that are only predicted may come later, and change nothing for what was trained before
  labelled = [path for split, part in zip(splits, parts, strict=True)
              if split not in layout.unlabelled for path in part.paths]
  about = {'fingerprint': authors.fingerprint(labelled), 'labels': list(kinds)}
  mels = [row.mel for row in rows]
  return authors.make(
    Processed, name, path, [row.columns for row in rows], exclusions, about, folder=folder,
    spoken=[row.words for row in rows], said=source.Transcripts(
      authors.table(place for place, _ in said), [words for _, words in said]),
    kinds={FEATURE: authors.Kind('mels', lambda: authors.feature(
      about, map(len, mels), mels.__getitem__))})


def read_word_cache(folder: pathlib.Path) -> tuple[Mapping[str, int], np.ndarray]:
  """The two cache files of a folder, held against each other; see `Processed.word_cache`."""
  there = listing(folder)
  for name in (VOCABULARY, VECTORS):
    if name not in there:
      raise ValueError(f'{folder} has no {name}{near(name, there)}. The original writes it '
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


def _present(layout: layouts.Layout, folder: pathlib.Path) -> tuple[list[str], list[str]]:
  """Splits and kinds of label files that are there, once nothing lacks that belongs to them."""
  there = set(listing(folder))
  labelled = [split for split in layout.splits if split not in layout.unlabelled]
  kinds = [kind for kind in layout.labels
           if any(f'{split}_{kind}.p' in there for split in labelled)]
  splits = labelled + [split for split in layout.unlabelled
                       if {f'{split}_sentences.p', f'{split}_mels.p'} & there]
  wanted = [f'{split}_{what}.p' for split in splits for what in ('sentences', 'mels')]
  wanted += [f'{split}_{kind}.p' for split in labelled for kind in kinds]
  missing = [name + near(name, there) for name in wanted if name not in there]
  if not kinds:
    missing += [' or '.join(f'{split}_{kind}.p' for kind in layout.labels) for split in labelled]
  if missing:
    raise ValueError(f'{folder} lacks {", ".join(missing)}; it holds: {", ".join(sorted(there))}.')
  return splits, kinds
