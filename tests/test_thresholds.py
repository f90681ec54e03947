"""Runs of several labels with fitted weights and thresholds, from training to ensembles.

Two folds whose labels are not equally frequent train in one program. Of one, no utterance of the
validation part is angry.
"""

import csv
import dataclasses
import functools
import json
import re
import shutil

import numpy as np
import pytest

from configs import common, mosei_mat
from emojax.metrics import multi_label
from emojax.protocols import mosei
from emojax.protocols.protocol import Fold
from emojax.train import finished, loop, thresholds
from tests import light
from tests.data import authors_files

SIX = ('happy', 'sad', 'anger', 'surprise', 'disgust', 'fear')
GRUDGE = 'thresholds: anger has no positives in validation'
FEW = tuple(f'mosei/train{v}[{i}]' for v in range(6) for i in range(4) if (v, i) != (0, 0))
NOT_ANGRY = tuple(f'mosei/test{v}[{i}]' for v in range(3) for i in (0, 2, 3))


@pytest.fixture(scope='module', autouse=True)
def protocols():
  """Protocols of two folds, and one that may be chosen on test."""
  split = lambda name: {'split': (name,)}
  published = mosei.PROTOCOLS['mosei/emotion6']
  folds = (Fold('one', split('train'), split('valid'), split('test')),
           Fold('other', {'id': FEW}, {'id': NOT_ANGRY}, split('valid')))
  added = {
    'mosei/emotion6_folds': dataclasses.replace(
      published, name='mosei/emotion6_folds', folds=folds),
    'mosei/emotion6_as_published': dataclasses.replace(
      published, name='mosei/emotion6_as_published', notice='Thresholds from test.')}
  with pytest.MonkeyPatch.context() as patch:
    for name, protocol in added.items():
      patch.setitem(mosei.PROTOCOLS, name, protocol)
    yield


@pytest.fixture(scope='module')
def data(authors_dir, tmp_path_factory):
  """What has no label says and sounds what the test part does."""
  folder = tmp_path_factory.mktemp('data') / 'MOSEI'
  authors_files.copy_with_test_as_private(authors_dir / 'MOSEI', folder)
  return folder


def _config(data, protocol='mosei/emotion6_folds', head=None, **changes):
  config = light.light(mosei_mat.get_config('emotion,tiny'))
  config.data.path, config.protocol = str(data), protocol
  config.heads.emotion = common.multi_label(**{
    'over_labels': 'mean', 'class_weights': 'balanced', 'thresholds': 'f1', **(head or {})})
  config.streams.text.fit_on = 'labelled'
  config.optim.learning_rate, config.train.num_epochs = 0.02, 3
  config.batch.size = 8
  config.control.metric, config.mesh.data = 'emotion/f1_macro', 1
  config.members.seeds, config.members.mode = '2', 'vmap'
  config.update_from_flattened_dict(changes)
  return config


@pytest.fixture(scope='module')
def run(data, tmp_path_factory):
  """A finished run, and what it printed."""
  workdir = tmp_path_factory.mktemp('runs') / 'run'
  return workdir, loop.train_and_evaluate(_config(data), str(workdir))


def _table(path):
  with open(path, newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  return {'rows': rows} | {what: np.array(
    [[np.float32(row[f'{what}_{name}']) for name in SIX] for row in rows])
    for what in ('label', 'prediction', 'logit', 'threshold') if f'{what}_happy' in rows[0]}


def _predicted(folder, part):
  return _table(folder / f'predictions_emotion_{part}.csv')


def _members(workdir):
  return sorted(workdir.glob('members/*'))


def _loss(table, weights):
  """The mean over utterances and labels of the weighted cross-entropy."""
  z, there = table['logit'].astype(np.float64), table['label'] == 1
  return np.where(there, weights * np.log1p(np.exp(-z)), np.log1p(np.exp(z))).mean()


def _f1(table, names=SIX):
  chances = (1 / (1 + np.exp(-table['logit'].astype(np.float64)))).astype(np.float32)
  said, there = chances > table['threshold'], table['label'] == 1
  hits = (said & there).sum(0)
  return {name: 2 * hits[c] / (said.sum(0) + there.sum(0))[c] for c, name in enumerate(names)
          if (said | there)[:, c].any()}


@pytest.fixture
def said(capsys):
  return functools.partial(light.evaluated, capsys)


def test_weights_of_each_fold_are_fitted_and_reach_the_loss(run):
  found = {}
  for folder in _members(run[0]):
    weights = json.loads((folder / 'fitted_select/fitted.json').read_text())['class_weights']
    found[folder.name.partition('-')[0]] = weights['emotion']
    log = [json.loads(line) for line in (folder / 'metrics.jsonl').read_text().splitlines()]
    best = json.loads((folder / 'member.json').read_text())['control']['best_evaluation']
    expected = _loss(_predicted(folder, 'valid'), np.array(weights['emotion']))
    assert log[best - 1]['valid/emotion/loss'] == pytest.approx(expected, rel=1e-5)
  # of four rows in turn, each class has one; there are 32, or 23 without the first
  assert found['one'] == [3.0] * 6
  assert found['other'] == pytest.approx([17 / 6] * 3 + [18 / 5] + [17 / 6] * 2)


def test_thresholds_are_those_of_the_best_evaluation_on_validation(run):
  for folder in _members(run[0]):
    valid, test = (_predicted(folder, part) for part in ('valid', 'test'))
    expected = multi_label.best_thresholds(valid['label'].astype(int), valid['logit'])
    for table in (valid, test):
      np.testing.assert_array_equal(
        table['threshold'], np.tile(expected.astype(np.float32), (len(table['rows']), 1)))
    kept = json.loads((folder / 'thresholds.json').read_text())['emotion']
    angry = valid['label'][:, 2].any()
    assert kept == {'part': 'valid', 'thresholds': dict(zip(SIX, expected.tolist())),
                    'absent': [] if angry else ['anger']}
    assert angry or kept['thresholds']['anger'] == 0.5
    control = json.loads((folder / 'member.json').read_text())['control']
    assert control['best'] == pytest.approx(np.mean([*_f1(valid).values()]))
  assert len(set(test['threshold'][0])) > 1, 'the case is of no use'


def test_results_and_reports_decide_at_them(run, said):
  workdir, report = run
  rows = json.loads((workdir / 'result.json').read_text())
  of_fold = [r for r in rows if (r['fold'], r['seed'], r['split']) == ('one', 0, 'test')]
  expected = _f1(_predicted(workdir / 'members/one-seed0', 'test'))
  values = {row['metric']: row['value'] for row in of_fold}
  for name, f1 in expected.items():
    assert values[f'f1_{name}'] == pytest.approx(f1)
  assert values['f1_macro'] == pytest.approx(np.mean([*expected.values()]))
  tables = [_predicted(workdir / f'members/{fold}-seed0', 'test') for fold in ('one', 'other')]
  together = {key: np.concatenate([table[key] for table in tables])
              for key in ('label', 'logit', 'threshold')}
  pooled = {row['metric']: row for row in rows if (row['fold'], row['seed']) == ('pooled', 0)}
  for name, f1 in _f1(together).items():
    assert pooled[f'f1_{name}']['value'] == pytest.approx(f1)

  assert 'notice' not in of_fold[0] and pooled['f1_macro']['notice'] == (
    f'{GRUDGE} of other-seed0; 0.5 is used')
  other = [r for r in rows if (r['fold'], r['seed']) == ('other', 1)]
  assert {row['notice'] for row in other} == {f'{GRUDGE}; 0.5 is used'}
  assert report.startswith(f'{GRUDGE} of other-seed0; 0.5 is used\nmosei/emotion6_folds')
  heading, per_class, scores = report.split('\n\n')[:3]
  assert per_class.splitlines()[0].split()[-1] == 'threshold'
  assert 'f1_happy' not in report and re.search(r'^wacc_mosei +0\.\d{4}', scores, re.M)
  assert said(workdir).split('\n', 1)[1].strip() == report.strip()


def test_other_parts_are_decided_at_the_kept_ones(run, said, tmp_path):
  workdir = shutil.copytree(run[0], tmp_path / 'run')
  assert 'emotion on train' in said(workdir, split='train,unlabelled')
  for folder in _members(workdir):
    kept = _predicted(folder, 'test')['threshold'][:1]
    for part in ('train', 'unlabelled'):
      table = _predicted(folder, part)
      assert (table['threshold'] == kept).all()
    chances = 1 / (1 + np.exp(-table['logit'].astype(np.float64)))
    np.testing.assert_array_equal(table['prediction'], chances.astype(np.float32) > kept)


def test_an_ensemble_has_thresholds_of_its_own_in_each_fold(run, said, tmp_path):
  out = tmp_path / 'out.csv'
  report = said(run[0], ensemble=True, index=2, out=str(out))
  assert f'{GRUDGE} of other; 0.5 is used' in report and 'ensemble of 2' in report
  table = _table(out)
  folds = np.array([row['fold'] for row in table['rows']])
  for fold in ('one', 'other'):
    valid = [_predicted(run[0] / f'members/{fold}-seed{seed}', 'valid') for seed in range(2)]
    expected = multi_label.best_thresholds(
      valid[0]['label'].astype(int), np.mean([one['logit'] for one in valid], axis=0))
    mine = {key: table[key][folds == fold] for key in ('logit', 'threshold', 'prediction')}
    assert (mine['threshold'] == expected.astype(np.float32)).all()
    np.testing.assert_array_equal(
      mine['prediction'], multi_label.decide(mine['logit'], expected))
  f1 = np.mean([*_f1(table).values()])
  assert float(re.search(r'^f1_macro +(\d\.\d+)', report, re.M)[1]) == pytest.approx(f1, abs=1e-4)


def test_with_refit_they_are_those_of_the_selection_and_stopping_changes_nothing(
    run, data, tmp_path):
  """A member alone here, one of four there: they are trained and selected alike."""
  config = _config(data, **{'refit': True, 'members.folds': 'other', 'members.seeds': '1,',
                            'checkpoint.every_seconds': 0.0})
  whole, parts = tmp_path / 'whole', tmp_path / 'parts'
  report = loop.train_and_evaluate(config, str(whole))
  assert f'{GRUDGE}; 0.5 is used' in report
  assert light.stopped_every(config, parts, steps=2) > 1
  assert light.result(parts) == light.result(whole)
  alone, among = whole / 'members/other-seed1', run[0] / 'members/other-seed1'
  kept = [(folder / 'thresholds.json').read_text() for folder in (
    alone, parts / 'members/other-seed1', among)]
  assert kept[0] == kept[1] == kept[2]
  scores = [[json.loads(line) for line in (folder / 'metrics.jsonl').read_text().splitlines()][:3]
            for folder in (alone, among)]
  for one, other in zip(*scores, strict=True):
    for name in ('train/loss', 'valid/emotion/loss', 'valid/emotion/f1_macro'):
      assert one[name] == pytest.approx(other[name], rel=1e-3)
  cut = thresholds.read(alone, finished.open_run(str(whole)).heads)['emotion']
  assert (_predicted(alone, 'test')['threshold'] == cut.values.astype(np.float32)).all()
  assert not (alone / 'predictions_emotion_valid.csv').exists()


def test_chosen_on_test_they_are_found_there_and_refused_elsewhere(data, tmp_path):
  head = {'thresholds_on': 'test'}
  with pytest.raises(ValueError, match="heads.emotion.thresholds_on='test': .*Set it to 'valid'"):
    loop.train_and_evaluate(_config(data, head=head), str(tmp_path / 'refused'))
  report = loop.train_and_evaluate(
    _config(data, 'mosei/emotion6_as_published', head, **{
      'train.num_epochs': 1, 'members.seeds': '1'}), str(tmp_path / 'run'))
  assert report.startswith('chosen on test: not an honest estimate. Thresholds from test.')
  test, valid = (_predicted(tmp_path / 'run/members/standard-seed0', part)
                 for part in ('test', 'valid'))
  expected = multi_label.best_thresholds(test['label'].astype(int), test['logit'])
  for table in (test, valid):
    assert (table['threshold'] == expected.astype(np.float32)).all()


@pytest.mark.parametrize('head, message', [
  ({'thresholds': 'auc'}, "head emotion: thresholds='auc'; there are: none, f1"),
  ({'thresholds_on': 'train'}, "thresholds_on='train'; there are: valid, test"),
  ({'over_labels': 'max'}, "over_labels='max'; there are: sum, mean"),
  ({'class_weights': 'inverse'}, "class_weights='inverse': expected 'none', 'balanced' or 6 num"),
])
def test_what_there_is_not_is_answered(data, tmp_path, head, message):
  with pytest.raises(ValueError, match=message):
    loop.train_and_evaluate(_config(data, head=head), str(tmp_path / 'run'))
