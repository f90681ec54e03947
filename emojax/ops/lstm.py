"""The recurrence of an LSTM, with a backward pass that multiplies its weights once, not T times."""

import jax
import jax.numpy as jnp

from emojax.ops import affine
from emojax.types import Array


@jax.custom_vjp
def lstm(projected: Array, recurrent: Array, bias: Array) -> Array:
  """Runs an LSTM from a zero state.

  Args:
    projected: [T, B, 4H], the input's part of the gates, in the order i, f, g, o.
    recurrent: [H, 4H].
    bias: [4H].

  Returns:
    [T, B, H], the hidden state after each step: c = f * c + i * g, h = o * tanh(c).

  The weight gradient is one product over all T * B states. Left to automatic differentiation it is
  summed inside the scan, one small product a step.
  """
  return _forward(projected, recurrent, bias)[0]


def _forward(projected: Array, recurrent: Array, bias: Array) -> tuple[Array, tuple]:
  _, batch, width = projected.shape
  hidden = width // 4

  def step(carry, x):
    h, c = carry
    gates = x + h @ recurrent + bias[None]
    i, f, o = (jax.nn.sigmoid(gates[:, k * hidden:(k + 1) * hidden]) for k in (0, 1, 3))
    g = jnp.tanh(gates[:, 2 * hidden:3 * hidden])
    c_next = f * c + i * g
    h_next = o * jnp.tanh(c_next)
    return (h_next, c_next), (h_next, c_next, jnp.concatenate([i, f, g, o], -1))

  zero = jnp.zeros((batch, hidden), projected.dtype)
  _, (h, c, gates) = jax.lax.scan(step, (zero, zero), projected)
  return h, (h, c, gates, recurrent)


def _backward(saved: tuple, dh: Array) -> tuple[Array, Array, Array]:
  h, c, gates, recurrent = saved
  hidden = h.shape[-1]
  # Laid out once: multiplied by the transpose of a view, each step would pack the weights again.
  transposed = jax.lax.optimization_barrier(recurrent.T)

  def before(x):  # the state that each step started from
    return jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]])

  def step(carry, x):
    dh_later, dc = carry
    dh_here, c, c_before, gates = x
    i, f, g, o = (gates[:, k * hidden:(k + 1) * hidden] for k in range(4))
    dh = dh_here + dh_later
    tanh_c = jnp.tanh(c)
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    dgates = jnp.concatenate([
      dc * g * i * (1 - i),
      dc * c_before * f * (1 - f),
      dc * i * (1 - g * g),
      dh * tanh_c * o * (1 - o),
    ], -1)
    return (dgates @ transposed, dc * f), dgates

  zero = jnp.zeros_like(h[0])
  _, dprojected = jax.lax.scan(step, (zero, zero), (dh, c, before(c), gates), reverse=True)
  drows = dprojected.reshape(-1, 4 * hidden)
  return dprojected, before(h).reshape(-1, hidden).T @ drows, affine.over_rows(drows)


lstm.defvjp(_forward, _backward)
