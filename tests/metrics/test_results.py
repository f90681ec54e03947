import json
import math

import numpy as np
import pytest

from emojax.metrics import results

SOURCE = dict(protocol='iemocap_four', fold='0', seed=10, split='test', head='emotion',
              n_excluded=2, unit='speaker')
LABELS = np.array([0, 0, 1, 1, 2, 2])
PREDICTIONS = np.array([0, 0, 1, 0, 2, 1])
UNITS = np.array(['a', 'b', 'c', 'a', 'b', 'c'])


def rows_of(labels=LABELS, outputs=PREDICTIONS, units=UNITS, **source):
  return results.classification_rows(labels, outputs, units, num_classes=3, **SOURCE | source)


def test_rows_hold_what_the_design_lists():
  rows = rows_of()
  assert [row['metric'] for row in rows] == ['wa', 'ua', 'f1_macro', 'f1_weighted']
  wa = rows[0]
  # without a, b, c it is 3/4, 2/4, 3/4: the error is 1/6, and t(2) = 4.3 reaches beyond 0 and 1
  assert wa == {**SOURCE, 'metric': 'wa', 'value': pytest.approx(4 / 6), 'ci95': [0.0, 1.0],
                'n': 6, 'k': 3}
  assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_logits_and_predictions_say_the_same():
  logits = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
  assert rows_of(outputs=logits) == rows_of(outputs=logits.argmax(1))


@pytest.mark.parametrize('units, k, reason, has_interval', [
  (['a'] * 6, 1, '1 speaker: no interval', False),
  (['a', 'b'] * 3, 2, '2 speakers: no useful interval', True),
])
def test_few_units_are_owned_up_to(units, k, reason, has_interval):
  for row in rows_of(units=np.array(units)):
    assert (row['k'], row['reason'], row['ci95'] is not None) == (k, reason, has_interval)
    assert row['value'] is not None


def test_an_empty_split_has_rows_without_values():
  for row in rows_of([], [], []):
    assert (row['value'], row['ci95'], row['n'], row['reason']) == (None, None, 0, 'no utterances')


def test_a_diverged_model_has_no_score():
  logits = np.zeros((6, 3))
  logits[4, 1] = np.nan
  with pytest.raises(ValueError, match='1 of 6 utterances have logits that are not finite.* row 4'):
    rows_of(outputs=logits)
  with pytest.raises(ValueError, match=r'logits \[N, 3\] or predictions \[N\]; these are \(6, 2\)'):
    rows_of(outputs=np.zeros((6, 2)))


def member(fold, seed, value, **other):
  row = {**SOURCE, 'fold': fold, 'seed': seed, 'metric': 'wa', 'value': value, 'ci95': [0.1, 0.9],
         'n': 101 if fold == '1' else 100, 'k': 2}
  return row | other


def test_mean_over_folds_and_seeds():
  rows = [member(fold, seed, value) for fold, seed, value in
          [('0', 1, 0.5), ('0', 2, 0.6), ('1', 1, 0.7), ('1', 2, 0.8)]]
  rows += [member('0', 1, 0.4, metric='ua'), member('1', 1, 0.2, metric='ua')]
  rows += [member('pooled', 1, 0.0), member('mean', 1, 0.0)]
  wa, ua = results.mean_rows(rows)
  assert wa == {**SOURCE, 'fold': 'mean', 'seed': None, 'metric': 'wa',
                'value': pytest.approx(0.65), 'sd': pytest.approx(math.sqrt(0.05 / 3)),
                'members': 4, 'ci95': None, 'n': 201, 'n_excluded': 4, 'k': 4,
                'reason': 'members are not independent: the pooled rows have the interval'}
  assert (ua['seed'], ua['members'], ua['n']) == (1, 2, 201)
  assert (ua['value'], ua['sd']) == pytest.approx((0.3, math.sqrt(0.02)))
  json.dumps([wa, ua], allow_nan=False)


def test_a_mean_hides_no_missing_member():
  [row] = results.mean_rows([member('0', 1, 0.5), member('1', 1, None)])
  assert (row['value'], row['sd'], row['reason']) == (None, None, 'no value in 1 of 2 members')
  [row] = results.mean_rows([member('0', 1, 0.5)])
  assert (row['value'], row['sd'], row['members']) == (0.5, None, 1)
  with pytest.raises(ValueError, match='two rows for wa of fold 0, seed 1'):
    results.mean_rows([member('0', 1, 0.5), member('0', 1, 0.6)])


def test_known_share():
  assert results.known_share(0.887, best=0.887, chance=0.31) == 1
  assert results.known_share(0.31, best=0.887, chance=0.31) == 0
  assert results.known_share(0.6, best=0.7, chance=0.5) == pytest.approx(0.5)
  with pytest.raises(ValueError, match='0.3 does not lie above 0.31'):
    results.known_share(0.6, best=0.3, chance=0.31)


@pytest.mark.parametrize('correct, leaks', [(887, False), (900, False), (906, False), (907, True)])
def test_a_score_above_the_best_is_a_leak_only_with_its_whole_interval(correct, leaks):
  # exact 95 % intervals of 906 and 907 of 1000 begin at 0.88624 and 0.88731
  judgement = results.judge(correct, 1000, best=0.887, chance=0.31)
  assert judgement.beats_best is leaks
  assert judgement.accuracy == correct / 1000
  assert judgement.ci95[0] < judgement.accuracy < judgement.ci95[1]
  assert judgement.known_share == pytest.approx((correct / 1000 - 0.31) / 0.577)
