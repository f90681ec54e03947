"""x @ kernel + bias, and vectors for many rows, with gradients that CPUs compute fast.

The gradient of what is added to (or multiplies) every row is a sum over all rows. XLA makes a slow
windowed reduction of that on CPUs; as a row of ones times a matrix it runs at the speed of memory.
"""

import functools

import jax
import jax.numpy as jnp

from emojax.types import Array


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def spread(vector: Array, leading: tuple[int, ...]) -> Array:
  """[D] -> [*leading, D], the same vector everywhere."""
  return jnp.broadcast_to(vector.reshape(*(1 for _ in leading), -1), (*leading, vector.shape[0]))


def _gather(leading: tuple[int, ...], _: None, dy: Array) -> tuple[Array]:
  del leading
  return (over_rows(dy.reshape(-1, dy.shape[-1])),)


spread.defvjp(lambda vector, leading: (spread(vector, leading), None), _gather)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def repeat(rows: Array, length: int) -> Array:
  """[B, D] -> [B, length, D], each row at all times."""
  return jnp.broadcast_to(rows[:, None], (len(rows), length, rows.shape[1]))


def _over_time(length: int, _: None, dy: Array) -> tuple[Array]:
  return (jnp.einsum('BT,BTD->BD', jnp.ones((len(dy), length), dy.dtype), dy),)


repeat.defvjp(lambda rows, length: (repeat(rows, length), None), _over_time)


@jax.custom_vjp
def affine(x: Array, kernel: Array, bias: Array) -> Array:
  """[..., D] @ [D, K] + [K] -> [..., K]."""
  return _forward(x, kernel, bias)[0]


def _forward(x: Array, kernel: Array, bias: Array) -> tuple[Array, tuple]:
  rows = x.reshape(-1, x.shape[-1])
  return (rows @ kernel + bias[None]).reshape(*x.shape[:-1], -1), (x, kernel)


def _backward(saved: tuple, dy: Array) -> tuple[Array, Array, Array]:
  x, kernel = saved
  rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
  # a single column as a row times a matrix: XLA has no fast product for the other way round
  dkernel = (drows.T @ rows).T if drows.shape[1] == 1 else rows.T @ drows
  return (drows @ kernel.T).reshape(x.shape), dkernel, over_rows(drows)


affine.defvjp(_forward, _backward)


def over_rows(x: Array) -> Array:
  """[N, D] -> [D], the sum."""
  return (jnp.ones((1, len(x)), x.dtype) @ x)[0]
