"""Numbers as they are: the distance between prediction and label is the loss."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from emojax import tasks
from emojax.metrics import report, results, values
from emojax.types import Array

# Of a distance d >= 0; numpy and JAX alike. 'huber' is d^2/2 up to 1, and a line beyond.
LOSSES = {
  'l1': lambda d: d,
  'l2': lambda d: d * d,
  'huber': lambda d: d.clip(max=1) * (d - d.clip(max=1) / 2),
}


@dataclasses.dataclass(frozen=True)
class Head(tasks.Head):
  """A head of K numbers. Targets are numbers [B, K]; a number that is NaN costs nothing.

  Example losses are means over the numbers. More attributes:
    distance: a key of `LOSSES`.
    bounds: the range of the labels, which decides what scores there are. Predictions are free.
  """

  distance: str = 'l1'
  bounds: tuple[float, float] = (-3, 3)

  forms = ('values',)
  accuracy, watched = '', 'mae'
  label_type = np.float32
  shows = 'values'

  def __post_init__(self):
    super().__post_init__()
    if self.distance not in LOSSES:
      raise ValueError(f'head {self.name}: loss={self.distance!r}; there are: {", ".join(LOSSES)}.')

  @classmethod
  def of(cls, name: str, labels: Any, settings: Any) -> 'Head':
    return cls(name, labels.names, weight=settings.weight, reduction=settings.reduction,
               distance=settings.loss, bounds=(labels.low, labels.high))

  @property
  def outputs(self) -> tuple[str, ...]:
    return tuple(f'value_{name}' for name in self.classes)

  @property
  def metrics(self) -> tuple[str, ...]:
    """Every key of `scores`."""
    return (*(name for metric in values.of_range(*self.bounds)
              for name in values.names(metric, self.classes)), 'loss')

  def loss(self, outputs: Array, target: Array) -> Array:
    """Per-example loss [B] of `outputs` [B, K] at `target` [B, K]."""
    return LOSSES[self.distance](self.watch(outputs, target)).mean(-1)

  def watch(self, outputs: Array, target: Array) -> Array:
    """The distance of each number, [B, K]; 0 without a label."""
    difference = jnp.where(jnp.isfinite(target), outputs - target, 0)
    return difference * jnp.sign(difference)  # not abs, whose slope at 0 is 1 in JAX

  def decisions(self, outputs: np.ndarray) -> None:
    """None: the outputs say it themselves."""

  def scores(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
    """Every metric of a whole split, labels and outputs [N, K]; `loss` is the mean over examples.

    Of several values each is the mean over them, then that of each.
    """
    labels, outputs = np.asarray(labels, np.float64), np.asarray(outputs, np.float64)
    found = {}
    for name, metric in values.of_range(*self.bounds).items():
      each = [metric.score(metric.per_utterance(labels[:, c], outputs[:, c]).sum(0))
              for c in range(len(self.classes))]
      found |= zip(values.names(name, self.classes), map(float, [np.mean(each), *each]))
    return found | {'loss': float(LOSSES[self.distance](np.abs(outputs - labels)).mean())}

  def result_rows(self, labels: np.ndarray, outputs: np.ndarray, units: np.ndarray,
                  **about: Any) -> list[results.Row]:
    """Rows of `result.json` with intervals over `units` [N]; `about`: protocol, fold, split ..."""
    return results.value_rows(labels, outputs, units, names=self.classes,
                              metrics=values.of_range(*self.bounds), head=self.name, **about)

  def report(self, labels: np.ndarray, outputs: np.ndarray, rows: Sequence[results.Row],
             notice: str) -> str:
    """The report of a split and the rows made of it."""
    return report.value_report(labels, outputs, self.classes, rows, words=notice)

  def picture(self, labels: np.ndarray, outputs: np.ndarray, title: str) -> np.ndarray:
    """Predictions against labels as an image [H, W, 3]."""
    return report.value_picture(labels, outputs, self.classes, title, self.bounds)
