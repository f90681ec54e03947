"""One class of K: cross-entropy. Class weights reach it as example weights."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from emojax import tasks
from emojax.metrics import classification, report, results
from emojax.types import Array


@dataclasses.dataclass(frozen=True)
class Head(tasks.Head):
  """A classification head. Targets are class ids [B]; class weights are example weights."""

  forms = ('class', 'ordered class')
  metrics = (*classification.METRICS, 'loss')

  def loss(self, logits: Array, target: Array) -> Array:
    """Per-example loss [B] of `logits` [B, K] at class ids `target` [B]."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), target[:, None], axis=1)[:, 0]

  def decide(self, logits: Array) -> Array:
    """The class id of each row; ties go to the lowest."""
    return logits.argmax(-1)

  def scores(self, labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Every metric of a whole split, labels [N], logits [N, K]; `loss` is mean cross-entropy."""
    shifted = logits - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    matrix = self.confusion(labels, logits)
    found = {name: float(metric(matrix)) for name, metric in classification.METRICS.items()}
    return found | {'loss': float(-log_p[np.arange(len(labels)), labels].mean())}

  def confusion(self, labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Counts [K, K], row = label, column = decision."""
    return classification.confusion(labels, np.asarray(logits).argmax(-1), self.width)

  def result_rows(self, labels: np.ndarray, logits: np.ndarray, units: np.ndarray,
                  **about: Any) -> list[results.Row]:
    """Rows of `result.json` with intervals over `units` [N]; `about`: protocol, fold, split ..."""
    return results.classification_rows(
      labels, logits, units, num_classes=self.width, head=self.name, **about)

  def report(self, labels: np.ndarray, logits: np.ndarray, rows: Sequence[results.Row],
             notice: str) -> str:
    """The report of a split and the rows made of it."""
    return report.classification_report(
      self.confusion(labels, logits), self.classes, rows, words=notice)

  def picture(self, labels: np.ndarray, logits: np.ndarray, title: str) -> np.ndarray:
    """The confusion matrix of a split as an image [H, W, 3]."""
    return report.confusion_picture(self.confusion(labels, logits), self.classes, title)
