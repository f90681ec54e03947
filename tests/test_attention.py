"""Attention of finished runs, drawn through what a user calls."""

import csv
import dataclasses
import json
import pathlib
import shlex
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest

from configs import (
  iemocap_fme_attn_clean,
  iemocap_late_fusion_recurrent,
  iemocap_mat,
  iemocap_mse_mdrea_clean,
)
from emojax import attention
from emojax.features import words
from emojax.io import checksums
from emojax.metrics import attention_picture
from emojax.train import (
  attention_maps,
  experiment,
  finished,
  functional,
  group_run,
  loop,
  sharding,
  trained,
)
from tests import light

ROOT = pathlib.Path(__file__).parents[1]
LAST = {'text': 24, 'audio': 20_000}  # the longest of the tiny config
BUCKETS = {'batch.buckets.text': (8, LAST['text']), 'batch.buckets.audio': (20_000, 20_000)}


def train(config, features_dir, workdir, **changes):
  config.data.path = str(features_dir)
  config.update_from_flattened_dict({
    'mesh.data': 1, 'train.num_epochs': 1, 'protocol': 'iemocap/loso5', 'members.folds': '0',
    **changes})
  loop.train_and_evaluate(config, str(workdir))
  return workdir


@pytest.fixture(scope='module')
def fme(features_dir, tmp_path_factory):
  """Two folds that trained together, with vocabularies of different size."""
  config = iemocap_fme_attn_clean.get_config('tiny')
  return train(config, features_dir, tmp_path_factory.mktemp('runs') / 'fme', **{
    'members.folds': '0,1', 'members.mode': 'vmap', 'optim.learning_rate': 0.01, **BUCKETS})


@pytest.fixture(scope='module')
def mse(features_dir, tmp_path_factory):
  config = iemocap_mse_mdrea_clean.get_config('tiny')
  return train(config, features_dir, tmp_path_factory.mktemp('runs') / 'mse', **{
    'batch.buckets.text': (24,), 'batch.buckets.audio': (100,)})


@pytest.fixture(scope='module')
def mat(features_dir, tmp_path_factory):
  config = iemocap_mat.get_config('tiny')
  return train(config, features_dir, tmp_path_factory.mktemp('runs') / 'mat')


@pytest.fixture(scope='module')
def without(features_dir, tmp_path_factory):
  """A run of a model without attention."""
  config = iemocap_late_fusion_recurrent.get_config('tiny')
  del config.streams.audio, config.batch.buckets.audio
  return train(config, features_dir, tmp_path_factory.mktemp('runs') / 'without')


def draw(run, out, **options):
  """The lines that are printed, and attention.json."""
  lines = list(attention.draw(str(run), out=str(out), **options))
  return lines, json.loads((out / 'attention.json').read_text())


def variant(run, to, **model):
  """A copy of a run whose model has other settings, with the same parameters."""
  shutil.copytree(run, to)
  config = json.loads((to / 'config.json').read_text())
  config['model'] |= model
  (to / 'config.json').write_text(json.dumps(config))
  known = checksums.read(to / checksums.SEAL)
  checksums.write(to / checksums.SEAL, {name: checksums.of_file(to / name) for name in known})
  return to


def predicted(run, member):
  """id -> the row of a member's predictions on the test part."""
  path = run / f'members/{member}/predictions_emotion_test.csv'
  with open(path, newline='', encoding='utf-8') as file:
    return {row['id']: row for row in csv.DictReader(file)}


def evaluated(run, member, part):
  """id -> features of the test part's first batch, computed as the loop would, and its index."""
  opened = finished.open_run(str(run))
  config = opened.config
  found = experiment.Experiment(config, sharding.make_placement(**config.mesh),
                                fitted=experiment.kept_fitted(config, opened.folder))
  trainer = group_run.Trainer(found, loop.make_rules(config, found), refit=False)
  group = found.members if (run / 'checkpoints_select').is_dir() else found.members[:1]
  made = group_run.GroupRun(
    trainer, group, opened.folder, group_run.progress.Progress(1), [()] * len(group))
  state, _ = made.restore()
  number = [one.name for one in group].index(member)
  lane = made.lanes[number].data
  planned = lane.plans[part][0]
  batch = lane.loader.read(lane.loader.data, jax.tree.map(
    jax.numpy.asarray, lane.loader.feed(planned)), planned.lengths)
  best = jax.tree.map(lambda x: x[number], state.best)
  output, _ = functional.apply(
    trainer.graphdef, best['params'], best['model_state'], batch.inputs)
  ids = found.corpus.index['id']
  real = [n for n, row in enumerate(planned.rows) if row >= 0]
  return ({str(ids[planned.rows[n]]): {
    'features': {name: np.asarray(value)[n] for name, value in output.features.items()},
    'lengths': {name: int(stream.mask[n].sum()) for name, stream in batch.inputs.items()},
  } for n in real}, dict(zip(ids.tolist(), found.corpus.words)), lane.fitted.vocabulary)


def test_text_against_seconds(fme, tmp_path):
  """What is drawn is what the model has, of the second member too; its words are the labels."""
  expected, said, vocabulary = evaluated(fme, 'session2-seed0', 'test')
  ids = list(expected)[:3]
  lines, found = draw(fme, tmp_path, ids=ids, member='session2-seed0')
  assert found['member'] == 'session2-seed0' and list(found['utterances']) == ids
  table, unknown = predicted(fme, 'session2-seed0'), 0
  for line, (id, one) in zip(lines, found['utterances'].items(), strict=False):
    length, samples = (expected[id]['lengths'][stream] for stream in ('text', 'audio'))
    frames = min(-(-samples // 500), 40)  # pools 50 x 10
    weights = np.array(one['maps']['attention']['weights'])
    np.testing.assert_allclose(
      weights, expected[id]['features']['attention'][:length, :frames], rtol=0, atol=2e-6)
    np.testing.assert_allclose(weights.sum(1), [0] + [1] * (length - 1), atol=1e-4)
    tokens = words.tokenize_with_marks(said[id])[:length]
    labels = [token if token in vocabulary else f'<{token}>' for token in tokens]
    unknown += sum(label.startswith('<') for label in labels)
    assert one['maps']['attention']['rows'] == {'is': 'text', 'names': labels}
    assert one['maps']['attention']['columns'] == {'is': 'audio (s)', 'step': 500 / 16000}
    assert one['maps']['attention']['note'] == ''
    row = table[id]
    logits = np.array([float(value) for name, value in row.items() if name.startswith('logit_')])
    shares = np.exp(logits) / np.exp(logits).sum()
    names = [name.removeprefix('logit_') for name in row if name.startswith('logit_')]
    assert one['part'] == 'test'
    assert one['heads'] == {'emotion': {
      'label': row['label'], 'prediction': names[shares.argmax()],
      'share': pytest.approx(shares.max(), abs=1e-5)}}
    path = tmp_path / f'{id.replace("/", "_")}.png'
    assert path.read_bytes().startswith(b'\x89PNG')
    assert line == (f'{path}; {id} (test of session2-seed0); emotion: label {row["label"]}, '
                    f'predicted {names[shares.argmax()]} ({shares.max():.2f})')
  assert unknown, 'of three utterances of another session some word is new'
  assert lines[-1] == f'{tmp_path}/attention.json holds the numbers of 3.'


def test_a_row_of_weights_over_words(mse, tmp_path):
  expected, said, _ = evaluated(mse, 'session1-seed0', 'test')
  _, found = draw(mse, tmp_path, number=2)
  assert len(found['utterances']) == 2
  for id, one in found['utterances'].items():
    length = expected[id]['lengths']['text']
    drawn = one['maps']['attention']
    np.testing.assert_allclose(
      drawn['weights'], expected[id]['features']['attention'][:length], rtol=0, atol=2e-6)
    assert sum(drawn['weights']) == pytest.approx(1, abs=1e-4)
    assert [name.strip('<>') for name in drawn['columns']['names']] == words.tokenize_with_marks(
      said[id])[:length]
    assert 'rows' not in drawn


@pytest.mark.slow
def test_each_of_several_maps_is_of_the_stream_in_its_name(mat, tmp_path):
  expected, _, _ = evaluated(mat, 'session1-seed0', 'test')
  _, found = draw(mat, tmp_path, number=1)
  (id, one), = found['utterances'].items()
  assert list(one['maps']) == ['text_weights', 'audio_weights']
  for stream in ('text', 'audio'):
    drawn = one['maps'][f'{stream}_weights']
    np.testing.assert_allclose(
      drawn['weights'],
      expected[id]['features'][f'{stream}_weights'][:expected[id]['lengths'][stream]], rtol=0,
      atol=2e-6)
  assert one['maps']['audio_weights']['columns'] == {
    'is': 'audio (s)', 'step': pytest.approx(16 * 275 / 22050)}  # every 16th of MAT's frames


def test_mixed_times_are_not_drawn_as_seconds(fme, tmp_path):
  run = variant(fme, tmp_path / 'run', memory_layout='reshape', read_padding=True)
  _, found = draw(run, tmp_path / 'out', number=1)
  drawn, = (one['maps']['attention'] for one in found['utterances'].values())
  assert np.shape(drawn['weights'])[1] == 40 and drawn['columns']['step'] == 1
  assert 'mixtures of times and channels' in drawn['columns']['is']


def test_it_is_said_how_much_lies_on_padding(fme, tmp_path):
  run = variant(fme, tmp_path / 'run', read_padding=True)
  _, found = draw(run, tmp_path / 'out', number=6)
  drawn = [one['maps']['attention'] for one in found['utterances'].values()]
  noted = 0
  for one in drawn:
    weights = np.array(one['weights'])
    outside = 1 - weights.sum() / (len(weights) - 1)
    assert one['note'] == (f'{outside:.1%} of it lies on padding' if outside > 0.005 else '')
    noted += bool(one['note'])
  assert noted, 'a sound that is shorter than the longest'


@pytest.fixture(scope='module')
def asked(fme):
  return trained.Trained(finished.open_run(str(fme)))


def test_an_utterance_without_words_or_sound_has_nothing_to_draw(asked, monkeypatch, fme, tmp_path):
  answer = asked.ask(asked.first('test', 1)[0])
  empty = {name: dataclasses.replace(stream, mask=np.zeros_like(stream.mask))
           for name, stream in answer.inputs.items()}
  for name in empty:
    silent = dataclasses.replace(answer, inputs={**answer.inputs, name: empty[name]})
    assert attention_maps.panels(asked, silent) == []
  monkeypatch.setattr(attention_maps, 'panels', lambda *_: [])
  lines, found = draw(fme, tmp_path, number=1)
  assert lines[0] == f'{answer.id}: nothing is drawn, since nothing of it is real to the model.'
  assert found['utterances'] == {} and not list(tmp_path.glob('*.png'))


def test_an_utterance_may_be_of_any_part_and_named_without_its_corpus(asked):
  row, = asked.first('valid', 1)
  answer = asked.ask(asked.row(str(asked.opened.corpus.index['id'][row]).partition('/')[2]))
  assert answer.row == row and answer.part == 'valid'
  assert attention_maps.title(asked, answer).startswith(f'{answer.id} (valid of session1-seed0)\n')
  assert asked.part(asked.first('train', 1)[0]) == 'train'


def test_an_unknown_utterance_is_answered_with_the_nearest(asked):
  id = str(asked.opened.corpus.index['id'][0])
  with pytest.raises(ValueError, match=f"no utterance '{id}x'.*did you mean.*{id}"):
    asked.row(f'{id}x')
  with pytest.raises(ValueError, match=f"no utterance '!!!'; its first is {id}"):
    asked.row('!!!')


def test_an_utterance_that_the_protocol_leaves_out_is_named(asked):
  used = np.concatenate([asked.data.split.rows[part] for part in asked.data.plans])
  left = np.setdiff1d(np.arange(len(asked.opened.corpus.index['id'])), used)
  with pytest.raises(ValueError, match=r'is in no part of iemocap/loso5, fold session1 \(train'):
    asked.row(str(asked.opened.corpus.index['id'][left[0]]))


@pytest.mark.parametrize('options, words', [
  (dict(member='session1-seed1'), r"no member 'session1-seed1' \(did you mean 'session1-seed0'"),
  (dict(data_path='/nowhere'), 'nowhere'),
  (dict(part='unlabelled'), 'has no unlabelled part'),
])
def test_what_cannot_be_asked(fme, tmp_path, options, words):
  with pytest.raises(ValueError, match=words):
    draw(fme, tmp_path / 'out', **options)
  assert not (tmp_path / 'out').exists()


def test_a_model_without_attention_names_those_that_have_it(without, tmp_path):
  with pytest.raises(ValueError, match=r'late_fusion_recurrent has no attention.*\(fused.*'
                     r'fme_attn, mat, mnt, mse_mdrea \(configs/CORPUS_MODEL'):
    draw(without, tmp_path / 'out')


def test_the_pictures_hold_the_panels_of_attention_json(fme, tmp_path, monkeypatch):
  seen = []
  monkeypatch.setattr(attention_picture, 'draw',
                      lambda panels, title: seen.append((panels, title)) or b'')
  _, found = draw(fme, tmp_path, number=2)
  for (panels, title), (id, one) in zip(seen, found['utterances'].items(), strict=True):
    panel, = panels
    assert title.startswith(id) and panel.name == 'attention'
    np.testing.assert_allclose(panel.weights, one['maps']['attention']['weights'], atol=1e-6)
    assert list(panel.rows.names) == one['maps']['attention']['rows']['names']


def test_as_a_program_it_writes_beside_the_run(mse):
  def say(*arguments):
    return subprocess.run([sys.executable, '-m', 'emojax.attention', *arguments], cwd=ROOT,
                          capture_output=True, text=True, check=False, env=light.environment())

  done = say(str(mse), '--number=1')
  assert done.returncode == 0, done.stderr
  assert (mse.parent / 'mse_attention/attention.json').is_file()
  assert len(list((mse.parent / 'mse_attention').glob('*.png'))) == 1
  wrong = say(*shlex.split(f'{mse} --ids=nobody'))
  assert wrong.returncode == 1 and "error: " in wrong.stderr and "'nobody'" in wrong.stderr
