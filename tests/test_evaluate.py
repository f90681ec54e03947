"""Reports of finished runs, alone and as an ensemble, through what a user calls."""

import csv
import itertools
import json
import pathlib
import re
import shutil

import numpy as np
import pytest

from configs import iemocap_mat, mosei_mat
from emojax.io import checksums
from emojax.train import loop
from tests import light
from tests.data import authors_files

FOLDS = ('session1', 'session2')
CLASSES = ('neutral', 'happy', 'sad', 'angry')
SIX = ('happy', 'sad', 'anger', 'surprise', 'disgust', 'fear')


def _train(config, data, workdir, **changes):
  light.light(config).data.path = str(data)
  config.mesh.data = 1  # compiling for eight takes long; tests/train/test_step.py compares them
  config.train.num_epochs = 1
  config.members.seeds, config.members.mode = '2', 'sequential'
  config.update_from_flattened_dict(changes)
  loop.train_and_evaluate(config, str(workdir))
  return workdir


@pytest.fixture(scope='module')
def run(data_dir, tmp_path_factory):
  """Two folds, two seeds."""
  return _train(
    iemocap_mat.get_config('tiny'), data_dir, tmp_path_factory.mktemp('runs') / 'run',
    **{'protocol': 'iemocap/loso5', 'members.folds': '0,1', 'optim.learning_rate': 0.01})


@pytest.fixture(scope='module')
def runs(run):
  """Two runs of three and two other seeds, made up: the first's files with other logits."""
  return _copy(run, 'three', seeds=(2, 5, 8)), _copy(run, 'two', seeds=(4, 7))


@pytest.fixture(scope='module')
def mosei(authors_dir, tmp_path_factory):
  """Several labels at once; what has no label says and sounds what the test part does."""
  data = tmp_path_factory.mktemp('data') / 'MOSEI'
  authors_files.copy_with_test_as_private(authors_dir / 'MOSEI', data)
  return _train(mosei_mat.get_config('emotion,tiny'), data, data.parent / 'run')


@pytest.fixture
def said(capsys):
  """Runs the program; returns what it printed."""

  def call(*workdirs, **given):
    for workdir in workdirs:
      _seal_again(workdir)
    return light.evaluated(capsys, *workdirs, **given)

  return call


def _seal_again(workdir):
  """What a test has changed counts as written; the folder is as a run of that kind leaves it."""
  for seal in pathlib.Path(workdir).rglob(checksums.SEAL):
    known = checksums.read(seal)
    checksums.write(seal, {name: checksums.of_file(seal.parent / name) for name in known
                           if (seal.parent / name).is_file()})


def _copy(run, name, *, seeds=(0, 1)):
  """A run folder like `run`, with `seeds`; logits of other seeds are drawn, more of them right."""
  to = run.parent / name
  shutil.copytree(run, to, ignore=shutil.ignore_patterns('members'))
  config = json.loads((run / 'config.json').read_text())
  config['members']['seeds'] = ','.join(map(str, seeds)) + ','
  (to / 'config.json').write_text(json.dumps(config))
  for fold, seed in itertools.product(FOLDS, seeds):
    folder = to / f'members/{fold}-seed{seed}'
    shutil.copytree(run / f'members/{fold}-seed{seed if seed < 2 else 0}', folder,
                    ignore=shutil.ignore_patterns('checkpoints*'))
    for part in ('valid', 'test') if seed > 1 else ():
      rows, random = _rows(folder, part), np.random.default_rng(seed)
      for number, row in enumerate(rows):
        row |= {'seed': seed, 'truncated': int(number % 10 == seed)}
        for name in CLASSES:
          right = row['label'] == name
          row[f'logit_{name}'] = np.float32(random.normal() + 0.8 * right)
      _write(folder, part, rows)
  return to


def _path(folder, part, head='emotion'):
  return folder / f'predictions_{head}_{part}.csv'


def _rows(folder, part):
  with open(_path(folder, part), newline='', encoding='utf-8') as file:
    return list(csv.DictReader(file))


def _write(folder, part, rows):
  with open(_path(folder, part), 'w', newline='', encoding='utf-8') as file:
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)


def _logits(rows, classes=CLASSES):
  return np.array([[float(row[f'logit_{name}']) for name in classes] for row in rows])


def _hits(rows, logits):
  """Which of the rows are decided rightly, by the mean of their members' logits."""
  return [CLASSES[number] == row['label']
          for row, number in zip(rows, np.mean(logits, axis=0).argmax(1), strict=True)]


def _members(fold, runs):
  return [path for run in runs for path in sorted(run.glob(f'members/{fold}-*'))]


def _by_hand(runs, part, size, first):
  """Accuracy of the ensemble of `size` on a part; `first` sorts the members of a fold."""
  hits = []
  for fold in FOLDS:
    chosen = sorted(_members(fold, runs), key=first)[:size]
    hits += _hits(_rows(chosen[0], part), [_logits(_rows(path, part)) for path in chosen])
  return float(np.mean(hits))


def _valid(path):
  rows = _rows(path, 'valid')
  return float(np.mean(_hits(rows, [_logits(rows)])))


def _best_first(path):
  return -_valid(path), f'{path.parents[1]} {path.name}'


def _printed(said, metric='wa'):
  return float(re.search(rf'^{metric} +(\d\.\d+)', said, re.M)[1])


def test_validation_orders_the_members_and_chooses_their_number(runs, said):
  report = said(*runs, ensemble=True)
  for fold in FOLDS:
    block = report.split(f'fold {fold}\n')[1].splitlines()[:5]
    members = sorted(_members(fold, runs), key=_best_first)
    assert [line.split() for line in block] == [
      [str(place), f'{_valid(path):.4f}', str(path.parents[1]), path.name]
      for place, path in enumerate(members, start=1)]
  scores = [_by_hand(runs, 'valid', size, _best_first) for size in range(1, 6)]
  best = 1 + scores.index(max(scores))
  tested = [_by_hand(runs, 'test', size, _best_first) for size in range(1, 6)]
  assert 1 < best < 5 and tested[best - 1] < max(tested), 'the case is of no use'
  sizes = report.split('Size of the ensemble, emotion/wa on validation\n')[1].splitlines()[:5]
  assert [line.split()[:2] for line in sizes] == [
    [str(size), f'{score:.4f}'] for size, score in enumerate(scores, start=1)]
  assert [line for line in sizes if 'chosen' in line] == [
    f'  {best:>4}  {max(scores):.4f}  chosen: the smallest of the best']
  assert f'iemocap/loso5, fold pooled, ensemble of {best}: emotion on test' in report
  assert _printed(report) == round(_by_hand(runs, 'test', best, _best_first), 4)
  assert '4 speakers' in report and '95 % interval' in report
  assert 'says nothing about human emotion' in report and 'on new data expect less' not in report


def test_the_number_of_members_can_be_fixed(runs, said):
  report = said(*runs, ensemble=True, index=4, split='valid,test')
  assert 'asked for' in report and 'chosen' not in report
  valid, test = report.split('ensemble of 4: emotion on ')[1:]
  assert valid.startswith('valid') and test.startswith('test')
  assert _printed(valid) == round(_by_hand(runs, 'valid', 4, _best_first), 4)
  assert 'on this very part; on new data expect less' in valid
  assert _printed(test) == round(_by_hand(runs, 'test', 4, _best_first), 4)
  with pytest.raises(ValueError, match=r'--index=6, but fold session1 has 5 .*Ask for at most 5'):
    said(*runs, ensemble=True, index=6)


def test_the_predictions_of_the_ensemble_are_written(runs, said, tmp_path):
  out = tmp_path / 'out/test.csv'
  report = said(*runs, ensemble=True, index=3, out=str(out))
  assert f'{out} holds the predictions of the ensemble of 3 on test: 40 rows.' in report
  with open(out, newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  assert list(rows[0]) == ['id', 'unit', 'fold', 'label', 'prediction',
                           *(f'logit_{name}' for name in CLASSES), 'truncated']
  for fold in FOLDS:
    mine = [row for row in rows if row['fold'] == fold]
    members = sorted(_members(fold, runs), key=_best_first)[:3]
    tables = [_rows(path, 'test') for path in members]
    for name in ('id', 'unit', 'label'):
      assert [row[name] for row in mine] == [row[name] for row in tables[0]]
    assert [row['truncated'] for row in mine] == [
      max(row['truncated'] for row in same) for same in zip(*tables)]
    assert {row['truncated'] for row in mine} == {'0', '1'}
    mean = np.mean([_logits(table) for table in tables], axis=0)
    np.testing.assert_allclose(_logits(mine), mean, rtol=1e-5, atol=1e-6)
    assert [row['prediction'] for row in mine] == [CLASSES[number] for number in mean.argmax(1)]


def test_as_published_the_order_is_that_of_names_and_the_best_size_is_labelled(runs, said):

  def name(path):
    return f'best{100 * _valid(path)!r}_{path.name.removeprefix(path.name[:13])}.pkl'

  def last_name_first(path):
    return sorted({name(p) for fold in FOLDS for p in _members(fold, runs)}, reverse=True).index(
      name(path))

  report = said(*runs, ensemble=True, as_published=True, split='valid,test')
  for fold in FOLDS:
    block = report.split(f'fold {fold}\n')[1].splitlines()[:5]
    expected = sorted(map(name, _members(fold, runs)), reverse=True)
    assert [line.split()[1] for line in block] == expected
  for part in ('valid', 'test'):
    lines = report.split(f'emotion/wa on {part}\n')[1].splitlines()
    together = [_by_hand(runs, part, size, last_name_first) for size in range(1, 6)]
    assert [line.split()[2] for line in lines[1:6]] == [f'{score:.4f}' for score in together]
    assert lines[6] == (
      f'Maximum over sizes, chosen on {part} itself, not an honest estimate: {max(together):.4f} '
      f'at size {1 + together.index(max(together))}')
  alone = [np.mean([hit for fold in FOLDS for path in [
    sorted(_members(fold, runs), key=last_name_first)[place]]
    for hit in _hits(_rows(path, 'test'), [_logits(_rows(path, 'test'))])]) for place in range(5)]
  assert [line.split()[1] for line in lines[1:6]] == [f'{score:.4f}' for score in alone]
  assert '95 % interval' not in report, 'no size was asked for'
  report = said(*runs, ensemble=True, as_published=True, index=2)
  assert 'fold pooled, ensemble of 2: emotion on test' in report
  assert _printed(report) == round(_by_hand(runs, 'test', 2, last_name_first), 4)


def test_as_published_an_imported_run_keeps_the_names_of_its_files(run, said):
  copy = _copy(run, 'imported')
  files = {'session1-seed0': 'best9.5_3.pkl', 'session1-seed1': 'best72.5_1.pkl',
           'session2-seed0': 'best100.0_1.pkl', 'session2-seed1': 'best72.5_1.pkl'}
  (copy / 'imported.json').write_text(json.dumps(
    {'members': {name: {'file': f'/ckpt/{file}', 'step': 4} for name, file in files.items()}}))
  for name in files:
    (copy / 'members' / name / 'checkpoints_select').mkdir()
    (copy / 'members' / name / 'checkpoints_select/4.json').write_text('{}')
  for path in copy.glob('members/*/predictions_emotion_valid.csv'):
    path.unlink()  # names need no scores
  report = said(copy, ensemble=True, as_published=True)
  assert re.findall(r'best\S+  session\S+', report) == [
    'best9.5_3.pkl  session1-seed0', 'best72.5_1.pkl  session1-seed1',
    'best72.5_1.pkl  session2-seed1', 'best100.0_1.pkl  session2-seed0']
  (copy / 'members/session1-seed0/checkpoints_select/5.json').write_text('{}')
  for path in copy.glob('members/*/predictions_emotion_test.csv'):
    checksums.Sealed(path.parent).write_bytes(  # trained on since, it has a score of its own
      _path(path.parent, 'valid').name, path.read_bytes())
  accuracy = _valid(copy / 'members/session1-seed0')
  assert f'  best{100 * accuracy!r}_0.pkl  session1-seed0' in said(
    copy, ensemble=True, as_published=True)


def test_a_member_that_was_given_up_is_left_out(run, said):
  copy = _copy(run, 'diverged', seeds=(5, 6, 7))
  member = copy / 'members/session2-seed6'
  (member / 'member.json').write_text(json.dumps(
    {'rows': [], 'control': {}, 'failed': 'train/loss is nan after step 12'}))
  for path in member.glob('predictions_*'):
    path.unlink()
  report = said(copy, ensemble=True)
  assert f'left out: session2-seed6 of {copy} (train/loss is nan after step 12)' in report
  assert len(re.findall(r'^ +\d  0\.\d+  session1', report, re.M)) == 3
  assert len(re.findall(r'^ +\d  0\.\d+  session2', report, re.M)) == 2
  sizes = report.split('Size of the ensemble')[1].split('iemocap/loso5')[0]
  assert len(re.findall(r'^ +\d  0\.', sizes, re.M)) == 2, 'as far as both folds go'
  with pytest.raises(ValueError, match=r'session2 has 2 .*given up: session2-seed6 of .*at most 2'):
    said(copy, ensemble=True, index=3)


def _edit(path, change):
  content = json.loads(path.read_text())
  change(content)
  path.write_text(json.dumps(content))


@pytest.mark.parametrize('name, file, change, message', [
  ('protocol', 'config.json', lambda c: c.update(protocol='iemocap/session1'),
   r'protocol iemocap/loso5 in \S+run, iemocap/session1 in \S+protocol'),
  ('dataset', 'run.json', lambda c: c.update(dataset='abc'),
   r'dataset \(fingerprint\) \S+ in \S+run, abc in \S+dataset'),
])
def test_runs_that_do_not_belong_together_are_refused(run, said, name, file, change, message):
  copy = _copy(run, name, seeds=(5, 6))
  if name == 'protocol':
    _edit(copy / file, lambda c: c['members'].update(folds='0'))
  _edit(copy / file, change)
  with pytest.raises(ValueError, match='do not belong together: ' + message):
    said(run, copy, ensemble=True)


def test_runs_with_other_heads_are_refused(run, mosei, said):
  with pytest.raises(ValueError, match=r"protocol iemocap/loso5 in .*; dataset .*; heads "
                                       r"{'emotion': \['neutral', .* {'emotion': \['happy', 'sad'"):
    said(run, mosei, ensemble=True)


def test_members_of_other_utterances_are_refused(run, said):
  copy = _copy(run, 'utterances', seeds=(5, 6, 7))
  folder = copy / 'members/session2-seed5'
  rows = _rows(folder, 'test')
  rows[3]['id'] = 'iemocap/another'
  _write(folder, 'test', rows)
  with pytest.raises(ValueError, match='not of the same utterances.*20 here, 20 there; in one '
                                       'alone are 2 .*iemocap/another'):
    said(run, copy, ensemble=True, index=5)


def test_one_member_is_no_ensemble(run, said):
  copy = _copy(run, 'one', seeds=(5,))
  with pytest.raises(ValueError, match=r'One member is no ensemble: fold session1 has 1 '
                                       r'\(session1-seed5\).*members.seeds'):
    said(copy, ensemble=True)
  with pytest.raises(ValueError, match='is named twice'):
    said(copy, copy, ensemble=True)


def test_without_validation_scores_there_is_no_order(run, said):
  copy = _copy(run, 'refitted')
  _edit(copy / 'config.json', lambda c: c.update(refit=True))
  for given in ({}, {'as_published': True}):
    with pytest.raises(ValueError, match='trained on validation too .*without refit'):
      said(copy, ensemble=True, **given)


@pytest.mark.parametrize('given, message', [
  ({'split': 'dev'}, "--split='dev'; there are: train, valid, test, unlabelled"),
  ({'split': 'valid,'}, "--split=''; there are"),
  ({'index': 2}, 'add --ensemble'),
  ({'as_published': True}, 'add --ensemble'),
  ({'out': 'x.csv'}, 'add --ensemble'),
  ({'ensemble': True, 'split': 'unlabelled'}, '--out FILE.csv'),
  ({'ensemble': True, 'split': 'valid,test', 'out': 'x.csv'}, 'asks for 2'),
  ({'ensemble': True, 'as_published': True, 'out': 'x.csv'}, 'say with --index'),
  ({'split': 'unlabelled'}, 'iemocap/loso5 has no unlabelled part; these have one: mosei/'),
  ({'split': 'unlabelled', 'ensemble': True, 'out': 'x.csv'}, 'iemocap/loso5 has no unlabelled'),
])
def test_what_cannot_be_is_answered(run, said, given, message):
  with pytest.raises(ValueError, match=re.escape(message)):
    said(run, **given)


def test_alone_each_run_reports_each_part(run, runs, said):
  report = said(run, runs[0], split='valid,test')
  for path, seeds in ((run, (0, 1)), (runs[0], (2, 5, 8))):
    mine = report.split(f'== {path}\n')[1].split('== ')[0]
    found = re.findall(r'fold pooled, seed (\d): emotion on (\w+)', mine)
    assert found == [(str(seed), part) for part in ('valid', 'test') for seed in seeds]


def test_what_has_no_label_is_predicted_and_never_scored(mosei, said, tmp_path):
  report = said(mosei, split='unlabelled')
  assert 'there is no score' in report and '95 % interval' not in report
  tables = []
  for seed in (0, 1):
    folder = mosei / f'members/standard-seed{seed}'
    assert f'12 rows in {_path(folder, "unlabelled")}' in report
    rows, test = _rows(folder, 'unlabelled'), _rows(folder, 'test')
    assert list(rows[0]) == ['id', 'unit', 'fold', 'seed', *(f'prediction_{c}' for c in SIX),
                             *(f'logit_{c}' for c in SIX), 'truncated']
    assert [row['id'] for row in rows] == [f'mosei/private{v}[{i}]' for v in range(3)
                                           for i in range(4)]
    np.testing.assert_allclose(_logits(rows, SIX), _logits(test, SIX), rtol=1e-5, atol=1e-6)
    for row, logits in zip(rows, _logits(rows, SIX), strict=True):
      assert [row[f'prediction_{c}'] for c in SIX] == [str(int(x > 0)) for x in logits]
    tables.append(_logits(rows, SIX))

  out = tmp_path / 'private.csv'
  report = said(mosei, split='unlabelled', ensemble=True, index=2, out=str(out))
  assert f'{out} holds the predictions of the ensemble of 2 on unlabelled: 12 rows.' in report
  assert '95 % interval' not in report
  with open(out, newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  assert list(rows[0]) == ['id', 'unit', 'fold', *(f'prediction_{c}' for c in SIX),
                           *(f'logit_{c}' for c in SIX), 'truncated']
  mean = np.mean(tables, axis=0)
  np.testing.assert_allclose(_logits(rows, SIX), mean, rtol=1e-5, atol=1e-6)
  assert [[row[f'prediction_{c}'] for c in SIX] for row in rows] == [
    [str(int(x > 0)) for x in logits] for logits in mean]
  report = said(mosei, ensemble=True, as_published=True)
  assert 'emotion/accuracy_elementwise on test' in report


def test_predictions_that_were_not_finished_are_made_again(mosei, said):
  """A program that is killed may leave a file that is not sealed yet."""
  said(mosei, split='unlabelled')
  folder = sorted(mosei.glob('members/*'))[0]
  sums = checksums.read(folder / checksums.SEAL)
  name = _path(folder, 'unlabelled').name
  checksums.seal(folder, {other: value for other, value in sums.items() if other != name})
  said(mosei, split='unlabelled')
  assert checksums.read(folder / checksums.SEAL) == sums and name in sums


def test_a_run_without_its_result_is_not_finished(run, said, tmp_path):
  broken = shutil.copytree(run, tmp_path / 'run')
  (broken / 'result.json').unlink()
  with pytest.raises(ValueError, match='it has no result.json. Run its training command again'):
    said(broken)


def test_files_without_labels_may_be_absent(mosei, said):
  copy = mosei.parent / 'absent'
  shutil.copytree(mosei, copy)
  for path in copy.glob('members/*/predictions_*_unlabelled.csv'):
    path.unlink()
  shutil.copytree(mosei.parent / 'MOSEI', mosei.parent / 'less/MOSEI',
                  ignore=shutil.ignore_patterns('private*'))
  with pytest.raises(ValueError, match="without labels .*'private'.*less has none of them"):
    said(copy, split='unlabelled', data_path=str(mosei.parent / 'less'))
