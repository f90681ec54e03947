"""The head of numbers: losses by hand, labels that are missing, scores and what a config says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import common
from emojax.protocols.labels import Values
from emojax.tasks import regression

DIMENSIONS = Values(('valence', 'activation'), 1, 5)
OUTPUTS = np.array([[1.0, 2.5], [3, 3], [4, 1], [2, 5]])
TARGET = np.array([[1.5, 2.5], [3, 1], [1, 2], [2, 4.5]])  # apart by .5 0, 0 2, 3 1, 0 .5


def head(**changes):
  return regression.Head.of('dimensions', DIMENSIONS, common.regression(**changes))


@pytest.mark.parametrize('loss, expected', [
  ('l1', [0.25, 1, 2, 0.25]),
  ('l2', [0.125, 2, 5, 0.125]),
  ('huber', [0.0625, 0.75, 1.5, 0.0625]),  # d^2/2 up to 1, d - 1/2 beyond
])
def test_losses_by_hand_on_device_and_host(loss, expected):
  made = head(loss=loss)
  np.testing.assert_allclose(jax.jit(made.loss)(OUTPUTS, TARGET), expected, rtol=1e-6)
  assert made.scores(TARGET, OUTPUTS)['loss'] == pytest.approx(np.mean(expected), rel=1e-12)


@pytest.mark.parametrize('loss, slope', [
  ('l1', [-1, 0, 0, 1, 1, -1, 0, 1]),
  ('l2', [-1, 0, 0, 4, 6, -2, 0, 1]),
  ('huber', [-0.5, 0, 0, 1, 1, -1, 0, 0.5]),
])
def test_gradients_by_hand(loss, slope):
  found = jax.grad(lambda x: head(loss=loss).loss(x, TARGET).sum())(jnp.asarray(OUTPUTS))
  np.testing.assert_allclose(found.ravel(), np.array(slope) / 2, rtol=1e-6)  # means over two


@pytest.mark.parametrize('loss', regression.LOSSES)
def test_a_number_without_label_costs_nothing_and_moves_nothing(loss):
  target = np.where([[True, False]], TARGET, np.nan)
  loss_of = lambda x: head(loss=loss).loss(x, target)
  np.testing.assert_allclose(
    loss_of(OUTPUTS), loss_of(np.where([[True, False]], OUTPUTS, 1e9)), rtol=1e-6)
  gradient = jax.grad(lambda x: loss_of(x).sum())(jnp.asarray(OUTPUTS))
  assert jnp.isfinite(gradient).all() and not gradient[:, 1].any() and gradient[:, 0].any()
  whole = lambda x: head(loss=loss).reduce(loss_of(x), jnp.array([1.0, 0, 0, 0]))
  gradient = jax.grad(whole)(jnp.asarray(OUTPUTS).at[2].set(jnp.inf))
  assert jnp.isfinite(gradient[0]).all() and not gradient[1].any()


def test_what_is_watched_is_the_distance():
  np.testing.assert_allclose(head(loss='l2').watch(OUTPUTS, TARGET),
                             [[0.5, 0], [0, 2], [3, 1], [0, 0.5]])
  assert head().watched == 'mae' and head().decisions(OUTPUTS) is None


def test_the_labels_say_what_it_is_called_and_measured_by():
  made = head()
  assert made.outputs == ('value_valence', 'value_activation') and made.width == 2
  assert made.metrics == (
    'mae', 'mae_valence', 'mae_activation', 'corr', 'corr_valence', 'corr_activation', 'ccc',
    'ccc_valence', 'ccc_activation', 'ccc_unbiased', 'ccc_unbiased_valence',
    'ccc_unbiased_activation', 'loss')
  alone = regression.Head.of('s', Values(('sentiment',), -3, 3), common.regression())
  assert alone.metrics == (
    'mae', 'corr', 'ccc', 'ccc_unbiased', 'acc2_nonneg', 'f1_nonneg', 'acc2_nonzero', 'f1_nonzero',
    'acc5', 'acc7_round', 'acc7_away', 'loss')


def test_scores_by_hand():
  found = head().scores(TARGET, OUTPUTS)
  assert tuple(found) == head().metrics
  assert found['mae_valence'] == 3.5 / 4 and found['mae_activation'] == 3.5 / 4
  assert found['mae'] == 7 / 8
  assert found['corr_valence'] == pytest.approx(np.corrcoef(OUTPUTS[:, 0], TARGET[:, 0])[0, 1])
  assert found['ccc'] == pytest.approx((found['ccc_valence'] + found['ccc_activation']) / 2)
  assert all(type(value) is float for value in found.values())


def test_rows_say_what_scores_say():
  made, found = head(), head().scores(TARGET, OUTPUTS)
  rows = made.result_rows(TARGET, OUTPUTS, np.array(list('abab')), protocol='p', fold='f', seed=0,
                          split='test', n_excluded=0, unit='speaker')
  assert {row['metric']: row['value'] for row in rows} == pytest.approx(
    {name: value for name, value in found.items() if name != 'loss'})
  assert 'valence' in made.report(TARGET, OUTPUTS, rows, 'a word')
  assert made.picture(TARGET, OUTPUTS, 'title').ndim == 3


def test_a_wrong_loss_is_answered():
  with pytest.raises(ValueError, match=r"head dimensions: loss='mse'; there are: l1, l2, huber"):
    head(loss='mse')
