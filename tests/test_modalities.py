"""A run that knows every set of modalities, from a generated table to reports on subsets.

Of the table some utterances have no video, one has text alone and one nothing at all.
"""

import json
from unittest import mock

import numpy as np
import pytest

from configs import mosei_lf_rnn_clean
from data_builders.corpora import table_builder
from data_builders.synthetic import mosei_features
from emojax.train import experiment, finished, loop
from tests import light

MODALITIES = ('text', 'audio', 'video')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
  folder = tmp_path_factory.mktemp('modalities')
  generated = mosei_features.write(folder, size='tiny')
  with np.load(generated / 'features.npz') as file:
    arrays = dict(file)
  lengths = {name: next(key for key in arrays if name in key and 'length' in key)
             for name in MODALITIES}
  for absent, rows in (('video', [*range(0, 60, 3), 1, 2]), ('audio', [1, 2]), ('text', [2])):
    arrays[lengths[absent]] = arrays[lengths[absent]].copy()
    arrays[lengths[absent]][rows] = 0
  np.savez(generated / 'features.npz', **arrays)
  table_builder.prepare_table('mosei', 'generated', [generated / 'features.npz',
                                                     generated / 'labels.csv'], folder / 'data')
  return folder / 'data'


def make_config(data, **changes):
  config = mosei_lf_rnn_clean.get_config('generated,tiny')
  light.light(config).data.path = str(data)
  config.update_from_flattened_dict({
    'mesh.data': 1, 'members.seeds': '2', 'modality_dropout': 0.4, **changes})
  return config


@pytest.fixture(scope='module')
def run(data, tmp_path_factory):
  workdir = tmp_path_factory.mktemp('run') / 'run'
  loop.train_and_evaluate(make_config(data), str(workdir))
  return workdir


def test_every_set_is_reported_and_held_against_its_own_best(run, capsys):
  with mock.patch.object(experiment, 'Experiment', wraps=experiment.Experiment) as opening:
    said = light.evaluated(capsys, run, modalities='every')
  assert opening.call_count == 1  # for all seven
  assert said.count('from text alone: all else was hidden') == 2  # of two seeds
  assert 'from text and video alone: all else was hidden' in said
  for best in ('from text, chance', 'from audio and video, chance',
               'from text, audio and video, chance'):
    assert best in said
  assert said.count('Means') == 7
  opened = finished.open_run(str(run))
  head, = opened.heads
  tables = {}
  for modalities in ((), ('text',), ('text', 'audio')):
    path = opened.predictions_path(opened.members[0], head.name, 'test', modalities)
    tables[modalities] = path.read_text()
    assert path.name == {
      (): 'predictions_emotion_test.csv', ('text',): 'predictions_emotion_test_text.csv'}.get(
        modalities, 'predictions_emotion_test_text+audio.csv')
  assert len(set(tables.values())) == 3
  assert light.evaluated(capsys, run, modalities='every') == said  # nothing is computed twice


def test_a_set_on_another_part_is_predicted_when_it_is_asked_for(run, capsys):
  opened = finished.open_run(str(run))
  first = light.evaluated(capsys, run, modalities='text', split='valid')
  assert 'emotion on valid' in first
  assert not opened.needs_predictions('valid', ('text',))
  assert opened.needs_predictions('valid', ('audio',))


def test_wrong_sets_are_answered_before_anything_is_computed(run, capsys):
  with pytest.raises(ValueError, match="no 'physiology'; the run was trained with text, au"):
    light.evaluated(capsys, run, modalities='physiology')
  with pytest.raises(ValueError, match='of runs alone, not of an ensemble'):
    light.evaluated(capsys, run, modalities='text', ensemble=True)


@pytest.mark.slow
def test_it_trains_the_same_when_it_is_stopped(data, run, tmp_path):
  config = make_config(data)
  config.checkpoint.every_steps = 2
  assert light.stopped_every(config, tmp_path / 'stopped', steps=3) > 1
  whole, stopped = light.result(run), light.result(tmp_path / 'stopped')
  for files in whole, stopped:
    del files['config.json']
    for name in [name for name in files if 'predictions' in name]:
      del files[name]
  assert stopped == whole


def test_the_rate_changes_the_training(data, run, tmp_path):
  loop.train_and_evaluate(make_config(data, modality_dropout=0.0), str(tmp_path / 'none'))
  one, other = ([row['value'] for row in json.loads((folder / 'result.json').read_text())]
                for folder in (run, tmp_path / 'none'))
  assert one != other


def test_a_modality_that_nobody_has_is_named(tmp_path):
  generated = mosei_features.write(tmp_path, size='tiny')
  with np.load(generated / 'features.npz') as file:
    arrays = dict(file)
  key = next(key for key in arrays if 'video' in key and 'length' in key)
  np.savez(generated / 'features.npz', **arrays | {key: np.zeros_like(arrays[key])})
  table_builder.prepare_table('mosei', 'generated', [generated / 'features.npz',
                                                     generated / 'labels.csv'], tmp_path / 'data')
  with pytest.raises(ValueError, match='config.streams.video, training part: there is not one fra'):
    loop.train_and_evaluate(make_config(tmp_path / 'data'), str(tmp_path / 'run'))
