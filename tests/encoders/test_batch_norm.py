"""Batch normalisation against its formulas: over real rows alone, running values included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import batch_norm

MASK = np.array([1, 0, 1, 1, 0, 1], bool)
X = np.random.default_rng(0).normal(2, 3, size=(6, 4))


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


def layer(mean=0.5, variance=2.0):
  made = batch_norm.BatchNorm(4)
  made.mean[...] = jnp.full(4, mean, jnp.float64)
  made.variance[...] = jnp.full(4, variance, jnp.float64)
  made.scale[...], made.shift[...] = jnp.arange(1.0, 5), jnp.arange(4.0)
  return made


def trained(x, mask):
  made = layer()
  made.train()
  return np.asarray(made(jnp.asarray(x), jnp.asarray(mask))), made


def test_training_uses_and_notes_the_statistics_of_real_rows():
  found, made = trained(X, MASK)
  real = X[MASK]
  wanted = (real - real.mean(0)) / np.sqrt(real.var(0) + 1e-5) * np.arange(1, 5) + np.arange(4)
  np.testing.assert_allclose(found[MASK], wanted, rtol=1e-12)
  np.testing.assert_allclose(made.mean[...], 0.9 * 0.5 + 0.1 * real.mean(0), rtol=1e-12)
  np.testing.assert_allclose(made.variance[...], 0.9 * 2 + 0.1 * real.var(0, ddof=1), rtol=1e-12)


def test_positions_in_time_count_like_rows():
  flat, _ = trained(X, MASK)
  in_time, _ = trained(X.reshape(2, 3, 4), MASK.reshape(2, 3))
  np.testing.assert_allclose(in_time.reshape(6, 4), flat, rtol=1e-12)


@pytest.mark.parametrize('content', [0.0, 1e9, np.nan])
def test_what_is_not_real_is_not_read(content):
  found, made = trained(np.where(MASK[:, None], X, content), MASK)
  wanted, other = trained(X, MASK)
  np.testing.assert_array_equal(found[MASK], wanted[MASK])
  np.testing.assert_array_equal(made.variance[...], other.variance[...])


def test_without_a_real_row_running_values_stay_and_one_alone_has_no_spread():
  _, made = trained(X, np.zeros(6, bool))
  np.testing.assert_array_equal(made.mean[...], 0.5)
  np.testing.assert_array_equal(made.variance[...], 2.0)
  found, made = trained(X[:1], np.ones(1, bool))
  np.testing.assert_allclose(found[0], np.arange(4), atol=1e-12)
  np.testing.assert_allclose(made.variance[...], 1.8)


def test_evaluation_uses_running_values_and_changes_none():
  made = layer()
  made.eval()
  found = made(jnp.asarray(X), jnp.asarray(MASK))
  wanted = (X - 0.5) / np.sqrt(2 + 1e-5) * np.arange(1, 5) + np.arange(4)
  np.testing.assert_allclose(np.asarray(found)[MASK], wanted[MASK], rtol=1e-12)
  np.testing.assert_array_equal(made.mean[...], 0.5)


def test_statistics_are_state_and_not_parameters():
  _, params, rest = nnx.split(layer(), nnx.Param, ...)
  assert set(params) == {'scale', 'shift'} and set(rest) == {'mean', 'variance'}
