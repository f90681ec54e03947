"""`data_builders.build`: what is kept, what is replaced, and that nothing half-written is left."""

import fcntl
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from data_builders import build
from data_builders.corpora import ledger, parallel, prepare
from emojax.features import catalogue, logmel_mat
from emojax.io import checksums, files, prepared
from tests.data_builders import hand_made


@pytest.fixture
def root(tmp_path):
  return hand_made.iemocap(tmp_path / 'raw')


@pytest.fixture
def data_dir(tmp_path):
  return tmp_path / 'data'


@pytest.fixture
def run(data_dir, capsys):
  """Runs the program; returns (exit code, what it printed, its error)."""

  def _run(dataset, *options):
    code = build.main([dataset, '--data_dir', str(data_dir), *map(str, options)])
    return code, *capsys.readouterr()

  return _run


def _records(folder):
  source = tfds.builder_from_directory(str(folder)).as_data_source('all')
  return [source[row] for row in range(len(source))]


def _fingerprint(folder):
  return files.read_json(folder / 'metadata.json')['fingerprint']


def _content(data_dir):
  """Every file below, without the locks."""
  return sorted(str(path.relative_to(data_dir)) for path in data_dir.rglob('*')
                if path.is_file() and path.name not in ('.lock',) and '.config' not in path.parts)


def _fail_at(monkeypatch, number):
  """Lets the `number`-th record break the build."""
  add = ledger.Ledger.add

  def broken(self, record, row):
    if len(self) == number:
      raise OSError(28, 'No space left on device')
    add(self, record, row)

  monkeypatch.setattr(ledger.Ledger, 'add', broken)


def test_builds_base_and_features_then_keeps_them(run, root):
  code, out, err = run('iemocap', '--manual_dir', root)
  assert (code, err) == (0, '')
  assert 'iemocap/base built in' in out and 'iemocap/logmel_mat built in' in out
  assert '6 kept + 0 excluded = 6 listed, 0.1 min of sound' in out
  assert 'session: 1 4, 2 2' in out and 'emotion: ang 1, exc 1' in out
  assert 'GENERATED' in out and 'NOT COMPLETE' not in out
  code, out, _ = run('iemocap')
  assert code == 0
  assert 'iemocap/base kept' in out and 'iemocap/logmel_mat kept' in out


def test_a_feature_alone_brings_base_along_where_the_release_is_given(run, root, data_dir):
  code, out, _ = run('iemocap/logmel_mat', '--manual_dir', root)
  assert code == 0
  assert [len(_records(prepared.find(data_dir, 'iemocap', c))) for c in ('base', 'logmel_mat')] == [
    6, 6]


@pytest.mark.parametrize('dataset, message', [
  ('iemocab', "there is no corpus 'iemocab'; there are: emodb, emorynlp, iemocap, meld"),
  ('iemocab', "(did you mean 'iemocap'?)."),
  ('iemocap/logmel_mta', "no config of iemocap 'logmel_mta'; there are: base, logmel_mat, mel_"),
  ('iemocap', 'built from the release: add --manual_dir FOLDER. Ask USC SAIL'),
  ('iemocap/logmel_mat', 'iemocap/base is not prepared under'),
])
def test_what_is_not_there_is_answered(run, dataset, message):
  code, _, err = run(dataset)
  assert code == 1
  assert message in err
  assert err.count('\n') == 1 and 'Traceback' not in err


def test_a_missing_release_is_answered(run, tmp_path):
  code, _, err = run('iemocap', '--manual_dir', tmp_path / 'nowhere')
  assert code == 1
  assert 'nowhere does not exist; expected the folder IEMOCAP_full_release' in err


def test_a_part_is_refused_then_accepted_then_not_mistaken_for_the_whole(run, root, data_dir):
  sound = hand_made.sound_of(root, 'Ses02F_impro02_F000')
  sound.rename(root / 'elsewhere.wav')
  code, _, err = run('iemocap', '--manual_dir', root)
  assert code == 1
  assert 'Session2: 1 of 2 utterances (1 label without audio: Ses02F_impro02_F000)' in err
  assert '--partial' in err
  assert not _content(data_dir)
  code, out, _ = run('iemocap', '--manual_dir', root, '--partial')
  assert code == 0
  assert '5 kept + 1 excluded = 6 listed' in out and out.count('NOT COMPLETE') == 2
  assert 'excluded, label without audio: iemocap/Ses02F_impro02_F000' in out
  (root / 'elsewhere.wav').rename(sound)
  code, _, err = run('iemocap', '--manual_dir', root)
  assert code == 1 and 'was built from a part of the release' in err
  code, out, _ = run('iemocap', '--manual_dir', root, '--overwrite')
  assert code == 0 and 'NOT COMPLETE' not in out
  assert len(_records(prepared.find(data_dir, 'iemocap', 'logmel_mat'))) == 6


def test_a_generated_release_is_not_taken_for_the_real_one(run, root, data_dir):
  run('iemocap/base', '--manual_dir', root)
  before = _fingerprint(prepared.find(data_dir, 'iemocap'))
  (root / 'truth.json').unlink()
  code, _, err = run('iemocap', '--manual_dir', root)
  assert code == 1
  assert 'was built from a generated release' in err and 'holds the real release' in err
  assert _fingerprint(prepared.find(data_dir, 'iemocap')) == before


def test_two_builds_hold_the_same_records(root, tmp_path):
  for config in ('base', 'logmel_mat'):
    one, two = (
      prepare.prepare('iemocap', config, tmp_path / name, manual_dir=root, **options)[0]
      for name, options in (('one', {'workers': 1}), ('two', {'workers': 3, 'num_shards': 3})))
    assert len(list(two.glob('*.array_record*'))) == 3
    np.testing.assert_equal(_records(one), _records(two))
    np.testing.assert_equal(prepared.read_index(one), prepared.read_index(two))
    assert _fingerprint(one) == _fingerprint(two)


def test_equal_builds_are_equal_byte_for_byte(root, tmp_path):
  """Only then does a checksum say whether two machines hold the same dataset."""
  for config in ('base', 'logmel_mat'):
    one, two = (
      prepare.prepare('iemocap', config, tmp_path / name, manual_dir=root, workers=workers,
                      num_shards=2)[0] for name, workers in (('one', 1), ('two', 3)))
    assert checksums.sealed(one) == checksums.sealed(two) == checksums.of_folder(two)
    assert (one / checksums.SEAL).read_bytes() == (two / checksums.SEAL).read_bytes()


def test_a_damaged_feature_is_built_again(run, root, data_dir):
  run('iemocap', '--manual_dir', root)
  folder = prepared.find(data_dir, 'iemocap', 'logmel_mat')
  before = checksums.sealed(folder)
  shard, = folder.glob('*.array_record*')
  shard.write_bytes(shard.read_bytes()[:1000])
  code, out, _ = run('iemocap')
  assert code == 0 and 'iemocap/base kept' in out
  assert f'(replaced: {shard.name} is not as it was written)' in out
  assert checksums.sealed(folder) == before == checksums.of_folder(folder)


@pytest.mark.parametrize('name, what', [
  ('index.parquet', 'is not as it was written'), ('metadata.json', 'is not as it was written'),
  ('checksums.json', 'is missing'), ('checksums.json', 'is not as it was written')])
def test_a_damaged_base_is_built_again_from_the_release(run, root, data_dir, name, what):
  run('iemocap', '--manual_dir', root)
  folder = prepared.find(data_dir, 'iemocap')
  before, broken = checksums.sealed(folder), folder / name
  if what == 'is missing':
    broken.unlink()
  else:
    broken.write_bytes(b'{}' + broken.read_bytes())
  for dataset in ('iemocap', 'iemocap/base'):
    code, out, err = run(dataset)
    assert (code, out) == (1, '') and f'{folder}: {name} {what}' in err
    assert 'add --manual_dir FOLDER' in err
  code, out, _ = run('iemocap', '--manual_dir', root)
  assert code == 0 and 'iemocap/base built' in out and f'(replaced: {name} {what})' in out
  assert 'iemocap/logmel_mat kept' in out
  assert checksums.sealed(folder) == before


def test_a_damaged_dataset_is_not_replaced_by_another_release(run, root, data_dir):
  run('iemocap', '--manual_dir', root)
  (prepared.find(data_dir, 'iemocap') / prepared.INDEX).unlink()
  (root / 'truth.json').unlink()
  code, _, err = run('iemocap', '--manual_dir', root)
  assert code == 1 and 'holds the real release' in err


def test_nothing_is_computed_from_a_damaged_base(run, root, data_dir):
  run('iemocap/base', '--manual_dir', root)
  shard, = prepared.find(data_dir, 'iemocap').glob('*.array_record*')
  content = shard.read_bytes()
  shard.write_bytes(content[:5000] + bytes(30) + content[5030:])
  before = _content(data_dir)
  code, _, err = run('iemocap/logmel_mat')
  assert code == 1 and err.count('\n') == 1
  assert f'{shard.name} is not as it was written. 1 of 6 utterances are lost: iemocap/Ses01F' in err
  assert _content(data_dir) == before


@pytest.mark.parametrize('moment', [
  'ledger.Ledger.add_written', 'prepared.write_index', 'checksums.of_folder', 'checksums.seal',
  'pathlib.Path.rename'])
def test_a_killed_build_is_not_seen_and_the_next_one_cleans_up(run, root, data_dir, moment):
  program = f'''
import os, pathlib, signal
from data_builders import build
from data_builders.corpora import ledger
from emojax.io import checksums, prepared
def killed(*args):
  os.kill(os.getpid(), signal.SIGKILL)
{moment} = killed
build.main(['iemocap/base', '--manual_dir', {str(root)!r}, '--data_dir', {str(data_dir)!r}])
'''
  ended = subprocess.run([sys.executable, '-c', program], check=False, capture_output=True)
  assert ended.returncode == -9, ended.stderr.decode()
  assert _content(data_dir) and not prepared.listed(data_dir)
  with pytest.raises(prepared.UnpreparedError, match='nothing is'):
    prepared.find(data_dir, 'iemocap')
  assert run('iemocap/base', '--manual_dir', root)[0] == 0
  assert {path.split('/')[2] for path in _content(data_dir)} == {'1.0.0'}
  assert not prepared.damage(prepared.find(data_dir, 'iemocap'))


def test_a_changed_sound_changes_the_fingerprint_and_replaces_its_features(run, root, data_dir):
  run('iemocap', '--manual_dir', root)
  before = _fingerprint(prepared.find(data_dir, 'iemocap'))
  hand_made.write_wav(hand_made.sound_of(root, 'Ses01F_impro01_F000'), hand_made.noise(0.7, 99))
  run('iemocap/base', '--manual_dir', root, '--overwrite')
  assert _fingerprint(prepared.find(data_dir, 'iemocap')) != before
  _, out, _ = run('iemocap')
  assert 'iemocap/base kept' in out
  assert 'replaced: base has changed since' in out
  assert 'iemocap/logmel_mat kept' in run('iemocap')[1]


def test_features_of_another_extractor_are_replaced(run, root, monkeypatch):
  run('iemocap', '--manual_dir', root)
  monkeypatch.setattr(logmel_mat, 'VERSION', '2')
  assert 'replaced: its constants changed' in run('iemocap')[1]


@pytest.mark.parametrize('config', ['base', 'logmel_mat'])
def test_a_failing_build_leaves_nothing(run, root, data_dir, monkeypatch, config):
  if config != 'base':
    run('iemocap/base', '--manual_dir', root)
  before = _content(data_dir)
  _fail_at(monkeypatch, 3)
  code, _, err = run(f'iemocap/{config}', '--manual_dir', root)
  assert (code, err) == (1, 'build: [Errno 28] No space left on device\n')
  assert _content(data_dir) == before


def test_a_failing_replacement_leaves_the_old_dataset(run, root, data_dir, monkeypatch):
  run('iemocap', '--manual_dir', root)
  before = _content(data_dir)
  _fail_at(monkeypatch, 3)
  assert run('iemocap', '--manual_dir', root, '--overwrite')[0] == 1
  assert _content(data_dir) == before
  assert len(_records(prepared.find(data_dir, 'iemocap'))) == 6


def test_what_a_killed_build_left_is_neither_found_nor_kept(run, root, data_dir):
  run('iemocap/base', '--manual_dir', root)
  good = prepared.find(data_dir, 'iemocap')
  litter = good.with_name('incomplete.ABC123_1.0.0')
  litter.mkdir()
  for name in (prepared.INDEX, 'dataset_info.json'):
    (litter / name).write_bytes((good / name).read_bytes())
  assert prepared.find(data_dir, 'iemocap') == good
  run('iemocap/base')
  assert not litter.exists()


def test_two_builds_of_one_config_do_not_meet(run, root, data_dir):
  run('iemocap/base', '--manual_dir', root)
  running = data_dir / 'iemocap/base/incomplete.ABC123_1.0.0'
  running.mkdir()
  with open(data_dir / 'iemocap/base/.lock') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    code, _, err = run('iemocap/base')
  assert code == 1 and 'is being built' in err
  assert running.exists()


def test_a_foreign_folder_is_not_taken_for_a_dataset(run, root, data_dir):
  (data_dir / 'iemocap/base/1.0.0').mkdir(parents=True)
  code, _, err = run('iemocap', '--manual_dir', root)
  assert code == 1 and 'is no dataset of ours' in err
  assert run('iemocap', '--manual_dir', root, '--overwrite')[0] == 0


def test_a_sound_without_frames_keeps_its_row(run, root, data_dir):
  hand_made.write_wav(hand_made.sound_of(root, 'Ses01F_impro01_F001'), hand_made.noise(0.03, 0))
  code, out, _ = run('iemocap', '--manual_dir', root)
  assert code == 0
  assert '5 kept + 1 excluded = 6 listed' in out
  folder = prepared.find(data_dir, 'iemocap', 'logmel_mat')
  index = prepared.read_index(folder)
  assert index['length'].tolist() == [4, 0, 3, 3, 4, 5]  # seconds * 22050 / 4400, rounded up
  assert _records(folder)[1]['values'].shape == (0, 80)
  exclusion = json.loads((folder / prepared.EXCLUSIONS).read_text())
  assert exclusion['id'] == 'iemocap/Ses01F_impro01_F001' == index['id'][1]
  assert 'shorter than a frame' in exclusion['reason']


def test_more_shards_than_records_are_refused(run, root, data_dir):
  code, _, err = run('iemocap', '--manual_dir', root, '--num_shards', 7)
  assert code == 1 and '6 utterances cannot fill 7 shards' in err
  assert not _content(data_dir)


def test_processes_answer_in_order():
  extract = catalogue.FEATURES['logmel_mat']
  sounds = [(hand_made.noise(0.1 + 0.01 * n, n), 16000) for n in range(40)]
  answers = list(parallel.map_processes(extract, sounds, workers=2))
  for (frames, reason), sound in zip(answers, sounds, strict=True):
    assert not reason
    np.testing.assert_array_equal(frames, extract(sound)[0])


def test_an_error_of_an_item_comes_through():
  with pytest.raises(ZeroDivisionError):
    list(parallel.map_threads(lambda n: 1 // (50 - n), range(10_000), workers=2))


def test_items_are_taken_as_they_are_needed():
  taken = []
  items = (taken.append(n) or n for n in range(10_000))
  answers = parallel.map_threads(abs, items, workers=2)
  assert next(answers) == 0
  assert len(taken) <= parallel.CHUNK * parallel.AHEAD * 2


def _modules_after(code):
  report = 'import sys; print(*{name.partition(".")[0] for name in sys.modules})'
  return set(subprocess.run(
    [sys.executable, '-c', f'{code}\n{report}'], check=True, capture_output=True, text=True,
  ).stdout.split())


def test_tensorflow_is_never_imported(root, data_dir):
  modules = _modules_after(
    'from data_builders import build\n'
    f'build.main(["iemocap", "--manual_dir", {str(root)!r}, "--data_dir", {str(data_dir)!r}])')
  assert 'tensorflow_datasets' in modules
  assert 'tensorflow' not in modules


def test_workers_start_light():
  modules = _modules_after('import data_builders.build, data_builders.corpora.feature_cache')
  assert 'numpy' in modules
  assert not modules & {'tensorflow_datasets', 'jax', 'flax', 'librosa', 'numba', 'pyarrow'}
