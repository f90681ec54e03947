"""`--defects`: whatever is planted into a generated release gets its verdict when it is built."""

import collections
import json
import shutil

import numpy as np
import pytest

from data_builders import build, synthetic
from data_builders.corpora import prepare
from data_builders.synthetic import __main__ as program
from data_builders.synthetic import defects
from emojax.io import files, prepared
from tests.data_builders import hand_made

SEED = 4
ERRORS = [(corpus, defect.name) for corpus in defects.corpora()
          for defect in defects.kinds(corpus).values() if defect.error]

Built = collections.namedtuple('Built', 'dataset exclusions notes')


def _lines(path):
  return [json.loads(line) for line in path.read_text('utf-8').splitlines()]


def _content(root):
  return {path.relative_to(root): path.read_bytes() for path in root.rglob('*') if path.is_file()}


@pytest.fixture(scope='module')
def release(tmp_path_factory):
  """Corpus -> an undamaged release, generated once."""
  made = {}

  def _release(corpus):
    if corpus not in made:
      folder = tmp_path_factory.mktemp('release')
      made[corpus] = folder, synthetic.write(corpus, folder / 'x', seed=SEED, size='tiny')
    return made[corpus]

  return _release


@pytest.fixture(scope='module')
def built(release, tmp_path_factory):
  """(corpus, release) -> what `base` of it is, built with --partial."""

  def _built(corpus, root):
    folder, _ = prepare.prepare(
      corpus, 'base', tmp_path_factory.mktemp('data'), manual_dir=root, partial=True, workers=2)
    return Built(prepared.Dataset(folder), _lines(folder / prepared.EXCLUSIONS),
                 [line['note'] for line in _lines(folder / prepared.NOTES)])

  return _built


def _rows(built):
  """Id -> (row of the index, record)."""
  index = built.dataset.index
  return {id: ({name: column[row] for name, column in index.items()}, built.dataset.read(row))
          for row, id in enumerate(index['id'].tolist())}


@pytest.mark.parametrize('corpus', defects.corpora())
def test_every_planted_defect_gets_its_verdict(corpus, release, built, tmp_path):
  root = synthetic.write(corpus, tmp_path / 'x', seed=SEED, size='tiny', defects=True)
  planted = files.read_json(root / defects.LIST)
  assert {entry['name'] for entry in planted} == {
    defect.name for defect in defects.kinds(corpus).values() if not defect.error}
  before, after = built(corpus, release(corpus)[1]), built(corpus, root)
  undamaged, kept = _rows(before), _rows(after)
  reasons = {exclusion['id']: exclusion['reason'] for exclusion in after.exclusions}
  for entry in planted:
    name, ids, reason = entry['name'], entry['ids'], entry['reason']
    assert ids, name
    for id in ids:
      if entry['verdict'] == 'excluded':
        assert reason in reasons.get(id, 'is kept'), (name, id)
      else:
        assert id in kept, (name, id, reasons.get(id))
      if entry['verdict'] == 'repaired':
        np.testing.assert_equal(kept[id], undamaged[id], err_msg=f'{name} {id}')
    if entry['verdict'] == 'noted':
      assert any(reason in note for note in after.notes), (name, reason)
  # nothing else was lost, and whatever is listed is accounted for, once
  lost = {id for entry in planted if entry['verdict'] == 'excluded' for id in entry['ids']}
  assert reasons.keys() - {exclusion['id'] for exclusion in before.exclusions} == lost
  assert not reasons.keys() & kept.keys()
  counts = after.dataset.counts
  assert counts['kept'] == len(kept) == len(after.dataset)
  assert counts['excluded'] == len(reasons) == len(after.exclusions)
  assert counts['kept'] + counts['excluded'] == counts['listed']
  assert not after.dataset.about['complete']
  assert after.dataset.about['num_notes'] == len(after.notes)


@pytest.mark.parametrize('corpus, name', ERRORS)
def test_a_release_that_is_not_good_enough_is_refused(corpus, name, release, tmp_path):
  folder, root = release(corpus)
  damaged = shutil.copytree(folder, tmp_path / 'copy') / root.relative_to(folder)
  defects.plant(damaged, corpus, name, seed=SEED)
  (entry,) = files.read_json(damaged / defects.LIST)
  with pytest.raises(ValueError) as error:
    prepare.prepare(corpus, 'base', tmp_path / 'data', manual_dir=damaged, workers=2)
  assert entry['reason'] in str(error.value)
  assert not [path for path in (tmp_path / 'data').rglob('*')
              if path.is_file() and path.name != '.lock']


def test_there_are_kinds_enough():
  names = [(corpus, name) for corpus in defects.corpora() for name in defects.kinds(corpus)]
  assert len(names) >= 40
  assert {'emodb', 'iemocap'} <= set(defects.corpora()) <= set(synthetic.corpora())


def test_the_same_seed_damages_the_same(tmp_path):
  one, two = (synthetic.write('emodb', tmp_path / name, size='tiny', defects=True)
              for name in ('one', 'two'))
  assert _content(one) == _content(two)


def test_defects_are_planted_once_and_never_into_what_is_there(release, tmp_path, capsys):
  options = ['emodb', '--out', str(tmp_path / 'x'), '--size', 'tiny']
  program.main([*options, '--defects=silence'])
  (entry,) = files.read_json(tmp_path / 'x' / defects.LIST)
  assert (entry['name'], entry['verdict']) == ('silence', 'noted')
  assert files.read_json(tmp_path / 'x/truth.json')['defects'] == 'silence'
  with pytest.raises(SystemExit, match='already holds something; .* choose another --out'):
    program.main([*options, '--defects'])
  with pytest.raises(SystemExit, match="defects='silence'; asked for is one with"):
    program.main(options)
  with pytest.raises(ValueError, match='holds defects already; they are planted once'):
    defects.plant(tmp_path / 'x', 'emodb', None, seed=0)


def test_an_unknown_defect_is_answered_before_anything_is_written(tmp_path):
  with pytest.raises(SystemExit, match=r"no defect 'silense'; .*\(did you mean 'silence'\?\)"):
    program.main(['emodb', '--out', str(tmp_path / 'x'), '--defects=silense'])
  assert not list(tmp_path.iterdir())


def test_two_defects_never_touch_one_utterance(tmp_path):
  files.write_json(tmp_path / defects.LIST, [{'ids': ['x/1', 'x/2', 'x/5']}])
  rng = np.random.default_rng(0)
  assert {defects.pick(tmp_path, rng, [f'x/{n}' for n in range(1, 6)]) for _ in range(40)} == {
    'x/3', 'x/4'}
  assert defects.pick(tmp_path, rng, {'a': ['x/2', 'x/3'], 'b': ['x/4', 'x/6']}) == 'b'
  with pytest.raises(ValueError, match='each of 2 places for a defect is taken; .* --size'):
    defects.pick(tmp_path, rng, ['x/1', 'x/5'])


def test_a_damaged_release_is_not_taken_for_the_whole_one(tmp_path, capsys):
  whole = synthetic.write('emodb', tmp_path / 'whole', size='tiny')
  damaged = synthetic.write('emodb', tmp_path / 'damaged', size='tiny', defects=True)
  options = ['emodb/base', '--data_dir', str(tmp_path / 'data'), '--manual_dir']
  assert build.main([*options, str(damaged), '--partial']) == 0
  assert 'oddities that cost nothing, see notes.jsonl' in capsys.readouterr().out
  assert build.main([*options, str(whole)]) == 1
  assert 'was built from a generated release (version 1, seed 0, size tiny, with defects)' in (
    capsys.readouterr().err)


def test_rules_for_sounds_are_those_stated():
  """One sample in a thousand at full scale is clipped; silence is one value all along."""
  from data_builders.corpora import oddities

  said = oddities.Oddities()
  loud = hand_made.noise(0.5, 1).clip(-9000, 9000)  # 8000 samples
  loud[:7] = 32767
  assert not list(said.of('x/a', loud))
  loud[7] = -32768
  assert list(said.of('x/b', loud)) == ['b is clipped: 0.1% of its samples are at full scale']
  assert list(said.of('x/c', np.full(100, 3, np.int16))) == [
    'c is silence: all 100 samples are 3']
  assert list(said.of('x/d', loud.copy()))[-1] == 'd has the very sound of b'
