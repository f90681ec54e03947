"""CMU-MOSEI: two numberings, two kinds of label files, folds that are read and never run."""

import json

import numpy as np
import pytest

from data_builders.corpora import mosei_labels, mosei_release, prepare
from data_builders.corpora.mosei_labels import Row
from data_builders.corpora.mosei_release import Segment
from data_builders.synthetic import mosei
from emojax.io import prepared
from emojax.protocols import mosei as protocols
from emojax.protocols import protocol
from tests.data_builders import hand_made

VIDEO = '-3g5yACwYn_'  # such names exist: they end like the delimiter
TRANSCRIPT = f'''\
{VIDEO}___10___6.1___6.9___One ___ two.
{VIDEO}___2___-0.2___1.5___It's fine.
{VIDEO}___3___1.4___2.0___
{VIDEO}___7___3.0___5.0___Nobody was asked.
'''
ANSWERS = ('HITId,WorkerId,Input.VIDEO_ID,Input.CLIP,Answer.anger,Answer.disgust,Answer.fear,'
           'Answer.happiness,Answer.sadness,Answer.surprise,Answer.sentiment\n')
VOTES = f'''\
h,A1,{VIDEO},2,0,0,0,3,0,0,2
h,A2,videos/{VIDEO},2,0,0,0,0,1,,1
h,A3,{VIDEO},2,,,,,,,
h,A1,{VIDEO},3,1,0,0,0,0,0,-1
h,A1,{VIDEO},10,0,0,0,0,0,0,0
'''
TABLE = 'file,index,start,end,sentiment,happy,sad,anger,surprise,disgust,fear\n'
# numbered as words are sorted: 10, 2, 3
ROWS = f'''\
{VIDEO},0,6.1,6.9,0,0,0,0,0,0,0
{VIDEO},1,-0.2,1.5,1.5,1.5,0.5,0,0,0,0
{VIDEO},2,1.4,2.0,-1,0,0,1,0,0,0
'''
FOLDS = f"""# of the SDK
standard_train_fold=['{VIDEO}','other']
standard_valid_fold = [
  'valid_one',
]
standard_test_fold=[u'test-one', '81406']
"""


@pytest.fixture
def root(tmp_path):
  root = tmp_path / 'Raw'
  for name in ('Labels', 'Transcript/Segmented/Combined', 'Audio/Full/WAV_16000'):
    (root / name).mkdir(parents=True)
  (root / f'Transcript/Segmented/Combined/{VIDEO}.txt').write_text(TRANSCRIPT)
  (root / 'Labels/5000_batch_raw.csv').write_text(ANSWERS + VOTES)
  (root / 'cmu_mosei_std_folds.py').write_text(FOLDS)
  hand_made.write_wav(root / f'Audio/Full/WAV_16000/{VIDEO}.wav', hand_made.noise(6.8, 0))
  return root


def write_table(root, rows=ROWS, header=TABLE, name='CMU_MOSEI_Labels.csv'):
  (root / 'Labels' / name).write_text(header + rows)


def reasons(release):
  return {lost.id.removeprefix('mosei/'): lost.reason for lost in release.exclusions}


def of(release, number):
  return next(u for u in release.utterances if u.raw_clip_number == number)


def test_answers_alone_give_means_votes_and_the_raw_number(root):
  release = mosei_release.read(root.parent)
  assert [u.raw_clip_number for u in release.utterances] == [2, 3, 10]
  assert [u.csd_index for u in release.utterances] == [-1, -1, -1]
  assert [u.position for u in release.utterances] == [0, 1, 2]
  first = of(release, 2)
  assert (first.id, first.split, first.start) == (f'mosei/{VIDEO}_2', 'train', -0.2)
  assert (first.sentiment, first.happy, first.sad, first.surprise) == (1.5, 1.5, 0.5, 0)
  assert [(v.rater, v.sentiment, v.happy, v.surprise) for v in first.votes] == [
    ('A1', 2, 3, 0), ('A2', 1, 0, 0)]  # an empty emotion is 0, an empty answer is none
  assert of(release, 10).transcript == 'One ___ two.' and of(release, 3).transcript == ''
  assert reasons(release) == {f'{VIDEO}_7': 'transcript without label'}
  assert sorted(release.notes) == [
    f'{VIDEO}_2 begins 0.20 s before its video: cut there',
    f'{VIDEO}_2 has an answer in 5000_batch_raw.csv that says nothing',
    f'{VIDEO}_3 has no transcript']
  # the sound lasts 6.8 s
  assert [(clip.start, clip.end) for clip in release.sounds] == [(0, 1.5), (1.4, 2.0), (6.1, 6.8)]


def test_any_annotator_makes_an_emotion_present_as_a_sum_does(root):
  """MME2E: 1 if the answers' sum lies above 0; MAT: if their mean does."""
  release = mosei_release.read(root)
  index = {name: np.array([getattr(u, name) for u in release.utterances])
           for name in ('id', 'split', 'sentiment', *mosei_labels.EMOTIONS)}
  # happy sad anger surprise disgust fear
  expected = [[1, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]]
  assert protocols.SIX.ids(index).tolist() == expected


def test_a_table_is_joined_by_time_and_never_by_number(root):
  write_table(root)
  release = mosei_release.read(root)
  assert {u.raw_clip_number: u.csd_index for u in release.utterances} == {10: 0, 2: 1, 3: 2}
  assert {u.raw_clip_number: u.sentiment for u in release.utterances} == {10: 0, 2: 1.5, 3: -1}
  assert [len(u.votes) for u in release.utterances] == [2, 1, 1]
  assert not any('disagree' in note for note in release.notes)


def test_votes_of_another_numbering_are_left_out_and_noted(root):
  write_table(root)
  votes = VOTES.replace(f'{VIDEO},3,1', f'{VIDEO},11,1').replace(f'{VIDEO},10,', f'{VIDEO},3,')
  (root / 'Labels/5000_batch_raw.csv').write_text(ANSWERS + votes)
  release = mosei_release.read(root)
  assert of(release, 3).sentiment == -1 and of(release, 3).votes == ()
  assert f'{VIDEO}_3: its votes disagree with the label at its time: left out' in release.notes


def test_a_table_at_other_times_is_accounted_for(root):
  write_table(root, ROWS.replace('6.1,6.9', '16.1,16.9'))
  release = mosei_release.read(root)
  assert reasons(release) == {
    f'{VIDEO}[0]': 'label at the time of no segment', f'{VIDEO}_10': 'transcript without label',
    f'{VIDEO}_7': 'transcript without label'}


def test_a_table_without_labels_gives_the_numbers_and_the_parts(root):
  """As s3prl passes it on; 0, 1, 2 are the parts, 3 is none."""
  (root / 'cmu_mosei_std_folds.py').unlink()
  write_table(root, ',file,index,start,end,label2a,split\n' + ''.join(
    f'{k},{VIDEO},{k},{when},1,2\n' for k, when in enumerate(('6.1,6.9', '-0.2,1.5', '1.4,9'))),
    header='')
  release = mosei_release.read(root)
  assert {u.raw_clip_number: u.csd_index for u in release.utterances} == {10: 0, 2: 1, 3: -1}
  assert {u.split for u in release.utterances} == {'test'}
  assert f'{VIDEO}: 1 of 3 rows of CMU_MOSEI_Labels.csv are at the time of no segment' in (
    release.notes)


def test_each_row_belongs_to_the_nearest_segment():
  segments = [Segment(5, 0.00, 1.00, 'a'), Segment(2, 0.02, 1.00, 'b'), Segment(1, 4.0, 5.0, 'c')]
  rows = [Row(0, 0.021, 1.0, '', {}), Row(1, 0.0, 1.0, '', {}), Row(2, 4.2, 5.0, '', {})]
  assert {number: row.index for number, row in mosei_release.join(segments, rows).items()} == {
    5: 1, 2: 0}


@pytest.mark.parametrize('rows, reason', [
  (ROWS.replace('1.5,1.5,1.5', '1.5,-4,1.5'), 'sentiment -4 lies outside -3..3'),
  (ROWS.replace('1.5,1.5,1.5', '1.5,1.5,3.5'), 'happy 3.5 lies outside 0..3'),
  (ROWS.replace('1.5,1.5,1.5', '1.5,?,1.5'), 'label row that cannot be read'),
  (ROWS + ROWS.splitlines()[1].replace(',1.5,0.5', ',1,0.5'), 'labelled twice, in two ways'),
])
def test_a_label_that_cannot_be_used_is_excluded_with_its_reason(root, rows, reason):
  write_table(root, rows)
  release = mosei_release.read(root)
  assert reasons(release) == {f'{VIDEO}_2': reason, f'{VIDEO}_7': 'transcript without label'}
  assert [(u.raw_clip_number, u.position) for u in release.utterances] == [(3, 1), (10, 2)]


def test_answers_to_what_nobody_transcribed_are_excluded(root):
  (root / 'Labels/5000_batch_raw.csv').write_text(ANSWERS + VOTES + 'h,A1,lost,4,0,0,0,0,0,0,1\n')
  assert reasons(mosei_release.read(root))['lost_4'] == 'label without transcript'


def test_folds_are_read_and_not_run():
  splits = mosei_labels.parse_folds(FOLDS, 'folds.py')
  assert splits == {VIDEO: 'train', 'other': 'train', 'valid_one': 'valid', 'test-one': 'test',
                    '81406': 'test'}
  for text, said in (
      (FOLDS.replace("'valid_one'", "'other'"), 'has the video other in two parts, train and val'),
      (FOLDS.replace('test_fold', 'tset_fold'), 'has no list standard_test_fold'),
      (FOLDS.replace("['", "open('"), 'is no Python file of lists of names')):
    with pytest.raises(ValueError, match=said):
      mosei_labels.parse_folds(text, 'folds.py')


def test_label_files_of_another_form_are_refused(root):
  write_table(root, '1,2\n', header='Input.VIDEO-ID,label\n', name='x.csv')
  with pytest.raises(ValueError, match=r'no file of labels: .*did it mean Input.VIDEO-ID'):
    mosei_release.read(root)
  write_table(root, name='x.csv', header=TABLE.replace(',fear', ',fright'))
  with pytest.raises(ValueError, match='has labels, but not all: fear is missing'):
    mosei_release.read(root)
  write_table(root, name='x.csv')
  write_table(root)
  with pytest.raises(ValueError, match='are both tables of segments'):
    mosei_release.read(root)


def test_without_folds_the_release_is_not_complete(root):
  (root / 'cmu_mosei_std_folds.py').unlink()
  release = mosei_release.read(root)
  assert 'put cmu_mosei_std_folds.py of the CMU-MultimodalSDK into' in release.shortfalls[0]


def test_timed_words_of_an_alignment(root):
  folder = root / mosei_release.ALIGNMENTS
  folder.mkdir(parents=True)
  lines = ['"phone"', '0', '7', '1', '0.1', '0.2', '"AH0"', '"IntervalTier"', '"word"', '0.0', '7',
           '4', '0.0', '0.3', '"sp"', '0.3', '0.6', '"IT\'S"', '0.6', '1.2', '"FINE"', '6.2',
           '6.5', '"ONE"']
  (folder / f'{VIDEO}.TextGrid').write_text('\n'.join(lines) + '\n')
  release = mosei_release.read(root)
  assert [(w.start, w.end, w.text) for w in of(release, 2).words] == [
    (0.3, 0.6, "it's"), (0.6, 1.2, 'fine')]
  assert [w.text for w in of(release, 10).words] == ['one'] and of(release, 3).words == ()


@pytest.fixture(scope='module')
def generated(tmp_path_factory):
  return mosei.write(tmp_path_factory.mktemp('mosei'), seed=3, size='tiny')


def test_a_generated_release_builds_whole_with_any_number_of_workers(generated, tmp_path):
  one, two = (prepared.Dataset(prepare.prepare(
    'mosei', 'base', tmp_path / str(n), manual_dir=generated, workers=n)[0]) for n in (1, 2))
  assert one.about['fingerprint'] == two.about['fingerprint'] and one.about['complete']
  videos = mosei.plan(3, 'tiny')
  opinions = {f'mosei/{v.name}_{o.number}': o for v in videos for o in v.opinions}
  rated = {id for id, opinion in opinions.items() if opinion.rated}
  assert set(one.index['id'].tolist()) == rated and len(rated) == 120
  assert one.counts['excluded'] == len(opinions) - 120 > 0
  assert one.counts['kept'] + one.counts['excluded'] == one.counts['listed']
  assert (one.index['csd_index'] != one.index['raw_clip_number']).any()
  for row, id in enumerate(one.index['id'].tolist()):
    record, opinion = one.read(row), opinions[id]
    votes = json.loads(record['votes'])
    assert [vote['sentiment'] for vote in votes] == list(opinion.votes)
    assert record['sentiment'] == pytest.approx(sum(opinion.votes) / 3, abs=1e-6)
    assert record['transcript'].decode() == opinion.text
    assert [w['text'] for w in json.loads(record['words'])] == opinion.text.lower().split()
    spoken = (opinion.end - opinion.start) / 16000
    assert spoken + 0.1 < len(record['audio']) / 16000 < spoken + 0.5
  for name in ('mosei/sentiment2', 'mosei/sentiment7', 'mosei/sentiment'):
    rows = protocol.resolve(protocol.load(name), 0, one.index).rows
    assert {part: len(rows[part]) for part in protocol.SPLITS} == {
      'train': 78, 'valid': 16, 'test': 22}


def test_the_real_numbers_of_utterances_are_generated_at_full_size():
  videos = mosei.plan(0, 'full')
  rated = {part: sum(o.rated for v in videos if v.part == part for o in v.opinions)
           for part in ('train', 'valid', 'test', '')}
  assert rated == {'train': 16327, 'valid': 1871, 'test': 4662, '': 399}
  assert len({v.name for v in videos}) == 3293
