"""MELD: rows of its csv files, where its clips are found, text alone, and generated releases."""

import math
import shutil

import numpy as np
import pytest

from data_builders import synthetic
from data_builders.corpora import from_release, meld_release, prepare
from data_builders.corpora import release as release_lib
from data_builders.synthetic import film
from emojax.data import source
from emojax.features import logmel_mat
from emojax.io import files, prepared
from emojax.protocols import protocol

HEADER = ('Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,'
          'StartTime,EndTime')
ROWS = {
  'train': ['1,It’s me!,Joey,joy,positive,0,0,8,21,"00:16:16,059","00:16:21,731"',
            '2,"No, you?",Ross,surprise,negative,0,1,8,21,"0:16:21,940","0:16:23,442"',
            '3,Hm.,Ross,neutral,neutral,10,0,1,2,"0:00:01,000","0:00:02,99"'],
  'dev': ['1,Go away.,Nurse,anger,negative,0,0,4,7,"00:00:03,000","00:00:04,000"'],
  'test': ['7,Help!,Mike,fear,negative,0,0,3,19,"01:00:00,500","01:00:01,000"'],
}
ONE = dict.fromkeys(meld_release.EMOTIONS, 0)
TRUTH = {'corpus': 'meld', 'generated': True, 'utterances': {
  'train': ONE | {'joy': 1, 'surprise': 1, 'neutral': 1}, 'valid': ONE | {'anger': 1},
  'test': ONE | {'fear': 1}}}
CLIPS = {'train_splits': ('dia0_utt0', 'dia0_utt1', 'dia10_utt0'),
         'dev_splits_complete': ('dia0_utt0',), 'output_repeated_splits_test': ('dia0_utt0',)}


def _save(folder, rows=ROWS, header=HEADER, suffix='_sent_emo'):
  folder.mkdir(parents=True, exist_ok=True)
  for part, lines in rows.items():
    (folder / f'{part}{suffix}.csv').write_bytes(
      ''.join(f'{line}\r\n' for line in [header, *lines]).encode())


@pytest.fixture
def root(tmp_path):
  folder = tmp_path / 'MELD.Raw'
  _save(folder)
  for name, stems in CLIPS.items():
    (folder / name).mkdir()
    for stem in stems:
      (folder / name / f'{stem}.mp4').touch()  # the parser reads names only
  files.write_json(folder / 'truth.json', TRUTH)
  return folder


def _with(root, part, *rows):
  _save(root, {part: [*ROWS[part], *rows]})
  return meld_release.read(root)


def test_rows_say_everything(root):
  parsed = meld_release.read(root)
  assert not parsed.shortfalls and not parsed.exclusions and not parsed.notes
  assert [u.id for u in parsed.utterances] == [
    'meld/train/dia0_utt0', 'meld/train/dia0_utt1', 'meld/train/dia10_utt0',
    'meld/valid/dia0_utt0', 'meld/test/dia0_utt0']
  first, second, third, fourth, last = parsed.utterances
  assert (first.dialogue, fourth.dialogue, last.dialogue) == (
    'train/dia0', 'valid/dia0', 'test/dia0')
  assert (first.position, second.position, third.position) == (0, 1, 0)
  assert (first.start, first.end) == pytest.approx((976.059, 981.731))
  assert (last.start, third.end) == pytest.approx((3600.5, 2.99))
  assert (first.transcript, first.speaker, first.emotion, first.sentiment) == (
    'It’s me!', 'Joey', 'joy', 'positive')
  assert (first.season, first.episode, first.split, fourth.split) == (8, 21, 'train', 'valid')
  assert parsed.sounds[1] == release_lib.Clip(root / 'train_splits/dia0_utt1.mp4')


@pytest.mark.parametrize('moves', [
  {}, {'train_splits': 'train/train_splits', 'train_sent_emo.csv': 'train/train_sent_emo.csv'},
  {f'{part}_sent_emo.csv': f'data/MELD/{part}_sent_emo.csv' for part in ROWS}])
def test_usual_unpackings_are_all_found(root, moves):
  for old, new in moves.items():
    (root / new).parent.mkdir(parents=True, exist_ok=True)
    (root / old).rename(root / new)
  for manual_dir in (root, root.parent):
    parsed = meld_release.read(manual_dir)
    assert len(parsed.utterances) == 5 and all(parsed.sounds)


def test_what_a_mac_leaves_is_no_clip_and_clips_without_rows_are_told(root):
  folder = root / 'output_repeated_splits_test'
  (folder / '._dia0_utt0.mp4').touch()
  (folder / 'final_videos_testdia0_utt0.mp4').touch()
  parsed = meld_release.read(root)
  assert not parsed.shortfalls
  assert parsed.exclusions == [release_lib.Exclusion(
    'meld/test/final_videos_testdia0_utt0', 'audio without label',
    'output_repeated_splits_test/final_videos_testdia0_utt0.mp4')]


ROW = '4,Yes.,Joey,{},0,9,8,21,"00:17:00,000","00:17:01,000"'


@pytest.mark.parametrize('row, reason', [
  (ROW.format('happiness,positive'), "'happiness' is no emotion of the release"),
  (ROW.format('Joy,positive'), "'Joy' is no emotion of the release"),
  (ROW.format('joy,negative'), "joy cannot be 'negative'"),
  (ROW.format('surprise,neutral'), "surprise cannot be 'neutral'"),
])
def test_a_row_without_a_label_of_the_release_is_excluded(root, row, reason):
  parsed = _with(root, 'train', row)
  assert [(e.id, e.reason) for e in parsed.exclusions] == [('meld/train/dia0_utt9', reason)]
  assert parsed.shortfalls == [f'train: 3 of 3 utterances (1 {reason}: train/dia0_utt9)']


def test_one_number_twice(root):
  again = _with(root, 'dev', ROWS['dev'][0].replace('1,', '2,', 1))
  assert not again.exclusions and not again.shortfalls
  assert again.notes == ['valid/dia0_utt0 is listed 2 times, alike']
  other = _with(root, 'dev', ROWS['dev'][0].replace('anger', 'disgust'))
  assert [(e.id, e.reason) for e in other.exclusions] == [
    ('meld/valid/dia0_utt0', 'listed 2 times, differently')]


@pytest.mark.parametrize('times', [
  '"00:17:01,000","00:17:00,000"', '"00:17:00,000","00:17:00,000"', '"00:17:00,000",#REF!'])
def test_times_that_are_none_leave_the_length_to_the_clip(root, times):
  parsed = _with(root, 'test', f'8,Oh.,Mike,fear,negative,0,1,3,19,{times}')
  assert math.isnan(parsed.utterances[-1].end) and parsed.utterances[-1].start >= 1020
  assert 'its clip alone tells how long' in parsed.notes[0]


def test_an_utterance_in_two_parts_and_one_without_words_are_noted(root):
  shared = ROWS['train'][0].replace(',0,0,8,', ',3,0,8,').replace('00:16:16,059', '0:16:16,059')
  assert _with(root, 'test', shared).notes == [
    'test/dia3_utt0 is train/dia0_utt0 again, in another part']
  silent = '8,,Mike,fear,negative,0,1,3,19,"00:17:00,000","00:17:01,000"'
  assert _with(root, 'test', silent).notes == ['test/dia0_utt1 has no words']


def test_what_is_no_release_is_answered(root, tmp_path):
  (tmp_path / 'other').mkdir()
  with pytest.raises(ValueError, match='holds nothing; expected train_sent_emo.csv, dev_sent_emo'):
    meld_release.read(tmp_path / 'other')
  with pytest.raises(ValueError, match='does not exist; expected train_sent_emo.csv'):
    meld_release.read(tmp_path / 'nowhere')
  _save(root / 'old', {'dev': ROWS['train']})
  with pytest.raises(ValueError, match=r'dev_sent_emo.csv and .*old.* differ; which'):
    meld_release.read(root)
  shutil.rmtree(root / 'old')
  with pytest.raises(ValueError, match="Dialogue_ID is 'x', which is no number, in the row of 'Go"):
    _with(root, 'dev', ROWS['dev'][0].replace(',0,0,4,', ',x,0,4,'))
  (root / 'dev_sent_emo.csv').unlink()
  assert meld_release.read(root).shortfalls == ['dev_sent_emo.csv is missing']


def test_the_real_release_must_have_its_counts(root):
  (root / 'truth.json').unlink()
  assert meld_release.read(root).shortfalls == [
    'train: 3 of 9,989 utterances', 'valid: 1 of 1,109 utterances', 'test: 1 of 2,610 utterances']


def test_a_dyadic_utterance_has_the_clip_of_meld(root, tmp_path):
  header = HEADER.replace('Sr No.,', '').replace('Utterance_ID', 'Utterance_ID,Old_Dialogue_ID,'
                                                 'Old_Utterance_ID')
  row = 'No.,Ross,surprise,negative,{},8,21,"0:16:21,940","0:16:23,442"'
  rows = {'train': [row.format('4,0,0,1'), row.format('5,2,0,1')], 'dev': [], 'test': []}
  _save(root, rows, header, '_sent_emo_dya')
  parsed = meld_release.read_dyadic(root)
  assert [u.id for u in parsed.utterances] == [
    'meld_dyadic/train/dia4_utt0', 'meld_dyadic/train/dia5_utt2']
  assert {clip.path.name for clip in parsed.sounds} == {'dia0_utt1.mp4'}
  assert not parsed.shortfalls


def test_absent_media_are_summed_up(root, tmp_path):
  shutil.rmtree(root / 'train_splits')
  options = dict(manual_dir=root, workers=1)
  with pytest.raises(ValueError, match=(
      r'lacks the sound of 3 of 5 utterances: meld/train/dia0_utt0, meld/train/dia0_utt1, '
      r'meld/train/dia10_utt0\. .* --partial .* Its text alone, without any sound, is meld/text')):
    prepare.prepare('meld', 'base', tmp_path / 'data', **options)
  for name in CLIPS:
    shutil.rmtree(root / name, ignore_errors=True)
  with pytest.raises(ValueError, match=(
      'holds the sound of none of its 5 utterances.*meld/text: build that by its name')):
    prepare.prepare('meld', 'base', tmp_path / 'data', partial=True, **options)


def test_text_alone_is_built_and_opened_where_there_is_no_base(root, tmp_path):
  for name in CLIPS:
    shutil.rmtree(root / name)
  assert 'text' not in prepare.configs('meld')  # only by its name
  folder, why = prepare.prepare('meld', 'text', tmp_path / 'data', manual_dir=root)
  assert why == 'new'
  corpus = source.load('meld', tmp_path / 'data')
  assert corpus.about['media'] is False and corpus.about['complete'] is True
  assert corpus.words[0] == ['It’s', 'me!'] and 'duration' not in corpus.index
  counts = files.read_json(folder / prepared.COUNTS)
  assert counts['split'] == {'test': 1, 'train': 3, 'valid': 1}
  for ask in (lambda: source.load('meld', tmp_path / 'data', features=['logmel_mat']),
              lambda: corpus.feature('logmel_mat')):
    with pytest.raises(prepared.UnpreparedError, match=(
        'meld/logmel_mat is computed from sound, and of meld only `text` .* --manual_dir')):
      ask()


def test_clips_become_records(root, tmp_path):
  """A long clip, and the sound of a film as its log-mels see it."""
  rng = np.random.default_rng(0)
  for name, stems in CLIPS.items():
    for stem in stems:
      film.encode(root / name / f'{stem}.mp4', rng.integers(-5000, 5000, 16000, np.int16))
  film.encode(root / 'train_splits/dia10_utt0.mp4', rng.integers(-900, 900, 61 * 16000, np.int16))
  (root / 'dev_splits_complete/dia0_utt0.mp4').unlink()
  options = dict(manual_dir=root, workers=1, partial=True)
  folder, _ = prepare.prepare('meld', 'base', tmp_path / 'data', **options)
  dataset = prepared.Dataset(folder)
  assert dataset.about['notes'] == ['train/dia10_utt0 is an utterance of 61 s']
  assert dataset.counts | {'listed': 5, 'kept': 4, 'excluded': 1} == dataset.counts
  assert from_release.NO_SOUND in (folder / prepared.EXCLUSIONS).read_text()
  record = dataset.read(0)
  assert record['sample_rate'] == 22050 and record['words'] == b'[]'
  assert 22050 <= len(record['audio']) <= 22050 + 2000
  folder, _ = prepare.prepare('meld', 'logmel_mat', tmp_path / 'data', workers=1)
  np.testing.assert_array_equal(
    prepared.Dataset(folder).read(0)['values'], logmel_mat.extract(record['audio'], 22050))


def test_a_generated_release_is_whole_and_has_its_protocols(data_dir):
  corpus = source.load('meld', data_dir)
  assert corpus.about['complete'] and corpus.about['generated']
  assert corpus.about['sample_rate'] == 22050
  for name, classes in (('meld/emotion7', 7), ('meld/sentiment3', 3)):
    chosen = protocol.load(name)
    split = protocol.resolve(chosen, 0, corpus.index, complete=False)
    assert [len(split.rows[part]) for part in ('train', 'valid', 'test')] == [70, 28, 35]
    target, = split.targets.values()
    assert set(target.tolist()) == set(range(classes))
    assert 'share speakers' in chosen.notice


def test_best_accuracies_of_a_generated_release_are_those_of_its_tables(tmp_path):
  truth = files.read_json(synthetic.write('meld', tmp_path, size='tiny') / 'truth.json')
  tables, prior = truth['tables'], truth['prior']
  alone = {m: sum(max(prior[y] * table[y][cue] for y in prior) for cue in prior)
           for m, table in tables.items()}
  both = sum(max(prior[y] * tables['text'][y][a] * tables['audio'][y][b] for y in prior)
             for a in prior for b in prior)
  best = truth['bayes_accuracy']
  assert best['text'] == pytest.approx(alone['text'], abs=1e-6)
  assert best['audio'] == pytest.approx(alone['audio'], abs=1e-6)
  assert best['text+audio'] == pytest.approx(both, abs=1e-6) and both > max(alone.values())
  for row in [*tables['text'].values(), *tables['audio'].values()]:
    assert sum(row.values()) == pytest.approx(1)
