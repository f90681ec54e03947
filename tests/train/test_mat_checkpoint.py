"""What the original's checkpoints say of themselves, and how each is wrong in its own way."""

import copy
import fractions
import importlib
import pathlib
import shutil

import numpy as np
import pytest

from configs import iemocap_mat, iemocap_mat_clean, meld_mat
from emojax.train import mat_checkpoint

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mat'
MAT = GOLDEN / 'ckpt_tiny_mat/best44.44444444444444_2.pkl'
OTHER = GOLDEN / 'ckpt_tiny_mat/best44.44444444444444_1.pkl'


@pytest.fixture
def read(tmp_path, copy_changed):
  """Reads MAT's checkpoint, called `name`, after `change` did something to its content."""
  return lambda change=lambda content: None, name=MAT.name, source=MAT: mat_checkpoint.read(
    copy_changed(source, tmp_path / name, change))


def flag(**values):
  return lambda content: content['args'].state.update(values)


def config(**changes):
  found = iemocap_mat.get_config('processed,as_published')
  found.update_from_flattened_dict(changes)
  return found


def test_what_a_file_says(read):
  found = read()
  assert found.step == 4 and found.decays == 0 and found.loss_reduction == 'sum'
  assert found.accuracy == fractions.Fraction(4, 9)
  assert found.args['lr_base'] == 0.003 and 'loss_fn' not in found.args
  assert found.state_dict.keys() == found.moments['exp_avg'].keys()


@pytest.mark.parametrize('name, seed, right, of', [
  ('best72.53456221198157_2.pkl', 2, 787, 1085), ('best100.0_2.pkl', 2, 1, 1),
  ('best82.15358215358215_2.pkl', 2, 3830, 4662), ('best0.02145002145002145_2.pkl', 2, 1, 4662),
])
def test_the_accuracy_of_a_name_is_the_share_of_right_answers(read, name, seed, right, of):
  assert float(read(name=name).accuracy) == right / of


@pytest.mark.parametrize('name', ['legacy_best44.44444444444444_2.pkl', 'best2.pkl', 'last.pkl'])
def test_another_name_tells_no_accuracy(read, name):
  assert read(name=name).accuracy is None


@pytest.mark.parametrize('name', ['best44.4_3.pkl', 'best101.0_2.pkl'])
def test_a_name_that_cannot_be_true_is_refused(read, name):
  with pytest.raises(ValueError, match='give it its own name again'):
    _ = read(name=name).accuracy


def test_the_learning_rate_tells_how_often_it_was_cut(read):
  def cut(rate):
    return lambda content: content['optimizer']['param_groups'][0].update(lr=rate)

  assert read(cut(0.003 * 0.2)).decays == 1 and read(cut(0.003 * 0.2**2)).decays == 2
  with pytest.raises(ValueError, match=r'0.1 is none that lr_base=0.003 .* by 2 cuts by lr_decay'):
    _ = read(cut(0.1)).decays


def test_older_files_number_parameters_otherwise_and_count_in_integers(read):
  def old(content):
    optimizer = content['optimizer']
    [group] = optimizer['param_groups']
    numbers = {key: 140_000_000_000 - key * 72 for key in group['params']}
    group['params'] = [numbers[key] for key in group['params']]
    optimizer['state'] = {
      numbers[key]: entry | {'step': 4} for key, entry in reversed(optimizer['state'].items())}

  new, found = read(), read(old)
  assert found.step == new.step
  for moment, values in new.moments.items():
    for name, value in values.items():
      np.testing.assert_array_equal(found.moments[moment][name], value)


def _drop(key):
  return lambda content: content.pop(key) and None


def _optimizer(change):
  return lambda content: change(content['optimizer'])


@pytest.mark.parametrize('change, message', [
  (_drop('state_dict'), 'lacks state_dict; .* this holds: optimizer, args'),
  (_drop('optimizer'), 'lacks optimizer; a checkpoint of MAT or MNT holds state_dict, optimizer'),
  (_drop('args'), 'lacks args'),
  (lambda content: content['state_dict'], 'lacks state_dict, optimizer, args; .* lstm_x'),
  (lambda content: [1], 'this holds: list'),
  (lambda content: content.update(args={'model': 'Model_MAT'}), 'no argparse.Namespace but a dict'),
  (flag(layer=1.5, task_binary=0), r'task_binary=0, expected bool; layer=1.5, expected int'),
  (lambda content: content['args'].state.pop('lr_decay') and None, 'lr_decay is absent'),
  (flag(lr_base=float('nan')), 'lr_base=nan'),
  (flag(loss_fn=None), 'loss_fn is no loss'),
  (_optimizer(lambda o: o['state'].pop(3) and None), r'lacks exp_avg, .* of lstm_x.bias_ih_l0'),
  (_optimizer(lambda o: o['state'][2].update(step=5)), 'not one count of updates .* 4.0, 5'),
  (_optimizer(lambda o: o['param_groups'][0]['params'].pop() and None), 'knows 66 .* has 67'),
  (_optimizer(lambda o: o['param_groups'][0].update(amsgrad=True)), 'plain Adam .* amsgrad=True'),
  (_optimizer(lambda o: o.pop('state') and None), 'not one group'),
  (lambda content: content['state_dict'].update({'proj.bias': np.array([np.inf])}),
   'proj.bias in state_dict is no tensor of finite numbers'),
])
def test_what_is_wrong_with_a_file_is_said(read, change, message):
  with pytest.raises(ValueError, match=message) as error:
    read(change)
  assert MAT.name in str(error.value) and len(str(error.value)) < 700


def test_no_file():
  with pytest.raises(ValueError, match='best.pkl is no file'):
    mat_checkpoint.read('nowhere/best.pkl')


@pytest.mark.parametrize('change, message', [
  (flag(seed=1, batch_size=8), r'more than the seed \(batch_size: 8 and 4\)'),
  (flag(seed=1, name='more', output='there/'), None),
  (flag(), 'have both seed 2'),
])
def test_members_differ_in_the_seed_alone(read, change, message):
  files = [read(change, name='one.pkl'), mat_checkpoint.read(MAT)]
  if message is None:
    mat_checkpoint.check_together(files, 'mat')
    return
  with pytest.raises(ValueError, match=message) as error:
    mat_checkpoint.check_together(files, 'mat')
  assert 'one.pkl' in str(error.value) and MAT.name in str(error.value)


def test_a_checkpoint_of_the_other_model():
  with pytest.raises(ValueError, match='Model_MAT, but --model=mnt stands for Model_MNT; say --mo'):
    mat_checkpoint.check_together([mat_checkpoint.read(MAT)], 'mnt')


EXPERIMENTS = [
  ('IEMOCAP', 'sentiment', False), ('MOSI', 'sentiment', True), ('MOSEI', 'sentiment', False),
  ('MOSEI', 'sentiment', True), ('MOSEI', 'emotion', False), ('MELD', 'sentiment', False),
  ('MELD', 'emotion', False), ('VGAF', 'sentiment', False)]
WEIGHTS = {  # `golden/mat/text_labels_metrics.json` has those of MELD's emotions too
  ('MELD', 'sentiment'): [1.0, 2.0, 1.6],
  ('MELD', 'emotion'): [4709 / n for n in (4709, 1205, 268, 683, 1743, 271, 1109)]}


@pytest.mark.parametrize('model', ['mat', 'mnt'])
@pytest.mark.parametrize('dataset, task, binary', EXPERIMENTS)
def test_every_experiment_of_the_original_has_a_config(read, dataset, task, binary, model):
  weight = WEIGHTS.get((dataset, task))

  def change(content):
    state = content['args'].state
    state.update(dataset=dataset, task=task, task_binary=binary, early_stop=7)
    if weight:
      state['loss_fn'].state['_buffers'] = {'weight': np.array(weight, np.float32)}

  file = read(change)
  known = mat_checkpoint.published(file)
  module = importlib.import_module(f'configs.{known.corpus}_{model}')
  found = module.get_config(known.words)
  mat_checkpoint.configure(found, [file], model)
  assert found.data.source == 'processed' and found.control.patience == 7
  assert found.members.seeds == '2,' and found.streams.text.vectors == 'processed'


def test_an_experiment_that_there_is_not(read):
  with pytest.raises(ValueError, match='--dataset MOSI --task sentiment --task_binary False is no'):
    mat_checkpoint.published(read(flag(dataset='MOSI')))


def test_the_flags_become_the_config(read):
  found = config()
  mat_checkpoint.configure(found, [read(flag(
    dropout_i=0.25, lr_decay=0.5, lr_decay_times=3, grad_norm_clip=5, eval_start=2)),
    mat_checkpoint.read(OTHER)], 'mat')
  assert dict(found.model) | {'dropout_output': 0.0} == {
    'name': 'mat', 'hidden': 8, 'feed_forward': 12, 'num_layers': 1, 'num_heads': 2,
    'dropout_input': 0.25, 'dropout': 0.0, 'dropout_output': 0.0, 'norm': 'torch_std',
    'empty': 'uniform', 'mask_zero_frames': True}
  assert dict(found.optim) == {
    'name': 'adam', 'learning_rate': 0.003, 'b1': 0.9, 'b2': 0.999, 'eps': 1e-8,
    'weight_decay': 0.0, 'l2': 0.0, 'clip_norm': 5.0, 'clip_value': 0.0, 'schedule': 'constant',
    'rate_factors': ''}
  assert dict(found.control) == {
    'metric': '', 'choose': 'best', 'decay': 0.5, 'decay_times': 3, 'patience': 3,
    'first_evaluation': 2}
  assert (found.batch.size, found.train.num_epochs, found.members.seeds) == (4, 8, '2,1')


@pytest.mark.parametrize('changes, message', [
  ({'protocol': 'iemocap/session1'}, "chosen on the parts of 'iemocap/session1_as_published'"),
  ({'model.name': 'mnt'}, "config.model.name='mnt', but --model=mat"),
  ({'streams.audio.length': 50}, 'streams.audio.length=50, but the original reads 40 on IEMOCAP'),
  ({'heads.emotion.class_weights': 'balanced'}, r"class_weights='balanced', but .* with 'none'"),
])
def test_a_config_of_something_else(read, changes, message):
  with pytest.raises(ValueError, match=message):
    mat_checkpoint.configure(config(**changes), [read()], 'mat')


def test_a_config_of_another_kind(read):
  clean = iemocap_mat_clean.get_config()
  clean.protocol = 'iemocap/session1_as_published'
  with pytest.raises(ValueError, match='config.batch.buckets is set'):
    mat_checkpoint.configure(clean, [read()], 'mat')
  without = config()
  del without.model.norm
  with pytest.raises(ValueError, match='the config lacks the fields model.norm'):
    mat_checkpoint.configure(without, [read()], 'mat')
  weighted = meld_mat.get_config()
  file = read(flag(dataset='MELD', task='emotion'))
  with pytest.raises(ValueError, match=r"class_weights=\(1.0, 3.9.* but .* trained with 'none'"):
    mat_checkpoint.configure(weighted, [file], 'mat')


def test_words_that_do_not_fit(read, tmp_path):
  file, found = read(), config()
  mat_checkpoint.configure(found, [file], 'mat')
  with pytest.raises(ValueError, match='token_to_ix.pkl is no file. .* --vocabulary='):
    mat_checkpoint.read_words([file], None, found)
  fitted, about = mat_checkpoint.read_words([file], str(MAT.parent / 'token_to_ix.pkl'), found)
  assert len(fitted.vocabulary) == about['vocabulary']['rows'] == len(fitted.vectors) == 47
  assert fitted.class_weights == {'emotion': (1.0,) * 4}
  shutil.copy(MAT.parent / 'token_to_ix.pkl', tmp_path)
  alone, _ = mat_checkpoint.read_words([file], None, found)
  assert alone.vectors is None and alone.vocabulary == fitted.vocabulary

  smaller = copy.copy(file.state_dict) | {'embedding.weight': np.zeros((46, 12), np.float32)}
  file = read(lambda content: content.update(state_dict=smaller))
  with pytest.raises(ValueError, match=r'needs 47 rows \(ids up to 46\), but embedding.weight of '
                                       r'.*best44.* has 46'):
    mat_checkpoint.read_words([file], None, found)
