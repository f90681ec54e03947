"""What every protocol promises, over an index made from its own tables: a new one needs no edit.

The index has every value that a fold asks for, two units in each, and every spelling of every class
beside one that has none.
"""

import collections
import importlib
import itertools

import numpy as np
import pytest

from emojax.metrics import classification
from emojax.protocols import protocol as protocol_lib

FILES = {corpus: importlib.import_module(f'emojax.protocols.{corpus}').PROTOCOLS
         for corpus in protocol_lib.corpora()}
ALL = [protocol for protocols in FILES.values() for protocol in protocols.values()]
NO_CLASS = 'spelled as no class is'

every_protocol = pytest.mark.parametrize('protocol', ALL, ids=lambda p: p.name)


def made_index(protocol):
  """Column -> values [N]."""
  places = collections.defaultdict(set)
  for fold in protocol.folds:
    for part in protocol_lib.SPLITS:
      for column, values in getattr(fold, part).items():
        places[column] |= set(values)
  columns = {name: sorted(values) for name, values in places.items()}
  labels = {m.column: [s for spellings in m.classes.values() for s in spellings] + [NO_CLASS]
            for m in protocol.labels.values()}
  rows = []
  for place in itertools.product(*columns.values()):
    where = dict(zip(columns, place))
    units = [where] if protocol.unit in where else [
      where | {protocol.unit: '-'.join((*place, half))} for half in 'FM']
    rows += [unit | dict(zip(labels, spelled))
             for unit in units for spelled in itertools.product(*labels.values())]
  return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def has_class(protocol, index):
  return np.logical_and.reduce([index[m.column] != NO_CLASS for m in protocol.labels.values()])


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
    spellings = [s for spelled in labels.classes.values() for s in spelled]
    assert len(set(spellings)) == len(spellings), 'one spelling in two classes'
    assert all(not isinstance(spelled, str) and spelled for spelled in labels.classes.values())
    assert labels.expected is None or set(labels.expected) == set(labels.names)


@every_protocol
def test_what_is_selected_and_reported_exists(protocol):
  assert protocol.source and protocol.report
  for wanted in (protocol.select_on, *protocol.report):
    head, metric = wanted.split('/')
    assert head in protocol.labels and metric in classification.METRICS, wanted
  assert protocol.select_on in protocol.report


@every_protocol
def test_folds_have_names_of_their_own_and_values_that_are_no_strings(protocol):
  names = [fold.name for fold in protocol.folds]
  assert names and len(set(names)) == len(names)
  for fold, part in itertools.product(protocol.folds, protocol_lib.SPLITS):
    for values in getattr(fold, part).values():
      assert not isinstance(values, str) and len(set(values)) == len(values) > 0, (fold, part)


@every_protocol
def test_parts_are_disjoint_where_they_promise_it(protocol):
  index = made_index(protocol)
  for number in range(len(protocol.folds)):
    rows = protocol_lib.resolve(protocol, number, index).rows
    assert set(rows) == set(protocol_lib.SPLITS)
    units = {part: set(index[protocol.unit][found].tolist()) for part, found in rows.items()}
    assert all(units.values())
    assert not units['train'] & (units['valid'] | units['test'])
    if protocol.clean:
      assert not units['valid'] & units['test']
    else:
      np.testing.assert_array_equal(rows['valid'], rows['test'])


@every_protocol
def test_a_fold_uses_every_row_that_has_a_class(protocol):
  """What is in no part is lost; that would have to be said, as a hold-out nobody sees."""
  index = made_index(protocol)
  for number in range(len(protocol.folds)):
    rows = protocol_lib.resolve(protocol, number, index).rows
    used = np.unique(np.concatenate(list(rows.values())))
    np.testing.assert_array_equal(used, np.flatnonzero(has_class(protocol, index)))
    assert all((np.diff(found) > 0).all() for found in rows.values()), 'ascending'


@pytest.mark.parametrize('protocol', [p for p in ALL if len(p.folds) > 1], ids=lambda p: p.name)
@pytest.mark.parametrize('part', ['valid', 'test'])
def test_over_its_folds_every_row_with_a_class_is_tested_once_and_validated_on_once(protocol, part):
  index = made_index(protocol)
  times = np.zeros(len(index[protocol.unit]), int)
  for number in range(len(protocol.folds)):
    times[protocol_lib.resolve(protocol, number, index).rows[part]] += 1
  np.testing.assert_array_equal(times, has_class(protocol, index))


@every_protocol
def test_targets_are_the_class_of_each_spelling(protocol):
  index = made_index(protocol)
  split = protocol_lib.resolve(protocol, 0, index)
  for head, labels in protocol.labels.items():
    by_spelling = {s: number for number, name in enumerate(labels.names)
                   for s in labels.classes[name]}
    expected = [by_spelling.get(s, -1) for s in index[labels.column].tolist()]
    assert split.targets[head].tolist() == expected and -1 in expected
