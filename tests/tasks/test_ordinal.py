"""The ordinal head: its loss as the sum of binary ones, decisions and expected values by hand."""

import jax
import numpy as np
import pytest
from scipy import special

from emojax.protocols import labels, mosi
from emojax.tasks import ordinal

CLASSES = ('low', 'middle', 'high')
LOGITS = np.array([[-1.0, -2], [3, -0.5], [2, 1], [-1, 4], [0, 0]])
TARGET = np.array([0, 1, 2, 2, 1])


def head(**changes):
  return ordinal.Head('level', CLASSES, **changes)


def losses_in_numpy():
  """-log p of each answer, p = 1 / (1 + exp(-z)) for yes."""
  found = []
  for row, label in zip(LOGITS, TARGET):
    answers = [label > 0, label > 1]
    found.append(-sum(np.log(special.expit(z if yes else -z)) for z, yes in zip(row, answers)))
  return found


def test_loss_is_the_sum_of_binary_cross_entropies():
  np.testing.assert_allclose(jax.jit(head().loss)(LOGITS, TARGET), losses_in_numpy(), rtol=1e-6)
  assert head().scores(TARGET, LOGITS)['loss'] == pytest.approx(np.mean(losses_in_numpy()))


def test_gradient_is_the_share_less_the_answer():
  found = jax.grad(lambda z: head().loss(z, TARGET).sum())(LOGITS)
  answers = TARGET[:, None] > np.arange(2)
  np.testing.assert_allclose(found, special.expit(LOGITS) - answers, rtol=1e-5)


def test_of_two_classes_it_is_the_binary_cross_entropy():
  two = ordinal.Head('s', ('no', 'yes'))
  assert two.width == 1
  np.testing.assert_allclose(
    two.loss(np.array([[0.0], [2.0]]), np.array([1, 0])), [np.log(2), np.log1p(np.exp(2))],
    rtol=1e-6)


def test_the_decision_is_how_many_questions_are_answered_yes():
  # of [-1, 4] the later answer is yes and the earlier no: one yes; 0 is no
  assert np.asarray(head().decide(LOGITS)).tolist() == [0, 1, 2, 1, 0]
  np.testing.assert_array_equal(head().confusion(TARGET, LOGITS),
                                [[1, 0, 0], [1, 1, 0], [0, 1, 1]])


def test_confidence_is_the_chance_of_the_class_that_is_decided_for():
  s = special.expit
  found = head().confidence(LOGITS)
  # of [-1, 4] the middle class has 0.27 - 0.98: 0
  np.testing.assert_allclose(found, [s(1), s(3) - s(-0.5), s(1), 0, 0.5])
  right = np.array([1, 1, 1, 0, 0])
  assert head().scores(TARGET, LOGITS)['ece'] == pytest.approx(np.abs(right - found).sum() / 5)


def test_scores_by_hand():
  found = head().scores(TARGET, LOGITS)
  assert tuple(sorted(found)) == tuple(sorted(head().metrics))
  expected = special.expit(LOGITS).sum(1)
  assert found['mae_class'] == pytest.approx(np.abs(expected - TARGET).mean())
  assert found['corr_class'] == pytest.approx(np.corrcoef(expected, TARGET)[0, 1])
  assert found['wa'] == 3 / 5
  rows = head().result_rows(TARGET, LOGITS, np.array(list('abcab')), protocol='p', fold='f', seed=0,
                            split='test', n_excluded=0, unit='video')
  assert {row['metric']: row['value'] for row in rows} == pytest.approx(
    {name: value for name, value in found.items() if name != 'loss'})
  assert 'middle' in head().report(TARGET, LOGITS, rows, '')
  assert head().picture(TARGET, LOGITS, 'title').ndim == 3


def test_a_diverged_model_has_no_score():
  logits = np.where(np.arange(5)[:, None] == 3, np.nan, LOGITS)
  with pytest.raises(ValueError, match='1 of 5 utterances have values that are not finite.* row 3'):
    head().result_rows(TARGET, logits, np.array(list('abcab')), protocol='p', fold='f', seed=0,
                       split='test', n_excluded=0, unit='video')


def test_it_learns_ordered_classes_alone():
  assert mosi.SEVEN.form in ordinal.Head.forms
  assert labels.Categories('emotion', {}).form not in ordinal.Head.forms
  assert head().outputs == ('logit_above_low', 'logit_above_middle')
