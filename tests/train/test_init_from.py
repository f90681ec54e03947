"""Members that begin with the parameters of a finished run's members, fold by fold."""

import shutil

import jax
import numpy as np
import pytest

from configs import iemocap_late_fusion_recurrent
from emojax.io import parameters
from emojax.train import checkpoint, experiment, group_run, init_from, loop, members, sharding

MEMBER = members.Member(1, 'session2', 0)


def make_config(data_dir, streams=('audio', 'text'), **changes):
  config = iemocap_late_fusion_recurrent.get_config('tiny')
  config.data.path = str(data_dir)
  config.update_from_flattened_dict({
    'members.folds': '0,1', 'members.mode': 'vmap', 'train.num_epochs': 1, 'mesh.data': 1,
    **changes})
  for name in set(config.streams) - set(streams):
    del config.streams[name]
    del config.batch.buckets[name]
  return config


@pytest.fixture(scope='module')
def source(data_dir, tmp_path_factory):
  """A run of words alone: two folds, trained together, with vocabularies of different size."""
  folder = tmp_path_factory.mktemp('runs') / 'text'
  loop.train_and_evaluate(make_config(data_dir, ('text',)), folder)
  return folder


def begin(config, member=MEMBER):
  opened = experiment.Experiment(config, sharding.make_placement(**config.mesh))
  return group_run.Trainer(opened, loop.make_rules(config, opened), refit=False).begin(member)


def text_from(run, **changes):
  return {'init_from': f'encoders.text={run}/members/{{fold}}-seed{{seed}}', **changes}


@pytest.mark.parametrize('fold, name', [(0, 'session1'), (1, 'session2')])
def test_each_member_begins_with_the_best_of_its_own_fold(source, data_dir, fold, name):
  found = begin(make_config(data_dir, **text_from(source)), members.Member(fold, name, 0))
  best, meta = checkpoint.Checkpoints(source / 'checkpoints_select', keep=1).read_best()
  assert [one['name'] for one in meta['members']] == ['session1-seed0', 'session2-seed0']
  assert found and all(path.startswith('encoders.text.') for path in found)
  for path, value in parameters.flatten(best['params']['encoders']['text']).items():
    rows = found[f'encoders.text.{path}']
    np.testing.assert_array_equal(rows, value[fold, :len(rows)])


def test_training_starts_there_and_a_begun_run_asks_no_more(source, data_dir, tmp_path):
  copy = tmp_path / 'text'
  shutil.copytree(source, copy)
  config = make_config(data_dir, **text_from(copy, **{'optim.learning_rate': 0.0}))
  with pytest.raises(group_run.Stopped, match='saved'):
    loop.train_and_evaluate(config, tmp_path / 'both', lambda: True)
  theirs, _ = checkpoint.Checkpoints(copy / 'checkpoints_select', keep=1).read_best()
  shutil.rmtree(copy)
  assert 'wa' in loop.train_and_evaluate(config, tmp_path / 'both')
  best, _ = checkpoint.Checkpoints(tmp_path / 'both/checkpoints_select', keep=1).read_best()
  jax.tree.map(np.testing.assert_array_equal, best['params']['encoders']['text'],
               theirs['params']['encoders']['text'])


def test_another_folds_weights_are_refused(source, data_dir, tmp_path):
  config = make_config(
    data_dir, init_from=f'encoders.text={source}/members/session1-seed{{seed}}')
  with pytest.raises(ValueError, match='session1-seed0 was trained on iemocap/loso5, fold session1;'
                     ' session2-seed0 is of iemocap/loso5, fold session2.*Write {fold}'):
    loop.train_and_evaluate(config, tmp_path / 'run')
  assert not (tmp_path / 'run').exists(), 'nothing is written'


def test_another_protocol_is_refused(source, data_dir):
  config = make_config(data_dir, **text_from(source, protocol='iemocap/loso5_improvised'))
  with pytest.raises(ValueError, match='on iemocap/loso5, fold session2;.*loso5_improvised'):
    begin(config)


def test_what_was_not_held_out_is_refused(source, data_dir, tmp_path):
  copy = tmp_path / 'text'
  shutil.copytree(source, copy)
  rule, = init_from.parse(text_from(copy)['init_from'])
  assert rule.folder(MEMBER) == copy / 'members/session2-seed0'
  with pytest.raises(ValueError, match=r'did not hold out 1 of 2 utterances of the test part \(x'):
    held = {'valid': np.array([], str), 'test': np.array(['x', _held_out(source)])}
    init_from.load(text_from(copy)['init_from'], MEMBER, protocol='iemocap/loso5', held_out=held,
                   fitted=None, phase='select', shapes={'encoders': {'text': np.zeros(1)}})


def _held_out(source):
  table = source / 'members/session2-seed0/predictions_emotion_test.csv'
  return table.read_text().splitlines()[1].partition(',')[0]


def test_words_with_other_numbers_are_refused(source, data_dir):
  config = make_config(data_dir, **text_from(source, **{'streams.text.fit_on': 'all'}))
  with pytest.raises(ValueError, match='numbers its words otherwise.*of .* differ'):
    begin(config)


def test_other_sizes_are_refused(source, data_dir):
  config = make_config(data_dir, **text_from(source, **{'model.hidden': 8}))
  with pytest.raises(ValueError, match='encoders.text.lstm.* here .*the same sizes'):
    begin(config)


@pytest.mark.parametrize('text, words', [
  ('runs/text', 'is not of the form PARAMETERS=FOLDER'),
  ('=runs/text', 'is not of the form PARAMETERS=FOLDER'),
  ('a=runs/{session}', r'has the field {session}; there are: {fold}, {seed}'),
  ('a=runs/{fold', "expected '}'"),
  ('encoder.text=RUN/members/{fold}-seed{seed}',
   r"no parameters 'encoder.text' \(did you mean 'encoders.text"),
  ('encoders.text=RUN', 'is no member of a run'),
  ('encoders.text=RUN/members/{fold}-seed7', 'there is no folder .*; .*holds: session1-seed0'),
  ('encoders.audio=RUN/members/{fold}-seed{seed}', "has no parameter 'encoders.audio"),
])
def test_what_cannot_be_is_answered(source, data_dir, text, words):
  with pytest.raises(ValueError, match=words):
    begin(make_config(data_dir, init_from=text.replace('RUN', str(source))))
