"""Runs whose head says numbers, or ordered classes, from records to ensembles."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from configs import common, iemocap_mat_clean, mosi_mat
from emojax.data import source
from emojax.train import ensembling, finished, loop, run_folder
from tests import light

DIMENSIONS = ('valence', 'activation', 'dominance')


def _dimensions(data_dir, **changes):
  config = light.light(iemocap_mat_clean.get_config('tiny'))
  config.protocol, config.data.path = 'iemocap/loso5_dimensions', str(data_dir)
  del config.heads.emotion
  config.heads.dimensions = common.regression(loss='l2')
  config.batch.buckets = {}  # one program
  config.optim.learning_rate, config.train.num_epochs = 3e-3, 2
  config.members.folds, config.checkpoint.every_seconds = '0', 0.0
  config.mesh.data = 1
  config.update_from_flattened_dict(changes)
  return config


def _seven(authors_dir, **changes):
  config = light.light(mosi_mat.get_config('sentiment7,tiny'))
  config.data.path = str(authors_dir)
  config.heads.sentiment = common.ordinal()
  config.members.seeds, config.train.num_epochs, config.mesh.data = '2', 2, 1
  config.update_from_flattened_dict(changes)
  return config


def _table(folder, head, part):
  with open(folder / f'predictions_{head}_{part}.csv', newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  return rows, lambda prefix, names: np.array(
    [[np.float32(row[f'{prefix}_{name}']) for name in names] for row in rows])


@pytest.fixture(scope='module')
def numbers(data_dir, tmp_path_factory):
  """A finished run of two folds and two seeds, and what it printed."""
  workdir = tmp_path_factory.mktemp('runs') / 'numbers'
  config = _dimensions(data_dir, **{'members.folds': '0,1', 'members.seeds': '2'})
  return workdir, config, loop.train_and_evaluate(config, str(workdir))


@pytest.fixture(scope='module')
def ordered(authors_dir, tmp_path_factory):
  workdir = tmp_path_factory.mktemp('runs') / 'ordered'
  return workdir, loop.train_and_evaluate(_seven(authors_dir), str(workdir))


def test_a_run_of_numbers_says_how_far_off_they_are(numbers):
  workdir, _, report = numbers
  rows = json.loads((workdir / 'result.json').read_text())
  pooled = {row['metric']: row for row in rows if (row['fold'], row['seed']) == ('pooled', 0)}
  assert set(pooled) == {f'{metric}{of}' for metric in ('mae', 'corr', 'ccc', 'ccc_unbiased')
                         for of in ('', *(f'_{name}' for name in DIMENSIONS))}
  errors = []
  for folder in sorted(workdir.glob('members/*-seed0')):
    _, numbers_of = _table(folder, 'dimensions', 'test')
    errors.append(np.abs(numbers_of('value', DIMENSIONS) - numbers_of('label', DIMENSIONS)))
  errors = np.concatenate(errors)
  assert pooled['mae']['n'] == len(errors) and pooled['mae']['k'] == 4
  assert pooled['mae']['value'] == pytest.approx(errors.mean(), rel=1e-5)
  assert pooled['mae_dominance']['value'] == pytest.approx(errors[:, 2].mean(), rel=1e-5)
  low, high = pooled['mae']['ci95']
  assert low < pooled['mae']['value'] < high
  assert 'label mean' in report and 'ccc_valence' in report
  assert 'says nothing about human emotion' in report
  log = (workdir / 'members/session1-seed0/metrics.jsonl').read_text().splitlines()
  first = json.loads(log[0])
  assert first['train/dimensions_mae'] > 0 and first['valid/dimensions/ccc_valence'] is not None


def test_labels_are_the_release_s_means_bit_for_bit(numbers, data_dir):
  index = source.load('iemocap', str(data_dir)).index
  said = dict(zip(index['id'].tolist(), np.stack([index[name] for name in DIMENSIONS], 1)))
  rows, numbers_of = _table(numbers[0] / 'members/session1-seed0', 'dimensions', 'test')
  expected = np.stack([said[row['id']] for row in rows]).clip(1, 5).astype(np.float32)
  np.testing.assert_array_equal(numbers_of('label', DIMENSIONS), expected)
  assert len(rows) == (index['session'] == '1').sum(), 'also those that have no class'
  outside = ((np.stack(list(said.values())) < 1) | (np.stack(list(said.values())) > 5)).sum(0)
  clipped = json.loads((numbers[0] / 'run.json').read_text())['about']['clipped']
  assert clipped == ({'dimensions': {
    name: int(n) for name, n in zip(DIMENSIONS, outside) if n}} if outside.any() else {})


def test_evaluate_says_it_again_and_predicts_other_parts(numbers, capsys):
  workdir, _, report = numbers
  assert finished.open_run(str(workdir)).report('test') == report
  said = light.evaluated(capsys, workdir, split='train')
  assert 'dimensions on train' in said and 'ccc_dominance' in said


def test_the_mean_of_members_values_is_the_ensemble(numbers, capsys, tmp_path):
  workdir, out = numbers[0], tmp_path / 'out.csv'
  said = light.evaluated(capsys, workdir, ensemble=True, index=2, out=str(out))
  assert 'best first by dimensions/ccc on validation' in said and 'ensemble of 2' in said
  with open(out, newline='', encoding='utf-8') as file:
    found = {row['id']: row for row in csv.DictReader(file)}
  assert 'prediction_valence' not in next(iter(found.values()))
  for fold in ('session1', 'session2'):
    members = [_table(workdir / f'members/{fold}-seed{seed}', 'dimensions', 'test')
               for seed in range(2)]
    mean = np.mean([values('value', DIMENSIONS) for _, values in members], axis=0)
    together = [[float(found[row['id']][f'value_{name}']) for name in DIMENSIONS]
                for row in members[0][0]]
    np.testing.assert_allclose(together, mean, rtol=1e-5)
  with pytest.raises(ValueError, match='orders members by their accuracy, and head dimensions'):
    light.evaluated(capsys, workdir, ensemble=True, as_published=True)


def test_where_less_is_better_the_member_with_the_least_comes_first(numbers):
  run = finished.open_run(str(numbers[0]))
  for metric, sign in (('mae', 1), ('ccc', -1)):
    protocol = dataclasses.replace(run.protocol, select_on=f'dimensions/{metric}')
    joined = ensembling.Ensemble([dataclasses.replace(run, protocol=protocol)])
    for voters in joined.order.values():
      scores = []
      for voter in voters:
        table = run_folder.read_predictions(
          run.predictions_path(voter.member, 'dimensions', 'valid'), run.heads[0])
        scores.append(run.heads[0].scores(table['label'], table['logits'])[metric])
      assert scores == sorted(scores, key=lambda score: sign * score) and len(scores) == 2
    sizes = joined.scores('valid')
    assert sizes[joined.size - 1] == (min if sign == 1 else max)(sizes)


def test_stopped_and_continued_is_the_same_run_and_keeps_the_least_mae(data_dir, tmp_path):
  config = _dimensions(data_dir, **{'control.metric': 'dimensions/mae', 'train.num_epochs': 3,
                                    'optim.learning_rate': 0.05})
  whole, parts = tmp_path / 'whole', tmp_path / 'parts'
  loop.train_and_evaluate(config, str(whole))
  assert light.stopped_every(config, parts, steps=5)
  before = light.result(whole)
  assert light.result(parts) == before
  member = whole / 'members/session1-seed0'
  log = [json.loads(line) for line in (member / 'metrics.jsonl').read_text().splitlines()]
  seen = [row['valid/dimensions/mae'] for row in log]
  control = json.loads((member / 'member.json').read_text())['control']
  assert (control['best'], control['best_evaluation']) == (min(seen), 1 + seen.index(min(seen)))
  (whole / 'result.json').unlink()  # pooled again from the tables
  loop.train_and_evaluate(config, str(whole))
  assert light.result(whole) == before


@pytest.mark.parametrize('changes', [
  {'data.resident': 'never'}, pytest.param({'mesh.data': 2}, marks=pytest.mark.slow)])
def test_alone_streamed_or_on_more_devices_a_member_says_the_same(
    numbers, data_dir, tmp_path, changes):
  loop.train_and_evaluate(_dimensions(data_dir, **changes), str(tmp_path))
  tables = [_table(workdir / 'members/session1-seed0', 'dimensions', 'test')[1]
            for workdir in (numbers[0], tmp_path)]
  one, other = (values('value', DIMENSIONS) for values in tables)
  np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
  np.testing.assert_array_equal(*(values('label', DIMENSIONS) for values in tables))


def test_a_metric_that_there_is_not_is_answered(data_dir, tmp_path):
  config = _dimensions(data_dir, **{'control.metric': 'dimensions/wa'})
  with pytest.raises(ValueError, match=r"metric='dimensions/wa': expected HEAD/METRIC; there are: "
                                       'dimensions/mae, dimensions/mae_valence, '):
    loop.train_and_evaluate(config, str(tmp_path / 'run'))


def test_ordered_classes_from_files_to_an_ensemble(ordered, capsys, tmp_path):
  workdir, report = ordered
  rows = json.loads((workdir / 'result.json').read_text())
  assert {row['metric'] for row in rows} == {
    'wa', 'ua', 'f1_macro', 'f1_weighted', 'ece', 'mae_class', 'corr_class'}
  assert 'mae_class' in report and 'rows: label, columns: prediction' in report
  table, numbers_of = _table(workdir / 'members/standard-seed0', 'sentiment', 'test')
  names = ('-3', '-2', '-1', '0', '+1', '+2', '+3')
  said = (numbers_of('logit_above', names[:-1]) > 0).sum(1)
  hits = [names[number] == row['label'] for number, row in zip(said, table)]
  wa = next(row for row in rows if row['metric'] == 'wa' and row['split'] == 'test')
  assert wa['value'] == pytest.approx(np.mean(hits))
  out = tmp_path / 'out.csv'
  assert 'ensemble of 2' in light.evaluated(capsys, workdir, ensemble=True, index=2, out=str(out))
  with open(out, newline='', encoding='utf-8') as file:
    row = next(csv.DictReader(file))
  assert row['prediction'] in names and float(row['logit_above_+2']) is not None


def test_numbers_are_read_as_they_were_written(numbers):
  run = finished.open_run(str(numbers[0]))
  path = run.predictions_path(run.members[0], 'dimensions', 'test')
  found = run_folder.read_predictions(path, run.heads[0])
  assert found['label'].dtype == found['logits'].dtype == np.float32
  again = run_folder.predictions_csv(
    run.heads[0], ids=found['id'], units=found['unit'], folds=found['fold'],
    logits=found['logits'], truncated=found['truncated'], labels=found['label'],
    seeds=[0] * len(found['id']))
  assert again == path.read_text()
