"""Recurrent layers with the parameters and gate order of PyTorch."""

import math

from flax import nnx

from emojax.encoders import initial
from emojax.ops import lstm
from emojax.types import Array


class LSTM(nnx.Module):
  """One layer, left to right, from a zero state; it runs through padding, which is on the right."""

  def __init__(self, width: int, hidden: int, *, rngs: nnx.Rngs):
    init = initial.uniform(1 / math.sqrt(hidden))

    def parameter(*shape):
      return nnx.Param(init(rngs.params(), shape))

    self.kernel = parameter(width, 4 * hidden)  # gates i, f, g, o
    self.recurrent = parameter(hidden, 4 * hidden)
    self.bias_input = parameter(4 * hidden)  # PyTorch keeps and trains two biases
    self.bias_recurrent = parameter(4 * hidden)

  def __call__(self, x: Array) -> Array:
    """[B, T, D] -> [B, T, H], the hidden state after every step."""
    x = x.swapaxes(0, 1)
    bias = self.bias_input[...] + self.bias_recurrent[...]
    return lstm.lstm(x @ self.kernel[...], self.recurrent[...], bias).swapaxes(0, 1)
