"""Label maps of every kind, by numbers typed here; a missing label is never a class."""

import re

import numpy as np
import pytest

from emojax.protocols import labels
from emojax.protocols.labels import Categories, MultiLabel, Score, Values

PRIVATE = {'split': ('private',)}
NAN = np.nan


def index(**columns):
  return {name: np.array(values) for name, values in columns.items()}


def test_categories_follow_the_order_of_the_classes():
  mood = Categories('label', {'calm': ('n',), 'glad': ('h', 'e')})
  assert mood.names == ('calm', 'glad') and mood.columns == ('label',) and mood.form == 'class'
  found = mood.ids(index(label=['e', 'n', 'x', 'h', '', 'N']))
  assert found.tolist() == [1, 0, -1, 1, -1, -1] and found.dtype == np.int32
  assert labels.labelled(found).tolist() == [True, True, False, True, False, False]
  assert labels.counts(found, mood.names) == {'calm': 1, 'glad': 2}


# By hand from the original's rules, halves and thresholds among them (the goldens have more).
@pytest.mark.parametrize('rule, expected', [
  #            -3 -2.5 -2 -1.5 -1 -.5 -.2  0 .2 .5  1 1.5 2 2.5 3
  ('round7',   [0, 1, 1, 1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6]),
  ('away7',    [0, 0, 1, 1, 2, 2, 2, 3, 4, 4, 4, 5, 5, 6, 6]),
  ('nonzero2', [0, 0, 0, 0, 0, 0, 0, -1, 1, 1, 1, 1, 1, 1, 1]),
  ('nonneg2',  [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]),
])
@pytest.mark.parametrize('kind', [np.float32, np.float64])
def test_rules_divide_scores(rule, expected, kind):
  scores = np.array([-3, -2.5, -2, -1.5, -1, -.5, -.2, 0, .2, .5, 1, 1.5, 2, 2.5, 3], kind)
  score = Score('y', rule)
  found = score.ids({'y': scores})
  assert found.tolist() == expected and found.dtype == np.int32
  assert max(expected) == len(score.names) - 1 and score.columns == ('y',)


def test_negative_zero_is_zero():
  assert Score('y', 'nonzero2').ids(index(y=[-0.0])).tolist() == [-1]
  assert Score('y', 'nonneg2').ids(index(y=[-0.0])).tolist() == [1]


def test_rounding_is_pythons():
  scores = np.linspace(-3, 3, 241)
  expected = [int(round(y)) + 3 for y in scores.tolist()]
  assert Score('y', 'round7').ids({'y': scores}).tolist() == expected


def test_a_rule_that_there_is_not():
  with pytest.raises(KeyError):
    Score('y', 'round8').ids(index(y=[1.0]))


def test_several_labels_are_there_above_zero():
  kind = MultiLabel({'glad': 'h', 'sad': 's', 'calm': 'c'})
  assert kind.names == ('glad', 'sad', 'calm') and kind.form == 'several classes'
  assert kind.columns == ('h', 's', 'c')
  found = kind.ids(index(h=[0, 1, 1e-9], s=[3.0, 0, 0], c=[0.3333, 0, 0]))
  assert found.tolist() == [[0, 1, 1], [1, 0, 0], [1, 0, 0]] and found.dtype == np.int32
  assert labels.labelled(found).all()
  assert labels.counts(found, kind.names) == {'glad': 2, 'sad': 1, 'calm': 1}


def test_only_where_the_release_says_so_may_a_number_be_missing():
  table = index(id=['a', 'b', 'c'], split=['train', 'private', 'private'], y=[1.0, NAN, -1])
  score = Score('y', 'nonneg2', unlabelled=PRIVATE)
  assert score.columns == ('y', 'split')
  assert score.ids(table).tolist() == [1, -1, 0]
  with pytest.raises(ValueError, match=r'^y is no finite number for b\. A label that is missing'):
    Score('y', 'nonneg2').ids(table)
  several = MultiLabel({'high': 'y', 'low': 'z'}, unlabelled=PRIVATE)
  found = several.ids(table | index(z=[0.0, 1, NAN]))
  assert found.tolist() == [[1, 0], [-1, -1], [-1, -1]]
  assert labels.labelled(found).tolist() == [True, False, False]
  assert labels.counts(found, several.names) == {'high': 1, 'low': 0}


@pytest.mark.parametrize('value', [NAN, np.inf, -np.inf])
@pytest.mark.parametrize('kind', [Score('y', 'away7', unlabelled=PRIVATE),
                                  MultiLabel({'a': 'x', 'b': 'y'}, unlabelled=PRIVATE)])
def test_a_missing_number_is_an_error_that_names_utterances(kind, value):
  rows = 9
  table = index(id=[f'mosei/v[{i}]' for i in range(rows)], split=['train'] * rows,
                x=np.zeros(rows), y=[1.0] + [value] * (rows - 1))
  message = 'mosei/v[1], mosei/v[2], mosei/v[3], mosei/v[4], mosei/v[5] and 3 more'
  with pytest.raises(ValueError, match=re.escape(message)):
    kind.ids(table)
  table.pop('id')
  with pytest.raises(ValueError, match='row 1, row 2'):
    kind.ids(table)


def test_a_score_of_another_scale_is_refused():
  with pytest.raises(ValueError, match=r'y should lie in -3\.\.3; it is 80\.0 .* for a, c\.'):
    Score('y', 'nonneg2').ids(index(id=['a', 'b', 'c'], y=[80.0, 3, -3.01]))


def test_matches_wants_all_columns_to_agree():
  table = index(a=list('xxyy'), b=list('1212'))
  assert labels.matches(table, {'a': ('x',), 'b': ('2', '3')}).tolist() == [
    False, True, False, False]
  assert labels.matches(table, {}).all()


def test_values_are_the_numbers_in_columns():
  kind = Values(('v', 'a'), 1, 5)
  assert (kind.names, kind.columns, kind.form) == (('v', 'a'), ('v', 'a'), 'values')
  found = kind.ids(index(v=[1, 5.0, 2.5], a=[3, 3.25, 1]))
  assert found.tolist() == [[1, 3], [5, 3.25], [2.5, 1]] and found.dtype == np.float32
  assert labels.labelled(found).all() and labels.counts(found, kind.names) == {'v': 3, 'a': 3}
  one = Values(('y',), -3, 3).ids(index(y=[-3.0, 0, 1 / 3]))
  assert one.shape == (3, 1) and one[2, 0] == np.float32(1 / 3)


def test_values_may_be_missing_where_the_release_says_so_and_then_all_of_them():
  table = index(id=['a', 'b', 'c'], split=['train', 'private', 'private'], y=[1.0, NAN, 2],
                z=[2.0, 2, 2])
  kind = Values(('y', 'z'), 1, 5, unlabelled=PRIVATE)
  assert kind.columns == ('y', 'z', 'split')
  found = kind.ids(table)
  assert labels.labelled(found).tolist() == [True, False, True] and np.isnan(found[1]).all()
  assert labels.counts(found, kind.names) == {'y': 2, 'z': 2}
  with pytest.raises(ValueError, match=r'^one of y, z is no finite number for b\.'):
    Values(('y', 'z'), 1, 5).ids(table)


def test_values_outside_their_range_are_refused_or_clipped_and_counted():
  table = index(id=['a', 'b', 'c', 'd'], v=[0.5, 3, 5.25, 5], a=[1.0, 1, 1, 1])
  with pytest.raises(ValueError, match=r'v should lie in 1\.\.5; it is 0\.5 .* for a, c\.'):
    Values(('v', 'a'), 1, 5).ids(table)
  kind = Values(('v', 'a'), 1, 5, clip=0.5)
  assert kind.ids(table)[:, 0].tolist() == [1, 3, 5, 5] and kind.clipped(table) == {'v': 2, 'a': 0}
  with pytest.raises(ValueError, match=r'a should lie in 1\.\.5; it is 80\.0 .* for b\.'):
    kind.ids(table | index(a=[1.0, 80, 1, 1]))
