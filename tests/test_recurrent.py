"""Each recurrent model trains, is stopped and goes on, and is scored, in its clean config."""

import importlib
import json

import numpy as np
import pytest

from emojax.train import finished, loop
from tests import light

MODELS = [f'fme_{kind}' for kind in ('text', 'audio', 'text_init', 'attn')] + [
  f'mse_{kind}' for kind in ('are', 'tre', 'mdre', 'mdrea')]


def _config(name, features_dir, **changes):
  config = importlib.import_module(f'configs.iemocap_{name}_clean').get_config('tiny')
  config.update_from_flattened_dict({
    'data.path': str(features_dir), 'mesh.data': 1, 'members.folds': '0', **changes})
  return config


@pytest.fixture(scope='module')
def audio(features_dir, tmp_path_factory):
  """A run of FME's audio model, which `fme_text_init` begins with."""
  workdir = tmp_path_factory.mktemp('runs') / 'audio'
  loop.train_and_evaluate(_config('fme_audio', features_dir), str(workdir))
  return workdir


@pytest.mark.slow
@pytest.mark.parametrize('name', MODELS)
def test_trains_goes_on_where_it_was_stopped_and_is_scored(name, features_dir, audio, tmp_path):
  changes = {'init_from': f'audio={audio}/members/{{fold}}-seed{{seed}}'} if (
    name == 'fme_text_init') else {}
  config = _config(name, features_dir, **changes)
  loop.train_and_evaluate(config, str(tmp_path / 'whole'))
  config.checkpoint.every_steps = 2
  assert light.stopped_every(config, tmp_path / 'stopped', steps=3) > 1
  whole, stopped = light.result(tmp_path / 'whole'), light.result(tmp_path / 'stopped')
  for files in whole, stopped:
    del files['config.json']  # which says how often it is saved
  assert stopped == whole
  opened = finished.open_run(str(tmp_path / 'stopped'))
  assert 'emotion on test' in opened.report('test')
  loop.predict_again(config, str(tmp_path / 'stopped'), 'train', None)
  assert 'emotion on train' in opened.report('train')
  log = tmp_path / 'whole/members/session1-seed0/metrics.jsonl'
  losses = [json.loads(line)['train/loss'] for line in log.read_text().splitlines()]
  assert len(losses) == 2 and np.isfinite(losses).all()
