"""Parts of a fold that are listed or drawn, and the lists and draws themselves."""

import dataclasses
import functools
import hashlib
import re

import numpy as np
import pytest

from emojax.protocols import draws, parts
from emojax.protocols import protocol as protocol_lib
from emojax.protocols.labels import Categories
from emojax.protocols.parts import Drawn, Listed
from emojax.protocols.protocol import Fold, Protocol

LABELS = Categories('label', {'calm': ('n',), 'glad': ('h',)})


def toy(fold, name='toy/drawn_as_published'):
  return Protocol(name, {'mood': LABELS}, (fold,), unit='utterance', select_on='mood/ua',
                  report=('mood/ua',), source='this test', notice='drawn at random')


def index(count=12, **changes):
  return {'id': np.char.mod('toy/a_%02d', np.arange(count)), 'house': np.resize(['x', 'y'], count),
          'label': np.resize(['n', 'h', 'other'], count)} | changes


def pick(*positions):
  return lambda rows: np.array([p for p in positions if p < rows], int)


DRAWN = Fold('d', Drawn(pick(0, 3, 5, 7)), Drawn(pick(1, 2)), Drawn(pick(4, 6)))


def test_draws_count_rows_with_a_label_in_the_order_of_ids():
  rows = protocol_lib.resolve(toy(DRAWN), 0, index()).rows
  # with a label are 0 1 3 4 6 7 9 10
  assert rows['train'].tolist() == [0, 4, 7, 10]
  assert rows['valid'].tolist() == [1, 3] and rows['test'].tolist() == [6, 9]


def test_a_draw_does_not_depend_on_the_order_of_the_index():
  table = index()
  order = np.random.default_rng(0).permutation(12)
  turned = {name: values[order] for name, values in table.items()}
  one, other = (protocol_lib.resolve(toy(DRAWN), 0, t).rows for t in (table, turned))
  for part in protocol_lib.SPLITS:
    assert set(table['id'][one[part]].tolist()) == set(turned['id'][other[part]].tolist())
    assert (np.diff(other[part]) > 0).all()


def test_a_draw_may_be_among_some():
  fold = dataclasses.replace(
    DRAWN, train=Drawn(pick(0, 1, 3), {'house': ('x',)}), test={'house': ('y',)},
    valid=Drawn(pick(2), {'house': ('x',)}))
  rows = protocol_lib.resolve(toy(fold), 0, index()).rows
  assert rows['train'].tolist() == [0, 4, 10] and rows['valid'].tolist() == [6]  # x: 0 4 6 10
  assert rows['test'].tolist() == [1, 3, 7, 9]


def test_parts_that_share_utterances_are_refused_unless_chosen_on_test():
  both = dataclasses.replace(DRAWN, test=Drawn(pick(2, 4)))
  with pytest.raises(ValueError, match=r"valid and test share the utterances \['toy/a_03'\]"):
    protocol_lib.resolve(toy(both), 0, index())
  same = dataclasses.replace(DRAWN, test=DRAWN.valid)
  assert len(protocol_lib.resolve(toy(same), 0, index()).rows['test']) == 2
  with pytest.raises(ValueError, match='valid and test share'):
    protocol_lib.resolve(toy(same, 'toy/drawn'), 0, index())


@pytest.fixture
def listed(tmp_path, monkeypatch):
  """A list of two dialogues."""
  monkeypatch.setattr(parts, 'LISTS', tmp_path)
  (tmp_path / 'toy_list.txt').write_text(
    '# whose it is\ntrain a 00-01,03-04\nvalid a 06-07\nvalid b_c M005,F009-010\ntest a 9,10\n')
  parts.read_list.cache_clear()
  yield Fold('l', *(Listed('toy_list', part) for part in protocol_lib.SPLITS))
  parts.read_list.cache_clear()


def test_a_list_names_utterances(listed):
  assert parts.read_list('toy_list') == {
    'train': ('a_00', 'a_01', 'a_03', 'a_04'),
    'valid': ('a_06', 'a_07', 'b_c_M005', 'b_c_F009', 'b_c_F010'), 'test': ('a_9', 'a_10')}
  rows = protocol_lib.resolve(toy(listed), 0, index()).rows
  assert rows['train'].tolist() == [0, 1, 3, 4] and rows['valid'].tolist() == [6, 7]
  assert rows['test'].tolist() == [10]


def test_a_complete_release_has_all_that_is_listed(listed):
  with pytest.raises(ValueError, match='fold l: the release lacks 3 utterances that its valid part '
                                       'lists: b_c_M005, b_c_F009, b_c_F010'):
    protocol_lib.resolve(toy(listed), 0, index(), complete=True)


def test_empty_parts_are_answered(listed):
  with pytest.raises(ValueError, match=re.escape(
      'the train part is empty; it asks for the 4 utterances of the list toy_list (train: a_00, '
      'a_01, a_03 ...), the index has u0, u1, u2 ...')):
    protocol_lib.resolve(toy(listed), 0, index(3, id=np.array(['toy/u0', 'toy/u1', 'toy/u2'])))
  fold = dataclasses.replace(DRAWN, valid=Drawn(pick(50), {'house': ('x',)}))
  with pytest.raises(ValueError, match=r"the valid part is empty; it is drawn from 6 rows with "
                                       r"\{'house': \('x',\)\}, less those without a label"):
    protocol_lib.resolve(toy(fold), 0, index())
  with pytest.raises(ValueError, match=r"needs the index columns \['id'\]"):
    protocol_lib.resolve(toy(DRAWN), 0, {'label': np.array(['n', 'h'])})


# Of the original's files, lines sorted: how many, and how the SHA-256 of 'one\ntwo\n...' begins.
@pytest.mark.parametrize('name, part, number, digest', [
  ('mme2e_iemocap', 'train', 5162, 'bb9ab548540b412100e9a60d50431986'),
  ('mme2e_iemocap', 'valid', 737, 'c69b741354f24d600dade0ba0a9b2d57'),
  ('mme2e_iemocap', 'test', 1481, 'ae938649e3443e4897de3025558a54a6'),
  ('mme2e_mosei', 'train', 14524, 'e730a2fe29e27e4fa47819ae9e6bbe57'),
  ('mme2e_mosei', 'valid', 1765, 'c2c6ac866cd26f9e7144a73d9c6b4a1e'),
  ('mme2e_mosei', 'test', 4188, '57c8577a53cb5c178ced7fb3832f4c1b'),
])
def test_mme2es_lists_are_those_of_its_files(name, part, number, digest):
  names = parts.read_list(name)[part]
  assert len(names) == len(set(names)) == number
  assert hashlib.sha256('\n'.join(sorted(names)).encode()).hexdigest()[:32] == digest


@pytest.mark.parametrize('name', ['mme2e_iemocap', 'mme2e_mosei'])
def test_a_list_says_whose_it_is_and_what_was_changed(name):
  text = ' '.join((parts.LISTS / f'{name}.txt').read_text().splitlines()[:5])
  for word in ('Wenliang Dai', 'CC BY 4.0', 'creativecommons.org', 'Changed: ', 'github.com'):
    assert word in text


@pytest.mark.parametrize('draw, rows', [
  *((functools.partial(draws.mse, fold=fold), 5531) for fold in range(5)),
  (functools.partial(draws.fme, seed=draws.FME_SEED, **draws.FME_SHARES), 5531),
  (functools.partial(draws.fme, seed=3, **draws.FME_SHARES), 23),
  (draws.tab, 4290)])
def test_draws_divide_all_rows(draw, rows):
  found = [draw(rows, part=part) for part in ('train', 'valid')]
  if draw is not draws.tab:
    found.append(draw(rows, part='test'))
  assert sorted(np.concatenate(found).tolist()) == [*range(rows)]


def test_draws_are_as_large_as_reported():
  fme = functools.partial(draws.fme, 5531, seed=0, **draws.FME_SHARES)
  assert [len(fme(part)) for part in ('train', 'test', 'valid')] == [4425, 277, 829]
  assert len(draws.tab(4290, 'valid')) == 429
