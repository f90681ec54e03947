"""Original checkpoints through what a user calls: converted, scored, trained on."""

import contextlib
import json
import pathlib
import pickle
import shlex
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest

from configs import iemocap_mat
from emojax import convert
from emojax.io import parameters, torch_files
from emojax.models import mat
from emojax.train import finished, group_run, loop
from tests import light
from tests.parity import mat_checkpoint as golden

ROOT = pathlib.Path(__file__).parents[1]
GOLDEN = ROOT / 'tests/golden/mat'
DATA = GOLDEN / 'fixture/data'
MAT = GOLDEN / 'ckpt_tiny_mat/best44.44444444444444_2.pkl'
MNT = GOLDEN / 'ckpt_tiny_mnt/best11.11111111111111_4.pkl'


def converted(paths, *args, **changes):
  with contextlib.chdir(ROOT):
    return convert.convert(list(map(str, paths)), *args, **changes)


def without_key_type(state):
  """The state, its key as the integers that it is."""
  return state.replace(key=jax.random.key_data(state.key))


def program(command):
  """What a command of ours prints."""
  words = shlex.split(command.replace('\\\n', ' '))
  assert words[0] == 'python'
  done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, cwd=ROOT,
                        timeout=300, check=False, env=light.environment())
  assert done.returncode == 0, done.stderr
  return done.stdout


def test_what_is_printed_is_what_to_do_next(tmp_path):
  out = tmp_path / 'run'
  said = program(f'python -m emojax.convert --model=mnt {MNT} --out={out}')
  assert "model.hidden=8 (there 512)" in said and 'step 4, validation accuracy 0.1111' in said
  assert '47 rows' in said and 'Other than in configs/iemocap_mnt.py:processed,as_publi' in said
  said = said.replace('=DATA', f'={DATA}')
  score, train = said.split('Score it:')[1].split('Train it on:')
  report = program(score)
  assert 'iemocap/session1_as_published, fold session1, seed 4: emotion on test' in report
  assert 'wa           0.1111' in report  # `ensemble_tiny_mnt.json`: 11.11 %

  report = program(train)
  assert 'session1-seed4: goes on after step 4' in report and 'holds result.json' in report
  member = out / 'members/session1-seed4'
  lines = [json.loads(line) for line in (member / 'metrics.jsonl').read_text().splitlines()]
  assert [line['step'] for line in lines][:2] == [8, 12] and lines[0]['learning_rate'] == 0.003
  opened = finished.open_run(out)
  assert opened.config.data.path == str(DATA) and 'emotion on test' in opened.report('test')


@pytest.mark.slow
def test_all_containers_give_the_same_run(tmp_path):
  runs = []
  for number, form in enumerate(('', 'legacy_', 'cuda_legacy_', 'cuda_zip_')):
    path = tmp_path / str(number) / MNT.name  # the name tells the accuracy
    path.parent.mkdir()
    shutil.copy(MNT.with_name(form + MNT.name), path)
    converted([path], 'mnt', str(tmp_path / f'run{number}'), str(MNT.parent / 'token_to_ix.pkl'))
    runs.append(finished.open_run(tmp_path / f'run{number}'))
  [member] = runs[0].members
  step, state, meta = golden.restored(runs[0], member)
  assert meta['members'][0]['progress']['best'] == 1 / 9
  for run in runs[1:]:
    assert run.config.to_dict() == runs[0].config.to_dict()
    other_step, other, other_meta = golden.restored(run, member)
    assert (other_step, other_meta) == (step, meta)
    jax.tree.map(
      np.testing.assert_array_equal, without_key_type(other), without_key_type(state))


def test_training_goes_on_as_if_it_had_been_ours(authors_dir, tmp_path, monkeypatch):
  """A run of ours, written down after its first epoch as the original would have done it."""
  name = 'configs/iemocap_mat.py:processed,as_published'
  config = iemocap_mat.get_config('processed,as_published')
  config.update_from_flattened_dict({
    'data.path': str(authors_dir), 'members.seeds': '7,', 'mesh.data': 1, 'train.num_epochs': 3,
    'checkpoint.every_seconds': 0.0, 'checkpoint.keep': 9, 'model.hidden': 8,
    'model.feed_forward': 12, 'model.num_layers': 1, 'model.num_heads': 2, 'batch.size': 16,
    'streams.text.width': 12, 'streams.text.vectors': 'random', 'optim.learning_rate': 3e-3,
    'optim.clip_norm': 1.0, 'control.decay': 0.5, 'control.decay_times': 1})
  loop.train_and_evaluate(config, tmp_path / 'ours')
  ours = finished.open_run(tmp_path / 'ours')
  [member] = ours.members
  folder = ours.folder.member(member.name)
  lines = [json.loads(line) for line in (folder / 'metrics.jsonl').read_text().splitlines()]
  kept = folder / 'checkpoints_select'
  for line in lines[1:]:
    (kept / f'{line["step"]}.json').unlink()  # what was not finished does not count
  step, state, _ = golden.restored(ours, member)
  assert step == lines[0]['step'] and lines[0]['action'] == 'save_best'

  state = jax.tree.map(lambda x: np.asarray(x[0]), without_key_type(state))
  adam = state.opt_state[1]
  content = torch_files.load(MAT)
  names = {key: next(iter(parameters.rename({key: np.zeros(())}, mat.FROM_TORCH)))
           for key in content['state_dict']}

  def theirs(tree):
    flat = parameters.flatten(tree)
    return {key: flat[path].T if path.endswith('kernel') else flat[path]
            for key, path in names.items()}

  moments = theirs(adam.mu), theirs(adam.nu)
  content['state_dict'] = theirs(state.params)
  content['optimizer']['state'] = {number: {
    'step': np.float32(adam.count), 'exp_avg': moments[0][key], 'exp_avg_sq': moments[1][key]}
    for number, key in enumerate(names)}
  content['args'].state.update(
    seed=7, batch_size=16, max_epoch=3, grad_norm_clip=1.0, lr_decay=0.5, lr_decay_times=1,
    dropout_r=0.1, dropout_o=0.5, name='ours')
  path = tmp_path / f'best{100 * lines[0]["valid/emotion/wa"]}_7.pkl'
  path.write_bytes(b'')
  fitted = json.loads((folder / 'fitted_select/fitted.json').read_text())
  (tmp_path / 'token_to_ix.pkl').write_bytes(pickle.dumps(fitted['vocabulary']))
  monkeypatch.setattr(torch_files, 'load', lambda _: content)
  config = config.copy_and_resolve_references()
  out = tmp_path / 'imported'
  converted([path], 'mat', str(out), name=name, config=config)
  loop.train_and_evaluate(config, out)
  expected = (folder / 'metrics.jsonl').read_text().splitlines()[1:]
  assert (out / 'members' / member.name / 'metrics.jsonl').read_text().splitlines() == expected


@pytest.mark.slow
def test_prepared_records_are_scored_and_trained_on_too(data_dir, tmp_path):
  config = iemocap_mat.get_config('as_published')
  config.data.path, config.mesh.data = str(data_dir), 1
  out = tmp_path / 'run'
  said = converted([MAT], 'mat', str(out), name='configs/iemocap_mat.py:as_published',
                   config=config)
  assert f'--config.data.path={data_dir}' in said and '--config.mesh.data=1' in said
  loop.predict_again(config, out, 'valid', None)
  assert 'emotion on valid' in finished.open_run(out).report('valid')
  config.train.num_epochs = 2
  loop.train_and_evaluate(config, out)
  member = out / 'members/session1-seed2'
  first = json.loads((member / 'metrics.jsonl').read_text().splitlines()[0])
  assert first['step'] > 4 and first['epoch'] == 1  # the rest of an epoch that is longer here
  fitted = json.loads((member / 'fitted_select/fitted.json').read_text())
  assert fitted['source'] == 'token_to_ix.pkl of the original'


def test_old_predictions_go_when_training_goes_on(tmp_path, monkeypatch):
  out = tmp_path / 'run'
  converted([MNT], 'mnt', str(out))
  config = finished.open_run(out).config
  config.mesh.data = 1
  loop.predict_again(config, out, 'test', str(DATA))
  predictions = out / 'members/session1-seed4/predictions_emotion_test.csv'
  assert predictions.is_file()

  class Stop(Exception):
    pass

  def stop(self):
    raise Stop

  monkeypatch.setattr(group_run.GroupRun, 'train', stop)
  with pytest.raises(Stop):
    loop.train_and_evaluate(config, out)
  assert not predictions.exists()


@pytest.mark.parametrize('paths, model, message', [
  ([MAT], 'mta', r"--model='mta'; there are: mat, mnt"),
  ([MAT], 'mnt', 'Model_MAT, but --model=mnt'),
  ([MAT, MAT.with_name(f'legacy_{MAT.name}')], 'mat', 'have both seed 2'),
  ([GOLDEN / 'ckpt_tiny_mat/token_to_ix.pkl'], 'mat', 'is no PyTorch checkpoint'),
])
def test_bad_input_is_answered_before_anything_is_written(tmp_path, paths, model, message):
  with pytest.raises(ValueError, match=message):
    converted(paths, model, str(tmp_path / 'run'))
  assert not list(tmp_path.iterdir())


def test_the_experiment_is_looked_for_in_configs(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  with pytest.raises(ValueError, match=r'configs/iemocap_mat.py is no Python file; run this where'):
    convert.convert([str(MAT)], 'mat', str(tmp_path / 'run'))
