"""One number from the losses of a batch."""

import jax.numpy as jnp

from emojax.types import Array

REDUCTIONS = ('sum', 'mean')


def check(reduction: str, whose: str) -> None:
  """Refuses a `reduction` that there is not."""
  if reduction not in REDUCTIONS:
    raise ValueError(f'{whose}: reduction={reduction!r}; there are: {REDUCTIONS}.')


def weighted(
    losses: Array, weight: Array, reduction: str, whole: Array | None = None) -> Array:
  """The weighted sum of `losses` [B]; for 'mean' divided by the sum of `weight` [B].

  What stands where the weight is 0, NaN included, changes nothing; a batch of nothing else gives 0.
  `whole`: the weights of the batch of which these are a part; the parts' results add up to its own.
  """
  total = jnp.where(weight > 0, losses * weight, 0).sum()
  if reduction == 'sum':
    return total
  divisor = (weight if whole is None else whole).sum()
  return total / jnp.where(divisor > 0, divisor, 1)
