"""IEMOCAP's divisions, on an index of its speakers and scenes typed here."""

import numpy as np
import pytest

from emojax.protocols import iemocap
from emojax.protocols import protocol as protocol_lib

SCENES = ('', 'script01', 'script02', 'script03')
CLASSES = ('ang', 'hap', 'sad', 'neu', 'xxx')
ROWS = [(str(s), f'Ses0{s}{g}', scene, label)
        for s in range(1, 6) for g in 'FM' for scene in SCENES for label in CLASSES * 4]
INDEX = dict(zip(('session', 'speaker', 'script', 'emotion'), map(np.array, zip(*ROWS)))) | {
  'id': np.char.mod('iemocap/u%04d', np.arange(len(ROWS)))}
LABELLED = INDEX['emotion'] != 'xxx'


def folds(name):
  """(fold, part -> its rows) of every fold."""
  protocol = protocol_lib.load(f'iemocap/{name}')
  for number, fold in enumerate(protocol.folds):
    rows = protocol_lib.resolve(protocol, number, INDEX).rows
    yield fold, {part: rows[part] for part in protocol_lib.SPLITS}


def values(column, rows):
  return set(INDEX[column][rows].tolist())


def test_of_ten_speakers_one_tests_and_the_other_of_the_session_validates():
  tested = []
  for fold, rows in folds('loso10'):
    [test], [valid] = values('speaker', rows['test']), values('speaker', rows['valid'])
    assert fold.name == test and test[:5] == valid[:5] and test != valid
    assert values('session', rows['train']) == {*'12345'} - {test[4]}
    tested.append(test)
  assert tested == [f'Ses0{s}{g}' for s in range(1, 6) for g in 'FM']


def test_improvised_means_improvised_in_all_parts():
  for fold, rows in folds('loso5_improvised'):
    for part in rows.values():
      assert values('script', part) == {''}
    assert values('session', rows['test']) == {fold.name[-1]}
    used = np.concatenate(list(rows.values()))
    assert sorted(used) == np.flatnonzero(LABELLED & (INDEX['script'] == '')).tolist()


def test_four_sessions_take_turns_and_the_fifth_is_not_used():
  valid = {}
  for fold, rows in folds('loso4_sessions1to4'):
    [valid[fold.name]] = values('session', rows['valid'])
    assert values('session', np.concatenate(list(rows.values()))) == {*'1234'}
    assert len(values('session', rows['train'])) == 2
  assert valid == {'session1': '2', 'session2': '3', 'session3': '4', 'session4': '1'}


def test_no_sentence_of_the_tested_script_is_trained_or_chosen_on():
  times = np.zeros(len(ROWS), int)
  names = []
  for fold, rows in folds('script_disjoint'):
    [session], [script] = values('session', rows['test']), values('script', rows['test'])
    assert script and fold.name == f'session{session}_{script}'
    # with `refit` the validation part is trained on too
    assert values('script', rows['train']) == values('script', rows['valid']) == {
      *SCENES} - {script}
    assert len(values('session', rows['train'])) == 3
    assert not values('speaker', rows['train']) & values('speaker', rows['valid'])
    times[rows['test']] += 1
    names.append(fold.name)
  assert len(set(names)) == 15
  np.testing.assert_array_equal(times, LABELLED & (INDEX['script'] != ''))


def test_mses_sets_hold_out_every_utterance_once():
  held = np.zeros(len(ROWS), int)
  for _, rows in folds('mse_as_published'):
    held[np.concatenate([rows['valid'], rows['test']])] += 1
    assert len(rows['valid']) < len(rows['test'])
  np.testing.assert_array_equal(held, LABELLED)


def test_tab_tests_on_session_5_and_validates_at_random():
  [(_, rows)] = folds('tab_as_published')
  assert values('session', rows['test']) == {'5'}
  assert values('session', rows['train']) == values('session', rows['valid']) == {*'1234'}
  assert len(rows['valid']) == round(0.1 * (len(rows['valid']) + len(rows['train'])))


@pytest.mark.parametrize('name, classes', [
  ('fme_as_published', 'angry happy sad neutral'), ('mse_as_published', 'angry happy sad neutral'),
  ('tab_as_published', 'angry happy sad neutral'), ('loso10', 'neutral happy sad angry'),
  ('mme2e_as_published', 'angry excited frustrated happy neutral sad')])
def test_classes_have_the_originals_order(name, classes):
  [labels] = protocol_lib.load(f'iemocap/{name}').labels.values()
  assert labels.names == tuple(classes.split())
  assert sum(labels.expected.values()) == (7380 if 'mme2e' in name else 5531)


@pytest.mark.parametrize('name', ['fme', 'mse', 'mse_set', 'mme2e', 'tab'])
def test_random_divisions_say_so(name):
  protocol = iemocap.PROTOCOLS[f'iemocap/{name}_as_published']
  assert protocol.unit == 'utterance' and protocol.unit_column == 'id' and not protocol.clean
  assert 'at random' in protocol.notice or 'shuffled' in protocol.notice
  assert 'speakers and dialogues stand in' in protocol.notice
