"""The processed data of FME's and MSE's authors: IEMOCAP, four classes, arrays row by row.

A folder of all 5,531 utterances (`four_category`, or FME's `processed-data`), or one of MSE's five
sets:

    FC_ordered_ids.txt FC_label.txt             names; 0 angry, 1 happy, 2 sad, 3 neutral
    FC_trans.npy                                [N, 128] numbers of words, 0 behind the last
    FC_MFCC12EDA.npy FC_MFCC12EDA_sequenceN.txt [N, 750, 39] and frames before the cut: mfcc_mdre
    FC_prodosy.npy                              [N, 35] for the whole utterance: prosody
    FC_raw_audio.npy                            [N, 150000] standardised samples: waveform_fme

    audio_woZ_set01/{train,dev,test}_{label,nlp_trans,audio_mfcc,seqN,audio_prosody}.npy
    audio_woZ_set01/audio_woZ_set01.txt         three lines: rows of the folder above, of each part

    dic.pkl W_embedding.npy                     word -> number, and vectors; in the same folder

The words are tokens already, marks among them: `config.streams.text.tokens='as_given'`, with
`vocabulary='clean'`. Arrays are mapped into memory, never read whole: FME's samples take 6.6 GB. A
set's rows get their names from the two lists where both are there; else they are numbered, and
nobody knows who speaks.
"""

import functools
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emojax.data import authors, authors_arrays, layouts
from emojax.data.authors_arrays import Rows
from emojax.features import words as words_lib
from emojax.io import pickles

NAMES, LABELS = 'FC_ordered_ids.txt', 'FC_label.txt'
VOCABULARY, VECTORS = 'dic.pkl', 'W_embedding.npy'
CLASSES = ('ang', 'hap', 'sad', 'neu')
PARTS = {'train': 'train', 'dev': 'valid', 'test': 'test'}  # the files' -> ours
PADDING, UNKNOWN = '_PAD_', '_UNK_'
# The width of a frame of each feature.
WIDTHS = {'mfcc_mdre': 39, 'prosody_mdre': 35, 'prosody': 35, 'waveform_fme': 1}
SILENCE = 64  # so many zeros one after the other are no standardised sound


class Processed(authors.Authored):
  """FME's or MSE's files, opened."""

  def word_cache(self) -> tuple[Mapping[str, int], np.ndarray]:
    """Token -> id and vectors float32 [V, D], numbered as in the scheme 'clean'."""
    ids = read_vocabulary(_beside(self.folder, VOCABULARY))
    path = _beside(self.folder, VECTORS)
    vectors = np.asarray(authors_arrays.mapped(path, (None,)), np.float32)
    if len(vectors) != len(ids) + 1:
      raise ValueError(f'{self.folder}: {VOCABULARY} has {len(ids) + 1:,} words, {VECTORS} '
                       f'{len(vectors):,} vectors; they were not written together.')
    if not np.isfinite(vectors).all():
      raise ValueError(f'{path}: expected finite vectors.')
    return ids, vectors


def corpora() -> tuple[str, ...]:
  return ('iemocap',)


def looks_for(name: str) -> str:
  """What `find` looks for, for messages."""
  del name
  return f'{NAMES} or train_label.npy in itself'


def find(name: str, root: pathlib.Path) -> pathlib.Path | None:
  """`root`, if it is of FME or MSE."""
  del name
  return root if (root / NAMES).is_file() or (root / 'train_label.npy').is_file() else None


def load(name: str, path: str, folder: pathlib.Path) -> Processed:
  """Opens the files in `folder`.

  Raises:
    ValueError: naming the file where lengths, shapes, dtypes, names or labels are not as expected.
  """
  is_set = (folder / 'train_label.npy').is_file()
  rows = _rows_of_set(name, folder) if is_set else _rows_of_all(name, folder)
  count = len(rows)
  arrays = functools.partial(_of_set, folder, rows) if is_set else functools.partial(
    _of_all, folder, count)
  whole = ([folder / f'{part}_label.npy' for part in PARTS] if is_set
           else [folder / NAMES, folder / LABELS])
  ids = [row['id'] for row in rows]
  about = {'fingerprint': authors.fingerprint(
    whole, large=[p for p in folder.glob('*.npy') if p not in whole and p.name != VECTORS])}
  spoken = None
  if numbers := arrays('FC_trans.npy', 'nlp_trans', (None,), 'iu'):
    spoken = authors_arrays.Lazy(count, functools.partial(
      _words, numbers, _inverse(folder), ids))
  return authors.make(
    Processed, name, path, rows, (), about, folder=folder, spoken=spoken, said=None,
    kinds=_kinds(about, arrays, ids, is_set))


def found_beside(folder: pathlib.Path, name: str) -> pathlib.Path | None:
  """The file of a folder or of one of the two above it; None: there is none."""
  folder = folder.absolute()  # '.' has folders above it too
  places = (place / name for place in (folder, folder.parent, folder.parent.parent))
  return next((path for path in places if path.is_file()), None)


def read_vocabulary(path: pathlib.Path) -> dict[str, int]:
  """Word -> id, with 1 for unknown words; padding, 0, is left out.

  Raises:
    ValueError: if the file holds no dict of words and consecutive numbers.
  """
  content = pickles.load(path)
  if not isinstance(content, dict) or not all(type(id) is int for id in content.values()):
    raise ValueError(f'{path} is no vocabulary: expected a dict of word -> number.')
  ids = {word.decode('latin-1') if isinstance(word, bytes) else word: id
         for word, id in content.items()}
  if (ids.get(PADDING), ids.get(UNKNOWN)) != (0, 1) or sorted(ids.values()) != [*range(len(ids))]:
    raise ValueError(
      f'{path}: expected {PADDING!r} at 0, {UNKNOWN!r} at 1 and every number up to the last once; '
      f'there are {len(ids):,} words, {PADDING!r} at {ids.get(PADDING)}, {UNKNOWN!r} at '
      f'{ids.get(UNKNOWN)}, and the last number is {max(ids.values(), default=0):,}.')
  return {words_lib.UNKNOWN: 1} | {word: id for word, id in ids.items() if id > 1}


def _rows_of_all(name: str, folder: pathlib.Path) -> list[dict[str, Any]]:
  names = _read_names(folder / NAMES)
  labels = authors_arrays.read_integers(_required(folder, LABELS))
  if len(names) != len(labels):
    raise ValueError(f'{folder}: {NAMES} has {len(names):,} lines, {LABELS} {len(labels):,}; they '
                     'are not of the same utterances.')
  _check_labels(folder / LABELS, labels)
  return [{'id': f'{name}/{match[0]}', 'split': '', **layouts.iemocap_place(match),
           'emotion': CLASSES[label]} for match, label in zip(names, labels)]


def _rows_of_set(name: str, folder: pathlib.Path) -> list[dict[str, Any]]:
  labels = {part: authors_arrays.mapped(_required(folder, f'{part}_label.npy'), (), 'iu')
            for part in PARTS}
  for part, found in labels.items():
    _check_labels(folder / f'{part}_label.npy', found)
  listed, above = folder / f'{folder.name}.txt', folder.parent / NAMES
  matches = None
  if listed.is_file() and above.is_file():
    names = _read_names(above)
    lines = listed.read_text('utf-8').splitlines()
    found = [line.split() for line in lines if line.strip()]
    sizes = [len(values) for values in labels.values()]
    if [len(numbers) for numbers in found] != sizes or not all(
        n.isdecimal() and int(n) < len(names) for numbers in found for n in numbers):
      raise ValueError(
        f'{listed}: expected three lines of {", ".join(map(str, sizes))} row numbers below '
        f'{len(names):,} (the lines of {above.name}), found {len(found)} lines of '
        f'{", ".join(str(len(numbers)) for numbers in found[:4])}.')
    matches = [names[int(n)] for numbers in found for n in numbers]
  rows = []
  for part, split in PARTS.items():
    for number, label in enumerate(labels[part].tolist()):
      row = {'id': f'{name}/{folder.name}/{part}/{number:05}', 'split': split}
      if matches:
        match = matches[len(rows)]
        row = {'id': f'{name}/{match[0]}', 'split': split, **layouts.iemocap_place(match)}
      rows.append(row | {'emotion': CLASSES[label]})
  return rows


def _kinds(about: Mapping[str, Any], arrays, ids: Sequence[str], is_set: bool,
           ) -> dict[str, authors.Kind]:
  """What the folder holds; arrays are opened at once, their rows when they are asked for."""
  def kind(files: str, found: Any, open_) -> authors.Kind:
    return authors.Kind(files, (lambda: open_(found)) if found is not None else None)

  mfcc = arrays('FC_MFCC12EDA.npy', 'audio_mfcc', (None, WIDTHS['mfcc_mdre']), 'f')
  prosody = arrays('FC_prodosy.npy', 'audio_prosody', (WIDTHS['prosody'],), 'f')
  counts = arrays('FC_MFCC12EDA_sequenceN.txt', 'seqN', (), 'iu')
  both = (mfcc, counts) if mfcc is not None and counts is not None else None

  def open_mfcc(found):
    frames, numbers = found
    lengths = np.minimum(numbers.column(), frames.shape[1])
    return authors.feature(about, lengths, lambda row: frames.finite(row, ids)[:lengths[row]])

  def open_prosody(found):
    return authors.feature(about, [1] * len(ids), lambda row: found.finite(row, ids)[None])

  def open_waveform(found):
    lengths = [_sounding(found[row]) for row in range(len(ids))]
    return authors.feature(
      about, lengths, lambda row: found.finite(row, ids)[:lengths[row], None])

  names = (('*_audio_mfcc.npy with *_seqN.npy', '*_audio_prosody.npy') if is_set else
           ('FC_MFCC12EDA.npy with FC_MFCC12EDA_sequenceN.txt', 'FC_prodosy.npy'))
  raw = None if is_set else arrays('FC_raw_audio.npy', None, (None,), 'f')
  return {'mfcc_mdre': kind(names[0], both, open_mfcc),
          'prosody': kind(names[1], prosody, open_prosody),
          'waveform_fme': kind('FC_raw_audio.npy', raw, open_waveform)}


def _of_all(folder: pathlib.Path, count: int, name: str, in_set: str | None, shape: tuple,
            kinds: str) -> Rows | None:
  """An array of the folder of all utterances; None: it is not there."""
  del in_set
  path = folder / name
  if not path.is_file():
    return None
  array = (authors_arrays.read_integers(path) if path.suffix == '.txt'
           else authors_arrays.mapped(path, shape, kinds))
  if len(array) != count:
    raise ValueError(f'{path} has {len(array):,} rows, {NAMES} {count:,}; they are not of the same '
                     'utterances.')
  return Rows([array], [path])


def _of_set(folder: pathlib.Path, rows: Sequence[Mapping[str, Any]], name: str, in_set: str,
            shape: tuple, kinds: str) -> Rows | None:
  """An array of a set, its three parts one after the other; None: it is not there."""
  del name
  paths = [folder / f'{part}_{in_set}.npy' for part in PARTS]
  missing = [path.name for path in paths if not path.is_file()]
  if len(missing) == len(paths):
    return None
  if missing:
    raise ValueError(f'{folder} lacks {", ".join(missing)}, but has the other parts of '
                     f'{in_set}.')
  arrays = [authors_arrays.mapped(path, shape, kinds) for path in paths]
  for path, array, split in zip(paths, arrays, PARTS.values()):
    count = sum(row['split'] == split for row in rows)
    if len(array) != count:
      raise ValueError(f'{path} has {len(array):,} rows, its labels {count:,}; they are not of the '
                       'same utterances.')
  return Rows(arrays, paths)


def _words(numbers: Rows, words: Mapping[int, str], ids: Sequence[str], row: int) -> list[str]:
  """The words before the first 0."""
  said = numbers[row].tolist()
  said = said[:said.index(0)] if 0 in said else said
  unknown = [n for n in said if n not in words]
  if unknown:
    raise ValueError(f'{numbers.path(row)}: {ids[row]} has the word {unknown[0]}, but {VOCABULARY} '
                     f'ends at {max(words):,}; they were not written together.')
  return [words[n] for n in said]


def _inverse(folder: pathlib.Path) -> dict[int, str]:
  return {id: word for word, id in read_vocabulary(_beside(folder, VOCABULARY)).items()}


def _sounding(samples: np.ndarray) -> int:
  """Samples before the zeros that fill the row: found by halves, so that little of it is read."""
  first, last = 0, len(samples)
  while first < last:
    middle = (first + last) // 2
    if samples[middle:middle + SILENCE].any():
      first = middle + 1
    else:
      last = middle
  return first


def _read_names(path: pathlib.Path) -> list[re.Match]:
  lines = path.read_text('utf-8').splitlines()
  found = [re.fullmatch(layouts.IEMOCAP_KEY, line.strip()) for line in lines]
  wrong = [f'line {i + 1}, {line!r}' for i, line in enumerate(lines) if not found[i]]
  if wrong:
    raise ValueError(f'{path}: {len(wrong):,} lines are no name of an IEMOCAP utterance '
                     f'(Ses01F_impro01_F000): {"; ".join(wrong[:3])}.')
  return found


def _check_labels(path: pathlib.Path, labels: Sequence[int]) -> None:
  wrong = np.flatnonzero((np.asarray(labels) < 0) | (np.asarray(labels) >= len(CLASSES)))
  if len(wrong):
    raise ValueError(f'{path}: expected labels 0 to {len(CLASSES) - 1}; row {wrong[0]} has '
                     f'{labels[wrong[0]]} ({len(wrong):,} such rows).')


def _required(folder: pathlib.Path, name: str) -> pathlib.Path:
  if not (folder / name).is_file():
    there = authors.listing(folder)
    raise ValueError(f'{folder} lacks {name}{authors.near(name, there)}; it holds: '
                     f'{", ".join(there[:20])}.')
  return folder / name


def _beside(folder: pathlib.Path, name: str) -> pathlib.Path:
  """A file of the folder, or of one of the two above it, where MSE leaves it."""
  return found_beside(folder, name) or _required(folder, name)
