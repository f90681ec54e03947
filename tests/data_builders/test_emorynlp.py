"""EmoryNLP: rows of its csv files, and text alone of a generated release."""

import pytest

from data_builders.corpora import emorynlp_release, prepare
from emojax.data import source
from emojax.protocols import protocol

HEADER = 'Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time\n'
ROWS = {
  'train': "Hi!,['Monica Geller'],Joyful,4,3,1,2,00:09:34.865,00:09:51.423\n"
           "\"Hey, you!\",\"['Ross Geller', 'Joey Tribbiani']\",Mad,4,5,1,2,"
           "00:09:51.500,00:09:52.000\n",
  'dev': "No.,Nurse,Scared,1,1,1,15,00:00:03.795,00:00:05.004\n",
  'test': "Oh.,['Nurse'],Powerful,2,1,1,1,00:00:03.795,00:00:05.004\n",
}


@pytest.fixture
def root(tmp_path):
  for part, rows in ROWS.items():
    (tmp_path / f'emorynlp_{part}_final.csv').write_text(HEADER + rows)
  return tmp_path


def test_rows_say_everything(root):
  (root / 'train_splits').mkdir()
  (root / 'train_splits/sea1_ep2_sc4_utt5.mp4').touch()
  parsed = emorynlp_release.read(root)
  first, second, last = parsed.utterances
  assert (first.id, first.dialogue, second.position) == (
    'emorynlp/train/sea1_ep2_sc4_utt3', 'train/sea1_ep2_sc4', 1)
  assert (first.start, first.end) == pytest.approx((574.865, 591.423))
  assert (first.speaker, second.speaker) == ('Monica Geller', 'Ross Geller & Joey Tribbiani')
  assert (last.split, last.emotion, last.season, last.episode) == ('test', 'Powerful', 1, 1)
  assert parsed.sounds[0] is None and parsed.sounds[1].path.name == 'sea1_ep2_sc4_utt5.mp4'
  assert [(e.id, e.reason) for e in parsed.exclusions] == [
    ('emorynlp/valid/sea1_ep15_sc1_utt1', "'Nurse' is no list of speakers")]
  assert parsed.shortfalls[0] == 'train: 2 of 7,551 utterances'


def test_a_generated_release_has_text_alone(data_dir):
  corpus = source.load('emorynlp', data_dir)
  assert corpus.about['media'] is False and corpus.about['complete']
  chosen = protocol.load('emorynlp/emotion7')
  split = protocol.resolve(chosen, 0, corpus.index, complete=False)
  assert [len(split.rows[part]) for part in ('train', 'valid', 'test')] == [70, 28, 35]
  assert set(split.targets['emotion'].tolist()) == set(range(7))
  assert 'share speakers' in chosen.notice
  assert prepare.configs('emorynlp', 'text') == ['text']
