"""`emojax.doctor`: what it says of a machine and of folders, and that it only looks."""

import fcntl
import json
import pathlib
import shutil
import subprocess
import sys
import tomllib

import pytest

from configs import iemocap_mat_clean
from data_builders.corpora import prepare
from emojax import doctor
from emojax.health import examine, machine
from emojax.io import checksums, files, prepared
from emojax.io.findings import NOTE, OK, WRONG
from emojax.train import loop, outcome, run_folder
from tests import light
from tests.train import tf_checkpoints

ROOT = pathlib.Path(__file__).parents[1]
GOLDEN = ROOT / 'tests/golden/mat'


@pytest.fixture(scope='module')
def finished(data_dir, tmp_path_factory):
  """A finished run of two members; each has two checkpoints."""
  config = light.light(iemocap_mat_clean.get_config('tiny'))
  config.update_from_flattened_dict({
    'data.path': str(data_dir), 'members.folds': '0,1', 'members.mode': 'sequential',
    'train.num_epochs': 2, 'checkpoint.every_seconds': 0.0, 'mesh.data': 1})
  workdir = tmp_path_factory.mktemp('runs') / 'run'
  loop.train_and_evaluate(config, workdir)
  return workdir


@pytest.fixture
def run(finished, tmp_path):
  return pathlib.Path(shutil.copytree(finished, tmp_path / 'run'))


@pytest.fixture
def data(data_dir, tmp_path):
  return pathlib.Path(shutil.copytree(data_dir, tmp_path / 'data'))


def said(path):
  return [(finding.state, finding.what, finding.text) for finding in examine.examine(path)]


def change(path):
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)


def content(folder):
  """Everything below a folder, with times."""
  return {path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
          for path in folder.rglob('*')}


def unfinish(run, *members):
  """As if the run had been killed before these members were tested."""
  checksums.Sealed(run).forget([run_folder.RESULT])
  for member in members:
    checksums.Sealed(run / 'members' / member).forget([outcome.MEMBER])


# Folders.


def test_whole_datasets_are_ok(data_dir):
  for corpus, number in (('emodb', 60), ('iemocap', 140)):
    assert said(data_dir / corpus) == [
      (OK, str(data_dir / corpus / config / '1.0.0'),
       f'{number} utterances, 0 excluded; as it was built') for config in prepare.configs(corpus)]


def test_a_dataset_is_found_from_any_folder(data_dir):
  folder = data_dir / 'iemocap/base/1.0.0'
  for path in (folder, folder.parent):
    assert [what for _, what, _ in said(path)] == [str(folder)]


def test_a_relative_path_will_do(data_dir, monkeypatch):
  folder = data_dir / 'iemocap/base/1.0.0'
  monkeypatch.chdir(folder)
  assert said(pathlib.Path('.')) == said(pathlib.Path('../1.0.0')) == said(folder)


def test_each_damaged_file_of_a_dataset_is_listed(data):
  folder = data / 'iemocap/base/1.0.0'
  change(folder / 'counts.json')
  (folder / 'index.parquet').unlink()
  mend = ('Build it again: python -m data_builders.build iemocap/base --manual_dir '
          f'FOLDER-OF-THE-RELEASE --data_dir {data}; or restore it from a copy')
  assert said(folder) == [
    (WRONG, str(folder / 'counts.json'), f'is not as it was written. {mend}'),
    (WRONG, str(folder / 'index.parquet'), f'is missing. {mend}')]


def test_of_a_damaged_shard_it_is_told_what_is_lost(data):
  folder = data / 'iemocap/logmel_mat/1.0.0'
  ids = prepared.read_index(folder)['id'].tolist()
  shard, = folder.glob('*.array_record*')
  shard.unlink()
  (state, what, text), = said(folder)
  assert (state, what) == (WRONG, str(shard))
  assert text == (
    f'is missing. 140 of 140 utterances are lost: {", ".join(ids[:8])} and 132 more. Build it '
    f'again: python -m data_builders.build iemocap/logmel_mat --data_dir {data}; or restore it '
    'from a copy')


@pytest.mark.parametrize('broken', ['missing', 'changed'])
def test_a_dataset_without_its_seal_is_wrong(data, broken):
  seal = data / 'emodb/base/1.0.0/checksums.json'
  if broken == 'missing':
    seal.unlink()
  else:
    seal.write_text(seal.read_text().replace('a', 'b'))
  state, what, text = next(line for line in said(data) if line[0] != OK)
  assert state == WRONG and what == str(seal.parent if broken == 'missing' else seal)
  assert 'Build it again: python -m data_builders.build emodb/base --manual_dir' in text
  assert [line[0] for line in said(data)].count(WRONG) == 1


def test_a_feature_of_another_base_is_wrong(data):
  folder = data / 'iemocap/base/1.0.0'
  about = files.read_json(folder / prepared.METADATA) | {'fingerprint': 'another'}
  checksums.Sealed(folder).write_json(prepared.METADATA, about)
  assert [(state, text.partition('.')[0]) for state, _, text in said(data / 'iemocap')] == [
    (OK, '140 utterances, 0 excluded; as it was built'),
    (WRONG, 'was computed from another build of base')]


def test_builds_that_were_killed_or_are_running_are_noted(data):
  parent = data / 'iemocap/base'
  (parent / 'incomplete.new/iemocap/base/1.0.0').mkdir(parents=True)
  shutil.copy(parent / '1.0.0/index.parquet', parent / 'incomplete.new/iemocap/base/1.0.0')
  assert said(parent)[1] == (
    NOTE, str(parent / 'incomplete.new'), 'is left of a build that was killed; the next one of '
    'iemocap/base clears it away')
  with open(parent / '.lock') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert said(parent)[1][2] == 'is being built'


def test_a_finished_run_is_ok(run):
  assert said(run) == [
    (OK, str(run), 'finished, 2 members; 15 files and 4 checkpoints, as written')]
  assert said(run.parent) == said(run)


@pytest.mark.parametrize('name', ['config.json', 'run.json', 'result.json',
                                  'members/session1-seed0/metrics.jsonl',
                                  'members/session1-seed0/member.json',
                                  'members/session2-seed0/fitted_select/fitted.npz',
                                  'members/session2-seed0/predictions_emotion_test.csv'])
@pytest.mark.parametrize('how', ['changed', 'missing'])
def test_each_damaged_file_of_a_run_is_listed(run, name, how):
  if how == 'missing':
    (run / name).unlink()
  else:
    change(run / name)
  wrong = [(what, text) for state, what, text in said(run) if state == WRONG]
  does = 'is missing' if how == 'missing' else 'is not as it was written'
  assert wrong == [(str(run / name), f'{does}. Restore it from a copy; without one, delete the run '
                                     'and give its command again')]


def test_a_damaged_seal_of_a_run_is_wrong(run):
  change(run / 'checksums.json')
  assert [(state, what) for state, what, _ in said(run)] == [(WRONG, str(run / 'checksums.json'))]
  (run / 'checksums.json').unlink()
  (state, what, text), = said(run)
  assert (state, what) == (WRONG, str(run)) and text.startswith('has no checksums.json')


def test_a_damaged_checkpoint_is_named_with_the_one_that_serves(run):
  folder = run / 'members/session2-seed0/checkpoints_select'
  first, last = sorted(int(path.stem) for path in folder.glob('*.json'))
  for path in sorted((folder / str(last) / 'params').rglob('*')):
    if path.is_file() and path.stat().st_size:
      change(path)
      break
  state, what, text = said(run)[0]
  assert (state, what) == (WRONG, str(folder / str(last)))
  assert 'is not as it was written' in text
  assert text.endswith(f'. The run goes on from step {first} instead')
  assert said(run)[1][2].startswith('finished, 2 members; 15 files and 4 checkpoints, damaged')
  shutil.rmtree(folder / str(first) / 'params')
  texts = [text for state, _, text in said(folder) if state == WRONG]
  assert len(texts) == 2 and 'is missing' in texts[0]
  assert all(text.endswith('None there is whole: restore one from a copy, or delete that folder to '
                           'begin again') for text in texts)


def test_an_unfinished_run_goes_on_after_its_last_checkpoint(run):
  unfinish(run, 'session2-seed0')
  folder = run / 'members/session2-seed0/checkpoints_select'
  last = max(int(path.stem) for path in folder.glob('*.json'))
  (state, what, text), = said(run)
  assert (state, what) == (NOTE, str(run))
  assert text.startswith('not finished, 1 of 2 members are; run its command again: it goes on '
                         f'after step {last}; ')
  shutil.rmtree(folder)
  assert 'run its command again: it begins anew; ' in said(run)[0][2]
  unfinish(run, 'session1-seed0')
  assert said(run)[0][2].startswith('not finished, 0 of 2 members are; ')


def test_a_run_in_use_is_left_alone(run):
  with open(run / run_folder.LOCK, 'a+') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.write('emojax.main, process 7 on there')
    lock.flush()
    (run / 'result.json').write_text('half')
    assert said(run) == [(NOTE, str(run), 'is in use by emojax.main, process 7 on there; ask again '
                                          'when it has ended')]
    lock.truncate(0)


@pytest.mark.parametrize('part, expected', [
  ('members', '12 files and 4 checkpoints'),
  ('members/session1-seed0', '6 files and 2 checkpoints'),
  ('members/session1-seed0/checkpoints_select', '0 files and 2 checkpoints'),
  ('members/session1-seed0/fitted_select', '2 files and 0 checkpoints')])
def test_parts_of_a_run_are_verified(run, part, expected):
  assert said(run / part) == [(OK, str(run / part), f'{expected}, as written')]
  path = next(path for path in sorted((run / part).rglob('*')) if path.suffix in ('.npz', '.ocdbt'))
  change(path)
  assert any(state == WRONG for state, _, _ in said(run / part))


def test_a_single_file_is_held_against_the_seal_beside_it(run):
  path = run / 'result.json'
  assert said(path) == [(OK, str(path), 'as it was written')]
  change(path)
  assert said(path) == [(WRONG, str(path), 'is not as it was written. python -m emojax.doctor '
                                           f'{run} says what to do')]


@pytest.mark.parametrize('name, model', [
  ('ckpt_tiny_mat/best44.44444444444444_1.pkl', 'mat'),
  ('ckpt_tiny_mnt/legacy_best11.11111111111111_4.pkl', 'mnt')])
def test_an_originals_checkpoint_is_answered_with_the_command(name, model, tmp_path):
  (state, _, text), = said(GOLDEN / name)
  assert state == OK
  assert f'python -m emojax.convert --model={model} {GOLDEN / name} --out=' in text
  damaged = tmp_path / 'best1_1.pkl'
  damaged.write_bytes((GOLDEN / name).read_bytes()[:2000])
  (state, _, text), = said(damaged)
  assert state == WRONG and text.endswith('Restore it from a copy')


def test_a_bundle_is_answered_with_the_command_too(tmp_path):
  path = GOLDEN.parent / 'mdre/ckpt/pt_text_model.index'
  (state, _, text), = said(path)
  assert state == OK
  assert f'of TextModel; python -m emojax.convert --model=fme_text {path} --out=' in text
  (tmp_path / path.name).write_bytes(path.read_bytes())
  data = tmp_path / 'pt_text_model.data-00000-of-00001'
  data.write_bytes(path.with_name(data.name).read_bytes()[:-1])
  (state, _, text), = said(tmp_path / path.name)
  assert state == WRONG and 'it was cut off' in text
  (state, _, text), = said(tf_checkpoints.write(tmp_path, {'a': [1.5]}).with_suffix('.index'))
  assert (state, text.split(',')[0]) == (NOTE, 'a TensorFlow checkpoint that can be read')


def test_other_pickles_and_files(tmp_path):
  assert said(GOLDEN / 'ckpt_tiny_mat/token_to_ix.pkl')[0][0] == NOTE
  (tmp_path / 'notes.txt').write_text('milk')
  (state, _, text), = said(tmp_path / 'notes.txt')
  assert (state, text) == (WRONG, 'is no file of emojax. Name a folder of it, or a checkpoint')
  assert said(tmp_path)[0][2].startswith('nothing of emojax is here; it holds: notes.txt. ')
  assert said(tmp_path / 'absent') == [
    (WRONG, str(tmp_path / 'absent'), 'does not exist. Look for a slip in the path')]


def test_what_the_disk_does_not_give_back_is_wrong(run, monkeypatch):
  def broken(path):
    raise OSError(5, 'Input/output error')

  monkeypatch.setattr(checksums, 'of_file', broken)
  assert said(run) == [(WRONG, str(run), 'cannot be read (Input/output error). Look who may read '
                                         'it, and whether the disk is well')]


def test_names_are_those_of_a_run_folder():
  assert examine.CONFIG == run_folder.CONFIG and examine.LOCK == run_folder.LOCK
  assert examine.RUN_MARKS == (checksums.SEAL, run_folder.RUN, run_folder.IMPORTED)


def test_nothing_is_written(run, data):
  unfinish(run, 'session2-seed0')
  change(data / 'iemocap/base/1.0.0/counts.json')
  before = content(run.parent)
  assert doctor.main([str(run.parent), str(run), str(data / 'iemocap')]) == 1
  assert content(run.parent) == before


def test_a_dataset_is_examined_without_jax_and_tfds(data_dir):
  program = ('import sys; from emojax import doctor; code = doctor.main(sys.argv[1:]); '
             'print(code, {"jax", "tensorflow_datasets", "orbax"} & set(sys.modules))')
  ended = subprocess.run([sys.executable, '-c', program, str(data_dir / 'iemocap')], check=True,
                         cwd=ROOT, capture_output=True, text=True)
  assert ended.stdout.splitlines()[-2:] == [
    'nothing is wrong; 2 ok, 0 to note', '0 set()']


# The machine.


def line(finding):
  return finding.state, finding.text


@pytest.mark.parametrize('version, state', [
  ((3, 10, 9), WRONG), ((3, 11, 0), OK), ((3, 12, 4), OK), ((3, 13, 9), OK), ((3, 14, 0), WRONG)])
def test_python(version, state):
  finding = machine.python(version)
  assert finding.state == state
  if state == WRONG:
    assert 'emojax needs 3.11 to 3.13' in finding.text and 'launch/setup.sh' in finding.text


def test_python_is_what_the_package_says():
  project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
  (_, first), (_, after) = machine.PYTHON
  assert project['requires-python'] == f'>=3.{first},<3.{after}'


def test_packages(monkeypatch):
  first, *_ = machine.packages()
  assert line(first)[0] == OK
  versions = {'numpy': '1.26.0', 'flax': ''}
  real = machine.installed
  monkeypatch.setattr(machine, 'installed', lambda name: versions.get(name, real(name)))
  first, lock = machine.packages()
  assert first.state == WRONG and lock.state == NOTE
  assert 'numpy is 1.26.0, needed >=2.0' in first.text and 'flax is absent, needed' in first.text
  assert 'bash' in first.text and 'launch/setup.sh' in first.text
  assert 'numpy 1.26.0 (lock: ' in lock.text and 'flax absent (lock: ' in lock.text


def test_a_machine_without_emojax_installed(monkeypatch):
  def absent(name):
    raise machine.importlib.metadata.PackageNotFoundError(name)

  monkeypatch.setattr(machine.importlib.metadata, 'requires', absent)
  monkeypatch.setattr(machine.importlib.metadata, 'metadata', absent)
  found, = machine.packages()
  assert found.state == WRONG and found.text.startswith('emojax is not installed. Run bash ')
  assert list(machine.extras()) == []


def test_extras_are_known_and_named(monkeypatch):
  found = {finding.what: finding for finding in machine.extras()}
  assert set(found) == set(machine.EXTRAS)
  assert found['dev'].state == OK
  monkeypatch.setattr(machine, 'installed', {'jax': '0.10.2'}.get)
  found = {finding.what: finding for finding in machine.extras()}
  assert line(found['cuda'])[0] == NOTE
  assert "pip install -e '.[cuda]'" in found['cuda'].text
  assert 'torch' in found['parity'].text and 'PyTorch' in found['parity'].text
  assert 'pytest, pytest-xdist' in found['dev'].text


def answered(code=0, out='', err=''):
  return lambda *args, **kwargs: subprocess.CompletedProcess(args, code, out, err)


def test_devices_are_those_that_jax_sees():
  found = machine.devices()  # 8 by tests/conftest.py
  assert line(found) == (OK, '8 cpu (cpu)')


@pytest.mark.parametrize('said, expected', [
  ([['gpu', 'NVIDIA H200', 150e9]] * 4, '4 gpu (NVIDIA H200, 150.0 GB each)'),
  ([['tpu', 'TPU v5', None], ['tpu', 'TPU v5', None]], '2 tpu (TPU v5)')])
def test_devices_of_one_kind_are_counted(said, expected, tmp_path):
  assert line(machine.devices(answered(out=f'a warning\n{json.dumps(said)}\n'), tmp_path)) == (
    OK, expected)


def test_a_device_that_jax_does_not_use_is_wrong(tmp_path, monkeypatch):
  (tmp_path / 'nvidia0').touch()
  cpu = answered(out='[["cpu", "cpu", null]]')
  monkeypatch.delenv('JAX_PLATFORMS')
  found = machine.devices(cpu, tmp_path)
  assert found.state == WRONG and 'but this machine has NVIDIA GPUs' in found.text
  assert "pip install -e '.[cuda]'" in found.text
  monkeypatch.setenv('JAX_PLATFORMS', 'cpu')
  assert machine.devices(cpu, tmp_path).state == OK


def test_jax_that_fails_or_hangs_is_wrong():
  found = machine.devices(answered(1, err='Traceback ...\nRuntimeError: no backend cuda'))
  assert found.state == WRONG and found.text.startswith('RuntimeError: no backend cuda. Look at')
  assert machine.devices(answered(-11)).text.startswith('status -11. ')

  def hangs(*args, timeout, **kwargs):
    raise subprocess.TimeoutExpired(args, timeout)

  assert machine.devices(hangs).text.startswith(f'jax found none in {machine.PATIENCE} s. ')


@pytest.mark.parametrize('environ, expected', [
  ({}, (OK, 'one; nothing in the environment says otherwise')),
  ({'SLURM_JOB_ID': '9', 'SLURM_PROCID': '1'},
   (NOTE, 'variables of Slurm: SLURM_JOB_ID, SLURM_PROCID')),
  (dict.fromkeys(['OMPI_A', 'OMPI_B', 'OMPI_C', 'OMPI_D', 'OMPI_E'], 'secret'),
   (NOTE, 'variables of Open MPI: OMPI_A, OMPI_B, OMPI_C, OMPI_D and 1 more')),
  (dict.fromkeys(machine.OWN, '1'),
   (NOTE, 'variables of ours: EMOJAX_COORDINATOR, EMOJAX_NUM_PROCESSES, EMOJAX_PROCESS_ID')),
  ({'EMOJAX_PROCESS_ID': '1'},
   (WRONG, 'EMOJAX_PROCESS_ID set, EMOJAX_COORDINATOR, EMOJAX_NUM_PROCESSES not. Set all three or '
           'none'))])
def test_processes(environ, expected):
  assert line(machine.processes(environ)) == expected


def test_memory(tmp_path):
  (tmp_path / 'proc').mkdir()
  (tmp_path / 'proc/meminfo').write_text(
    'MemTotal:       16000000 kB\nMemFree:  100 kB\nMemAvailable:    8000000 kB\nHugePages: 0\n')
  assert line(machine.memory(tmp_path)) == (OK, '8.2 GB free of 16.4 GB')
  group = tmp_path / 'sys/fs/cgroup'
  group.mkdir(parents=True)
  (group / 'memory.max').write_text('max\n')
  (group / 'memory.current').write_text('1500000000\n')
  assert line(machine.memory(tmp_path)) == (OK, '8.2 GB free of 16.4 GB')
  (group / 'memory.max').write_text('2500000000\n')
  assert line(machine.memory(tmp_path)) == (NOTE, 'little: 1.0 GB free of 2.5 GB')
  assert machine.memory(tmp_path / 'elsewhere').state == NOTE


def test_disk(tmp_path):
  found = machine.disk(tmp_path)
  assert found.state in (OK, NOTE) and str(tmp_path) in found.text


def test_datasets_of_the_default_folder(data_dir, tmp_path, monkeypatch):
  monkeypatch.setenv('TFDS_DATA_DIR', str(data_dir))
  found, = machine.datasets()
  assert found.state == OK and 'iemocap/base/1.0.0, iemocap/logmel_mat/1.0.0' in found.text
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path))
  found, = machine.datasets()
  assert found.state == NOTE and f'none in {tmp_path}' in found.text


def test_the_program(capsys, monkeypatch):
  monkeypatch.setattr(machine, 'devices', lambda: machine.findings.ok('devices', '1 cpu'))
  assert doctor.main([]) in (0, 1)
  *lines, last = capsys.readouterr().out.splitlines()
  assert [text[7:19].strip() for text in lines] == [
    'python', 'packages', 'lock', *machine.EXTRAS, 'devices', 'processes', 'memory', 'disk',
    'datasets']
  assert all(text[:7].strip() in (OK, NOTE, WRONG) for text in lines)
  assert last.endswith(' to note')


def test_the_last_line_counts_and_the_status_tells(capsys, tmp_path):
  assert doctor.main([str(tmp_path / 'absent'), str(tmp_path)]) == 1
  assert capsys.readouterr().out.splitlines()[-1] == '2 wrong; 0 ok, 0 to note'
