"""Reads the raw release of EmoryNLP as MELD's repository carries it, everything but the samples.

    emorynlp_train_final.csv emorynlp_dev_final.csv emorynlp_test_final.csv
    train_splits/sea1_ep2_sc1_utt3.mp4      season 1, episode 2, scene 1, utterance 3; if released
"""

import ast
import pathlib
from collections.abc import Mapping

from data_builders.corpora import friends_release, release
from data_builders.corpora.friends_release import Row, Utterance

SAMPLE_RATE = 22050

EMOTIONS = ('Neutral', 'Joyful', 'Peaceful', 'Powerful', 'Mad', 'Sad', 'Scared')
COUNTS = {
  'train': dict(zip(EMOTIONS, (2485, 1677, 638, 551, 785, 474, 941))),
  'valid': dict(zip(EMOTIONS, (322, 205, 82, 70, 97, 51, 127))),
  'test': dict(zip(EMOTIONS, (288, 217, 111, 96, 86, 70, 116))),
}


def read(manual_dir: pathlib.Path) -> release.Release:
  """Parses EmoryNLP; see `friends_release.read`."""
  return friends_release.read(manual_dir, FORM)


def _utterance(row: Row, common: Mapping) -> Utterance:
  if row['Emotion'] not in EMOTIONS:
    raise ValueError(f'{row["Emotion"]!r} is no emotion of the release')
  return Utterance(**common | {'speaker': _speakers(row['Speaker'])})


def _speakers(text: str) -> str:
  """"['Monica Geller', 'Ross Geller']" as 'Monica Geller & Ross Geller'."""
  try:
    return ' & '.join(ast.literal_eval(text))
  except (ValueError, SyntaxError, TypeError):
    raise ValueError(f'{text!r} is no list of speakers') from None


def _name(row: Row) -> tuple[str, str]:
  season, episode, scene, utterance = (
    int(row[column]) for column in ('Season', 'Episode', 'Scene_ID', 'Utterance_ID'))
  dialogue = f'sea{season}_ep{episode}_sc{scene}'
  return dialogue, f'{dialogue}_utt{utterance}'


FORM = friends_release.Form(
  'emorynlp',
  {'train': 'emorynlp_train_final.csv', 'valid': 'emorynlp_dev_final.csv',
   'test': 'emorynlp_test_final.csv'},
  columns=('Utterance', 'Speaker', 'Emotion', 'Scene_ID', 'Utterance_ID', 'Season', 'Episode',
           'Start_Time', 'End_Time'),
  optional=('Sentiment',), times=('Start_Time', 'End_Time'), name=_name,
  clip=lambda row: _name(row)[1], utterance=_utterance, counts=COUNTS)
