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

    self.weight_input = parameter(4 * hidden, width)  # gates i, f, g, o
    self.weight_recurrent = parameter(4 * hidden, hidden)
    self.bias_input = parameter(4 * hidden)  # PyTorch keeps and trains two biases
    self.bias_recurrent = parameter(4 * hidden)

  def __call__(self, x: Array) -> Array:
    """[B, T, D] -> [B, T, H], the hidden state after every step."""
    bias = self.bias_input[...] + self.bias_recurrent[...]
    return lstm.lstm(x, self.weight_input[...], self.weight_recurrent[...], bias)
