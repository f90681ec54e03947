"""Reads the raw release of MELD, everything but the samples.

    train_sent_emo.csv dev_sent_emo.csv test_sent_emo.csv       what was said, by whom, the labels
    train_splits/dia0_utt3.mp4                                  clip of dialogue 0, utterance 3
    dev_splits_complete/ output_repeated_splits_test/           the same of the other parts

The dyadic variant cuts the same dialogues into ones of two speakers, and names its clips by the
numbers that they have in MELD itself.
"""

import dataclasses
import pathlib
from collections.abc import Mapping

from data_builders.corpora import friends_release, release
from data_builders.corpora.friends_release import Row

SAMPLE_RATE = 22050  # the clips have more than 16000, and MAT reads up to 11025 Hz

EMOTIONS = ('neutral', 'surprise', 'fear', 'sadness', 'joy', 'disgust', 'anger')
# What they may go with; surprise may be good or bad.
SENTIMENTS = {'neutral': ('neutral',), 'joy': ('positive',), 'surprise': ('positive', 'negative')}
COUNTS = {
  'train': dict(zip(EMOTIONS, (4710, 1205, 268, 683, 1743, 271, 1109))),
  'valid': dict(zip(EMOTIONS, (470, 150, 40, 111, 163, 22, 153))),
  'test': dict(zip(EMOTIONS, (1256, 281, 50, 208, 402, 68, 345))),
}

_COLUMNS = ('Utterance', 'Speaker', 'Emotion', 'Sentiment', 'Dialogue_ID', 'Utterance_ID',
            'Season', 'Episode', 'StartTime', 'EndTime')
_PARTS = {'train': 'train', 'valid': 'dev', 'test': 'test'}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance(friends_release.Utterance):
  sentiment: str  # 'positive', 'neutral' or 'negative'


def read(manual_dir: pathlib.Path) -> release.Release:
  """Parses MELD; see `friends_release.read`."""
  return friends_release.read(manual_dir, MELD)


def read_dyadic(manual_dir: pathlib.Path) -> release.Release:
  """Parses the dyadic variant; an utterance stands in several of its dialogues."""
  return friends_release.read(manual_dir, DYADIC)


def _utterance(row: Row, common: Mapping) -> Utterance:
  emotion, sentiment = row['Emotion'], row['Sentiment']
  if emotion not in EMOTIONS:
    raise ValueError(f'{emotion!r} is no emotion of the release')
  if sentiment not in SENTIMENTS.get(emotion, ('negative',)):
    raise ValueError(f'{emotion} cannot be {sentiment!r}')
  return Utterance(**common, sentiment=sentiment)


def _name(row: Row) -> tuple[str, str]:
  dialogue = f'dia{int(row["Dialogue_ID"])}'
  return dialogue, f'{dialogue}_utt{int(row["Utterance_ID"])}'


def _clip_of_meld(row: Row) -> str:
  return f'dia{int(row["Old_Dialogue_ID"])}_utt{int(row["Old_Utterance_ID"])}'


MELD = friends_release.Form(
  'meld', {part: f'{name}_sent_emo.csv' for part, name in _PARTS.items()},
  columns=_COLUMNS, optional=('Sr No.',), times=('StartTime', 'EndTime'), name=_name,
  clip=lambda row: _name(row)[1], utterance=_utterance, counts=COUNTS)
DYADIC = friends_release.Form(
  'meld_dyadic', {part: f'{name}_sent_emo_dya.csv' for part, name in _PARTS.items()},
  columns=(*_COLUMNS, 'Old_Dialogue_ID', 'Old_Utterance_ID'), optional=('Sr No.',),
  times=('StartTime', 'EndTime'), name=_name, clip=_clip_of_meld, utterance=_utterance, counts={})
