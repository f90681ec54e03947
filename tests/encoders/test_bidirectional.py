"""Both directions against a loop over steps; what lies behind an example's count is not read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import bidirectional

X = np.random.default_rng(0).normal(size=(4, 5, 3))
COUNT = np.array([5, 3, 1, 0])


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


@pytest.fixture
def layer():
  return bidirectional.BidirectionalLSTM(3, 4, rngs=nnx.Rngs(0))


def last_state(lstm, steps):
  """[H], after `steps` [T, D] one after the other."""
  sigmoid = lambda x: 1 / (1 + np.exp(-x))
  h = c = np.zeros(4)
  for x in steps:
    gates = (np.asarray(lstm.weight_input[...]) @ x + np.asarray(lstm.weight_recurrent[...]) @ h
             + np.asarray(lstm.bias_input[...]) + np.asarray(lstm.bias_recurrent[...]))
    i, f, g, o = np.split(gates, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
  return h


def test_the_final_states_are_those_of_both_ways(layer):
  found = layer.final(jnp.asarray(X), jnp.asarray(COUNT))
  wanted = [np.concatenate([last_state(layer.onward, x[:n]),
                            last_state(layer.backward, x[:n][::-1])])
            for x, n in zip(X, COUNT)]
  np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def test_at_the_end_the_way_back_has_made_one_step(layer):
  found = layer.at_the_end(jnp.asarray(X), jnp.asarray(COUNT))
  wanted = [np.concatenate([last_state(layer.onward, x[:n]),
                            last_state(layer.backward, x[max(n - 1, 0):n])])
            for x, n in zip(X, COUNT)]
  np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def test_what_comes_later_is_not_read(layer):
  changed = X.copy()
  for row, n in enumerate(COUNT):
    changed[row, n:] = 1e3
  for read in (layer.final, layer.at_the_end):
    np.testing.assert_array_equal(*(read(jnp.asarray(x), jnp.asarray(COUNT)) for x in (X, changed)))
