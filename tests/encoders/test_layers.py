"""Linear and recurrent layers: parameters as PyTorch draws them, values as numpy computes them."""

import jax
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import linear, recurrent


def parameters(module):
  return {name: np.asarray(value) for name, value in
          nnx.to_pure_dict(nnx.state(module, nnx.Param)).items()}


def assert_uniform(values, bound):
  assert abs(values).max() <= bound
  assert values.min() < -0.8 * bound and values.max() > 0.8 * bound


def test_linear_starts_as_pytorchs_and_multiplies():
  layer = linear.Linear(16, 60, rngs=nnx.Rngs(0))
  found = parameters(layer)
  assert {name: value.shape for name, value in found.items()} == {'kernel': (16, 60), 'bias': (60,)}
  for value in found.values():
    assert_uniform(value, 1 / 4)
  assert abs(found['kernel'][0] - found['bias']).min() > 0, 'kernel and bias come from one draw'
  x = np.random.default_rng(0).normal(size=(2, 3, 16)).astype(np.float32)
  np.testing.assert_allclose(jax.jit(lambda x: layer(x))(x), x @ found['kernel'] + found['bias'],
                             rtol=1e-4, atol=1e-6)


def test_lstm_starts_as_pytorchs():
  found = parameters(recurrent.LSTM(9, 16, rngs=nnx.Rngs(0)))
  assert {name: value.shape for name, value in found.items()} == {
    'weight_input': (64, 9), 'weight_recurrent': (64, 16), 'bias_input': (64,),
    'bias_recurrent': (64,)}
  for value in found.values():
    assert_uniform(value, 1 / 4)  # of the hidden width, whatever the input's
  firsts = [value.ravel()[0] for value in found.values()]
  assert len(set(firsts)) == 4, 'two parameters come from one draw'


def test_lstm_is_a_loop_over_time():
  layer = recurrent.LSTM(3, 2, rngs=nnx.Rngs(1))
  p = parameters(layer)
  x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
  sigmoid = lambda v: 1 / (1 + np.exp(-v))
  expected = np.zeros((2, 4, 2))
  h = c = np.zeros((2, 2))
  for t in range(4):
    gates = (x[:, t] @ p['weight_input'].T + p['bias_input']
             + h @ p['weight_recurrent'].T + p['bias_recurrent'])
    i, f, g, o = gates[:, :2], gates[:, 2:4], gates[:, 4:6], gates[:, 6:]
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = expected[:, t] = sigmoid(o) * np.tanh(c)
  found = jax.jit(lambda x: layer(x))(x)
  assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
