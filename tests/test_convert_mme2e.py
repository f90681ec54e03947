"""MME2E's baselines through what a user calls: the same numbers, then trained on."""

import contextlib
import csv
import json
import pathlib
import pickle
import shutil

import numpy as np
import pytest

from configs import mosei_lf_rnn, mosei_lf_transformer
from emojax import convert
from emojax.io import checksums, pickles
from emojax.metrics import multi_label
from emojax.train import finished, loop, run_folder, thresholds
from tests.data import mme2e_files

ROOT = pathlib.Path(__file__).parents[1]
GOLDEN = ROOT / 'tests/golden/mme2e'
WIDTHS = {'lf_rnn': {'text': 10, 'audio': 8, 'video': 6},
          'lf_transformer': {'text': 8, 'audio': 6, 'video': 10}}
CONFIGS = {'lf_rnn': mosei_lf_rnn, 'lf_transformer': mosei_lf_transformer}
NAME = '{}_tav_Acc_0.71_F1_0.49_AUC_0.75_imginvl500_seed3.pt'.format


def written(root, model):
  """The authors' files of MOSEI with frames as wide as those of the golden checkpoint."""
  return mme2e_files.write(root, {'mosei': WIDTHS[model]})


def converted(folder, model, out):
  path = folder / NAME(model)
  folder.mkdir(parents=True, exist_ok=True)
  shutil.copy(GOLDEN / f'checkpoint_{model}.pt', path)
  config = CONFIGS[model].get_config('tiny')
  config.mesh.data = 1
  with contextlib.chdir(ROOT):
    return convert.convert([str(path)], model, str(out), None, f'configs/mosei_{model}.py:tiny',
                           config)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
  """Model -> (run of its checkpoint, what was printed, data)."""
  found = {}
  for model in WIDTHS:
    root = tmp_path_factory.mktemp(model)
    said = converted(root / 'savings/models', model, root / 'run')
    found[model] = root / 'run', said, written(root / 'data', model)
  return found


@pytest.fixture
def run(made, tmp_path):
  """A copy of a model's run, and its data."""
  def run(model):
    out, _, data = made[model]
    shutil.copytree(out, tmp_path / 'run')
    return tmp_path / 'run', data

  return run


def predict(out, data, part='test'):
  loop.predict_again(finished.open_run(out).config, str(out), part, str(data))
  return finished.open_run(out)


def test_what_is_printed(made):
  said = made['lf_rnn'][1]
  assert '1 imported of LF_RNN, 4,173 parameters each' in said and 'seed 3: ' in said
  assert "members.seeds='3,' (there '1')" in said and 'DATA is the folder of the authors' in said
  assert 'A file has no thresholds: they are found on validation before' in said
  assert 'heads of attention' in made['lf_transformer'][1] and 'feed_forward=24 (there 2048)' in (
    made['lf_transformer'][1])


def test_answers_are_those_of_the_original(run):
  """The frames of a golden case stand for the test part: padded ones, as MOSEI's files have them.

  What LF_RNN reads as padding and what is zeros in a file is the same to it.
  """
  out, data = run('lf_rnn')
  with np.load(GOLDEN / 'lf_rnn_tav.npz') as file:
    arrays = {key: file[key] for key in file if key.startswith(('in/', 'out/'))}
  path = data / 'MOSEI_HCF_FEATURES/mosei_senti_hcf_test.pkl'
  before, ids = path.read_bytes(), pickles.load(path)['id'][:4]
  padded = {'id': ids, 'text': arrays['in/texts']}
  for key, theirs in (('audio', 'audio'), ('vision', 'img')):
    frames, lengths = arrays[f'in/{theirs}_features'], arrays[f'in/{theirs}_lens']
    mask = np.arange(lengths.max()) < lengths[:, None]
    padded[key] = np.zeros((*mask.shape, frames.shape[1]), np.float32)
    padded[key][mask] = frames
  names = data / 'MOSEI_SPLIT/test_split.txt'
  listed = names.read_text()
  try:
    path.write_bytes(pickle.dumps(padded, protocol=4))
    names.write_text(''.join(f'{name}\n' for name in ids))
    opened = predict(out, data)
  finally:
    path.write_bytes(before)
    names.write_text(listed)
  [member], [head] = opened.members, opened.heads
  found = run_folder.read_predictions(opened.predictions_path(member, head.name, 'test'), head)
  assert found['id'].tolist() == [f'mosei/{name}' for name in ids]
  np.testing.assert_allclose(found['logits'], arrays['out/logits'], rtol=0, atol=1e-6)


@pytest.mark.parametrize('model', WIDTHS)
def test_thresholds_are_found_before_it_is_scored(run, model):
  out, data = run(model)
  opened = predict(out, data)
  assert 'imported: the file does not say on which utterances' in opened.report('test')
  [member] = opened.members
  folder = opened.folder.member(member.name)
  assert checksums.Sealed(folder).holds(thresholds.KEPT) and not opened.needs_predictions('test')
  opened = predict(out, data, 'valid')
  [head] = opened.heads
  valid, test = (run_folder.read_predictions(
    opened.predictions_path(member, head.name, part), head) for part in ('valid', 'test'))
  cut = multi_label.best_thresholds(valid['label'], valid['logits'])
  for part in valid, test:
    np.testing.assert_array_equal(part['thresholds'], np.broadcast_to(
      cut.astype(np.float32), part['thresholds'].shape))


@pytest.mark.parametrize('model', [
  'lf_rnn', pytest.param('lf_transformer', marks=pytest.mark.slow)])
def test_it_is_trained_on(run, model):
  out, data = run(model)
  config = predict(out, data).config
  config.train.num_epochs = 1
  report = loop.train_and_evaluate(config, str(out))
  assert 'mosei/emotion6_mme2e, fold lists, seed 3: emotion on test' in report
  folder = out / 'members/lists-seed3'
  lines = [json.loads(line) for line in (folder / 'metrics.jsonl').read_text().splitlines()]
  assert [line['step'] for line in lines] == [4]  # 60 utterances, 16 at a time
  assert json.loads((out / 'run.json').read_text())['widths'] == WIDTHS[model]

  # the loss knows how frequent each label is in training, which no file said
  labels, logits = table(folder / 'predictions_emotion_valid.csv')
  meta = pickles.load(data / 'MOSEI_RAW_PROCESSED/meta.pkl')
  names = (data / 'MOSEI_SPLIT/train_split.txt').read_text().split()
  there = np.sum([meta[name]['label'] for name in names], axis=0)
  weights = (len(names) - there) / there
  losses = np.where(labels == 1, weights * np.log1p(np.exp(-logits)), np.log1p(np.exp(logits)))
  assert lines[0]['valid/emotion/loss'] == pytest.approx(losses.mean(), rel=1e-5)


def table(path):
  with open(path, newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  return [np.array([[float(value) for name, value in row.items() if name.startswith(what)]
                    for row in rows]) for what in ('label_', 'logit_')]


def test_frames_of_another_width_are_refused(run, tmp_path):
  out, _ = run('lf_rnn')
  data = written(tmp_path / 'other', 'lf_transformer')
  with pytest.raises(ValueError, match=r'audio: 8 there, 6 now; text: 10 there, 8 now; video: 6'):
    predict(out, data)
  config = finished.open_run(out).config
  config.data.path = str(data)
  with pytest.raises(ValueError, match='was imported, and its frames have other numbers than'):
    loop.train_and_evaluate(config, str(out))
  assert not (out / 'run.json').exists()


def test_bad_input_is_answered_before_anything_is_written(tmp_path):
  path = tmp_path / 'best.pt'
  shutil.copy(GOLDEN / 'stats_example.pt', path)
  with pytest.raises(ValueError, match='is no PyTorch checkpoint'):
    convert.convert([str(path)], 'lf_rnn', str(tmp_path / 'run'))
  with pytest.raises(ValueError, match='say which dataset'):
    with contextlib.chdir(ROOT):
      convert.convert([str(GOLDEN / 'checkpoint_lf_rnn.pt')], 'lf_rnn', str(tmp_path / 'run'))
  assert [p.name for p in tmp_path.iterdir()] == ['best.pt']
