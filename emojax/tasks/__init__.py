"""Kinds of heads, a file each, and what they share: name, classes, weight, reduction."""

import dataclasses

from emojax.ops import reduce as reduce_lib
from emojax.types import Array


@dataclasses.dataclass(frozen=True)
class Head:
  """A head over classes; a kind of task adds loss, decisions and scores.

  Attributes:
    name: names the head in targets, outputs and results.
    classes: class names in the order of their ids, or of their columns.
    weight: the head's share in the total loss.
    reduction: of the examples' losses: 'mean' divides by the sum of weights over the (global)
      batch; 'sum' does not, as in MAT, so that the gradient grows with the batch.
  """

  name: str
  classes: tuple[str, ...]
  weight: float = 1.0
  reduction: str = 'mean'

  def __post_init__(self):
    reduce_lib.check(self.reduction, f'head {self.name}')

  @property
  def width(self) -> int:
    return len(self.classes)

  def reduce(self, losses: Array, weight: Array, whole: Array | None = None) -> Array:
    """One number from example losses [B]; `weight` [B]: 0 on filler rows, else a class weight.

    `whole`: the weights of the batch of which these are a part; the parts' results then add up to
    the batch's.
    """
    return reduce_lib.weighted(losses, weight, self.reduction, whole)
