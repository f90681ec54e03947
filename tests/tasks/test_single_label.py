"""The classification head: loss and reductions against numpy, scores typed by hand."""

import jax
import numpy as np
import pytest

from emojax.ops import reduce
from emojax.tasks import single_label

CLASSES = ('neutral', 'happy', 'sad')
LOGITS = np.array([[2.0, 1, 0], [0, 0, 0], [-1, 3, 700], [5, -5, 1]])
TARGET = np.array([0, 2, 2, 1])


def head(**changes):
  return single_label.Head('emotion', CLASSES, **changes)


def losses_in_numpy(logits, target):
  """-log of the target's share of exp(logits), one row at a time."""
  result = []
  for row, wanted in zip(logits, target):
    largest = max(row)
    result.append(largest + np.log(sum(np.exp(value - largest) for value in row)) - row[wanted])
  return np.array(result)


def test_loss_is_the_cross_entropy():
  with jax.enable_x64(True):
    found = jax.jit(head().loss)(LOGITS, TARGET)
    np.testing.assert_allclose(found, losses_in_numpy(LOGITS, TARGET), rtol=1e-13, atol=1e-15)
    assert found[1] == pytest.approx(np.log(3), rel=1e-14)
    assert found[2] == 0 and found[3] == pytest.approx(10 + np.log1p(np.exp(-10) + np.exp(-4)))


def test_the_sigmoid_loss_is_the_mean_of_the_classes_own():
  probability = 1 / (1 + np.exp(-LOGITS.clip(-30, 30)))
  wanted = np.eye(3)[TARGET]
  expected = np.array([[0.0] * 3] * 4)
  for row, column in np.ndindex(4, 3):
    if abs(LOGITS[row, column]) < 30:
      p = probability[row, column]
      expected[row, column] = -np.log(p if wanted[row, column] else 1 - p)
  assert wanted[2, 2] == 1 and expected[2, 2] == 0  # a logit of 700 for the right class is free
  with jax.enable_x64(True):
    found = jax.jit(head(cross_entropy='sigmoid').loss)(LOGITS, TARGET)
  np.testing.assert_allclose(found, expected.mean(1), rtol=1e-12)
  assert head(cross_entropy='sigmoid').scores(TARGET, LOGITS)['loss'] == pytest.approx(
    expected.mean(), rel=1e-12)


def test_confidence_is_that_of_the_loss():
  np.testing.assert_allclose(head().confidence(LOGITS), [np.e**2 / (np.e**2 + np.e + 1), 1 / 3, 1,
                                                         1 / (1 + np.exp(-10) + np.exp(-4))])
  np.testing.assert_allclose(head(cross_entropy='sigmoid').confidence(LOGITS),
                             1 / (1 + np.exp([-2.0, 0, -700, -5])))


def test_another_loss_is_refused():
  with pytest.raises(ValueError, match="head emotion: loss='hinge'; there are: softmax, sigmoid"):
    head(cross_entropy='hinge')


@pytest.mark.parametrize('reduction, expected', [('sum', 3.5 + 4.0), ('mean', (3.5 + 4.0) / 2.5)])
def test_reduce_weighs_and_divides_by_the_weights(reduction, expected):
  losses, weight = np.array([7.0, 2, 9], np.float32), np.array([0.5, 2, 0], np.float32)
  assert float(head(reduction=reduction).reduce(losses, weight)) == pytest.approx(expected)


@pytest.mark.parametrize('reduction', reduce.REDUCTIONS)
def test_filler_rows_change_neither_loss_nor_gradient_whatever_their_loss_is(reduction):
  weight = np.array([0.5, 2, 0, 0], np.float32)
  run = jax.jit(jax.value_and_grad(head(reduction=reduction).reduce))
  for filler in (np.nan, np.inf, -np.inf, 5.0):
    losses = np.array([7, 2, filler, filler], np.float32)
    value, gradient = run(losses, weight)
    divisor = 2.5 if reduction == 'mean' else 1
    assert float(value) == pytest.approx(7.5 / divisor)
    np.testing.assert_allclose(gradient, weight / divisor, rtol=1e-6)
    value, gradient = run(np.full(4, filler, np.float32), np.zeros(4, np.float32))
    assert value == 0 and not gradient.any(), 'a batch of filler loses nothing'


def test_of_equal_logits_the_lowest_class_wins():
  logits = np.array([[1.0, 1, 0], [0, 2, 2], [3, 3, 3]])
  assert head().decide(logits).tolist() == [0, 1, 0]
  np.testing.assert_array_equal(head().confusion(np.array([0, 2, 1]), logits),
                                [[1, 0, 0], [1, 0, 0], [0, 1, 0]])


def test_scores_by_hand():
  # decisions: neutral, neutral (a tie), sad, neutral; right are the first and the third
  found = head().scores(TARGET, LOGITS)
  losses = losses_in_numpy(LOGITS, TARGET)
  confidence = np.exp(-losses_in_numpy(LOGITS, LOGITS.argmax(1)))
  assert found == pytest.approx({
    'wa': 2 / 4,
    'ua': (1 / 1 + 0 / 1 + 1 / 2) / 3,
    'f1_macro': (2 * 1 / (3 + 1) + 0 + 2 * 1 / (1 + 2)) / 3,
    'f1_weighted': (0.5 * 1 + 0 * 1 + 2 / 3 * 2) / 4,
    # sure and right, unsure and wrong, both in the last bin: right, wrong
    'ece': ((1 - confidence[0]) + confidence[1] + confidence[2] + confidence[3] - 1) / 4,
    'loss': sum(losses) / 4,
  }, rel=1e-12)
  assert all(type(value) is float for value in found.values())


def test_result_rows_carry_the_head_and_what_is_said_about_them():
  rows = head().result_rows(
    TARGET, LOGITS, np.array(['a', 'b', 'b', 'c']),
    protocol='x/y', fold='f', seed=1, split='test', n_excluded=3, unit='speaker')
  assert {row['metric']: row['value'] for row in rows}['wa'] == 0.5
  for row in rows:
    assert row['head'] == 'emotion' and (row['fold'], row['n'], row['k']) == ('f', 4, 3)


def test_width_is_the_number_of_classes():
  assert head().width == 3


def test_a_wrong_reduction_is_answered():
  with pytest.raises(ValueError, match=r"head emotion: reduction='median'; there are: .*sum.*mean"):
    head(reduction='median')
