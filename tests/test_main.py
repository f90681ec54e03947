"""From prepared records to a result and back again, through what a user calls."""

import dataclasses
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from configs import iemocap_mat, iemocap_mat_clean
from emojax.data import source
from emojax.train import finished, group_run, loop, run_folder
from emojax.train.writers import MetricsLog
from tests import light

ROOT = pathlib.Path(__file__).parents[1]


def _config(data_dir, module=iemocap_mat_clean, **changes):
  config = light.light(module.get_config('tiny'))
  config.data.path = str(data_dir)
  config.members.folds = '0'
  config.checkpoint.every_seconds = 0.0
  config.mesh.data = 1  # compiling for eight takes long; tests/train/test_step.py compares them
  config.update_from_flattened_dict(changes)
  return config


@pytest.fixture(scope='module')
def run(data_dir, tmp_path_factory):
  """A finished run of two folds, and what it printed."""
  workdir = tmp_path_factory.mktemp('runs') / 'run'
  config = _config(data_dir, **{'members.folds': '0,1'})
  return workdir, config, loop.train_and_evaluate(config, workdir)


def test_a_run_folder_describes_itself(run):
  workdir, _, report = run
  rows = json.loads((workdir / 'result.json').read_text())
  pooled = {row['metric']: row for row in rows if row['fold'] == 'pooled'}
  assert set(pooled) == {'wa', 'ua', 'f1_macro', 'f1_weighted', 'ece'}
  assert pooled['wa']['k'] == 4 and pooled['wa']['unit'] == 'speaker'
  low, high = pooled['wa']['ci95']
  assert 0 <= low <= pooled['wa']['value'] <= high <= 1
  assert '4 speakers' in report and 'says nothing about human emotion' in report
  described = json.loads((workdir / 'run.json').read_text())
  assert described['versions']['jax'] and described['dataset'] and described['members']
  member = workdir / 'members/session1-seed0'
  fitted = json.loads((member / 'fitted_select/fitted.json').read_text())
  assert fitted['source'] == 'iemocap/loso5 session1 train'
  stored = ''.join(p.read_text() for p in member.glob('*.csv'))
  assert stored.startswith('id,unit,fold,seed,label,logit_neutral,')


def test_the_pooled_score_is_the_score_of_all_predictions(run):
  workdir, _, _ = run
  hits = []
  for path in sorted(workdir.glob('members/*/predictions_emotion_test.csv')):
    header, *lines = path.read_text().splitlines()
    names = [name.removeprefix('logit_') for name in header.split(',')[5:9]]
    for line in lines:
      cells = line.split(',')
      hits.append(names[np.argmax([float(x) for x in cells[5:9]])] == cells[4])
  rows = json.loads((workdir / 'result.json').read_text())
  wa = next(r for r in rows if r['fold'] == 'pooled' and r['metric'] == 'wa')
  assert wa['n'] == len(hits) and wa['value'] == pytest.approx(np.mean(hits))


def test_a_finished_run_says_that_it_is_done(run, capsys):
  workdir, config, report = run
  before = {p: p.stat().st_mtime_ns for p in workdir.rglob('*.csv')}
  assert loop.train_and_evaluate(config, workdir) == report
  assert capsys.readouterr().out.count('done before') == 2
  assert before == {p: p.stat().st_mtime_ns for p in workdir.rglob('*.csv')}


def test_evaluate_reports_every_part(run):
  workdir, config, report = run
  opened = finished.open_run(workdir)
  assert opened.report('test') == report
  assert not opened.needs_predictions('valid') and opened.needs_predictions('train')
  loop.predict_again(config, workdir, 'train', None)
  assert not opened.needs_predictions('train')
  assert 'emotion on train' in opened.report('train')
  with pytest.raises(ValueError, match='there are: train, valid, test'):
    opened.needs_predictions('dev')


def test_without_checkpoints_nothing_is_predicted(run, tmp_path):
  workdir, config, _ = run
  shutil.copytree(workdir, tmp_path / 'run')
  for folder in (tmp_path / 'run').glob('members/*/checkpoints_*'):
    shutil.rmtree(folder)
  for path in (tmp_path / 'run').rglob('predictions_*_train.csv'):
    path.unlink()
  with pytest.raises(ValueError, match='there is no checkpoint of .* to predict train with'):
    loop.predict_again(config, str(tmp_path / 'run'), 'train', None)
  assert not list(tmp_path.rglob('predictions_*_train.csv'))


def test_three_epochs_a_stop_and_three_more_equal_six(data_dir, tmp_path, monkeypatch):
  """An error in the middle of the fourth epoch, then the same command: equal bit for bit."""
  config = _config(data_dir, iemocap_mat, **{'train.num_epochs': 6})
  loop.train_and_evaluate(config, tmp_path / 'whole')

  class Stop(Exception):
    pass

  write = MetricsLog.write
  def stop_after_three(self, step, values):
    if values['phase'] == 'select' and self.path.name == 'metrics.jsonl' and values['epoch'] > 3:
      raise Stop
    write(self, step, values)

  monkeypatch.setattr(MetricsLog, 'write', stop_after_three)
  with pytest.raises(Stop):
    loop.train_and_evaluate(config, tmp_path / 'stopped')
  monkeypatch.setattr(MetricsLog, 'write', write)
  loop.train_and_evaluate(config, tmp_path / 'stopped')
  assert light.result(tmp_path / 'stopped') == light.result(tmp_path / 'whole')
  last = [max((tmp_path / run / 'members/session1-seed0/checkpoints_select').glob('*.json'),
              key=lambda p: int(p.stem)) for run in ('whole', 'stopped')]
  assert last[0].stem == last[1].stem


@pytest.mark.parametrize('changes', [
  {'refit': True}, pytest.param(
    {'members.seeds': '2', 'members.mode': 'vmap'}, marks=pytest.mark.slow)])
def test_stopped_within_epochs_again_and_again_it_ends_the_same(data_dir, tmp_path, changes):
  config = _config(data_dir, iemocap_mat, **{'batch.size': 8, 'train.num_epochs': 2, **changes})
  loop.train_and_evaluate(config, tmp_path / 'whole')
  config.checkpoint.every_steps = 4
  assert light.stopped_every(config, tmp_path / 'stopped', steps=7) > 1
  whole, stopped = light.result(tmp_path / 'whole'), light.result(tmp_path / 'stopped')
  for files in whole, stopped:
    del files['config.json']
  assert stopped == whole


def test_what_happened_in_the_log_since_the_checkpoint_is_found_out(data_dir, tmp_path):
  config = _config(data_dir, iemocap_mat, **{'train.num_epochs': 4, 'batch.size': 4})
  asked = itertools.count(1)
  with pytest.raises(group_run.Stopped, match='saved'):
    loop.train_and_evaluate(config, tmp_path / 'run', lambda: next(asked) == 20)
  log = tmp_path / 'run/members/session1-seed0/metrics.jsonl'
  log.write_text(log.read_text().replace('"epoch": 1.0', '"epoch": 7.0'))
  with pytest.raises(ValueError, match='metrics.jsonl is not as it was written'):
    loop.train_and_evaluate(config, tmp_path / 'run')


def test_a_folder_in_use_is_refused_by_name_and_number(data_dir, tmp_path):
  config = _config(data_dir)
  with run_folder.RunFolder(tmp_path / 'run').alone():
    with pytest.raises(ValueError, match=rf'run is in use by .*, process {os.getpid()} on'):
      loop.train_and_evaluate(config, tmp_path / 'run')
  assert not (tmp_path / 'run').exists()


def _ids(workdir, member, part):
  table = (workdir / f'members/{member}-seed0/predictions_emotion_{part}.csv').read_text()
  return {line.partition(',')[0] for line in table.splitlines()[1:]}


def test_a_bad_batch_is_named_or_left_out(run, data_dir, tmp_path, monkeypatch):
  """One utterance of the training part has features that are not finite."""
  seen = _ids(run[0], 'session1', 'valid') | _ids(run[0], 'session1', 'test')
  bad = min((_ids(run[0], 'session2', 'valid') | _ids(run[0], 'session2', 'test')) - seen)
  feature = source.Corpus.feature

  def broken(self, wanted):
    found = feature(self, wanted)
    row, = np.flatnonzero(self.index['id'] == bad)
    return dataclasses.replace(
      found, read=lambda at: found.read(at) * (np.nan if at == row else np.float32(1)))

  monkeypatch.setattr(source.Corpus, 'feature', broken)
  changes = {'train.num_epochs': 2, 'streams.audio.normalise': 'none', 'batch.size': 8,
             'batch.sampler': 'shuffle_once'}
  report = loop.train_and_evaluate(_config(data_dir, iemocap_mat, **changes), tmp_path / 'stop')
  assert 'Given up' in report and 'the first bad batch was that of step' in report
  config = _config(data_dir, iemocap_mat, **changes, **{'guard.action': 'skip'})
  assert 'Given up' not in loop.train_and_evaluate(config, tmp_path / 'skip')
  skipped = json.loads(
    (tmp_path / 'skip/members/session1-seed0/skipped_select.json').read_text())
  assert len(skipped) == 2 and all(bad in ids for ids in skipped.values())  # one an epoch
  assert light.stopped_every(config, tmp_path / 'stopped', steps=5) > 1
  assert light.result(tmp_path / 'stopped') == light.result(tmp_path / 'skip')
  config.guard.most_skips = 1
  assert 'Given up' in loop.train_and_evaluate(config, tmp_path / 'few')


def test_refit_trains_on_validation_too_for_the_epochs_found(data_dir, tmp_path):
  config = _config(data_dir, refit=True)
  loop.train_and_evaluate(config, tmp_path / 'run')
  member = tmp_path / 'run/members/session1-seed0'
  lines = [json.loads(line) for line in (member / 'metrics.jsonl').read_text().splitlines()]
  best = max((line for line in lines if line['phase'] == 'select'),
             key=lambda line: line['valid/emotion/wa'])  # the first of equals
  refit = [line for line in lines if line['phase'] == 'refit']
  assert len(refit) == best['epoch']
  assert not any(key.startswith('valid/') for line in refit for key in line)
  fitted = json.loads((member / 'fitted_refit/fitted.json').read_text())
  assert fitted['source'].endswith('train+valid')
  with pytest.raises(ValueError, match='trained on validation too'):
    finished.open_run(tmp_path / 'run').needs_predictions('valid')


def test_reading_as_it_goes_trains_the_same(data_dir, tmp_path):
  for resident in ('always', 'never'):
    loop.train_and_evaluate(
      _config(data_dir, **{'data.resident': resident}), tmp_path / resident)
  resident, streaming = ((tmp_path / name / 'members/session1-seed0/metrics.jsonl').read_text()
                         for name in ('always', 'never'))
  for one, other in zip(resident.splitlines(), streaming.splitlines(), strict=True):
    one, other = json.loads(one), json.loads(other)
    assert one.keys() == other.keys()
    for key, value in one.items():
      expected = pytest.approx(value, rel=1e-5) if isinstance(value, float) else value
      assert other[key] == expected, key


def test_fast_dev_run_saves_nothing(data_dir, tmp_path):
  said = loop.train_and_evaluate(_config(data_dir, fast_dev_run=2), tmp_path / 'run')
  assert 'nothing was saved' in said and not (tmp_path / 'run').exists()


@pytest.mark.parametrize('changes, words', [
  ({'protocol': 'iemocap/loso'}, ["'iemocap/loso'", "did you mean 'iemocap/loso5'"]),
  ({'model.name': 'matt'}, ["config.model.name='matt'", "did you mean 'mat'"]),
  ({'members.folds': '7'}, ['no fold', 'session5']),
  ({'streams.text.vectors': ''}, ['config.streams.text.vectors is empty', 'random']),
  ({'control.metric': 'valence/ccc'}, ['config.control.metric', 'emotion']),
  ({'optim.name': 'adm'}, ["optim.name='adm'", 'adam']),
  ({'data.path': '/nowhere'}, ['python -m data_builders.build iemocap/base', '/nowhere']),
  ({'streams.audio.feature': 'logmel'}, ['iemocap/logmel ', "did you mean 'iemocap/logmel_mat'",
                                         'python -m data_builders.build iemocap/logmel']),
])
def test_bad_input_is_answered(data_dir, tmp_path, changes, words):
  with pytest.raises(ValueError) as error:
    loop.train_and_evaluate(_config(data_dir, **changes), tmp_path / 'run')
  for word in words:
    assert word in str(error.value)
  assert not (tmp_path / 'run').exists()


def test_a_folder_of_another_run_is_refused(run, data_dir):
  workdir, _, _ = run
  message = r'another config \(.*optim.learning_rate: 0.001 there, 0.5 now'
  with pytest.raises(ValueError, match=message):
    loop.train_and_evaluate(
      _config(data_dir, **{'members.folds': '0,1', 'optim.learning_rate': 0.5}), workdir)


def _main(*args, cwd=ROOT):
  return subprocess.run(
    [sys.executable, '-m', 'emojax.main', *args], capture_output=True, text=True,
    cwd=cwd, timeout=300, check=False, env=light.environment())


def test_the_program_says_what_is_wrong_in_a_paragraph(data_dir, tmp_path):
  done = _main('--config=configs/iemocap_mat.py:tiny', '--config.data.path=/nowhere',
               f'--workdir={tmp_path / "run"}')
  assert done.returncode == 1 and 'Traceback' not in done.stderr
  assert 'python -m data_builders.build iemocap/base' in done.stderr
  done = _main('--config=configs/iemocap_mat.py:tiny', '--config.model.hiden=3')
  assert done.returncode and 'hidden' in done.stderr


def test_the_program_runs_the_command_of_the_readme(data_dir, tmp_path):
  done = _main('--config=configs/iemocap_mat.py:tiny', f'--config.data.path={data_dir}',
               f'--workdir={tmp_path / "run"}', '--seed=3', '--config.train.num_epochs=1')
  assert done.returncode == 0, done.stderr
  assert 'iemocap/session1, fold session1, seed 3: emotion on test' in done.stdout
  assert '2 speakers: no useful interval' in done.stdout
