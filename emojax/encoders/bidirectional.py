"""An LSTM in each direction, with PyTorch's parameters."""

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import recurrent
from emojax.ops import masking
from emojax.types import Array


class BidirectionalLSTM(nnx.Module):
  """One layer; an example's steps are those before its `count`, what comes later is not read."""

  def __init__(self, width: int, hidden: int, *, rngs: nnx.Rngs):
    self.onward = recurrent.LSTM(width, hidden, rngs=rngs)
    self.backward = recurrent.LSTM(width, hidden, rngs=rngs)

  def final(self, x: Array, count: Array) -> Array:
    """[B, T, D], counts [B] -> [B, 2H]: the states after the last step of each direction."""
    places = jnp.arange(x.shape[1])[None]
    turned = jnp.take_along_axis(x, (count[:, None] - 1 - places).clip(min=0)[..., None], axis=1)
    mask = places < count[:, None]
    return jnp.concatenate([self.onward.last(x, mask), self.backward.last(turned, mask)], axis=1)

  def at_the_end(self, x: Array, count: Array) -> Array:
    """[B, 2H]: the outputs at the last place, where the way back has made a single step."""
    mask = jnp.arange(x.shape[1])[None] < count[:, None]
    end = masking.last(x, mask)[:, None]
    return jnp.concatenate([
      self.onward.last(x, mask), self.backward.last(end, mask[:, :1])], axis=1)


# The names of PyTorch's LSTM, after the path of the layer.
FROM_TORCH = (
  (r'weight_ih_l0_reverse$', 'backward.weight_input'),
  (r'weight_hh_l0_reverse$', 'backward.weight_recurrent'),
  (r'bias_ih_l0_reverse$', 'backward.bias_input'),
  (r'bias_hh_l0_reverse$', 'backward.bias_recurrent'),
  (r'weight_ih_l0$', 'onward.weight_input'), (r'weight_hh_l0$', 'onward.weight_recurrent'),
  (r'bias_ih_l0$', 'onward.bias_input'), (r'bias_hh_l0$', 'onward.bias_recurrent'),
)
