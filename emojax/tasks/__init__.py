"""Kinds of heads, a file each, and what they share: name, outputs, weight, reduction."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from emojax.ops import reduce as reduce_lib
from emojax.types import Array


@dataclasses.dataclass(frozen=True)
class Head:
  """A head; a kind of task adds loss, decisions and scores.

  Attributes:
    name: names the head in targets, outputs and results.
    classes: class names in the order of their ids, or of their columns; what values are called.
    weight: the head's share in the total loss.
    reduction: of the examples' losses: 'mean' divides by the sum of weights over the (global)
      batch; 'sum' does not, as in MAT, so that the gradient grows with the batch.

  A kind states, for all its heads:
    forms: the forms of labels that it learns, see `protocols.labels.FORMS`.
    accuracy: its metric that is the share of right decisions; '': it decides nothing.
    watched: what `watch` measures while training.
    label_type: of one label in a table of predictions.
    shows: what its picture is called.
    of_single_classes: scores in its result rows that its report has in a table of classes.
    weighs_positives: whether class weights are factors on the loss of each class where it is there
      (`weighing`); else they are weights of examples.
    tunes: the part that it finds its thresholds on; '': it has none.
    cut: the thresholds that it decides at, see `at`; None: as `decide` does.
  """

  name: str
  classes: tuple[str, ...]
  weight: float = 1.0
  reduction: str = 'mean'

  forms = ()
  accuracy = watched = 'wa'
  label_type = int
  shows = 'confusion'
  of_single_classes = ()
  weighs_positives = False
  tunes, cut = '', None

  def __post_init__(self):
    reduce_lib.check(self.reduction, f'head {self.name}')

  @classmethod
  def of(cls, name: str, labels: Any, settings: Any) -> 'Head':
    """The head that learns a label map; `settings`: its fields in the config."""
    return cls(name, labels.names, weight=settings.weight, reduction=settings.reduction)

  @property
  def outputs(self) -> tuple[str, ...]:
    """What the model's outputs are called in a table of predictions."""
    return tuple(f'logit_{name}' for name in self.classes)

  @property
  def width(self) -> int:
    return len(self.outputs)

  def watch(self, outputs: Array, target: Array) -> Array:
    """How right outputs are while training, [B] or [B, K]."""
    return self.decide(outputs) == target

  def decisions(self, outputs: np.ndarray) -> np.ndarray | None:
    """The decisions for a table of predictions; None: the outputs say it themselves."""
    return np.asarray(self.decide(outputs))

  def weighing(self, class_weights: Sequence[float]) -> 'Head':
    """The head whose loss has the fitted weights of a fold, where `weighs_positives`."""
    return self

  def tuned(self, labels: np.ndarray, outputs: np.ndarray) -> 'Head':
    """The head at the thresholds that are best there; itself, where it has none."""
    return self

  def at(self, cut: np.ndarray | None) -> 'Head':
    """The head at thresholds that were found before; None: itself."""
    return self

  def reduce(self, losses: Array, weight: Array, whole: Array | None = None) -> Array:
    """One number from example losses [B]; `weight` [B]: 0 on filler rows, else a class weight.

    `whole`: the weights of the batch of which these are a part; the parts' results then add up to
    the batch's.
    """
    return reduce_lib.weighted(losses, weight, self.reduction, whole)
