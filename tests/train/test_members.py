"""From two strings to the list of runs."""

import re

import pytest

from emojax.protocols import iemocap
from emojax.train import members

LOSO = iemocap.PROTOCOLS['iemocap/loso5']


@pytest.mark.parametrize('seeds, first, expected', [
  ('1', 0, [0]), ('3', 0, [0, 1, 2]), ('3', 10, [10, 11, 12]), (2, 5, [5, 6]),
  ('3,', 0, [3]), ('1,7', 5, [1, 7]), (' 7 , 1 ', 0, [7, 1]), ('0,', 9, [0]), ('0,1', 9, [0, 1]),
])
def test_seeds_are_counted_or_listed(seeds, first, expected):
  assert members.choose_seeds(seeds, first) == expected


@pytest.mark.parametrize('seeds', ['', '0', ',', '-1', '1,-2', 'all', '1.5', '1,1', '1,x', '²'])
def test_other_strings_are_refused(seeds):
  message = f"members.seeds={seeds!r}: expected how many ('10')"
  with pytest.raises(ValueError, match=re.escape(message)):
    members.choose_seeds(seeds, 0)


def test_all_folds_of_one_seed_then_of_the_next():
  listed = members.listed(LOSO, '1,session5', '2', first_seed=4)
  assert [(m.fold, m.seed) for m in listed] == [(1, 4), (4, 4), (1, 5), (4, 5)]
  assert [m.name for m in listed] == [
    'session2-seed4', 'session5-seed4', 'session2-seed5', 'session5-seed5']
  assert len(members.listed(LOSO, 'all', '1,7', 0)) == 10


def test_names_are_different():
  names = [m.name for m in members.listed(LOSO, 'all', '20', 0)]
  assert len(set(names)) == len(names) == 100


@pytest.mark.parametrize('folds', ['9', '', '0,0', 'session1 session2'])
def test_wrong_folds_are_refused(folds):
  with pytest.raises(ValueError, match=r'members\.folds='):
    members.listed(LOSO, folds, '1', 0)
