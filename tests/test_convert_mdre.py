"""FME's bundles through what a user calls: scored, trained on, and begun with."""

import json
import shutil

import numpy as np
import pytest

from configs import iemocap_fme_text_init
from emojax.io import parameters
from emojax.train import finished, loop
from tests.data import test_authors_mdre as authors
from tests.train import test_tf_checkpoint as imports
from tests.train import tf_checkpoints

NOBODY_KNOWS = 'imported: nobody knows on which utterances it was trained'
WORDS = 13  # of the golden case


@pytest.fixture(scope='module')
def data(tmp_path_factory):
  """The authors' files, made up, with a golden case's number of words."""
  folder = authors.write(tmp_path_factory.mktemp('data'), authors.arrays() | {
    'W_embedding.npy': np.zeros((WORDS, 300), np.float32)})
  tf_checkpoints.write_words(folder, WORDS)
  return folder


@pytest.fixture(scope='module')
def imported(data, tmp_path_factory):
  """Model -> a run of its bundle."""
  root, found = tmp_path_factory.mktemp('runs'), {}
  for model in ('fme_audio', 'fme_text'):
    path = tf_checkpoints.write(data / 'pretrained', tf_checkpoints.tensors(model), model)
    found[model] = root / model
    with pytest.MonkeyPatch.context() as patch:
      patch.chdir(imports.ROOT)
      imports.converted([path], model, found[model], **{'mesh.data': 1})
  return found


def test_it_is_scored_and_trained_on(imported, data, tmp_path):
  out = tmp_path / 'run'
  shutil.copytree(imported['fme_text'], out)
  run = finished.open_run(out)
  member, = run.members
  assert run.needs_predictions('test') and NOBODY_KNOWS in run.protocol.notice
  config = run.config
  loop.predict_again(config, str(out), 'test', str(data))
  report = finished.open_run(out).report('test')
  assert NOBODY_KNOWS in report and 'utterances were shuffled' in report
  predictions = run.predictions_path(member, 'emotion', 'test')
  assert len(predictions.read_text().splitlines()) == 1 + 5  # int(0.05 * 80) + 1

  config.train.num_epochs = 4
  report = loop.train_and_evaluate(config, str(out))
  assert NOBODY_KNOWS in report
  lines = (run.folder.member(member.name) / 'metrics.jsonl').read_text().splitlines()
  steps = [json.loads(line)['step'] for line in lines]
  assert steps[0] > tf_checkpoints.STEPS and steps[-1] == 4 * 3  # 65 utterances, 32 at a time
  assert NOBODY_KNOWS in json.loads((out / 'result.json').read_text())[0]['notice']


def begun(imported, data, out, **changes):
  config = iemocap_fme_text_init.get_config('as_published,processed')
  config.update_from_flattened_dict({
    'data.path': str(data), 'mesh.data': 1, 'train.num_epochs': 1, 'model.hidden_audio': 6,
    'model.hidden_text': 6, 'model.filters': (3, 4), 'model.kernels': (5, 3),
    'model.pools': imports.POOLS, 'streams.audio.length': 240,
    'init_from': f'audio={imported["fme_audio"]}/members/{{fold}}-seed0; '
                 f'text,readout={imported["fme_text"]}/members/{{fold}}-seed0', **changes})
  return lambda: loop.train_and_evaluate(config, str(out))


def test_a_model_of_both_begins_with_both(imported, data, tmp_path):
  out = tmp_path / 'both'
  train = begun(imported, data, out, **{'optim.learning_rate': 0.0})
  report = train()
  assert f'begun with {imported["fme_audio"]}: {NOBODY_KNOWS}' in report
  run = finished.open_run(out)
  assert NOBODY_KNOWS in run.report('test')
  params = parameters.flatten(run.best(run.members[0].name, 'select')['params'])
  for name, model, theirs in (('audio.waveform.stages.0.bias', 'fme_audio', 'conv1d/bias'),
                              ('readout.heads.emotion.kernel', 'fme_text', 'output_layer/W')):
    np.testing.assert_array_equal(params[name], tf_checkpoints.tensors(model)[theirs])


def test_another_protocol_is_refused_as_ever(imported, data, tmp_path):
  [member] = (imported['fme_audio'] / 'members').iterdir()
  train = begun(imported, data, tmp_path / 'both', protocol='iemocap/loso5',
                init_from=f'audio={member}')
  with pytest.raises(ValueError, match='was trained on iemocap/fme_as_published, fold seed11; '):
    train()
