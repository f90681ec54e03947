"""How the authors' processed files of each corpus are laid out, as data for `processed`.

Keys, label files and their values follow the loaders of `jbdel/modulated_fusion_transformer`; what
a number stands for was found by comparing its published counts with the releases.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class LabelFile:
  """What one kind of label file says.

  Attributes:
    columns: index columns that it fills.
    absent: what stands in them where the file has no such key.
    read: a value of the file -> one value per column, or ValueError.
  """

  columns: tuple[str, ...]
  absent: Any
  read: Callable[[Any], Sequence[Any]]


def _names(column: str, *names: str) -> LabelFile:
  """Numbers from 0, which stand for `names`."""
  def read(value):
    number = _plain(value)
    if type(number) is not int or not 0 <= number < len(names):
      raise ValueError(f'expected an integer in 0..{len(names) - 1}')
    return (names[number],)

  return LabelFile((column,), '', read)


def _affect() -> LabelFile:
  """VGAF's '1', '2', '3': whatever `int` takes."""
  def read(value):
    value = _plain(value)
    word = value.decode() if isinstance(value, bytes) else str(value)
    if word.strip() not in ('1', '2', '3'):
      raise ValueError("expected '1', '2' or '3'")
    return (word.strip(),)

  return LabelFile(('emotion',), '', read)


def _score() -> LabelFile:
  def read(value):
    number = _plain(value)
    if type(number) not in (int, float):
      raise ValueError('expected a number')
    return (float(number),)

  return LabelFile(('sentiment',), np.nan, read)


def _intensities(*columns: str) -> LabelFile:
  def read(value):
    values = np.asarray(value)
    if values.shape != (len(columns),) or values.dtype.kind not in 'fiu':
      raise ValueError(f'expected {len(columns)} numbers')
    return tuple(values.astype(np.float64).tolist())

  return LabelFile(columns, np.nan, read)


def _plain(value: Any) -> Any:
  """The Python value of a numpy scalar."""
  return value.item() if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 else value


@dataclasses.dataclass(frozen=True)
class Layout:
  """How the files of one corpus are laid out.

  Attributes:
    folder: the corpus' folder in DATA.
    splits: names as in the files.
    labels: kind of label file -> what it says; those that are there are read.
    key: what a key looks like.
    place: (split, match of `key`) -> index columns that a key tells of.
    order: match of `key` -> what to sort by; None: as in the label file.
    unlabelled: splits without labels; they may be absent.
    restarts: whether keys start again in each split, so that an id must name it.
  """

  folder: str
  splits: tuple[str, ...]
  labels: Mapping[str, LabelFile]
  key: str
  place: Callable[[str, re.Match], Mapping[str, str]]
  order: Callable[[re.Match], Any] | None = None
  unlabelled: tuple[str, ...] = ()
  restarts: bool = False


IEMOCAP_KEY = (r'(?P<dialogue>(?P<recording>Ses0(?P<session>[1-5]))[FM]_'
               r'(?:(?P<script>script\d\d)\w*|\w+))_(?P<gender>[FM])\w+')


def iemocap_place(key: re.Match) -> dict[str, str]:
  """Index columns that an utterance's name, as the release has it, tells of."""
  return {'session': key['session'], 'speaker': key['recording'] + key['gender'],
          'gender': key['gender'], 'dialogue': key['dialogue'], 'script': key['script'] or ''}


LAYOUTS = {
  'iemocap': Layout(
    'IEMOCAP', ('traindev', 'test'), {'emotions': _names('emotion', 'neu', 'hap', 'sad', 'ang')},
    key=IEMOCAP_KEY, place=lambda split, key: iemocap_place(key)),
  'mosi': Layout(
    'MOSI', ('trainval', 'test'), {'sentiment': _score()},
    key=r'(?P<video>.+)_(?P<number>\d+)', place=lambda split, key: {'video': key['video']}),
  'mosei': Layout(
    'MOSEI', ('train', 'valid', 'test', 'private'),
    {'sentiment': _score(),
     'emotion': _intensities('happy', 'sad', 'anger', 'surprise', 'disgust', 'fear')},
    key=r'(?P<video>.+)\[(?P<number>\d+)\]', place=lambda split, key: {'video': key['video']},
    order=lambda key: (key['video'], int(key['number'])), unlabelled=('private',)),
  'meld': Layout(
    'MELD', ('train', 'valid', 'test'),
    {'emotion': _names('emotion', 'neutral', 'surprise', 'fear', 'sadness', 'joy', 'disgust',
                       'anger'),
     'sentiment': _names('sentiment', 'neutral', 'positive', 'negative')},
    key=r'dia(?P<dialogue>\d+)_utt(?P<number>\d+)',
    place=lambda split, key: {'dialogue': f'{split}/dia{key["dialogue"]}'},
    order=lambda key: (int(key['dialogue']), int(key['number'])), restarts=True),
  'vgaf': Layout(
    'VGAF', ('train', 'valid'), {'emotions': _affect()},
    key=r'(?P<video>.+?)(_(?P<number>\d+)(\.\w+)?)?',  # not seen, so anything goes
    place=lambda split, key: {'video': f'{split}/{key["video"]}'}, restarts=True),
}
