"""IEMOCAP: the parser against files typed by hand, and the records it leads to."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow_datasets as tfds

from data_builders.corpora import iemocap_labels, iemocap_release, prepare, wav
from data_builders.corpora.iemocap_labels import Vote
from emojax.io import files, prepared
from tests.data_builders import hand_made


@pytest.fixture
def root(tmp_path):
  return hand_made.iemocap(tmp_path / 'raw')


def _names(release):
  return [utterance.id.removeprefix('iemocap/') for utterance in release.utterances]


def test_labels_and_votes_as_typed():
  text = next(iter(hand_made.EVALUATION.values()))
  labels, damaged, unknown = iemocap_labels.parse_evaluation(text)
  assert not damaged and not unknown
  first = labels[0]
  assert (first.name, first.emotion) == ('Ses01F_impro01_F000', 'neu')
  assert (first.start, first.end, first.attributes) == (6.2901, 6.9901, (2.5, 2.5, 2.5))
  assert list(first.votes.values()) == [
    Vote('E2', ('Neutral',)),
    Vote('E3', ('Neutral', 'Sadness'), 3, 2, 2, 'mumbles'),
    Vote('F1', ('Neutral',), 2, 3, 1, 'curious'),
    Vote('E4', (), None, 3.5, 3),
  ]
  assert labels[1].attributes == (0.5, 5.5, 3.0)  # means outside 1..5 stay as released
  assert labels[1].votes['E2'].comment == 'amused (a little)'


def test_lines_that_cannot_be_read_are_told():
  labels, damaged, unknown = iemocap_labels.parse_evaluation(
    '[1.0 - 2.0]\tSes01F_impro01_F000\tneu\n'
    'C-E2:\tNeutral;\t()\n'
    '[3.0 - 4.0]\tSes01F_impro01_F001\tsad\t[2.0, 2.0, 2.0]\n'
    'C-E2:\tSadness;\t(\n'
    'what is this\n'
  )
  assert damaged == [iemocap_labels.Damaged(
    'Ses01F_impro01_F000', 'label line that cannot be read')]
  assert unknown == ['what is this']
  assert [label.votes for label in labels] == [{'E2': Vote('E2', ('Sadness',))}]


def test_transcriptions_as_typed():
  words, again = iemocap_labels.parse_transcriptions(
    next(iter(hand_made.TRANSCRIPTIONS.values()))
    + 'Ses01F_impro01_M001: Without times.\n'
    + 'Ses01F_impro01_F000 [006.2901-006.9901]: Pardon?\n'
  )
  assert again == ['Ses01F_impro01_F000']
  assert words == {
    'Ses01F_impro01_F000': 'Excuse me.',
    'Ses01F_impro01_FXX0': 'Um.',
    'Ses01F_impro01_F001': "It\x92s ten o'clock: finally!",
    'Ses01F_impro01_M000': 'Do you have your forms?',
    'Ses01F_impro01_M001': 'Without times.',
  }


def test_reads_every_utterance_in_the_order_of_its_dialogue(root):
  release = iemocap_release.read(root)
  assert not release.shortfalls and not release.exclusions
  assert release.notes == [
    'Ses01F_impro01_M000 has attributes outside 1 to 5: (0.5, 5.5, 3.0)']
  assert _names(release) == list(hand_made.SECONDS)
  assert [utterance.position for utterance in release.utterances] == [0, 1, 2, 0, 0, 1]
  second, third = release.utterances[1:3]
  assert second.transcript == "It’s ten o'clock: finally!"  # cp1252
  assert (third.dialogue, third.session, third.speaker, third.gender) == (
    'Ses01F_impro01',
    '1',
    'Ses01M',
    'M',
  )
  assert (third.valence, third.activation, third.dominance) == (0.5, 5.5, 3.0)


def test_finds_the_release_itself_above_it_and_behind_links(root, tmp_path):
  expected = _names(iemocap_release.read(root))
  (tmp_path / 'link').symlink_to(root)
  (tmp_path / 'links').mkdir()
  (tmp_path / 'links/IEMOCAP_full_release').symlink_to(root)
  for manual_dir in (root.parent, tmp_path / 'link', tmp_path / 'links'):
    assert _names(iemocap_release.read(manual_dir)) == expected


@pytest.mark.parametrize(
  'manual_dir, found',
  [
    ('nowhere', 'does not exist'),
    ('empty', 'holds nothing'),
    ('raw/IEMOCAP_full_release/Session1', 'holds dialog/, sentences/'),
    ('raw/IEMOCAP_full_release/truth.json', 'is not a folder'),
  ],
)
def test_a_wrong_folder_is_answered_with_the_right_form(root, tmp_path, manual_dir, found):
  (tmp_path / 'empty').mkdir()
  with pytest.raises(ValueError, match=f'{found}; expected the folder IEMOCAP_full_release'):
    iemocap_release.read(tmp_path / manual_dir)


def test_says_which_session_lacks_what(root):
  hand_made.sound_of(root, 'Ses01F_impro01_F001').unlink()
  extra = hand_made.sound_of(root, 'Ses01F_impro01_F007')
  hand_made.write_wav(extra, hand_made.noise(0.5, 9))
  release = iemocap_release.read(root)
  assert release.shortfalls == [
    'Session1: 3 of 4 utterances (1 label without audio: Ses01F_impro01_F001; '
    '1 audio without label: Ses01F_impro01_F007)'
  ]
  assert [utterance.position for utterance in release.utterances[:2]] == [0, 2]  # 1 is missing
  assert len(release.utterances) + len(release.exclusions) == len(hand_made.SECONDS) + 1


def test_audio_without_label_alone_is_no_shortfall(root):
  extra = hand_made.sound_of(root, 'Ses01F_impro01_F007')
  hand_made.write_wav(extra, hand_made.noise(0.5, 9))
  release = iemocap_release.read(root)
  assert not release.shortfalls
  assert [(e.id, e.reason) for e in release.exclusions] == [
    ('iemocap/Ses01F_impro01_F007', 'audio without label')
  ]


def test_damaged_and_repeated_labels_are_excluded(root):
  path = root / 'Session2/dialog/EmoEvaluation/Ses02F_impro02.txt'
  text = path.read_text()
  path.write_text(text.replace('[2.0000, 3.0000', '[2.0000; 3.0000') + text)
  release = iemocap_release.read(root)
  assert [(e.id.partition('/')[2], e.reason) for e in release.exclusions] == [
    ('Ses02F_impro02_M000', 'label line that cannot be read'),
  ]
  assert release.notes[-1] == 'Ses02F_impro02_F000 is labelled 2 times, always the same'
  assert release.shortfalls[0].startswith('Session2: 1 of 2 utterances (')


def test_a_real_release_must_have_every_utterance(root):
  (root / 'truth.json').unlink()
  shortfalls = iemocap_release.read(root).shortfalls
  assert shortfalls == [
    'Session1: 4 of 1,819 utterances',
    'Session2: 2 of 1,811 utterances',
    'Session3 is missing (2,136 utterances)',
    'Session4 is missing (2,103 utterances)',
    'Session5 is missing (2,170 utterances)',
  ]


def test_labels_must_be_the_expected_ones_too(root):
  path = root / 'Session1/dialog/EmoEvaluation/Ses01F_impro01.txt'
  path.write_text(path.read_text().replace('\tneu\t', '\tfru\t'))
  assert iemocap_release.read(root).shortfalls == [
    'Session1 in neu, hap+exc, sad, ang: 2 of 3 utterances'
  ]


def test_a_missing_transcript_costs_no_utterance(root):
  (root / 'Session2/dialog/transcriptions/Ses02F_impro02.txt').unlink()
  release = iemocap_release.read(root)
  assert not release.shortfalls
  assert release.utterances[-1].transcript == ''
  assert release.notes[1:] == [
    'Ses02F_impro02_F000 has no transcript',
    'Ses02F_impro02_M000 has no transcript',
  ]


def test_records_and_index_say_what_the_release_says(root, tmp_path):
  folder, why = prepare.prepare('iemocap', 'base', tmp_path / 'data', manual_dir=root)
  assert why == 'new'
  assert folder == prepared.find(tmp_path / 'data', 'iemocap')
  source = tfds.builder_from_directory(str(folder)).as_data_source('all')
  index = prepared.read_index(folder)
  parsed = iemocap_release.read(root)
  assert len(source) == len(index['id']) == len(parsed.utterances) == 6
  for row, (utterance, clip) in enumerate(zip(parsed.utterances, parsed.sounds, strict=True)):
    record = source[row]
    for name in ('id', 'dialogue', 'session', 'speaker', 'gender', 'transcript', 'emotion'):
      assert record[name].decode() == index[name][row] == getattr(utterance, name)
    for name in ('position', 'start', 'end', 'valence', 'activation', 'dominance'):
      assert index[name][row] == getattr(utterance, name)
      assert record[name] == pytest.approx(getattr(utterance, name), rel=1e-6)
    sound = hand_made.read_wav(clip.path)
    np.testing.assert_array_equal(record['audio'], sound)
    assert record['audio'].dtype == np.int16
    assert index['num_samples'][row] == len(sound)
    assert index['duration'][row] == len(sound) / record['sample_rate'] == len(sound) / 16000
  assert json.loads(source[0]['votes'])[2] == dict(
    rater='F1', labels=['Neutral'], valence=2.0, activation=3.0, dominance=1.0, comment='curious'
  )
  assert json.loads(source[0]['votes'])[3]['valence'] is None
  assert files.read_json(folder / prepared.COUNTS) == dict(
    listed=6,
    kept=6,
    excluded=0,
    session={'1': 4, '2': 2},
    emotion=dict(ang=1, exc=1, fru=1, neu=1, sad=1, xxx=1),
    seconds=3.8,
  )
  metadata = files.read_json(folder / 'metadata.json')
  assert metadata['complete'] and metadata['generated'] and metadata['sample_rate'] == 16000
  assert metadata['bayes_accuracy'] == hand_made.TRUTH['bayes_accuracy']


def _damage(path: pathlib.Path, kind: str) -> str:
  """Damages a sound; returns what must be said of it."""
  if kind == 'empty':
    path.write_bytes(b'')
    return 'audio that cannot be read'
  if kind == 'cut':
    path.write_bytes(path.read_bytes()[:-4000])
    return 'audio cut short by 4,000 bytes'
  samples = hand_made.read_wav(path)
  if kind == 'silent':
    hand_made.write_wav(path, samples[:0])
    return 'audio without samples'
  if kind == 'rate':
    hand_made.write_wav(path, samples, 8000)
    return 'audio is 8000 Hz'
  hand_made.write_wav(path, samples.repeat(2).reshape(-1, 2))
  return '2 channels'


@pytest.mark.parametrize('kind', ['empty', 'cut', 'silent', 'rate', 'stereo'])
def test_damaged_sound_is_refused(root, kind):
  path = hand_made.sound_of(root, 'Ses01F_impro01_F000')
  reason = _damage(path, kind)
  with pytest.raises(ValueError, match=reason):
    wav.read(path, 16000)


def test_damage_stops_a_build_naming_all_of_it_unless_partial(root, tmp_path):
  lost = ['Ses01F_impro01_F001', 'Ses02F_impro02_F000', 'Ses02F_impro02_M000']
  for name, kind in zip(lost, ('empty', 'rate', 'cut'), strict=True):
    _damage(hand_made.sound_of(root, name), kind)
  with pytest.raises(ValueError, match='has 3 damaged sounds: Session1/.*F001.wav.*8000 Hz.*cut'):
    prepare.prepare('iemocap', 'base', tmp_path / 'data', manual_dir=root)
  folder, _ = prepare.prepare('iemocap', 'base', tmp_path / 'data', manual_dir=root, partial=True)
  index = prepared.read_index(folder)
  assert index['id'].tolist() == [
    'iemocap/' + name for name in hand_made.SECONDS if name not in lost
  ]
  assert index['position'].tolist() == [0, 2, 0]
  exclusions = [
    json.loads(line) for line in (folder / prepared.EXCLUSIONS).read_text().splitlines()
  ]
  assert [exclusion['id'] for exclusion in exclusions] == ['iemocap/' + name for name in lost]
  assert exclusions[1] == dict(
    id='iemocap/Ses02F_impro02_F000',
    file=exclusions[1]['file'],
    reason='audio is 8000 Hz mono PCM_16, not 16000 Hz mono PCM_16',
  )
  assert (root / exclusions[1]['file']).is_file()
  counts = files.read_json(folder / prepared.COUNTS)
  assert (counts['kept'], counts['excluded'], counts['listed']) == (3, 3, 6)
  assert not files.read_json(folder / 'metadata.json')['complete']


@pytest.mark.parametrize('official, votes, expected', [
  ('neu', ['Neutral', 'Neutral', 'Sadness'], 'neu'),
  ('xxx', ['Happiness; Excited', 'Happiness', 'Excited'], 'hap'),  # they share the lead, 2 : 2
  ('xxx', ['Happiness', 'Excited', 'Neutral'], 'xxx'),  # 1 : 1, and so has neutral
  ('xxx', ['Happiness; Neutral', 'Excited; Neutral', 'Happiness; Excited'], 'xxx'),  # three tie
  ('xxx', ['Anger', 'Frustration', 'Sadness'], 'xxx'),
])
def test_the_common_six_class_label(official, votes, expected):
  lines = [f'C-E{i}:\t{said};\t()' for i, said in enumerate(votes, start=1)]
  lines.append('C-F1:\tHappiness;\t()')  # an actor on himself does not count
  text = '\n'.join([f'[0.1 - 0.9]\tSes01F_impro01_F000\t{official}\t[2.5, 2.5, 2.5]', *lines])
  (label,), _, _ = iemocap_labels.parse_evaluation(text)
  assert iemocap_labels.common_label(label) == expected
