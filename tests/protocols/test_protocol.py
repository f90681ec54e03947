"""Label maps, folds and what is answered to each mistake, on a protocol and an index typed here."""

import dataclasses
import re

import numpy as np
import pytest

from emojax.protocols import iemocap
from emojax.protocols import protocol as protocol_lib
from emojax.protocols.labels import Categories, MultiLabel
from emojax.protocols.protocol import Fold, HeldOut, Protocol

LABELS = Categories('label', {'calm': ('n',), 'glad': ('h', 'e')}, expected={'calm': 3, 'glad': 5})
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


def test_rows_of_each_part_in_order_without_those_that_have_no_class():
  split = protocol_lib.resolve(TOY, 0, index())
  assert {part: rows.tolist() for part, rows in split.rows.items()} == {
    'train': [4, 5, 6, 8], 'valid': [0, 1], 'test': [2], 'unlabelled': []}
  assert split.targets['mood'].tolist() == [0, 1, 1, -1, 0, 1, 1, -1, 0, 1]
  assert split.fold is FOLD


def test_all_columns_of_a_part_must_agree():
  both = dataclasses.replace(TOY, folds=(
    Fold('b', {'house': ('c', 'd'), 'who': ('5', '7', '6')}, FOLD.valid, FOLD.test),))
  assert protocol_lib.resolve(both, 0, index()).rows['train'].tolist() == [4, 5, 6]


def test_of_several_heads_a_row_needs_a_class_in_each():
  two = dataclasses.replace(
    TOY, labels={'mood': LABELS, 'size': Categories('size', {'small': ('s',), 'large': ('l',)})})
  split = protocol_lib.resolve(two, 0, index(size=list('slslsls?ls')))
  assert split.rows['train'].tolist() == [4, 5, 6, 8]
  assert split.targets['size'].tolist() == [0, 1, 0, 1, 0, 1, 0, -1, 1, 0]
  split = protocol_lib.resolve(two, 0, index(size=list('slsl?lslls')))
  assert split.rows['train'].tolist() == [5, 6, 8]


@pytest.mark.parametrize('changes, complete, message', [
  (dict(drop='who'), False,
   "toy/plain needs the index columns ['who']; there are ['house', 'label']. Build toy again with "
   "this version, put the original authors' file that holds them beside the others, or name them "
   'in the description of the table.'),
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


def test_what_is_chosen_on_test_must_say_so():
  with pytest.raises(ValueError, match='toy/x_as_published: .* needs a notice'):
    dataclasses.replace(TOY, name='toy/x_as_published')
  assert TOY.clean and not LEAKY.clean
  assert dataclasses.replace(TOY, notice='shares speakers').clean


def test_expected_counts_may_be_of_some_rows():
  of_b = dataclasses.replace(LABELS, expected={'calm': 0, 'glad': 1}, counted={'house': ('b',)})
  counted = dataclasses.replace(TOY, labels={'mood': of_b})
  assert protocol_lib.resolve(counted, 0, index(), complete=True).rows['test'].tolist() == [2]
  with pytest.raises(ValueError, match=r"has \{'calm': 1, 'glad': 1\} .*, expected .*'calm': 0"):
    protocol_lib.resolve(counted, 0, index(label=list('nhenhhexnh')), complete=True)


TWO_LABELS = dataclasses.replace(TOY, labels={'mood': MultiLabel({'loud': 'l', 'fast': 'f'})})


def test_several_labels_are_rows_of_noughts_and_ones():
  table = index(l=[0, 1, 0, 0, 1.5, 0, 0.1, 0, 0, 0], f=[1, 0, 0, 2, 0, 1, 0, 0, 1, 0])
  split = protocol_lib.resolve(TWO_LABELS, 0, table)
  assert split.targets['mood'].dtype == np.int32
  assert split.targets['mood'].tolist() == [
    [0, 1], [1, 0], [0, 0], [0, 1], [1, 0], [0, 1], [1, 0], [0, 0], [0, 1], [0, 0]]
  assert split.rows['train'].tolist() == [4, 5, 6, 7, 8] and split.rows['test'].tolist() == [2, 3]


@pytest.mark.parametrize('number, words', [(0, "not 'loud'"), (1, "'loud'")])
def test_a_label_that_never_changes_is_refused(number, words):
  table = index(l=[1, 0, 0, 1] + [number] * 6, f=[1, 0, 0, 2, 0, 1, 0, 0, 1, 0])
  with pytest.raises(ValueError, match=f'all 5 training utterances are {words}; nothing can be'):
    protocol_lib.resolve(TWO_LABELS, 0, table)


HOLDING_OUT = dataclasses.replace(
  TOY, folds=(Fold('b', {'house': ('a', 'c', 'd')}, HeldOut(0.4, seed=1), {'house': ('b',)}),))


def held_out(table, seed=1, share=0.4):
  [fold] = HOLDING_OUT.folds
  chosen = dataclasses.replace(
    HOLDING_OUT, folds=(dataclasses.replace(fold, valid=HeldOut(share, seed)),))
  split = protocol_lib.resolve(chosen, 0, table)
  return split, set(table['who'][split.rows['valid']].tolist())


def test_a_held_out_part_is_whole_units_of_the_training_part():
  table = index(label=list('nhehnhenhe'))
  split, held = held_out(table)
  assert len(held) == 2, 'two of the six units 1, 2, 5, 6, 7, 8 that train'
  assert sorted(np.concatenate([split.rows['train'], split.rows['valid']])) == [0, 1, 4, 5, 6, 7, 8]
  assert set(split.fold.valid['who']) == held
  assert split.fold.valid['house'] == split.fold.train['house'] == ('a', 'c', 'd')
  assert not set(split.fold.train['who']) & held


def test_who_is_held_out_depends_on_seed_and_names_alone():
  table = index(label=list('nhehnhenhe'))
  _, held = held_out(table)
  turned = {name: values[::-1] for name, values in table.items()}
  assert held_out(turned)[1] == held
  assert held_out(index(label=list('hnenhnehne')))[1] == held
  assert len({frozenset(held_out(table, seed)[1]) for seed in range(8)}) > 1
  # more are held out by taking more of the same ranking
  _, more = held_out(table, share=0.6)
  assert held < more


def test_one_unit_at_least_is_held_out():
  assert len(held_out(index(label=list('nhehnhenhe')), share=0.01)[1]) == 1


def test_long_lists_are_shown_in_part():
  many = tuple(f'v{i}' for i in range(40))
  long = dataclasses.replace(TOY, folds=(
    Fold('b', FOLD.train, {'house': many}, FOLD.test),))
  with pytest.raises(ValueError, match=r"valid part is empty; .*'v11'\) and 28 more\}, the index"):
    protocol_lib.resolve(long, 0, index())


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
  ('labels/loso5', r'no emojax/protocols/labels\.py'),
  ('loso5', r'no emojax/protocols/loso5\.py'),
  ('', r"protocol '': "),
])
def test_a_wrong_name_is_answered(name, message):
  with pytest.raises(ValueError, match=message):
    protocol_lib.load(name)


# Counts of the published releases: spec of MAT, section 1.1, and the EmoDB paper.
@pytest.mark.parametrize('name, total', [
  ('iemocap/loso5', 5531), ('iemocap/session1', 5531), ('iemocap/session1_as_published', 5531),
  ('iemocap/loso5_six_official', 7380), ('iemocap/loso5_six_common', 7433), ('emodb/loso', 339),
  ('meld/emotion7', 9989 + 1109 + 2610), ('meld/sentiment3', 9989 + 1109 + 2610),
  ('mosei/sentiment7', 16327 + 1871 + 4662), ('mosei/sentiment2', 16327 + 1871 + 4662),
  ('mosi/sentiment2', 2199 - 96)])  # those of score 0 have no class
def test_expected_counts_sum_to_the_published_ones(name, total):
  [labels] = protocol_lib.load(name).labels.values()
  assert sum(labels.expected.values()) == total


def test_mats_own_division():
  published = protocol_lib.load('iemocap/session1_as_published')
  [fold] = published.folds
  assert published.labels['emotion'].names == ('neutral', 'happy', 'sad', 'angry')
  assert fold.train == {'session': ('2', '3', '4', '5')}
  assert fold.valid == fold.test == {'session': ('1',)}
  [honest] = protocol_lib.load('iemocap/session1').folds
  assert honest.test == fold.test and honest.valid == {'session': ('2',)}
  assert honest.train == {'session': ('3', '4', '5')}


def test_mosi_has_the_standard_folds():
  [honest], [published] = (protocol_lib.load(f'mosi/{name}').folds
                           for name in ('sentiment2', 'sentiment2_as_published'))
  sizes = [len(set(getattr(honest, part)['video'])) for part in protocol_lib.SPLITS]
  assert sizes == [52, 10, 31]
  assert set(published.train['video']) == {*honest.train['video'], *honest.valid['video']}
  assert published.valid == published.test == honest.test


@pytest.mark.parametrize('name, classes', [
  ('meld/emotion7', 'neutral surprise fear sadness joy disgust anger'),
  ('meld/sentiment3', 'neutral positive negative'),
  ('mosei/emotion6', 'happy sad anger surprise disgust fear'),
  ('mosei/sentiment7', '-3 -2 -1 0 +1 +2 +3'), ('mosi/sentiment7', '-3 -2 -1 0 +1 +2 +3'),
  ('mosei/sentiment2', 'negative non-negative'), ('mosi/sentiment2', 'negative positive'),
  ('vgaf/affect3', 'positive neutral negative')])
def test_classes_have_the_originals_order(name, classes):
  [labels] = protocol_lib.load(name).labels.values()
  assert labels.names == tuple(classes.split())


def test_meld_says_that_its_parts_share_speakers():
  protocol = protocol_lib.load('meld/emotion7')
  assert 'share speakers' in protocol.notice and protocol.unit == 'dialogue'
