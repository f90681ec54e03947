"""Features that saw what they are scored on: refused, or said first in every result."""

import dataclasses
import itertools

import numpy as np
import pytest

from emojax.protocols.labels import Categories
from emojax.protocols.protocol import Fold, Protocol, resolve
from emojax.train import contamination

PROTOCOL = Protocol(
  'toy/three', {'emotion': Categories('emotion', {'neu': ('neu',), 'sad': ('sad',)})},
  (Fold('all', {'part': ('train',)}, {'part': ('valid',)}, {'part': ('test',)}),),
  unit='speaker', select_on='emotion/wa', report=('emotion/wa',), source='a test')


def index(rng, size=60):
  part = rng.permutation(np.repeat(['train', 'valid', 'test'], size // 3))
  return {'id': np.array([f'toy/{n}' for n in range(size)]), 'part': part,
          'speaker': np.array([f'{p}{n % 3}' for n, p in enumerate(part)]),
          'group': rng.choice(list('abcd'), size),
          'emotion': np.array(['neu', 'sad'] * (size // 2))}


def notices(table, fitted_on, protocol=PROTOCOL):
  return contamination.notices(protocol, {0: resolve(PROTOCOL, 0, table)}, table, fitted_on)


@pytest.mark.parametrize('seed, labels', [*itertools.product(range(20), (True, False))])
def test_what_is_said_is_what_overlaps(seed, labels):
  """Counted by a loop over ids."""
  rng = np.random.default_rng(seed)
  table = index(rng)
  where = {'group': rng.choice(list('abcd'), rng.integers(1, 4), replace=False).tolist(),
           'part': rng.choice(['train', 'valid', 'test'], rng.integers(1, 4),
                              replace=False).tolist()}
  seen = {part: sum(p == part and p in where['part'] and g in where['group']
                    for p, g in zip(table['part'].tolist(), table['group'].tolist()))
          for part in ('train', 'valid', 'test')}
  fitted_on = {'voice': {'labels': labels, 'where': where}, 'other': None}
  if labels and seen['test']:
    with pytest.raises(ValueError, match=rf"{seen['test']} of 20 utterances \(voice\) whose"):
      notices(table, fitted_on)
    return
  said = notices(table, fitted_on)
  number = seen['valid'] if labels else seen['test']
  kind = 'validation contaminated: the valid' if labels else 'transductive: the test'
  assert len(said) == (number > 0)
  assert all(line.startswith(f'{kind} part has {number} of 20 utterances (voice)') for line in said)


def test_a_feature_fitted_on_everything_is_refused_or_said():
  table = index(np.random.default_rng(0))
  everything = {'voice': {'labels': True, 'where': {}}}
  with pytest.raises(ValueError, match='toy/three: the test part has 20 of 20 .* Choose a p'):
    notices(table, everything)
  said = notices(table, everything, dataclasses.replace(
    PROTOCOL, name='toy/three_as_published', notice='it leaks'))
  assert [line.partition(':')[0] for line in said] == [
    'test contaminated', 'validation contaminated']


def test_folds_are_named_where_there_are_several():
  table = index(np.random.default_rng(0))
  other = Fold('swapped', {'part': ('test',)}, {'part': ('valid',)}, {'part': ('train',)})
  protocol = dataclasses.replace(PROTOCOL, folds=(*PROTOCOL.folds, other))
  splits = {fold: resolve(protocol, fold, table) for fold in (0, 1)}
  fitted_on = {'voice': {'labels': False, 'where': {'part': ['test']}}}
  assert contamination.notices(protocol, splits, table, fitted_on) == [
    'transductive: the test part, fold all has 20 of 20 utterances (voice) that the feature was '
    'fitted on, without labels']


def test_a_notice_is_said_once_and_after_the_protocols_own():
  protocol = dataclasses.replace(PROTOCOL, notice='speakers are shared')
  noted = contamination.noted(contamination.noted(protocol, ['seen', 'more']), ['seen'])
  assert noted.notice == 'speakers are shared\nseen\nmore'
  assert contamination.noted(PROTOCOL, []) == PROTOCOL
