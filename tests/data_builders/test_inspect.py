"""`data_builders.inspect`: counted by hand on small releases; what is drawn and written."""

import csv
import io

import matplotlib.image
import numpy as np
import pytest

from data_builders import inspect
from data_builders.corpora import agreement, inspected, overview, prepare, sheet, table_builder
from emojax.io import checksums, files, prepared
from tests.data_builders import hand_made, hand_made_tables

MELD = """\
Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime
1,"One, two.",Ann,joy,positive,0,0,1,1,"00:00:01,000","00:00:02,000"
2,Three?,Bob,neutral,neutral,0,1,1,1,"00:00:02,000","00:00:03,000"
"""


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
  """IEMOCAP typed by hand, without one sound; its log-mels."""
  raw, data = tmp_path_factory.mktemp('raw'), tmp_path_factory.mktemp('data')
  root = hand_made.iemocap(raw)
  hand_made.sound_of(root, 'Ses02F_impro02_F000').unlink()
  hand_made.write_wav(hand_made.sound_of(root, 'Ses01F_impro01_F001'), hand_made.noise(0.03, 0))
  for config in ('base', 'logmel_mat'):
    prepare.prepare('iemocap', config, data, manual_dir=root, partial=True, workers=1)
  return data


@pytest.fixture
def run(data_dir, capsys):
  """Runs the program; returns (exit code, what it printed, its error)."""

  def _run(dataset, *options, where=data_dir):
    code = inspect.main([dataset, '--data_dir', str(where), *map(str, options)])
    return code, *capsys.readouterr()

  return _run


def _table(path):
  return list(csv.DictReader(io.StringIO(path.read_text('utf-8'))))


def test_says_what_a_dataset_holds(run):
  code, out, err = run('iemocap')
  assert (code, err) == (0, '')
  blocks = out.strip().split('\n\n')
  assert '  5 kept + 1 excluded = 6 listed' in blocks[0]
  assert '  licence: USC SAIL release form' in blocks[0]
  assert 'NOT COMPLETE' in blocks[0] and 'GENERATED' in blocks[0]
  assert 'session  all\n1          4\n2          1' in blocks
  assert ('emotion  all  session 1  session 2\n'
          'ang        1          1          0\n'
          'exc        1          1          0\n'
          'fru        1          0          1\n'
          'neu        1          1          0\n'
          'xxx        1          1          0') in blocks
  valence = ('valence: mean 2.10, standard deviation 1.16, 0.5 to 4\n'  # 2.5 4 0.5 1.5 2
             '  0.5  1  ##############################\n')
  assert any(block.startswith(valence) for block in blocks)
  assert 'seconds: min 0.03, median 0.50, 90 % 0.76, max 0.80, total 2.5 (0.00 h)' in out
  assert ('           all  utterances: min  median  max  session 1  session 2\n'
          'speakers     3                1       2    2          2          1\n'
          'dialogues    3                1       1    3          2          1') in blocks
  assert 'text: 5 of 5 transcripts\naudio: 5 of 5 sounds, 16,000 Hz' in blocks
  assert 'excluded, label without audio: 1: iemocap/Ses02F_impro02_F000' in blocks
  assert 'noted 1: Ses01F_impro01_M000 has attributes outside 1 to 5: (0.5, 5.5, 3.0)' in blocks
  assert 'categories of 1 utterances with two or more raters: unanimous 1 (100%)' in out
  # 0.7, 0.5, 0.5, 0.8 s in rows of 4400 / 22050 s, rounded up; one sound is too short
  line, = (line for line in out.splitlines() if line.startswith('logmel_mat'))
  assert line.split() == ['logmel_mat', '15', '80', '5.0', '1', line.split()[5], 'up', 'to', 'date']


def test_a_feature_is_told_with_the_labels_it_was_computed_from(run):
  code, out, _ = run('iemocap/logmel_mat')
  assert code == 0 and out.startswith('iemocap/logmel_mat: ')
  assert '  4 kept + 1 excluded = 5 listed' in out
  assert 'emotion  all  session 1  session 2' in out
  assert 'excluded, label without audio: 1: iemocap/Ses02F_impro02_F000' in out
  assert 'shorter than a frame' in out


def test_the_table_holds_what_was_kept_and_what_was_not(run, tmp_path):
  path = tmp_path / 'all.csv'
  code, out, _ = run('iemocap', '--csv', path)
  assert code == 0
  assert f'6 rows in {path}. It holds labels and transcripts; their licence: USC SAIL' in out
  assert [p.name for p in tmp_path.iterdir()] == ['all.csv']
  rows = _table(path)
  assert [row['kept'] for row in rows] == ['yes'] * 5 + ['no']
  assert rows[1]['transcript'] == "It’s ten o'clock: finally!"
  assert (rows[2]['emotion'], rows[2]['valence'], rows[2]['session']) == ('xxx', '0.5', '1')
  lost = rows[5]
  assert (lost['id'], lost['reason']) == ('iemocap/Ses02F_impro02_F000', 'label without audio')
  assert lost['file'].endswith('Ses02F_impro02_F000.wav') and lost['emotion'] == ''


def test_an_excluded_row_of_a_feature_stands_there_once(run, tmp_path):
  assert run('iemocap/logmel_mat', '--csv', tmp_path / 'all.csv')[0] == 0
  rows = _table(tmp_path / 'all.csv')
  assert [row['kept'] for row in rows] == ['yes', 'no', 'yes', 'yes', 'yes', 'no']
  assert 'shorter than a frame' in rows[1]['reason'] and rows[1]['emotion'] == 'exc'


def test_draws_a_sheet(run, tmp_path):
  code, out, _ = run('iemocap', '--out', tmp_path / 'pictures')
  path = tmp_path / 'pictures/iemocap_base.png'
  assert code == 0 and f'waves and mels: {path}' in out
  picture = matplotlib.image.imread(path)
  assert picture.shape[0] > 800 and picture.shape[1] > 1000
  top = picture[:picture.shape[0] // 2]
  assert len(np.unique(top.reshape(-1, picture.shape[2]), axis=0)) > 100  # mels have many colours


def test_the_sheet_takes_every_class(data_dir):
  about = inspected.load(data_dir, 'iemocap')
  assert sorted(sheet.choose(about, 'emotion', 5)) == [0, 1, 2, 3, 4]
  assert len(set(sheet.choose(about, 'emotion', 3))) == 3
  assert sheet.choose(about, None, 2) == [1, 3]
  by_score = sheet.choose(about, 'valence', 2)  # 2.5 4 0.5 1.5 2: the second and fourth of them
  assert sorted(about.columns['valence'][by_score]) == [1.5, 2.5]


def test_text_without_media(tmp_path, run):
  for part in ('train', 'dev', 'test'):
    text = MELD.replace('Three', part.upper())
    (tmp_path / f'{part}_sent_emo.csv').write_text(text, 'utf-8')
  prepare.prepare('meld', 'text', tmp_path / 'data', manual_dir=tmp_path, partial=True)
  code, out, _ = run('meld', where=tmp_path / 'data')
  assert code == 0 and out.startswith('meld/text: ')
  assert ('emotion  all  train  valid  test\n'
          'joy        3      1      1     1\n'
          'neutral    3      1      1     1') in out
  assert '2 speakers are in train and test: Ann, Bob' in out
  assert 'dialogues are in' not in out
  assert 'audio: none; this is the release without its media' in out
  assert 'seconds' not in out
  code, _, err = run('meld', '--out', tmp_path, where=tmp_path / 'data')
  assert code == 1 and 'meld/text has no sound to draw' in err


def test_a_table_of_features(tmp_path, run):
  path = hand_made_tables.write_npz(tmp_path / 'mine.npz')
  description = hand_made_tables.write_json(tmp_path / 'd.json', hand_made_tables.PLAIN)
  table_builder.prepare_table('toy', 'mine', [path], tmp_path / 'data', description=description)
  code, out, err = run('toy', where=tmp_path / 'data')
  assert (code, err) == (0, '')
  assert 'emotion  all\nneu        3\nsad        3' in out
  assert 'speakers    3                2       2    2' in out
  line, = (line for line in out.splitlines() if line.startswith('table_mine: voice'))
  assert line.split()[:5] == ['table_mine:', 'voice', '6', '2', '0']


def test_what_is_not_there_is_answered(run):
  code, _, err = run('iemocab')
  assert code == 1 and 'nothing of iemocab is prepared' in err and 'did you mean iemocap?' in err
  code, _, err = run('iemocap/logmel_mta')
  assert code == 1 and "did you mean 'iemocap/logmel_mat'?" in err
  code, _, err = run('meld')
  assert code == 1 and 'Build it: python -m data_builders.build meld/base' in err


def test_labels_of_another_build_are_not_mixed_in(data_dir, tmp_path, run):
  root = hand_made.iemocap(tmp_path / 'raw')
  data = tmp_path / 'data'
  folder, _ = prepare.prepare('iemocap', 'base', data, manual_dir=root, workers=1)
  feature = prepared.find(data_dir, 'iemocap', 'logmel_mat')
  copy = data / 'iemocap/logmel_mat/1.0.0'
  for path in feature.iterdir():
    files.write_bytes(copy / path.name, path.read_bytes())
  code, out, _ = run('iemocap', where=data)
  assert code == 0 and 'of another base' in out
  code, _, err = run('iemocap/logmel_mat', where=data)
  assert code == 1 and 'do not hold the same utterances' in err
  (folder / prepared.COUNTS).write_text('{}')
  code, _, err = run('iemocap', where=data)
  assert code == 1 and f'{prepared.COUNTS} is not as it was written' in err
  assert checksums.sealed(folder)


def test_agreement_counted_by_hand():
  votes = [
    [{'labels': ['a'], 'x': 1.0}, {'labels': ['a', 'b'], 'x': 3.0}],  # both name a
    [{'labels': ['a']}, {'labels': ['a']}, {'labels': ['b']}],  # two of three
    [{'labels': ['a']}, {'labels': ['b']}],
    [{'labels': ['a'], 'x': 2.0}],
    [],
  ]
  assert agreement.text(votes) == [
    'categories of 3 utterances with two or more raters: unanimous 1 (33%), majority 1 (33%), '
    'no majority 1 (33%)',
    'x: raters of an utterance differ by 1.41 (mean standard deviation, 1 utterances)']
  assert agreement.read('[{"rater": "F1"}, {"rater": "E1"}]') == [{'rater': 'E1'}]


def test_tables_are_aligned():
  assert list(overview.table([['', 'n'], ['long', 12345], ['b', '']])) == [
    '           n', 'long  12,345', 'b']
