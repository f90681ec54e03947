"""TensorFlow 1's GRU: time is a loop, and the backward pass makes its weight gradients once.

As in `lstm`, a state is a column inside: weights [H, H] times [H, B]. What the backward pass needs
for its weight gradients it turns into rows while they are small, and lays [B, T, H]: a product over
examples and times, in this order, is one that devices can share.
"""

import functools

import jax
import jax.numpy as jnp

from emojax.ops import affine, masking
from emojax.types import Array


def gru(
    x: Array,
    initial: Array,
    gates_kernel: Array,
    gates_bias: Array,
    candidate_kernel: Array,
    candidate_bias: Array,
    mask: Array | None = None,
) -> Array:
  """Runs r, u = sigmoid([x, h] Wg + bg); c = tanh([x, r * h] Wc + bc); h = u * h + (1 - u) * c.

  Unlike PyTorch's and Flax's GRU this one resets the state before its product with the weights.

  Args:
    x: [B, T, D].
    initial: [B, H], the state before the first step.
    gates_kernel, gates_bias: [D + H, 2H], [2H]; reset first, update second.
    candidate_kernel, candidate_bias: [D + H, H], [H].
    mask: bool [B, T]; where it is False the state is copied through and `x` is not read.

  Returns:
    [B, T, H], the state after each step.
  """
  return _run(True, *_cleared(
    x, initial, gates_kernel, gates_bias, candidate_kernel, candidate_bias, mask))


def last(*args) -> Array:
  """[B, H], the state after the last step; arguments as for `gru`, which takes longer."""
  return _run(False, *_cleared(*args))


def _cleared(x: Array, *args) -> tuple:
  return x if args[-1] is None else masking.clear(x, args[-1]), *args


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _run(whole: bool, *args) -> Array:
  return _forward(whole, *args)[0]


def _forward(
    whole: bool, x: Array, initial: Array, gates_kernel: Array, gates_bias: Array,
    candidate_kernel: Array, candidate_bias: Array, mask: Array | None) -> tuple[Array, tuple]:
  width, hidden = x.shape[2], initial.shape[1]
  of_x = jnp.concatenate([gates_kernel[:width], candidate_kernel[:width]], 1).T  # [3H, D]
  bias = jnp.concatenate([gates_bias, candidate_bias])[:, None]
  gates_of_h, candidate_of_h = gates_kernel[width:].T, candidate_kernel[width:].T

  def step(h, here):
    x, real = here
    from_x = of_x @ x + bias
    r, u = jnp.split(jax.nn.sigmoid(from_x[:2 * hidden] + gates_of_h @ h), 2)
    if real is not None:
      u = jnp.where(real[None], u, 1)  # the state and its gradient pass through, nothing else does
    c = jnp.tanh(from_x[2 * hidden:] + candidate_of_h @ (r * h))
    h_next = u * h + (1 - u) * c
    return h_next, (h_next.T if whole else None, h, r, u, c)

  real = None if mask is None else mask.T
  final, (states, *saved) = jax.lax.scan(
    step, initial.T, (x.transpose(1, 2, 0), real), unroll=2)
  saved = x, saved, gates_kernel, candidate_kernel
  if not whole:
    return final.T, saved
  return jax.lax.optimization_barrier(states.transpose(1, 0, 2)), saved


def _backward(whole: bool, saved: tuple, dstates: Array) -> tuple:
  x, before, gates_kernel, candidate_kernel = saved
  batch, times, width = x.shape
  gates_of_x, gates_of_h = gates_kernel[:width], gates_kernel[width:]
  candidate_of_x, candidate_of_h = candidate_kernel[:width], candidate_kernel[width:]

  def step(carry, here):
    dh_later, rows = carry
    time, dh, h, r, u, c = here
    dh = dh_later if dh is None else dh + dh_later
    dcandidate = dh * (1 - u) * (1 - c * c)
    dreset = candidate_of_h @ dcandidate  # of r * h
    dgates = jnp.concatenate([dreset * h * r * (1 - r), dh * (h - c) * u * (1 - u)])
    rows = tuple(jax.lax.dynamic_update_slice_in_dim(values, column.T[:, None], time, axis=1)
                 for values, column in zip(rows, (dgates, dcandidate, h, r * h)))
    return (dh * u + dreset * r + gates_of_h @ dgates, rows), None

  hidden = candidate_of_h.shape[0]
  if whole:
    dstates, dfinal = dstates.transpose(1, 2, 0), jnp.zeros((hidden, batch), x.dtype)
  else:
    dstates, dfinal = None, dstates.T
  rows = tuple(jnp.zeros((batch, times, size), x.dtype)
               for size in (2 * hidden, hidden, hidden, hidden))
  (dinitial, rows), _ = jax.lax.scan(
    step, (dfinal, rows), (jnp.arange(times), dstates, *before), reverse=True)
  x, dgates, dcandidate, h, reset = (
    values.reshape(batch * times, values.shape[-1]) for values in (x, *rows))
  dx = dgates @ gates_of_x.T + dcandidate @ candidate_of_x.T
  return (
    dx.reshape(batch, times, width), dinitial.T,
    jnp.concatenate([x.T @ dgates, h.T @ dgates]), affine.over_rows(dgates),
    jnp.concatenate([x.T @ dcandidate, reset.T @ dcandidate]), affine.over_rows(dcandidate), None)


_run.defvjp(_forward, _backward)
