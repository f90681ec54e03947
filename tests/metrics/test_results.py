import json
import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn

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


def test_one_unit_among_many_that_has_nearly_all_is_owned_up_to():
  """Sizes 14, 1, 1, 1, 1: 18^2 / (196 + 4) = 1.62 speakers of one size."""
  labels, units = np.arange(18) % 3, np.repeat(['a', 'b', 'c', 'd', 'e'], [14, 1, 1, 1, 1])
  reason = '5 speakers weigh as 1.6: no useful interval'
  wrong = np.where(np.arange(18) % 4 == 0, 0, labels)
  for row in rows_of(labels, wrong, units):
    assert (row['k'], row['reason'], row['ci95'] is not None) == (5, reason, True)
  felt_labels, logits, _ = felt(n=18)
  wa = felt_rows(felt_labels, logits, units)[0]
  assert (wa['k'], wa['n'], wa['reason']) == (5, 18, reason)


def test_unlike_sizes_set_the_degrees_of_freedom():
  """Sizes 30, 10, 10, 10 weigh as 60^2 / (900 + 300) = 3, so t(2) = 4.30265."""
  sizes, right = [30, 10, 10, 10], [21, 7, 6, 8]
  predictions = np.concatenate([np.arange(n) >= r for n, r in zip(sizes, right)]).astype(int)
  [wa, *_] = rows_of(np.zeros(60, int), predictions, np.repeat([*'abcd'], sizes))
  # 42/60 = 0.7; without a, b, c, d 0.70, 0.70, 0.72, 0.68: the error is sqrt(3/4 * 2 * 0.02^2)
  reach = 4.30265 * math.sqrt(0.0006)
  assert wa['ci95'] == pytest.approx([0.7 - reach, 0.7 + reach], abs=1e-6)
  assert 'reason' not in wa


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


@pytest.mark.parametrize('units', [UNITS, np.arange(6)])
def test_with_confidence_there_is_a_calibration_error(units):
  confidence = np.array([0.9, 0.41, 0.62, 1.0, 0.62, 0.35])
  *others, row = rows_of(units=units, confidence=confidence)
  assert others == rows_of(units=units)
  right = LABELS == PREDICTIONS
  error = lambda keep: calibration_error(confidence[keep], right[keep])
  assert row['metric'] == 'ece' and row['value'] == pytest.approx(error(units == units))
  without = np.array([error(units != u) for u in np.unique(units)])
  k = len(without)
  spread = np.sqrt((k - 1) / k * ((without - without.mean())**2).sum())
  low, high = stats.t.interval(0.95, k - 1, loc=row['value'], scale=spread)
  assert row['ci95'] == pytest.approx([max(low, 0), min(high, 1)])


FELT = ('happy', 'sad', 'fear')


def felt(seed=0, n=60, k=4):
  random = np.random.default_rng(seed)
  labels = (random.random((n, 3)) < [0.6, 0.4, 0.3]).astype(int)
  return labels, labels + random.normal(-0.4, 1, (n, 3)), np.arange(n) % k


def felt_rows(labels, logits, units, **source):
  return results.multi_label_rows(
    labels, logits, units, class_names=FELT, **SOURCE | source)


def calibration_error(confidence, right):
  """A loop over bins and utterances."""
  error = 0.0
  for b in range(15):
    mine = [i for i, c in enumerate(confidence) if b / 15 < c <= (b + 1) / 15 or b == c == 0]
    if mine:
      error += len(mine) / len(right) * abs(
        np.mean([right[i] for i in mine]) - np.mean([confidence[i] for i in mine]))
  return error


def oracles(labels, logits, thresholds=(0.5, 0.5, 0.5)):
  """Metric -> score as scikit-learn says it."""
  chances = 1 / (1 + np.exp(-logits))
  decisions, nan = (chances > thresholds).astype(int), {'zero_division': np.nan}
  each = {name: [f(labels[:, c], x[:, c]) for c in range(3)] for name, f, x in (
    ('accuracy', sklearn.accuracy_score, decisions),
    ('wacc_mosei', sklearn.balanced_accuracy_score, decisions),
    ('precision', sklearn.precision_score, decisions),
    ('recall', sklearn.recall_score, decisions),
    ('f1', sklearn.f1_score, decisions),
    ('auc', sklearn.roc_auc_score, logits),
    ('ece', lambda there, p: calibration_error(p, there), chances))}
  return {
    'accuracy_elementwise': (decisions == labels).mean(),
    'wacc_mosei': np.mean(each['wacc_mosei']),
    'ua': np.mean(each['wacc_mosei']),
    'f1_macro': sklearn.f1_score(labels, decisions, average='macro', **nan),
    'f1_micro': sklearn.f1_score(labels, decisions, average='micro', **nan),
    'f1_weighted': sklearn.f1_score(labels, decisions, average='weighted', **nan),
    'precision': np.mean(each['precision']), 'recall': np.mean(each['recall']),
    'auc_macro': np.mean(each['auc']), 'ece': np.mean(each['ece']),
    **{f'{metric}_{name}': score for c, name in enumerate(FELT)
       for metric, score in ((metric, scores[c]) for metric, scores in each.items())}}


@pytest.mark.parametrize('thresholds', [None, (0.35, 0.5, 0.6)])
def test_multi_label_rows_equal_sklearn_and_its_brute_jackknife(thresholds):
  labels, logits, units = felt()
  rows = felt_rows(labels, logits, units, thresholds=thresholds)
  at = {'thresholds': thresholds} if thresholds else {}
  values, k = oracles(labels, logits, **at), 4
  without = [oracles(labels[units != u], logits[units != u], **at) for u in range(k)]
  assert felt_rows(labels, logits, units, thresholds=thresholds and np.tile(
    thresholds, (len(labels), 1))) == rows
  assert [row['metric'] for row in rows] == list(values)
  for row in rows:
    moved = np.array([scores[row['metric']] for scores in without])
    error = np.sqrt((k - 1) / k * ((moved - moved.mean()) ** 2).sum())
    low, high = stats.t.interval(0.95, k - 1, loc=values[row['metric']], scale=error)
    assert row == {**SOURCE, 'metric': row['metric'], 'n': 60, 'k': 4,
                   'value': pytest.approx(values[row['metric']], abs=1e-12),
                   'ci95': pytest.approx([max(low, 0), min(high, 1)], abs=1e-12)}
  assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_a_class_that_is_always_or_never_there_has_no_area():
  labels, logits, units = felt()
  labels[:, 1], labels[:, 2] = 1, 0
  rows = {row['metric']: row for row in felt_rows(labels, logits, units)}
  for name, reason in [('auc_sad', 'sad has no negatives'), ('auc_fear', 'fear has no positives')]:
    assert (rows[name]['value'], rows[name]['ci95'], rows[name]['reason']) == (None, None, reason)
  assert rows['auc_macro']['value'] == rows['auc_happy']['value'] == pytest.approx(
    sklearn.roc_auc_score(labels[:, 0], logits[:, 0]))
  assert 'reason' not in rows['auc_macro']

  rows = felt_rows(np.zeros_like(labels), -np.ones_like(logits), units)
  reasons = {row['metric']: row['reason'] for row in rows if row['value'] is None}
  assert reasons == {
    **dict.fromkeys(('f1_macro', 'f1_micro', 'f1_weighted', 'recall'), 'no class has positives'),
    'precision': 'no class is decided for',
    **{f'precision_{name}': f'{name} is never decided for' for name in FELT},
    **{f'{metric}_{name}': f'{name} has no positives' for name in FELT
       for metric in ('wacc_mosei', 'recall', 'f1', 'auc')},
    **dict.fromkeys(('wacc_mosei', 'auc_macro'), 'no class has both positives and negatives')}
  json.dumps(rows, allow_nan=False)


def test_an_area_that_hangs_on_one_unit_has_no_interval():
  labels, logits, units = felt()
  labels[units != 2, 2], labels[2, 2] = 0, 1  # fear: in unit 2 alone
  row = {row['metric']: row for row in felt_rows(labels, logits, units)}['auc_fear']
  assert row['value'] is not None and row['ci95'] is None
  assert row['reason'] == 'undefined without one of the 4 speakers'


def test_multi_label_rows_of_few_units_and_of_none():
  labels, logits, units = felt()
  assert {row['reason'] for row in felt_rows(labels, logits, units * 0)} == {
    '1 speaker: no interval'}
  assert {row['reason'] for row in felt_rows(labels, logits, units % 2)} == {
    '2 speakers: no useful interval'}
  for row in felt_rows(labels[:0], logits[:0], units[:0]):
    assert (row['value'], row['ci95'], row['n'], row['reason']) == (None, None, 0, 'no utterances')


def test_multi_label_rows_answer_mistakes():
  labels, logits, units = felt()
  with pytest.raises(ValueError, match=r'outputs are logits \[N, 3\]; these are \(60, 2\)'):
    felt_rows(labels, logits[:, :2], units)
  with pytest.raises(ValueError, match='1 of 60 utterances have logits that are not finite'):
    felt_rows(labels, np.where(np.arange(60)[:, None] == 7, np.inf, logits), units)
  with pytest.raises(TypeError, match='protocl'):
    felt_rows(labels, logits, units, protocl='mosei/six')


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
