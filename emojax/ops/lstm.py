"""An LSTM: time is a loop, and the backward pass makes its weight gradients once, not T times.

Inside, a state is a column: weights [4H, H] times [H, B]. With few examples that product runs twice
as fast on CPUs as a row of examples times the weights, and every gate is one block. Gradients of
the gates stay columns, by time, until their products with inputs and states.
"""

import functools

import jax
import jax.numpy as jnp

from emojax.ops import masking
from emojax.types import Array


def lstm(x: Array, weight_input: Array, weight_recurrent: Array, bias: Array) -> Array:
  """Runs an LSTM from a zero state: c = f * c + i * g, h = o * tanh(c).

  Args:
    x: [B, T, D].
    weight_input, weight_recurrent, bias: [4H, D], [4H, H], [4H]; gates in the order i, f, g, o.

  Returns:
    [B, T, H], the hidden state after each step.

  Left to automatic differentiation, weight gradients are summed inside the loop, one small product
  a step.
  """
  return _run(True, x, weight_input, weight_recurrent, bias, None)


def last(x: Array, weight_input: Array, weight_recurrent: Array, bias: Array, mask: Array) -> Array:
  """[B, H], the state after the last step, for less time than all states take.

  Args:
    mask: bool [B, T]; where it is False both states are copied through and `x` is not read.
  """
  return _run(False, masking.clear(x, mask), weight_input, weight_recurrent, bias, mask)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _run(whole: bool, *args) -> Array:
  return _forward(whole, *args)[0]


def _forward(
    whole: bool, x: Array, weight_input: Array, weight_recurrent: Array, bias: Array,
    mask: Array | None) -> tuple[Array, tuple]:
  real = None if mask is None else mask.T

  def step(carry, here):
    h, c = carry
    x, real = here
    gates = weight_input @ x + weight_recurrent @ h + bias[:, None]
    i, f, g, o = jnp.split(gates, 4)
    i, f, g, o = _sigmoid(i), _sigmoid(f), jnp.tanh(g), _sigmoid(o)
    if real is not None:  # the states and their gradients pass through, nothing else does
      i, o = (jnp.where(real[None], gate, 0) for gate in (i, o))
      f = jnp.where(real[None], f, 1)
    c_next = f * c + i * g
    h_next = o * jnp.tanh(c_next)
    if real is not None:
      h_next = jnp.where(real[None], h_next, h)
    return (h_next, c_next), (h_next.T if whole else None, h, c, jnp.concatenate([i, f, g, o]))

  zero = jnp.zeros((weight_recurrent.shape[1], len(x)), x.dtype)
  (final, _), (states, *before) = jax.lax.scan(
    step, (zero, zero), (x.transpose(1, 2, 0), real), unroll=2)
  saved = x, real, before, weight_input, weight_recurrent
  if not whole:
    return final.T, saved
  # Turned in the loop, where it is small; the barrier keeps every reader from laying it out again.
  return jax.lax.optimization_barrier(states.transpose(1, 0, 2)), saved


def _sigmoid(x: Array) -> Array:
  return 0.5 * jnp.tanh(0.5 * x) + 0.5


def _backward(whole: bool, saved: tuple, dstates: Array) -> tuple:
  x, real, (h, c, gates), weight_input, weight_recurrent = saved
  # Laid out once: multiplied by the transpose of a view, each step would pack the weights again.
  recurrent = jax.lax.optimization_barrier(weight_recurrent.T)

  def step(carry, here):
    dh_later, dc = carry
    dh, real, c, gates = here
    dh = dh_later if dh is None else dh + dh_later
    i, f, g, o = jnp.split(gates, 4)
    tanh_c = jnp.tanh(f * c + i * g)
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    dgates = jnp.concatenate([
      dc * g * i * (1 - i),
      dc * c * f * (1 - f),
      dc * i * (1 - g * g),
      dh * tanh_c * o * (1 - o),
    ])
    dh_before = recurrent @ dgates
    if real is not None:
      dh_before += jnp.where(real[None], 0, dh)
    return (dh_before, dc * f), dgates

  zero = jnp.zeros_like(c[0])
  dstates, dfinal = (dstates.transpose(1, 2, 0), zero) if whole else (None, dstates.T)
  _, dgates = jax.lax.scan(step, (dfinal, zero), (dstates, real, c, gates), reverse=True)
  # Not as products of two axes in one: times before examples, devices could not share those.
  return (jnp.einsum('TGB,GD->BTD', dgates, weight_input), jnp.einsum('TGB,BTD->GD', dgates, x),
          jnp.einsum('TGB,THB->GH', dgates, h),
          jnp.einsum('TGB,TB->G', dgates, jnp.ones(dgates.shape[::2], x.dtype)), None)


_run.defvjp(_forward, _backward)
