"""Starting values: their spread, and that they depend on key and position alone."""

import jax
import numpy as np
import pytest

from emojax.encoders import initial

KEY = jax.random.key(5)


def test_uniform_fills_its_bounds():
  values = np.asarray(initial.uniform(0.25)(KEY, (50, 80)))
  assert values.shape == (50, 80) and values.dtype == np.float32
  assert -0.25 <= values.min() < -0.249 and 0.249 < values.max() < 0.25
  assert abs(values.mean()) < 5 * 0.25 / np.sqrt(3 * 4000)
  assert values.std() == pytest.approx(0.25 / np.sqrt(3), rel=0.03)


def test_normal_has_its_deviation():
  values = np.asarray(initial.normal(0.3)(KEY, (50, 80)))
  assert abs(values.mean()) < 5 * 0.3 / np.sqrt(4000)
  assert values.std() == pytest.approx(0.3, rel=0.06)
  assert (abs(values) < 0.3).mean() == pytest.approx(0.6827, abs=0.04)


@pytest.mark.parametrize('kind', [initial.uniform, initial.normal])
def test_values_are_the_same_eagerly_and_compiled(kind):
  compiled = jax.jit(lambda key: kind(0.5)(key, (6, 7)))(KEY)
  np.testing.assert_array_equal(kind(0.5)(KEY, (6, 7)), compiled)


@pytest.mark.parametrize('kind', [initial.uniform, initial.normal])
def test_a_longer_parameter_continues_a_shorter_one(kind):
  longest = np.asarray(kind(0.5)(KEY, (4097,)))  # behind 4096 the next size of vector begins
  for shape in [(3,), (2, 5), (4, 4, 4), (4096,)]:
    values = np.asarray(kind(0.5)(KEY, shape))
    np.testing.assert_array_equal(values.ravel(), longest[:values.size])


def test_values_are_jaxs_own_scaled():
  vector = np.asarray(jax.random.uniform(KEY, (4096,), minval=-1, maxval=1))
  np.testing.assert_array_equal(initial.uniform(0.5)(KEY, (10,)), 0.5 * vector[:10])


def test_another_key_gives_other_values():
  values = [np.asarray(initial.uniform(1.0)(jax.random.key(seed), (9,))) for seed in (0, 1)]
  assert (values[0] != values[1]).all()
