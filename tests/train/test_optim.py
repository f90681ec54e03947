"""Optimizers against their formulas in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.train import optim

GRADIENTS = np.random.default_rng(0).normal(0, 1e-3, (6, 5)) * 10.0 ** np.arange(-4, 1)


def directions(tx, gradients):
  state, found = tx.init(jnp.zeros(gradients.shape[1])), []
  for gradient in gradients:
    direction, state = tx.update(jnp.asarray(gradient), state)
    found.append(direction)
  return np.array(found)


@pytest.mark.parametrize('name', ['adam', 'adam_tf1'])
def test_adam_and_where_it_adds_eps(name):
  b1, b2, eps = 0.8, 0.95, 1e-6
  expected, m, v = [], 0.0, 0.0
  for t, g in enumerate(GRADIENTS, start=1):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    if name == 'adam':
      expected.append(m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps))
    else:
      expected.append(np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps))
  with jax.enable_x64(True):
    found = directions(optim.build(name, b1=b1, b2=b2, eps=eps), GRADIENTS)
  np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_two_differ_where_gradients_are_small():
  ours, theirs = (directions(optim.build(name, eps=1e-6), GRADIENTS[:1])
                  for name in ('adam', 'adam_tf1'))
  assert abs(theirs[0, 0]) < 0.7 * abs(ours[0, 0])


def test_clipping_by_value_comes_before_that_by_norm():
  tx = optim.build('sgd', clip_value=3.0, clip_norm=1.0)
  found = directions(tx, np.array([[100.0, -4.0, 0, 0, 0]]))
  np.testing.assert_allclose(found[0, :2], np.array([3, -3]) / (np.sqrt(18) + 1e-6), rtol=1e-6)
  np.testing.assert_array_equal(
    directions(optim.build('sgd', clip_value=3.0), np.array([[1.0, -4, 3, 0, 9]])),
    [[1, -3, 3, 0, 3]])


def test_an_unknown_one_is_refused():
  with pytest.raises(ValueError, match="optim.name='lamb'; there are: adam, adamw, adam_tf1, sgd"):
    optim.build('lamb')


def test_the_l2_penalty_is_part_of_the_gradient_after_it_was_cut():
  """As PyTorch: the norm is that of the gradient alone."""
  params = jnp.array([2.0, -1.0])
  tx = optim.build('sgd', clip_norm=1.0, l2=0.5)
  found, _ = tx.update(jnp.array([3.0, 4.0]), tx.init(params), params)
  np.testing.assert_allclose(found, np.array([0.6 + 1.0, 0.8 - 0.5]), rtol=1e-5)
  plain, decayed = (optim.build('adam', l2=l2) for l2 in (0.0, 0.5))
  first, _ = decayed.update(jnp.zeros(2), decayed.init(params), params)
  np.testing.assert_allclose(first, [1.0, -1.0], rtol=1e-5)  # Adam scales the penalty, too
  first, _ = plain.update(jnp.zeros(2), plain.init(params), params)
  np.testing.assert_array_equal(first, [0, 0])


PARAMS = {'heads': {'factors': {'text': np.zeros(2)}, 'weights': np.zeros(1)}, 'text': np.zeros(3)}


def test_factors_on_the_rate_by_name():
  assert optim.rate_factors(r'factors\.=3; ^text=0.1', PARAMS) == {
    'heads': {'factors': {'text': 3.0}, 'weights': 1.0}, 'text': 0.1}
  assert optim.rate_factors('', PARAMS)['text'] == 1.0


@pytest.mark.parametrize('rules, message', [
  ('factors=-1', "optim.rate_factors: 'factors=-1' is not PATTERN=FACTOR with a number from 0"),
  ('factors=three', 'is not PATTERN=FACTOR'),
  ('factors', 'is not PATTERN=FACTOR'),
  ('factor(=3', 'is no regular expression'),
  ('audio=3', 'no parameter has such a name'),
  ('text=3; factors=2', 'decides nothing: earlier rules match all that it matches'),
])
def test_rules_that_decide_nothing_are_answered(rules, message):
  with pytest.raises(ValueError, match=message):
    optim.rate_factors(rules, PARAMS)


def test_the_cosine_falls_to_zero_and_rises_again():
  factor = optim.SCHEDULES['cosine']
  np.testing.assert_allclose([factor(step, 8) for step in (0, 4, 8, 12, 16)], [1, 0.5, 0, 0.5, 1],
                             atol=1e-6)
  optim.check_schedule('cosine')
  with pytest.raises(ValueError, match="schedule='linear'; there are: constant, cosine"):
    optim.check_schedule('linear')
