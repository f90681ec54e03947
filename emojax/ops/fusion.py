"""Products of modalities: the tensor that Zadeh et al. 2017 (TFN) read, and Liu et al. 2018 (LMF).

With vectors [B, D_m] of M modalities the tensor is z[b, i, j, ..] = x_1[b, i] x_2[b, j] ..; when it
is flat, the last modality counts fastest. What is linear in it needs no tensor: some modalities are
multiplied, the others contracted with the weights.
"""

import functools
import math
from collections.abc import Sequence

import jax.numpy as jnp

from emojax.ops import affine
from emojax.types import Array


def with_one(x: Array) -> Array:
  """[B, D] -> [B, 1 + D]: a 1 in front, so that a product holds the products of fewer, too."""
  return jnp.concatenate([jnp.ones_like(x[:, :1]), x], axis=1)


def tensor(vectors: Sequence[Array]) -> Array:
  """The flat tensor [B, D_1 * D_2 * ..] of vectors [B, D_m]."""
  def join(one: Array, other: Array) -> Array:
    return (one[:, :, None] * other[:, None]).reshape(len(one), -1)

  return functools.reduce(join, vectors)


def linear(vectors: Sequence[Array], kernel: Array, bias: Array) -> Array:
  """`tensor(vectors) @ kernel + bias`, [B, K], without the tensor.

  The first modalities are multiplied, P of them wide; their product with the weights is [B, Q, K],
  Q as wide as the others, which it is then contracted with. Where to divide them is chosen so that
  neither of the two is larger than it must be. One pass over the weights, whatever M is.

  Args:
    kernel: [D_1 * D_2 * .., K]. bias: [K].
  """
  widths, outputs = [x.shape[1] for x in vectors], kernel.shape[1]

  def largest(cut: int) -> int:
    return max(math.prod(widths[:cut]), math.prod(widths[cut:]) * outputs)

  cut = min(range(1, len(vectors) + 1), key=largest)
  first, others = tensor(vectors[:cut]), vectors[cut:]
  found = first @ kernel.reshape(first.shape[1], -1)
  if others:
    rest = tensor(others)
    found = jnp.einsum('BQ,BQK->BK', rest, found.reshape(*rest.shape, outputs))
  return found + affine.spread(bias, found.shape[:1])


def low_rank(
    vectors: Sequence[Array], factors: Sequence[Array], weights: Array, bias: Array) -> Array:
  """`linear` with a kernel of rank R, [B, K]: sum_r w_r prod_m (x_m F_m[r]) + bias.

  Args:
    factors: [R, D_m, K] of each modality; the kernel is their outer product over D_1, D_2, ..
    weights: [R]. bias: [K].
  """
  parts = [jnp.einsum('BD,RDK->BRK', x, factor) for x, factor in zip(vectors, factors, strict=True)]
  found = jnp.einsum('R,BRK->BK', weights, functools.reduce(jnp.multiply, parts))
  return found + affine.spread(bias, found.shape[:1])
