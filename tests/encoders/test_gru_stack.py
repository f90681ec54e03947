"""TensorFlow's GRU layers: how they start, where they drop values, what a mask hides."""

import jax
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import dropout, gru_encoder, recurrent, tf_readout
from emojax.types import Stream, StreamSpec

B, T, D, H = 3, 4, 5, 2
RATES = 0.25, 0.5  # of inputs, of outputs
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)


class Masks:
  """In the place of a tape: one random mask for every layer of dropout."""

  def __init__(self):
    self.random, self.drawn = np.random.default_rng(3), {}

  def take(self, name, steps, width):
    if name not in self.drawn:
      self.drawn[name] = self.random.random((B, steps, width)) < 0.5
    return self.drawn[name]


def stack(num_layers=2, rates=RATES):
  return recurrent.GRUStack(D, H, num_layers, *rates, kernel='glorot', rngs=nnx.Rngs(0))


def frames():
  return np.random.default_rng(0).normal(size=(B, T, D)).astype(np.float32)


def numbers(parameter):
  return np.asarray(parameter[...], np.float64)


def expected(layers, x, mask, initial, masks):
  """The spec's loop: a cell of all layers runs step by step; (outputs, last state of the top)."""
  sigmoid = lambda value: 1 / (1 + np.exp(-value))
  states = [np.array(initial, np.float64) for _ in layers]
  outputs = np.zeros((B, T, H))
  for t in range(T):
    signal, real = x[:, t], mask[:, t:t + 1]
    for i, layer in enumerate(layers):
      h = states[i]
      signal = signal * masks[f'input_dropouts/{i}'][:, t] / (1 - RATES[0])
      gates = sigmoid(np.concatenate([signal, h], 1) @ numbers(layer.gates_kernel)
                      + numbers(layer.gates_bias))
      r, u = gates[:, :H], gates[:, H:]
      c = np.tanh(np.concatenate([signal, r * h], 1) @ numbers(layer.candidate_kernel)
                  + numbers(layer.candidate_bias))
      states[i] = np.where(real, u * h + (1 - u) * c, h)
      signal = states[i] * masks[f'output_dropouts/{i}'][:, t] / (1 - RATES[1])
    outputs[:, t] = np.where(real, signal, 0)
  return outputs, states[-1]


@pytest.mark.parametrize('num_layers', [1, 2, 3])
def test_inputs_and_outputs_of_a_layer_drop_and_states_never(num_layers):
  layers, masks, x = stack(num_layers), Masks(), frames()
  initial = np.random.default_rng(1).normal(size=(B, H)).astype(np.float32)
  dropout.attach(layers, masks)
  outputs, last = layers(x, MASK, initial)
  assert set(masks.drawn) == {f'{side}_dropouts/{i}' for side in ('input', 'output')
                              for i in range(num_layers)}
  for found, wanted in zip(
      (outputs, last), expected(layers.layers, x, MASK, initial, masks.drawn), strict=True):
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
  np.testing.assert_array_equal(last[2], initial[2])  # nothing is real
  np.testing.assert_allclose(layers.last(x, MASK, initial), last, rtol=1e-6, atol=1e-7)


def test_without_a_tape_nothing_drops_and_without_a_mask_all_is_real():
  layers, x = stack(), frames()
  outputs, last = layers(x)
  np.testing.assert_array_equal(outputs[:, -1], last)
  np.testing.assert_array_equal(layers(x, np.ones((B, T), bool))[0], outputs)


def test_kernels_start_as_they_are_called():
  glorot = recurrent.GRU(30, 50, kernel='glorot', rngs=nnx.Rngs(0))
  for kernel, width in ((glorot.gates_kernel, 100), (glorot.candidate_kernel, 50)):
    bound, found = np.sqrt(6 / (80 + width)), numbers(kernel)
    assert found.shape == (80, width)
    assert 0.98 * bound < abs(found).max() <= bound and found.std() > 0.5 * bound
  layer = recurrent.GRU(6, 10, kernel='orthogonal', rngs=nnx.Rngs(0))
  wide, tall = numbers(layer.gates_kernel), numbers(layer.candidate_kernel)  # [16, 20], [16, 10]
  np.testing.assert_allclose(wide @ wide.T, np.eye(16), atol=1e-6)
  np.testing.assert_allclose(tall.T @ tall, np.eye(10), atol=1e-6)
  assert (numbers(layer.gates_bias) == 1).all() and not numbers(layer.candidate_bias).any()


def test_traced_kernels_are_the_same():
  make = lambda: nnx.to_pure_dict(nnx.state(
    recurrent.GRU(6, 10, kernel='orthogonal', rngs=nnx.Rngs(4)), nnx.Param))
  for one, other in zip(jax.tree.leaves(jax.jit(make)()), jax.tree.leaves(make()), strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('shared', [True, False])
def test_a_readout_is_linear_with_one_bias_or_several(shared):
  readout = tf_readout.Readout(40, {'emotion': 4, 'other': 3}, shared_bias=shared, rngs=nnx.Rngs(0))
  x = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32)
  found = readout(x)
  for name, width in (('emotion', 4), ('other', 3)):
    head = readout.heads[name]
    kernel = numbers(head.kernel)
    assert 0.2 < abs(kernel).max() <= 0.25
    assert head.bias.shape == (1 if shared else width,) and not numbers(head.bias).any()
    head.bias[...] = head.bias[...] + 2
    np.testing.assert_allclose(found[name], x @ kernel, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(readout(x)[name], x @ kernel + 2, rtol=1e-4, atol=1e-5)


def test_absent_sound_and_prosody_are_zeros():
  specs = {'audio': StreamSpec(D, T), 'prosody': StreamSpec(3, 1)}
  encoder = gru_encoder.SoundEncoder(specs, H, 1, 0.0, rngs=nnx.Rngs(0))
  prosody = Stream(np.full((B, 1, 3), [[[1.0]], [[2.0]], [[np.nan]]], np.float32),
                   np.array([[True], [True], [False]]))
  found = np.asarray(encoder({'audio': Stream(frames(), MASK), 'prosody': prosody}))
  np.testing.assert_array_equal(found[:, H:], np.repeat([[1.0], [2.0], [0.0]], 3, axis=1))
  assert found[:2, :H].all() and not found[2].any()


def test_what_cannot_be_built_is_refused():
  rngs = nnx.Rngs(0)
  with pytest.raises(ValueError, match="kernel='normal'; there are: glorot, orthogonal"):
    recurrent.GRU(D, H, kernel='normal', rngs=rngs)
  with pytest.raises(ValueError, match='num_layers=0: expected one layer or more'):
    stack(0)
  with pytest.raises(ValueError, match="'prosody' is up to 4 frames long; expected one vector"):
    gru_encoder.SoundEncoder({'audio': StreamSpec(D, T), 'prosody': StreamSpec(3, 4)}, H, 1, 0.0,
                             rngs=rngs)
