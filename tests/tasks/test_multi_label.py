"""The multi-label head: loss and reductions against numpy, scores typed by hand."""

import jax
import numpy as np
import pytest
from clu import metrics as clu

from emojax.ops import reduce
from emojax.tasks import multi_label

CLASSES = ('happy', 'sad', 'fear')
LOGITS = np.array([[2.0, -1, 0], [-3, 0.5, 700], [4, -700, -2], [-0.5, 1, 3]])
TARGET = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 0]])
CHANCES = 1 / (1 + np.exp(-LOGITS))


def head(**changes):
  return multi_label.Head('emotion', CLASSES, **changes)


def losses_in_numpy(logits, target, positive_weight=(1.0, 1.0, 1.0)):
  """-w log(p) where a label is there and -log(1 - p) where not, p = 1 / (1 + exp(-z))."""
  result = []
  for row, wanted in zip(logits, target):
    terms = [(w if t else 1) * (np.log1p(np.exp(-z if t else z)) if abs(z) < 100 else
                                max(-z if t else z, 0))
             for z, t, w in zip(row, wanted, positive_weight)]
    result.append(sum(terms))
  return np.array(result)


def test_loss_is_the_formula_of_mat():
  z, t = LOGITS, TARGET
  with jax.enable_x64(True):
    np.testing.assert_allclose(
      head().loss(z, t), (np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))).sum(1),
      rtol=1e-13)


@pytest.mark.parametrize('positive_weight', [None, (0.5, 3.0, 10.0)])
def test_loss_is_the_sum_of_binary_cross_entropies(positive_weight):
  expected = losses_in_numpy(LOGITS, TARGET, positive_weight or (1, 1, 1))
  with jax.enable_x64(True):
    found = jax.jit(head(positive_weight=positive_weight).loss)(LOGITS, TARGET)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
  found = head(positive_weight=positive_weight).loss(
    LOGITS.astype(np.float32), TARGET.astype(np.int32))
  assert found.dtype == np.float32 and found.shape == (4,)
  np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_positive_weight_by_hand():
  # one label there at p = 3/4, one not there at p = 3/4: -5 log(3/4) - log(1/4), the 7 is not used
  z = np.log(3.0)
  found = multi_label.Head('e', ('a', 'b'), positive_weight=(5.0, 7.0)).loss(
    np.array([[z, z]], np.float32), np.array([[1, 0]]))
  assert float(found[0]) == pytest.approx(-5 * np.log(3 / 4) - np.log(1 / 4), rel=1e-6)


@pytest.mark.parametrize('positive_weight', [(1.0, 1.0, 1.0), (0.5, 3.0, 10.0)])
def test_gradient_is_the_share_less_the_target(positive_weight):
  """p - t, times the weight where the label is there; also at a logit of 0 and far out."""
  weighted = head(positive_weight=positive_weight)
  with jax.enable_x64(True):
    found = jax.grad(lambda z: weighted.loss(z, TARGET).sum())(LOGITS)
  share = 1 / (1 + np.exp(-np.clip(LOGITS, -600, 600)))
  expected = (share - TARGET) * np.where(TARGET == 1, positive_weight, 1)
  np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize('reduction, expected', [('sum', 3.5 + 4.0), ('mean', (3.5 + 4.0) / 2.5)])
def test_reduce_weighs_and_divides_by_the_weights(reduction, expected):
  losses, weight = np.array([7.0, 2, 9], np.float32), np.array([0.5, 2, 0], np.float32)
  assert float(head(reduction=reduction).reduce(losses, weight)) == pytest.approx(expected)


@pytest.mark.parametrize('reduction', reduce.REDUCTIONS)
def test_rows_without_a_label_or_of_filler_change_neither_loss_nor_gradient(reduction):
  chosen = head(reduction=reduction, positive_weight=(2.0, 2.0, 2.0))
  run = jax.jit(jax.value_and_grad(lambda z, t, w: chosen.reduce(chosen.loss(z, t), w)))
  logits = LOGITS.astype(np.float32)
  weight = np.array([1, 1, 0, 0], np.float32)
  value, gradient = run(logits[:2], TARGET[:2], weight[:2])
  unlabelled = np.where(weight[:, None] > 0, TARGET, -1)
  found, slope = run(logits, unlabelled, weight)
  assert float(found) == pytest.approx(float(value), rel=1e-6)
  np.testing.assert_allclose(slope[:2], gradient, rtol=1e-6)
  assert not slope[2:].any()
  value, gradient = run(logits, unlabelled, np.zeros(4, np.float32))
  assert value == 0 and not gradient.any(), 'a batch of filler loses nothing'


def test_zero_is_a_no():
  decisions = head().decide(LOGITS)
  assert decisions.tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0], [0, 1, 1]]
  assert np.issubdtype(decisions.dtype, np.integer)


def test_hits_are_averaged_over_real_rows_and_labels():
  """As the train step observes them: [B, K] under a mask [B]."""
  hits = (head().decide(LOGITS) == TARGET).astype(np.float32)
  average = clu.Average.from_model_output(hits, mask=np.array([True, True, False, True]))
  assert float(average.compute()) == pytest.approx((2 + 3 + 1) / 9)


def test_confusion_by_hand():
  # decisions: 1 0 0, 0 1 1, 1 0 0, 0 1 1; labels: 1 0 1, 0 1 1, 0 0 1, 1 1 0
  np.testing.assert_array_equal(head().confusion(TARGET, LOGITS), [
    [[1, 1], [1, 1]], [[2, 0], [0, 2]], [[0, 1], [2, 1]]])


@pytest.mark.parametrize('positive_weight', [None, (0.5, 3.0, 10.0)])
def test_scores_by_hand(positive_weight):
  found = head(positive_weight=positive_weight).scores(TARGET, LOGITS.astype(np.float32))
  losses = losses_in_numpy(LOGITS, TARGET, positive_weight or (1, 1, 1))
  assert found == pytest.approx({
    'accuracy_elementwise': 7 / 12,
    'ua': ((1 / 2 + 1 / 2) / 2 + 1 + (0 / 1 + 1 / 3) / 2) / 3,
    'wacc_mosei': ((1 / 2 + 1 / 2) / 2 + 1 + (0 / 1 + 1 / 3) / 2) / 3,
    'precision': (1 / 2 + 1 + 1 / 2) / 3,
    'recall': (1 / 2 + 1 + 1 / 3) / 3,
    # every utterance has a bin of its own, but for fear at 0.95 and 1, which is right
    'ece': np.mean([np.mean(np.abs(CHANCES[:, c] - TARGET[:, c])) for c in range(3)]),
    'f1_macro': (2 / 4 + 1 + 2 / 5) / 3,
    'f1_micro': 2 * 4 / (6 + 7),
    'f1_weighted': (2 / 4 * 2 + 1 * 2 + 2 / 5 * 3) / 7,
    # pairs (yes, no) won: happy 2, -0.5 against -3, 4; sad all; fear 0, 700, -2 against 3
    'auc_macro': (2 / 4 + 4 / 4 + 1 / 3) / 3,
    'loss': sum(losses) / 4,
  }, rel=1e-9)
  assert all(type(value) is float for value in found.values())


def test_a_diverged_model_has_neither_area_nor_loss():
  found = head().scores(TARGET, np.where(LOGITS == 4, np.nan, LOGITS))
  assert np.isnan(found['auc_macro']) and np.isnan(found['loss'])


@pytest.mark.parametrize('weights', [(1.0, 1.0, 1.0), (0.5, 3.0, 10.0)])
def test_the_loss_of_an_utterance_may_be_the_mean_over_its_labels(weights):
  averaged = head(over_labels='mean')
  with jax.enable_x64(True):
    found = jax.jit(averaged.loss)(LOGITS, TARGET, np.array(weights))
  expected = losses_in_numpy(LOGITS, TARGET, weights) / 3
  np.testing.assert_allclose(found, expected, rtol=1e-13)
  assert averaged.weighing(weights).scores(TARGET, LOGITS)['loss'] == pytest.approx(
    expected.mean(), rel=1e-12)


def test_a_member_s_own_weights_take_the_place_of_the_head_s():
  one, other = head(positive_weight=(2.0, 3.0, 4.0)), head()
  logits, weights = LOGITS.astype(np.float32), np.array([0.5, 3.0, 10.0], np.float32)
  found = one.loss(logits, TARGET, weights)
  np.testing.assert_array_equal(found, other.loss(logits, TARGET, weights))
  np.testing.assert_allclose(found, losses_in_numpy(LOGITS, TARGET, weights), rtol=1e-6)
  assert other.weighing((1.0, 1.0, 1.0)) is other
  assert other.weighing((0.5, 3.0, 10.0)).positive_weight == (0.5, 3.0, 10.0)


def test_at_thresholds_it_decides_otherwise_everywhere():
  tuned = head(thresholds='f1').tuned(TARGET, LOGITS)
  # yes and no: happy 0.88, 0.38 and 0.047, 0.98; sad 0.62, 0.73 and 0.27, 0; fear 0.5, 1, 0.12
  # and 0.95
  assert tuned.cut.tolist() == [0.05, 0.3, 0.05]
  assert tuned.decisions(LOGITS).tolist() == [[1, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
  np.testing.assert_array_equal(tuned.confusion(TARGET, LOGITS)[:, 1, 1], [2, 2, 3])
  before, after = head().scores(TARGET, LOGITS), tuned.scores(TARGET, LOGITS)
  assert after['f1_macro'] > before['f1_macro']
  for name in ('auc_macro', 'ece', 'loss'):
    assert after[name] == before[name]
  of_rows = head().at(np.where(np.arange(4)[:, None] < 2, 0.95, np.full(3, 0.05)))
  assert of_rows.decisions(LOGITS).tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1]]
  rows = tuned.result_rows(TARGET, LOGITS, np.arange(4), protocol='p', fold='f', seed=0,
                           split='test', n_excluded=0, unit='video')
  assert {row['metric']: row['value'] for row in rows}['f1_macro'] == after['f1_macro']
  assert 'threshold' in tuned.report(TARGET, LOGITS, rows, '')
  assert head().tuned(TARGET, LOGITS).cut is None and not head().tunes
  assert head(thresholds='f1').tunes == 'valid'


def test_result_rows_carry_the_head_and_what_is_said_about_them():
  rows = head().result_rows(
    TARGET, LOGITS, np.array(['a', 'b', 'b', 'c']),
    protocol='x/y', fold='f', seed=1, split='test', n_excluded=3, unit='video')
  values = {row['metric']: row['value'] for row in rows}
  assert values['accuracy_elementwise'] == pytest.approx(7 / 12)
  assert values['auc_fear'] == pytest.approx(1 / 3)
  for row in rows:
    assert row['head'] == 'emotion' and (row['fold'], row['n'], row['k']) == ('f', 4, 3)


def test_width_is_the_number_of_labels():
  assert head().width == 3


def test_mistakes_are_answered():
  for field, known in (('thresholds', 'none, f1'), ('thresholds_on', 'valid, test'),
                       ('over_labels', 'sum, mean')):
    with pytest.raises(ValueError, match=f"head emotion: {field}='youden'; there are: {known}"):
      head(**{field: 'youden'})
  with pytest.raises(ValueError, match=r"head emotion: reduction='median'; there are: .*sum.*mean"):
    head(reduction='median')
  for wrong in ((1.0, 2.0), (1.0, 0.0, 2.0)):
    with pytest.raises(ValueError, match='head emotion: positive_weight=.*expected one number'):
      head(positive_weight=wrong)
