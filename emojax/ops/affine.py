"""x @ kernel + bias, whose bias gradient is a product with ones instead of a sum."""

import jax
import jax.numpy as jnp

from emojax.types import Array


@jax.custom_vjp
def affine(x: Array, kernel: Array, bias: Array) -> Array:
  """[..., D] @ [D, K] + [K] -> [..., K].

  The gradient of `bias` is a sum over all leading axes. XLA makes a slow windowed reduction of that
  on CPUs; as a row of ones times a matrix it runs at the speed of memory.
  """
  return _forward(x, kernel, bias)[0]


def _forward(x: Array, kernel: Array, bias: Array) -> tuple[Array, tuple]:
  rows = x.reshape(-1, x.shape[-1])
  return (rows @ kernel + bias[None]).reshape(*x.shape[:-1], -1), (x, kernel)


def _backward(saved: tuple, dy: Array) -> tuple[Array, Array, Array]:
  x, kernel = saved
  rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
  dbias = jnp.ones((1, len(drows)), dy.dtype) @ drows
  return (drows @ kernel.T).reshape(x.shape), rows.T @ drows, dbias[0]


affine.defvjp(_forward, _backward)
