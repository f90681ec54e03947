"""Label maps, folds and what is answered to each mistake, on a protocol and an index typed here."""

import dataclasses
import re

import numpy as np
import pytest

from emojax.protocols import iemocap
from emojax.protocols import protocol as protocol_lib
from emojax.protocols.protocol import Fold, LabelMap, Protocol

LABELS = LabelMap('label', {'calm': ('n',), 'glad': ('h', 'e')}, expected={'calm': 3, 'glad': 5})
FOLD = Fold('b', {'house': ('c', 'd')}, {'house': ('a',)}, {'house': ('b',)})
TOY = Protocol('toy/plain', {'mood': LABELS}, (FOLD,), unit='who', select_on='mood/ua',
               report=('mood/ua',), source='this test')
LEAKY = dataclasses.replace(
  TOY, name='toy/plain_as_published', notice='chosen on test',
  folds=(Fold('b', {'house': ('c', 'd')}, {'house': ('b',)}, {'house': ('b',)}),))

INDEX = {
  #             0    1    2    3    4    5    6    7    8    9
  'house': list('a    a    b    b    c    c    d    d    d    e'.replace(' ', '')),
  'who':   list('1    2    3    4    5    6    7    7    8    9'.replace(' ', '')),
  'label': list('n    h    e    x    n    h    e    x    n    h'.replace(' ', '')),
}


def index(**changes):
  return {name: np.array(values) for name, values in (INDEX | changes).items()}


def test_ids_follow_the_order_of_the_classes():
  assert LABELS.names == ('calm', 'glad')
  found = LABELS.ids(np.array(['e', 'n', 'x', 'h', '', 'N']))
  assert found.tolist() == [1, 0, -1, 1, -1, -1]


def test_rows_of_each_part_in_order_without_those_that_have_no_class():
  split = protocol_lib.resolve(TOY, 0, index())
  assert {part: rows.tolist() for part, rows in split.rows.items()} == {
    'train': [4, 5, 6, 8], 'valid': [0, 1], 'test': [2]}
  assert split.targets['mood'].tolist() == [0, 1, 1, -1, 0, 1, 1, -1, 0, 1]
  assert split.fold is FOLD


def test_all_columns_of_a_part_must_agree():
  both = dataclasses.replace(TOY, folds=(
    Fold('b', {'house': ('c', 'd'), 'who': ('5', '7', '6')}, FOLD.valid, FOLD.test),))
  assert protocol_lib.resolve(both, 0, index()).rows['train'].tolist() == [4, 5, 6]


def test_of_several_heads_a_row_needs_a_class_in_each():
  two = dataclasses.replace(
    TOY, labels={'mood': LABELS, 'size': LabelMap('size', {'small': ('s',), 'large': ('l',)})})
  split = protocol_lib.resolve(two, 0, index(size=list('slslsls?ls')))
  assert split.rows['train'].tolist() == [4, 5, 6, 8]
  assert split.targets['size'].tolist() == [0, 1, 0, 1, 0, 1, 0, -1, 1, 0]
  split = protocol_lib.resolve(two, 0, index(size=list('slsl?lslls')))
  assert split.rows['train'].tolist() == [5, 6, 8]


@pytest.mark.parametrize('changes, complete, message', [
  (dict(drop='who'), False,
   "toy/plain needs the index columns ['who']; there are ['house', 'label']. Build toy again with "
   'this version.'),
  (dict(house=list('aaxxccddde')), False,
   "toy/plain, fold b: the test part is empty; it asks for {'house': ('b',)}, the index has "
   "{'house': ['a', 'c', 'd', 'e', 'x']}."),
  (dict(label=list('nhexnxxxnh')), False,
   "toy/plain, fold b: all 2 training utterances are 'calm'; nothing can be learned from one "
   'class.'),
  (dict(who=list('1234567719')), False, "toy/plain, fold b: train and valid share the whos ['1']."),
  (dict(who=list('1234563789')), False, "toy/plain, fold b: train and test share the whos ['3']."),
  (dict(who=list('1224567789')), False, "toy/plain, fold b: valid and test share the whos ['2']."),
  (dict(label=list('nhexnhexnx')), True,
   "toy/plain, head mood: the release has {'calm': 3, 'glad': 4} utterances per class, expected "
   "{'calm': 3, 'glad': 5}."),
])
def test_a_wrong_index_is_answered(changes, complete, message):
  table = index(**{name: values for name, values in changes.items() if name != 'drop'})
  table.pop(changes.get('drop'), None)
  with pytest.raises(ValueError, match=f'^{re.escape(message)}$'):
    protocol_lib.resolve(TOY, 0, table, complete=complete)


def test_a_complete_release_has_the_published_counts():
  assert protocol_lib.resolve(TOY, 0, index(), complete=True).rows['test'].tolist() == [2]


def test_as_published_may_choose_on_test_but_not_train_on_it():
  rows = protocol_lib.resolve(LEAKY, 0, index()).rows
  assert rows['valid'].tolist() == rows['test'].tolist() == [2]
  with pytest.raises(ValueError, match='train and test share|train and valid share'):
    protocol_lib.resolve(LEAKY, 0, index(who=list('1234563789')))
  clean = dataclasses.replace(LEAKY, name='toy/plain', notice='')
  with pytest.raises(ValueError, match='valid and test share'):
    protocol_lib.resolve(clean, 0, index())


@pytest.mark.parametrize(
  'changes', [dict(notice='chosen on test'), dict(name='toy/x_as_published')])
def test_a_notice_and_the_name_go_together(changes):
  with pytest.raises(ValueError, match='a notice belongs to names in _as_published alone'):
    dataclasses.replace(TOY, **changes)
  assert TOY.clean and not LEAKY.clean


@pytest.mark.parametrize('wanted, expected', [
  ('all', [0, 1, 2, 3, 4]), ('0', [0]), ('4,1', [4, 1]), (' session2 , 0', [1, 0]),
  ('session5,', [4])])
def test_folds_are_chosen_by_number_or_name(wanted, expected):
  assert protocol_lib.choose_folds(iemocap.PROTOCOLS['iemocap/loso5'], wanted) == expected


@pytest.mark.parametrize('wanted, message', [
  ('5', "iemocap/loso5 has no fold '5'; it has 0 (session1), 1 (session2)"),
  ('session6', "has no fold 'session6'"), ('-1', "has no fold '-1'"), ('0.5', "has no fold '0.5'"),
  ('', "expected 'all' or fold numbers, each once"), ('1,1', 'each once'),
  ('1,session2', 'each once'), ('all,1', "has no fold 'all'"), ('²', "has no fold '²'"),
])
def test_wrong_folds_are_answered(wanted, message):
  with pytest.raises(ValueError, match=re.escape(message)) as caught:
    protocol_lib.choose_folds(iemocap.PROTOCOLS['iemocap/loso5'], wanted)
  assert str(caught.value).startswith(f'members.folds={wanted!r}: ')


@pytest.mark.parametrize('name, message', [
  ('iemocap/loso', r"did you mean 'iemocap/loso5'\?\); there are: .*iemocap/session1,"),
  ('iemocap/nobody', r"'iemocap/nobody' is not in emojax/protocols/iemocap\.py.*; there are: "),
  ('iemocup/loso5', r'no emojax/protocols/iemocup\.py; corpora: .*\biemocap\b'),
  ('protocol/loso5', r'no emojax/protocols/protocol\.py'),
  ('loso5', r'no emojax/protocols/loso5\.py'),
  ('', r"protocol '': "),
])
def test_a_wrong_name_is_answered(name, message):
  with pytest.raises(ValueError, match=message):
    protocol_lib.load(name)


# Counts of the published releases: spec of MAT, section 1.1, and the EmoDB paper.
@pytest.mark.parametrize('name, total', [
  ('iemocap/loso5', 5531), ('iemocap/session1', 5531), ('iemocap/session1_as_published', 5531),
  ('iemocap/loso5_six_official', 7380), ('iemocap/loso5_six_common', 7433), ('emodb/loso', 339)])
def test_expected_counts_sum_to_the_published_ones(name, total):
  assert sum(protocol_lib.load(name).labels['emotion'].expected.values()) == total


def test_mats_own_division():
  published = protocol_lib.load('iemocap/session1_as_published')
  [fold] = published.folds
  assert published.labels['emotion'].names == ('neutral', 'happy', 'sad', 'angry')
  assert fold.train == {'session': ('2', '3', '4', '5')}
  assert fold.valid == fold.test == {'session': ('1',)}
  [honest] = protocol_lib.load('iemocap/session1').folds
  assert honest.test == fold.test and honest.valid == {'session': ('2',)}
  assert honest.train == {'session': ('3', '4', '5')}
