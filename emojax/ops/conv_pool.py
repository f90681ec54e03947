"""Convolution over time, then the largest of each window of outputs, without writing all of them.

Pooling windows are rows: [N, P + W - 1] samples each, for a kernel of W taps and windows of P
outputs. A few neighbouring outputs of many rows are one matrix product (shifted kernels are the
matrix), of which only the running maximum and its place are kept. In the backward pass one output
in P has a gradient; the products that make gradients see zeros elsewhere.
"""

import functools

import jax
import jax.numpy as jnp

from emojax.types import Array

ROWS = 256  # windows in one product: then its result stays in a core's cache


def conv_pool(x: Array, kernel: Array, pool: int) -> Array:
  """The largest of every `pool` neighbouring outputs of a convolution with stride 1.

  Args:
    x: [B, T, D]; zeros stand before and behind, (W - 1) // 2 of them before ('same', as TF has it).
    kernel: [W, D, F], as TF keeps it: not mirrored.

  Returns:
    [B, T // pool, F]. Outputs that do not fill a window are left out. The gradient of a maximum
    that is reached more than once goes to the first place, as in TF.
  """
  batch, (taps, width, _) = len(x), kernel.shape
  windows = x.shape[1] // pool
  reach = -(-(taps - 1) // pool)  # how many windows further the last taps of a window see
  before = (taps - 1) // 2
  behind = max((windows + reach) * pool - before - x.shape[1], 0)
  x = jnp.pad(x, ((0, 0), (before, behind), (0, 0)))[:, :(windows + reach) * pool]
  x = x.reshape(batch, windows + reach, pool * width)
  rows = jnp.concatenate([x[:, i:i + windows] for i in range(reach + 1)], -1)
  rows = rows[..., :(pool + taps - 1) * width].reshape(batch * windows, -1)
  parts = max(-(-len(rows) // ROWS), 1)
  size = -(-len(rows) // parts)
  rows = jnp.pad(rows, ((0, parts * size - len(rows)), (0, 0))).reshape(parts, size, -1)
  largest = _largest(rows, kernel, pool)  # [parts, F, size]
  found = largest.transpose(0, 2, 1).reshape(parts * size, -1)[:batch * windows]
  return found.reshape(batch, windows, -1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _largest(rows: Array, kernel: Array, pool: int) -> Array:
  """[parts, size, (P + W - 1) D] -> [parts, F, size], the largest output in each window."""
  return _forward(rows, kernel, pool)[0]


def _forward(rows: Array, kernel: Array, pool: int) -> tuple[Array, tuple]:
  matrix, (together, blocks) = _shifted(kernel, pool), _blocks(kernel, pool)
  filters = kernel.shape[2]

  def part(_, rows):
    def block(best, begin):
      first, _ = begin
      largest, place = best
      outputs = matrix @ _seen(rows, first, kernel, matrix).T
      for i, output in enumerate(outputs.reshape(together, filters, -1)):
        place = jnp.where(output > largest, first + i, place)
        largest = jnp.maximum(largest, output)
      return (largest, place), None

    shape = filters, len(rows)
    none = jnp.full(shape, -jnp.inf, rows.dtype), jnp.zeros(shape, jnp.int32)
    (largest, place), _ = jax.lax.scan(block, none, blocks)
    return None, (largest, place.astype(jnp.uint8 if pool <= 256 else jnp.int32))

  _, (largest, place) = jax.lax.scan(part, None, rows)
  return largest, (rows, kernel, place)


def _backward(pool: int, saved: tuple, dlargest: Array) -> tuple[Array, Array]:
  rows, kernel, place = saved
  matrix, (together, blocks) = _shifted(kernel, pool), _blocks(kernel, pool)

  def doutputs(begin, dlargest, place):
    """[outputs F, size], gradients of a block's outputs: zero but where they were largest."""
    first, new = begin
    here = first + jnp.arange(together, dtype=jnp.int32)[:, None, None]
    chosen = (place[None].astype(jnp.int32) == here) & (here >= new)
    return jnp.where(chosen, dlargest[None], 0).reshape(len(matrix), -1)

  def of_matrix(total, part):
    rows, dlargest, place = part

    def block(total, begin):
      return total + doutputs(begin, dlargest, place) @ _seen(rows, begin[0], kernel, matrix), None

    return jax.lax.scan(block, total, blocks)

  def of_rows(_, part):
    dlargest, place = part

    def block(drows, begin):
      more = doutputs(begin, dlargest, place).T @ matrix
      before = _seen(drows, begin[0], kernel, matrix)
      at = begin[0] * kernel.shape[1]
      return jax.lax.dynamic_update_slice_in_dim(drows, before + more, at, axis=1), None

    return None, jax.lax.scan(block, jnp.zeros(rows.shape[1:], rows.dtype), blocks)[0]

  # Two loops: whoever needs no gradient of the input does not compute it.
  dmatrix, _ = jax.lax.scan(of_matrix, jnp.zeros_like(matrix), (rows, dlargest, place))
  _, drows = jax.lax.scan(of_rows, None, (dlargest, place))
  _, unshift = jax.vjp(lambda kernel: _shifted(kernel, pool), kernel)
  return drows, unshift(dmatrix)[0]


_largest.defvjp(_forward, _backward)


def _blocks(kernel: Array, pool: int) -> tuple[int, tuple[Array, Array]]:
  """How many outputs one product makes; of each product the first output, and the first new one.

  More outputs cost more zeros in the matrix, fewer cost more products. The last product goes back
  as far as it must to be as large as the others.
  """
  together = min(max(2 * kernel.shape[0] // 5, 1), 10, pool)
  new = jnp.arange(0, pool, together, dtype=jnp.int32)
  return together, (jnp.minimum(new, pool - together), new)


def _seen(rows: Array, first: Array, kernel: Array, matrix: Array) -> Array:
  """The columns of `rows` that the outputs from `first` on see."""
  return jax.lax.dynamic_slice_in_dim(rows, first * kernel.shape[1], matrix.shape[1], axis=1)


def _shifted(kernel: Array, pool: int) -> Array:
  """[outputs F, (outputs + W - 1) D]: below each other, the kernel moved by one more output."""
  (taps, width, filters), (outputs, _) = kernel.shape, _blocks(kernel, pool)
  flat = kernel.reshape(taps * width, filters).T
  return jnp.concatenate([
    jnp.pad(flat, ((0, 0), (i * width, (outputs - 1 - i) * width))) for i in range(outputs)])
