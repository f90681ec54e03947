"""What every protocol promises, over an index made from its own tables: a new one needs no edit.

The index has every value that a fold asks for, two units in each (ten where some are held out,
forty where utterances are drawn), and in each unit every label that there can be: every spelling
beside one that is no class, scores of every size, labels that come and go. Where a fold lists
utterances, it has these, with one label after the other.
"""

import collections
import importlib
import itertools

import numpy as np
import pytest

from configs import common
from emojax.protocols import labels as labels_lib
from emojax.protocols import parts as parts_lib
from emojax.protocols import protocol as protocol_lib
from emojax.tasks import multi_label, regression, single_label

FILES = {corpus: importlib.import_module(f'emojax.protocols.{corpus}').PROTOCOLS
         for corpus in protocol_lib.corpora()}
ALL = [protocol for protocols in FILES.values() for protocol in protocols.values()]
NO_CLASS = 'spelled as no class is'

every_protocol = pytest.mark.parametrize('protocol', ALL, ids=lambda p: p.name)


# Of several folds: why not every row is tested and validated on once; the tests of the corpus say
# what holds instead.
OTHERWISE = {
  'iemocap/script_disjoint': 'what is tested of one session is not used of the others',
  'iemocap/mse_as_published': 'a row that is held out is either tested or validated on',
}


def made_index(protocol):
  """Column -> values [N]."""
  if lists := {part for fold in protocol.folds for part in (fold.train, fold.valid, fold.test)
               if isinstance(part, parts_lib.Listed)}:
    return listed_index(protocol, sorted({name for part in lists for name in part.names}))
  places = collections.defaultdict(set)
  for where in asked_for(protocol):
    for column, values in where.items():
      places[column] |= set(values)
  columns = {name: sorted(values) for name, values in places.items()}
  held_out = any(isinstance(fold.valid, protocol_lib.HeldOut) for fold in protocol.folds)
  rows = []
  for place in itertools.product(*columns.values()):
    where = dict(zip(columns, place))
    number = 40 if protocol.unit == 'utterance' else 10 if held_out else 2
    units = [where] if protocol.unit in where else [
      where | {protocol.unit_column: '-'.join((*place, part))}
      for part in ('F', 'M', *map(str, range(number)))[:number]]
    rows += [unit | label for unit in units for label in every_row_of_labels(protocol)]
  index = {name: np.array([row[name] for row in rows]) for name in rows[0]}
  return index | ({'id': np.char.mod('u%06d', np.arange(len(rows)))}
                  if protocol.unit == 'utterance' else {})


def listed_index(protocol, names):
  labels = list(itertools.islice(itertools.cycle(every_row_of_labels(protocol)), len(names)))
  return {
    protocol.unit: np.array([name.rsplit('_', 1)[0] for name in names]),
    'id': np.array([f'{protocol.corpus}/{name}' for name in names]),
    **{name: np.array([label[name] for label in labels]) for name in labels[0]}}


def every_row_of_labels(protocol):
  """Column -> value, of every combination that the heads can meet."""
  return [{name: value for said in label for name, value in said.items()}
          for label in itertools.product(*map(every_label, protocol.labels.values()))]


def asked_for(protocol):
  """Every place that a part of a fold names."""
  for fold, part in itertools.product(protocol.folds, protocol_lib.SPLITS):
    match getattr(fold, part):
      case parts_lib.Drawn(among=where) if where:
        yield where
      case dict() as where:
        yield where


def every_label(kind):
  """The values that a label map can meet, as [column -> value]."""
  if isinstance(kind, labels_lib.Categories):
    spelled = [s for spellings in kind.classes.values() for s in spellings]
    return [{kind.column: s} for s in [*spelled, NO_CLASS]]
  if isinstance(kind, labels_lib.EachClass):
    return every_label(kind.of)
  if isinstance(kind, labels_lib.Score):
    return [{kind.column: score} for score in np.linspace(-3, 3, 25).tolist()]
  if isinstance(kind, labels_lib.Values):
    return [dict(zip(kind.dimensions, np.roll(np.linspace(kind.low, kind.high, 7), shift)))
            for shift in range(7)]
  assert isinstance(kind, labels_lib.MultiLabel)
  columns = list(kind.intensities.values())
  return [{column: (0.0, 1 / 3)[(i >> k) & 1] for k, column in enumerate(columns)}
          for i in (0, 5, 2**len(columns) - 1)]


def has_label(protocol, index):
  """A second way to say it, without ids."""
  there = np.ones(len(index[protocol.unit_column]), bool)
  for kind in protocol.labels.values():
    if isinstance(kind, labels_lib.Categories | labels_lib.EachClass):
      there &= index[kind.columns[0]] != NO_CLASS
    elif isinstance(kind, labels_lib.Score) and kind.rule == 'nonzero2':
      there &= index[kind.column] != 0
  return there


def test_there_are_protocols():
  assert len(ALL) >= 6 and 'protocol' not in FILES


@pytest.mark.parametrize('corpus', FILES)
def test_names_begin_with_their_file(corpus):
  for name, protocol in FILES[corpus].items():
    assert name == protocol.name and name.startswith(f'{corpus}/')
    assert protocol.corpus == corpus and protocol_lib.load(name) is protocol


@every_protocol
def test_labels_are_whole(protocol):
  for labels in protocol.labels.values():
    if isinstance(labels, labels_lib.Categories):
      spellings = [s for spelled in labels.classes.values() for s in spelled]
      assert len(set(spellings)) == len(spellings), 'one spelling in two classes'
      assert all(not isinstance(spelled, str) and spelled for spelled in labels.classes.values())
    assert labels.form in labels_lib.FORMS and labels.columns
    assert len(set(labels.names)) == len(labels.names) > (labels.form != 'values')
    assert labels.expected is None or set(labels.expected) == set(labels.names)


@every_protocol
def test_what_is_selected_and_reported_exists(protocol):
  assert protocol.source and protocol.report
  for wanted in (protocol.select_on, *protocol.report):
    head, metric = wanted.split('/')
    labels = protocol.labels[head]
    learns, settings = {
      'several classes': (multi_label, common.multi_label()),
      'values': (regression, common.regression())}.get(
        labels.form, (single_label, common.single_label()))
    made = learns.Head.of(head, labels, settings)
    assert metric in made.metrics, wanted
  assert protocol.select_on in protocol.report


@every_protocol
def test_folds_have_names_of_their_own_and_values_that_are_no_strings(protocol):
  names = [fold.name for fold in protocol.folds]
  assert names and len(set(names)) == len(names)
  for where in asked_for(protocol):
    for values in where.values():
      assert not isinstance(values, str) and len(set(values)) == len(values) > 0, where


@every_protocol
def test_parts_are_disjoint_where_they_promise_it(protocol):
  index = made_index(protocol)
  for number in range(len(protocol.folds)):
    rows = dict(protocol_lib.resolve(protocol, number, index).rows)
    assert set(rows) == set(protocol_lib.PARTS)
    assert not len(rows.pop(protocol_lib.UNLABELLED)), 'each has a label here'
    units = {part: set(index[protocol.unit_column][found].tolist())
             for part, found in rows.items()}
    assert all(units.values())
    assert not units['train'] & (units['valid'] | units['test'])
    if protocol.clean or (rows['valid'].tolist() != rows['test'].tolist()):
      assert not units['valid'] & units['test']


@pytest.mark.parametrize('protocol', [p for p in ALL if p.name != 'iemocap/script_disjoint'],
                         ids=lambda p: p.name)
def test_a_fold_uses_every_row_that_has_a_label(protocol):
  """What is in no part is lost; that would have to be said, as a hold-out nobody sees."""
  index = made_index(protocol)
  for number in range(len(protocol.folds)):
    rows = protocol_lib.resolve(protocol, number, index).rows
    used = np.unique(np.concatenate([rows[part] for part in protocol_lib.SPLITS]))
    np.testing.assert_array_equal(used, np.flatnonzero(has_label(protocol, index)))
    assert all((np.diff(found) > 0).all() for found in rows.values()), 'ascending'


@pytest.mark.parametrize('protocol', [p for p in ALL if p.unlabelled], ids=lambda p: p.name)
def test_what_the_release_has_without_labels_is_a_part_of_its_own(protocol):
  index, [labels] = made_index(protocol), protocol.labels.values()
  [(column, values)] = protocol.unlabelled[0].items()
  index[column] = np.array([*index[column][:-2], values[0], values[0]])
  before = protocol_lib.resolve(protocol, 0, index).rows
  assert not len(before['unlabelled']), 'a label is there all the same'
  for name in set(labels.columns) - {column}:
    index[name][-2:] = np.nan
  rows = protocol_lib.resolve(protocol, 0, index).rows
  assert rows['unlabelled'].tolist() == [len(index[column]) - 2, len(index[column]) - 1]
  for part in protocol_lib.SPLITS:
    np.testing.assert_array_equal(rows[part], before[part])


def test_a_protocol_says_who_has_a_part_without_labels():
  protocol_lib.check_unlabelled(protocol_lib.load('mosei/emotion6'))
  with pytest.raises(ValueError, match='iemocap/loso5 has no unlabelled part; these have one: '
                                       'mosei/sentiment7, mosei/sentiment2, mosei/emotion6'):
    protocol_lib.check_unlabelled(protocol_lib.load('iemocap/loso5'))


@pytest.mark.parametrize(
  'protocol', [p for p in ALL if len(p.folds) > 1 and p.name not in OTHERWISE],
  ids=lambda p: p.name)
@pytest.mark.parametrize('part', ['valid', 'test'])
def test_over_its_folds_every_row_with_a_label_is_tested_once_and_validated_on_once(protocol, part):
  index = made_index(protocol)
  times = np.zeros(len(index[protocol.unit_column]), int)
  for number in range(len(protocol.folds)):
    times[protocol_lib.resolve(protocol, number, index).rows[part]] += 1
  np.testing.assert_array_equal(times, has_label(protocol, index))


@every_protocol
def test_targets_are_the_class_of_each_label(protocol):
  index = made_index(protocol)
  split = protocol_lib.resolve(protocol, 0, index)
  for head, labels in protocol.labels.items():
    targets = split.targets[head]
    if labels.form == 'values':
      columns = [index[column].astype(np.float32) for column in labels.dimensions]
      np.testing.assert_array_equal(targets, np.stack(columns, 1), strict=True)
      continue
    assert targets.dtype == np.int32
    if isinstance(labels, labels_lib.EachClass):
      of = labels.of.ids(index)
      assert (targets[of < 0] == -1).all() and set(of[of >= 0]) == set(range(len(labels.names)))
      assert (targets[of >= 0].sum(1) == 1).all()
      assert targets[of >= 0].argmax(1).tolist() == of[of >= 0].tolist()
      continue
    if labels.form == 'several classes':
      columns = [index[column] > 0 for column in labels.intensities.values()]
      np.testing.assert_array_equal(targets, np.stack(columns, 1))
      continue
    assert set(targets.tolist()) - {-1} == set(range(len(labels.names))), 'each class is met'
    np.testing.assert_array_equal(targets >= 0, has_label(protocol, index))
    if isinstance(labels, labels_lib.Categories):
      by_spelling = {s: number for number, name in enumerate(labels.names)
                     for s in labels.classes[name]}
      assert targets.tolist() == [by_spelling.get(s, -1) for s in index[labels.column].tolist()]
    else:
      there = targets >= 0
      order = np.argsort(index[labels.column][there], kind='stable')
      assert (np.diff(targets[there][order]) >= 0).all(), 'a higher score is no lower class'
