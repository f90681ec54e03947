"""Recurrent layers, with the parameters and gate order of those that published systems use.

The LSTM is PyTorch's. The GRU, its stack and where the stack drops values are TensorFlow 1's.
"""

import math

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import initial
from emojax.ops import gru, lstm, masking
from emojax.types import Array

KERNELS = {'glorot': initial.glorot, 'orthogonal': initial.orthogonal}


class LSTM(nnx.Module):
  """One layer, left to right, from a zero state; it runs through padding, which is on the right."""

  def __init__(self, width: int, hidden: int, *, rngs: nnx.Rngs):
    init = initial.uniform(1 / math.sqrt(hidden))

    def parameter(*shape):
      return nnx.Param(init(rngs.params(), shape))

    self.weight_input = parameter(4 * hidden, width)  # gates i, f, g, o
    self.weight_recurrent = parameter(4 * hidden, hidden)
    self.bias_input = parameter(4 * hidden)  # PyTorch keeps and trains two biases
    self.bias_recurrent = parameter(4 * hidden)

  def __call__(self, x: Array) -> Array:
    """[B, T, D] -> [B, T, H], the hidden state after every step."""
    return lstm.lstm(x, *self._weights())

  def last(self, x: Array, mask: Array) -> Array:
    """[B, H], the state after the last step; where `mask` [B, T] is False it is copied through."""
    return lstm.last(x, *self._weights(), mask)

  def _weights(self) -> tuple[Array, Array, Array]:
    bias = self.bias_input[...] + self.bias_recurrent[...]
    return self.weight_input[...], self.weight_recurrent[...], bias


class GRU(nnx.Module):
  """One layer, left to right; where nothing is real, its state is copied through."""

  def __init__(self, width: int, hidden: int, *, kernel: str, rngs: nnx.Rngs):
    """`kernel`: how both kernels start, 'glorot' (TensorFlow's default) or 'orthogonal'."""
    if kernel not in KERNELS:
      raise ValueError(f'kernel={kernel!r}; there are: {", ".join(KERNELS)}.')

    def parameter(columns):
      return nnx.Param(KERNELS[kernel](rngs.params(), (width + hidden, columns)))

    self.gates_kernel = parameter(2 * hidden)  # reset, update
    self.gates_bias = nnx.Param(jnp.ones(2 * hidden))
    self.candidate_kernel = parameter(hidden)
    self.candidate_bias = nnx.Param(jnp.zeros(hidden))

  def __call__(self, x: Array, mask: Array | None = None, initial: Array | None = None) -> Array:
    """[B, T, D] -> [B, T, H], the state after every step.

    Args:
      mask: [B, T]; None: all is real.
      initial: [B, H], the state before the first step; None: zeros.
    """
    return self._run(gru.gru, x, mask, initial)

  def last(self, x: Array, mask: Array | None = None, initial: Array | None = None) -> Array:
    """[B, H], the state after the last step, for less time than all states take."""
    return self._run(gru.last, x, mask, initial)

  def _run(self, recurrence, x: Array, mask: Array | None, initial: Array | None) -> Array:
    if initial is None:
      initial = jnp.zeros((len(x), self.candidate_bias.shape[0]), x.dtype)
    return recurrence(x, initial, self.gates_kernel[...], self.gates_bias[...],
                      self.candidate_kernel[...], self.candidate_bias[...], mask)


class GRUStack(nnx.Module):
  """Layers of a GRU, each in TensorFlow's DropoutWrapper: inputs and outputs drop, states never.

  Between two layers values are so dropped twice.
  """

  def __init__(
      self,
      width: int,
      hidden: int,
      num_layers: int,
      dropout_input: float,
      dropout_output: float,
      *,
      kernel: str,
      rngs: nnx.Rngs,
  ):
    if num_layers < 1:
      raise ValueError(f'num_layers={num_layers}: expected one layer or more.')
    self.layers = nnx.List([
      GRU(hidden if layer else width, hidden, kernel=kernel, rngs=rngs)
      for layer in range(num_layers)])
    self.input_dropouts = nnx.List([dropout_lib.Dropout(dropout_input) for _ in self.layers])
    self.output_dropouts = nnx.List([dropout_lib.Dropout(dropout_output) for _ in self.layers])

  def __call__(
      self, x: Array, mask: Array | None = None, initial: Array | None = None,
  ) -> tuple[Array, Array]:
    """[B, T, D] -> the last layer's outputs [B, T, H] and its state after the last step [B, H].

    Outputs are dropped, and zero where `mask` [B, T] is False; the state is neither. Where nothing
    is real, it is the initial one.

    Args:
      initial: [B, H], the state of every layer before the first step; None: zeros.
    """
    x = self._below(x, mask, initial)
    states = self.layers[-1](x, mask, initial)
    outputs = self.output_dropouts[-1](states)
    return outputs if mask is None else masking.clear(outputs, mask), states[:, -1]

  def last(self, x: Array, mask: Array | None = None, initial: Array | None = None) -> Array:
    """[B, H], the second of what a call returns, without the time and memory for the first."""
    return self.layers[-1].last(self._below(x, mask, initial), mask, initial)

  def _below(self, x: Array, mask: Array | None, initial: Array | None) -> Array:
    """What the last layer reads."""
    for layer, drop_input, drop_output in zip(
        self.layers[:-1], self.input_dropouts, self.output_dropouts):
      x = drop_output(layer(drop_input(x), mask, initial))
    return self.input_dropouts[-1](x)


# Names of TensorFlow's MultiRNNCell of GRU cells, after the path of the stack.
FROM_TF = (
  (r'multi_rnn_cell/cell_(\d+)/gru_cell/', r'layers.\1.'),
  (r'(gates|candidate)/(kernel|bias)$', r'\1_\2'),
)
