"""What files of MME2E's baselines and their names say, and how each is wrong in its own way."""

import importlib
import math
import pathlib
import pickle

import numpy as np
import pytest

from emojax.protocols import parts
from emojax.train import experiment, imported, importing, mme2e_checkpoint, mme2e_file, sharding
from tests.data import mme2e_files

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mme2e'
RNN, TRANSFORMER = (GOLDEN / f'checkpoint_{name}.pt' for name in ('lf_rnn', 'lf_transformer'))
NAME = '{}_Acc_0.7123_F1_0.4901_AUC_0.7542_imginvl500_seed{}.pt'.format
OWN = NAME('lf_rnn_tav', 3)
ARGS = {'model': 'lf_rnn', 'modalities': 'tav', 'loss': 'bce', 'img_interval': 500, 'seed': 3,
        'dataset': 'mosei', 'audio_feature_type': 0, 'learning_rate': 1e-3, 'weight_decay': 0.01,
        'batch_size': 16, 'epochs': 9, 'early_stop': 4, 'clip': -1.0, 'scheduler': True,
        'hfc_sizes': [10, 8, 6]}


@pytest.fixture
def read(tmp_path, copy_changed):
  """Reads a checkpoint, called `name`, after `change` did something to its content."""
  return lambda change=lambda content: None, name=OWN, source=RNN: mme2e_file.read(
    copy_changed(source, tmp_path / 'savings/models' / name, change))


def joining(number):
  """Makes it a file of so many modalities."""
  return lambda content: content.update({mme2e_file.FUSION: np.ones((1, number), np.float32)})


def config(model='lf_rnn', words='', corpus='mosei', **changes):
  found = importlib.import_module(f'configs.{corpus}_{model}').get_config(words)
  found.update_from_flattened_dict(changes)
  return found


def stats(folder, name=OWN, best_epoch=2, **args):
  folder.mkdir(parents=True, exist_ok=True)
  content = {'args': ARGS | args, 'train_stats': [([0.5], [0.5])], 'best_epoch': best_epoch}
  (folder / name).write_bytes(pickle.dumps(content))


def test_what_a_file_and_its_name_say(read):
  found = read()
  assert (found.model, found.modalities, found.seed, found.classes) == ('lf_rnn', 'tav', 3, 6)
  assert found.scores == {'Acc': 0.7123, 'F1': 0.4901, 'AUC': 0.7542}
  assert found.widths == {'t': 10, 'a': 8, 'v': 6}
  assert found.stats is found.best_epoch is None and found.args == {}
  found = mme2e_file.read(TRANSFORMER)
  assert (found.model, found.modalities, found.seed) == ('lf_transformer', 'tav', None)
  assert found.scores == {} and found.widths == {'t': 8, 'a': 6, 'v': 10}


@pytest.mark.parametrize('name, number, modalities', [
  (NAME('lf_rnn_vta', 0), 3, 'tav'), (NAME('lf_rnn_vt', 0), 2, 'tv'), ('lf_rnn_a_more.pt', 1, 'a'),
  ('best.pt', 3, 'tav'), ('best.pt', 2, None), ('not_a_name.pt', 1, None)])
def test_modalities_are_those_of_the_name_in_any_order(read, name, number, modalities):
  assert read(joining(number), name).modalities == modalities


@pytest.mark.parametrize('words, letters', [('tav', 'tav'), ('tv', 'tv'), ('a', 'a')])
@pytest.mark.parametrize('source', [RNN, TRANSFORMER])
def test_layers_of_other_modalities_are_left_out(read, source, words, letters):
  model = source.stem.removeprefix('checkpoint_')
  file = read(joining(len(letters)), NAME(f'{model}_{letters}', 0), source)
  found = config(model, words)
  mme2e_checkpoint.configure(found, [file], model)
  [kept] = mme2e_checkpoint.sources([file], found)
  names = {part for name in kept.params for part in name.split('.')} & {'text', 'audio', 'video'}
  assert names == {mme2e_file.LETTERS[letter] for letter in letters}
  assert ('readout.fusion.emotion' in kept.params) == (len(letters) > 1)
  assert kept.moments == {} and kept.step == 1
  said = mme2e_checkpoint.describe([file], found)
  left_out = [line for line in said.unsaid if 'are left out: they were never trained' in line]
  assert len(left_out) == (len(letters) < 3)
  assert said.widths == {f'hcf_{mme2e_file.LETTERS[letter]}': file.widths[letter]
                         for letter in letters}


def test_what_a_file_does_not_say_stands_as_in_the_config(read):
  file, found = read(), config()
  mme2e_checkpoint.configure(found, [file], 'lf_rnn')
  expected = config(**{'members.seeds': '3,', 'members.mode': 'sequential'})
  assert found.to_dict() == expected.to_dict()
  said = mme2e_checkpoint.describe([file], found)
  assert 'learning_rate, weight_decay, batch_size, epochs, early_stop, clip and sch' in (
    said.unsaid[0]) and 'audio_feature_type' not in said.unsaid[0]
  assert 'updates count from 1' in said.unsaid[2] and 'seed' not in said.notice
  without = mme2e_file.read(RNN)
  mme2e_checkpoint.configure(found, [without], 'lf_rnn')
  said = mme2e_checkpoint.describe([without], found)
  assert found.members.seeds == '0,' and 'its seed is not known' in said.notice
  assert f'{RNN} does not say its seed: it counts as seed 0.' in said.unsaid


def test_sizes_of_a_transformer_are_those_of_its_tensors(read):
  file, found = read(source=TRANSFORMER, name='best.pt'), config('lf_transformer')
  mme2e_checkpoint.configure(found, [file], 'lf_transformer')
  assert dict(found.model) == {
    'name': 'lf_transformer', 'num_layers': 2, 'feed_forward': 24, 'num_heads_text': 4,
    'num_heads_audio': 2, 'num_heads_video': 5, 'dropout': 0.1, 'identical_layers': True,
    'read_padding': True}
  assert 'heads of attention: 4 of text, 2 of audio and 5 of video' in '\n'.join(
    mme2e_checkpoint.describe([file], found).unsaid)


@pytest.mark.parametrize('folder, name', [
  ('savings/stats', OWN), ('savings/models', OWN[:-3] + '.pkl')])
def test_the_pickle_of_its_training_says_more(read, tmp_path, folder, name):
  stats(tmp_path / folder, name)
  (tmp_path / folder / f'{name[:-3]}.txt').write_text('notes')
  file, found = read(), config()
  assert file.stats == tmp_path / folder / name
  mme2e_checkpoint.configure(found, [file], 'lf_rnn')
  assert (found.optim.learning_rate, found.optim.l2, found.optim.schedule, found.optim.clip_norm,
          found.batch.size, found.batch.evaluation_size, found.train.num_epochs,
          found.control.patience) == (1e-3, 0.01, 'cosine', 0.0, 16, 16, 9, 4)
  [source] = mme2e_checkpoint.sources([file], found)
  assert source.step == 2 * math.ceil(len(parts.Listed('mme2e_mosei', 'train').names) / 16)
  assert source.progress.evaluations == 2 and source.about['args']['clip'] == -1.0
  said = mme2e_checkpoint.describe([file], found)
  assert len(said.unsaid) == 2 and said.notice == ''
  assert mme2e_checkpoint.config_name([file], 'lf_rnn') == 'configs/mosei_lf_rnn.py:tav'


@pytest.mark.parametrize('change, message', [
  (dict(args=[1]), "has no dict 'args', .* Move it away to import"),
  (dict(batch_size=0, loss='mse'), "loss='mse'; batch_size=0. Move it away"),
  (dict(epochs=2.5, clip=math.nan), r'epochs=2.5, expected int; clip=nan'),
  (dict(modalities='text'), "modalities='text'"),
  (dict(seed=4), 'is named after seed 3, but .* says 4; give both their own names'),
  (dict(modalities='ta'), 'is named after modalities tav, but .* says ta'),
  (dict(args=print), 'is refused .* names .*print.* Move it away'),
])
def test_a_pickle_that_cannot_be_its_own(read, tmp_path, change, message):
  folder = tmp_path / 'savings/stats'
  if 'args' in change:
    folder.mkdir(parents=True)
    (folder / OWN).write_bytes(pickle.dumps(change))
  else:
    stats(folder, **change)
  with pytest.raises(ValueError, match=message):
    read()


WIDE = {'affines.a.0.weight': np.zeros((1, 2 * 144), np.float32)}


@pytest.mark.parametrize('change, model, expected', [
  (WIDE, 'tav', 'configs/iemocap_lf_rnn.py:as_published,tav'),
  ({'affines.a.0.weight': np.zeros((1, 2 * 74), np.float32)}, 'tav',
   'configs/mosei_lf_rnn.py:tav')])
def test_the_width_of_audio_tells_the_dataset(read, change, model, expected):
  file = read(lambda content: content.update(change))
  assert mme2e_checkpoint.config_name([file], 'lf_rnn') == expected


def test_the_kind_of_audio_is_a_word_of_the_config(read, tmp_path):
  stats(tmp_path / 'savings/stats', dataset='iemocap', audio_feature_type=3)
  file = read()
  name = mme2e_checkpoint.config_name([file], 'lf_rnn')
  assert name == 'configs/iemocap_lf_rnn.py:as_published,tav,hcf_audio3'
  found = config(words=name.split(':')[1], corpus='iemocap')
  mme2e_checkpoint.configure(found, [file], 'lf_rnn')
  assert found.streams.audio.feature == 'hcf_audio3'
  with pytest.raises(ValueError, match="audio-feature-type 3; add hcf_audio3 to the words"):
    mme2e_checkpoint.configure(config(words='as_published', corpus='iemocap'), [file], 'lf_rnn')


def test_a_dataset_that_nobody_names(read):
  with pytest.raises(ValueError, match=r'audio of 8 numbers, .* 144 on iemocap and 74 on mosei; .* '
                                       r'--config=configs/iemocap_lf_rnn.py:as_published'):
    mme2e_checkpoint.config_name([read()], 'lf_rnn')
  file = read(lambda content: content.update(WIDE) or joining(2)(content), 'best.pt')
  with pytest.raises(ValueError, match=r'joins 2 modalities, and nobody says which; .*lf_rnn_ta_'
                                       r'.* --config=configs/iemocap_lf_rnn.py:as_published,ta'):
    mme2e_checkpoint.config_name([file], 'lf_rnn')
  mme2e_checkpoint.configure(config(words='as_published,av', corpus='iemocap'), [file], 'lf_rnn')


def _drop(*names):
  return lambda content: [content.pop(name) for name in names] and None


def _scopes(*names):
  return lambda content: {name: np.zeros(2, np.float32) for name in names}


@pytest.mark.parametrize('change, name, message', [
  (_scopes('V.0.weight', 'T.albert.embeddings.word_embeddings.weight'), 'best.pt',
   'best.pt is a checkpoint of MME2E, which is not built yet; its baselines are: lf_rnn, lf_tr'),
  (_scopes('state_dict', 'optimizer', 'args'), 'best.pt', 'of MAT or MNT; say --model=mat or --m'),
  (_scopes('fc.weight'), 'best.pt', "expected a state dict of rnns.* it holds: 'fc.weight'"),
  (lambda content: [1], 'best.pt', 'it holds: list'),
  (_drop('affines.a.0.weight', mme2e_file.FUSION), 'best.pt',
   r'lacks affines.a.0.weight, weighted_fusion.weight, matrices that every LF_RNN has'),
  (joining(4), 'best.pt', r'weighted_fusion.weight is \(1, 4\), expected \(1, 1\) to \(1, 3\)'),
  (lambda c: c.update({'rnns.t.bias_ih_l0': np.full(40, np.inf)}), 'best.pt',
   'rnns.t.bias_ih_l0 in the state dict is no tensor of finite numbers'),
  (joining(2), OWN, 'joins 2 modalities, but its name says tav; give it its own'),
  (_drop(), NAME('lf_transformer_tav', 3), 'holds LF_RNN, but its name says lf_transformer'),
])
def test_what_is_wrong_with_a_file_is_said(read, change, name, message):
  with pytest.raises(ValueError, match=message) as error:
    read(change, name)
  assert name in str(error.value) and len(str(error.value)) < 700


def test_no_file():
  with pytest.raises(ValueError, match='best.pt is no file'):
    mme2e_file.read('nowhere/best.pt')


@pytest.mark.parametrize('names, change, message', [
  (('lf_rnn_tav_seed1.pt', 'lf_rnn_tav_seed2.pt'), None, None),
  (('lf_rnn_tav_seed1.pt', 'other_seed1.pt'), None, 'have both seed 1; give one of them'),
  (('one.pt', 'other.pt'), None, 'have both seed 0'),
  (('lf_rnn_tav_seed1.pt', 'lf_rnn_ta_seed2.pt'), joining(2),
   r'not of one size: 1 tensors differ \(weighted_fusion.weight\); make a run of each'),
])
def test_members_differ_in_the_seed_alone(read, names, change, message):
  files = [read(name=names[0]), read(change or _drop(), names[1])]
  if message is None:
    mme2e_checkpoint.check_together(files, 'lf_rnn')
    return
  with pytest.raises(ValueError, match=message):
    mme2e_checkpoint.check_together(files, 'lf_rnn')


def test_files_of_other_modalities_or_flags_are_no_members(read, tmp_path):
  ta, tv = (read(joining(2), name) for name in ('lf_rnn_ta_seed0.pt', 'lf_rnn_tv_seed1.pt'))
  with pytest.raises(ValueError, match=r"more than the seed \(modalities: 'ta' and 'tv'\)"):
    mme2e_checkpoint.check_together([ta, tv], 'lf_rnn')
  for seed, rate in enumerate((1e-3, 1e-4)):
    stats(tmp_path / 'savings/stats', f'lf_rnn_tav_seed{seed}.pt', seed=seed, learning_rate=rate)
  with pytest.raises(ValueError, match=r'more than the seed \(learning_rate: 0.001 and 0.0001\)'):
    mme2e_checkpoint.check_together(
      [read(name=f'lf_rnn_tav_seed{seed}.pt') for seed in range(2)], 'lf_rnn')


def test_a_checkpoint_of_the_other_model(read):
  with pytest.raises(ValueError, match='LF_RNN, but --model=lf_transformer .*; say --model=lf_rnn'):
    mme2e_checkpoint.check_together([read()], 'lf_transformer')


@pytest.mark.parametrize('words, corpus, changes, message', [
  ('', 'iemocap', {}, r'own lists, .* choose configs/iemocap_lf_rnn.py:as_published or configs/mose'
                      r'i_lf_rnn.py\.'),
  ('generated', 'mosei', {}, "protocol='mosei/emotion6', but .* own lists"),
  ('ta', 'mosei', {}, 'has text and audio, but .* trained on text, audio and video; add tav to'),
  ('', 'mosei', {'streams.audio.feature': 'logmel'}, 'audio is not the feature hcf_audio that'),
  ('', 'mosei', {'model.name': 'lf_transformer'}, 'but --model=lf_rnn'),
])
def test_a_config_of_something_else(read, words, corpus, changes, message):
  found = config(words=words, corpus=corpus, **changes)
  with pytest.raises(ValueError, match=message):
    mme2e_checkpoint.configure(found, [read()], 'lf_rnn')


def test_a_config_that_does_not_fit_the_tensors(read):
  bucketed = config()
  bucketed.batch.buckets = {'text': (10, 20)}
  with pytest.raises(ValueError, match='config.batch.buckets is set'):
    mme2e_checkpoint.configure(bucketed, [read()], 'lf_rnn')
  four = read(lambda content: content.update({
    'affines.t.2.weight': np.zeros((4, 10), np.float32)}))
  with pytest.raises(ValueError, match=r'decides on 4 classes .*emotion6_mme2e has 6: anger, disg'):
    mme2e_checkpoint.configure(config(), [four], 'lf_rnn')
  odd = read(lambda content: content.update({
    'affines.v.0.weight': np.zeros((5, 12), np.float32)}), 'best.pt', TRANSFORMER)
  with pytest.raises(ValueError, match="video is 12 wide, which the original's 5 heads of atten"):
    mme2e_checkpoint.configure(config('lf_transformer'), [odd], 'lf_transformer')
  two = read(joining(2), 'best.pt')
  with pytest.raises(ValueError, match='text, audio and video, but .* joins 2 modalities'):
    mme2e_checkpoint.configure(config(), [two], 'lf_rnn')


def test_parameters_that_are_missing_are_named(read, tmp_path):
  file, found = read(_drop('rnns.a.bias_ih_l0', 'affines.v.2.bias')), config()
  mme2e_checkpoint.configure(found, [file], 'lf_rnn')
  fitted, about = mme2e_checkpoint.read_words([file], None, found)
  said = mme2e_checkpoint.describe([file], found)
  with pytest.raises(ValueError, match='does not fit the model in 2 of 37 parameters') as error:
    imported.write(tmp_path / 'run', found, mme2e_checkpoint.sources([file], found),
                   importing.specs(found, fitted, said.widths), fitted, about)
  for name in ('rnns.audio.onward.bias_input (32,)', 'readout.logits.video.emotion.bias (6,)'):
    assert f'- {name} is missing' in str(error.value)


def test_there_are_no_words(read):
  file, found = read(), config()
  fitted, about = mme2e_checkpoint.read_words([file], None, found)
  assert about == {'vocabulary': None} and fitted.vocabulary == {}
  with pytest.raises(ValueError, match='lf_rnn reads no words; leave it out'):
    mme2e_checkpoint.read_words([file], 'words.pkl', found)


def test_balanced_weights_are_counted_once_there_are_data(read, tmp_path):
  mme2e_files.write(tmp_path / 'data', {'mosei': {'text': 10, 'audio': 8, 'video': 6}})
  file, found = read(), config(**{'data.path': str(tmp_path / 'data')})
  mme2e_checkpoint.configure(found, [file], 'lf_rnn')
  fitted, _ = mme2e_checkpoint.read_words([file], None, found)
  assert fitted.class_weights == {}
  placement = sharding.Placement(sharding.make_mesh(1, 1, 1))
  opened = experiment.Experiment(found, placement, fitted={(0, False): fitted})
  known = opened.fitted(0, False)
  assert known.source == 'no words' and known is opened.fitted(0, False)
  assert known.class_weights == experiment.Experiment(found, placement).fitted(
    0, False).class_weights
  assert len(known.class_weights['emotion']) == 6 and min(known.class_weights['emotion']) > 1
