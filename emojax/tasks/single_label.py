"""One class of K: cross-entropy. Class weights reach it as example weights."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from emojax.types import Array

REDUCTIONS = ('sum', 'mean')


@dataclasses.dataclass(frozen=True)
class Head:
  """A classification head.

  Attributes:
    name: names the head in targets, outputs and results.
    classes: class names in the order of their ids.
    weight: the head's share in the total loss.
    reduction: 'mean' divides by the sum of weights over the (global) batch; 'sum' does not, as in
      MAT, so that the gradient grows with the batch.
  """

  name: str
  classes: tuple[str, ...]
  weight: float = 1.0
  reduction: str = 'mean'

  def __post_init__(self):
    if self.reduction not in REDUCTIONS:
      raise ValueError(f'head {self.name}: reduction={self.reduction!r}; there are: {REDUCTIONS}.')

  @property
  def width(self) -> int:
    return len(self.classes)

  def loss(self, logits: Array, target: Array) -> Array:
    """Per-example loss [B] of `logits` [B, K] at class ids `target` [B]."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), target[:, None], axis=1)[:, 0]

  def reduce(self, losses: Array, weight: Array) -> Array:
    """One number from per-example losses [B]; `weight` [B] is 0 on filler rows, else a class weight."""
    total = jnp.where(weight > 0, losses * weight, 0).sum()
    if self.reduction == 'sum':
      return total
    divisor = weight.sum()
    return total / jnp.where(divisor > 0, divisor, 1)

  def decide(self, logits: Array) -> Array:
    """The class id of each row; ties go to the lowest."""
    return logits.argmax(-1)


def balanced_weights(counts: Sequence[int]) -> tuple[float, ...]:
  """N / (K * n_k), so that every class has the same total weight; needs every class to occur."""
  if min(counts) == 0:
    raise ValueError(f'balanced class weights need every class in the training split; '
                     f'examples per class: {list(counts)}.')
  return tuple(sum(counts) / (len(counts) * n) for n in counts)
