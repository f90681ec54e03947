"""One class of K: the largest logit. Class weights reach the loss as example weights."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from emojax import tasks
from emojax.metrics import calibration, classification, report, results
from emojax.types import Array

LOSSES = ('softmax', 'sigmoid')


@dataclasses.dataclass(frozen=True)
class Head(tasks.Head):
  """A classification head. Targets are class ids [B]; class weights are example weights.

  One more attribute:
    cross_entropy: an example's loss: of the 'softmax', or the mean over the classes of that of each
      class's own 'sigmoid', for which classes do not exclude each other.
  """

  cross_entropy: str = 'softmax'

  forms = ('class', 'ordered class')
  metrics = (*classification.METRICS, 'ece', 'loss')

  def __post_init__(self):
    super().__post_init__()
    if self.cross_entropy not in LOSSES:
      raise ValueError(
        f'head {self.name}: loss={self.cross_entropy!r}; there are: {", ".join(LOSSES)}.')

  @classmethod
  def of(cls, name: str, labels: Any, settings: Any) -> 'Head':
    return cls(name, labels.names, weight=settings.weight, reduction=settings.reduction,
               cross_entropy=settings.get('loss', 'softmax'))

  def loss(self, logits: Array, target: Array) -> Array:
    """Per-example loss [B] of `logits` [B, K] at class ids `target` [B]."""
    if self.cross_entropy == 'sigmoid':
      right = target[:, None] == jnp.arange(logits.shape[1])[None]
      return jax.nn.softplus(jnp.where(right, -logits, logits)).mean(-1)
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), target[:, None], axis=1)[:, 0]

  def decide(self, logits: Array) -> Array:
    """The class id of each row; ties go to the lowest."""
    return logits.argmax(-1)

  def scores(self, labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Every metric of a whole split, labels [N], logits [N, K]; `loss` is the mean loss."""
    matrix = self.confusion(labels, logits)
    found = {name: float(metric(matrix)) for name, metric in classification.METRICS.items()}
    if self.cross_entropy == 'sigmoid':
      right = labels[:, None] == np.arange(self.width)
      losses = np.logaddexp(0, np.where(right, -1.0, 1.0) * logits).mean(1)
    else:
      right = np.take_along_axis(logits, labels[:, None], axis=1)
      losses = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + (
        logits.max(1) - right[:, 0])
    error = calibration.ece_of(self.confidence(logits), np.argmax(logits, -1) == labels)
    return found | {'ece': error, 'loss': float(losses.mean())}

  def confidence(self, logits: np.ndarray) -> np.ndarray:
    """The probability of what is decided, [N]: by the softmax, or by the class's own sigmoid."""
    if self.cross_entropy == 'sigmoid':
      return calibration.sigmoid(np.max(logits, axis=-1))
    return calibration.largest_of_softmax(logits)

  def confusion(self, labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Counts [K, K], row = label, column = decision."""
    return classification.confusion(labels, np.asarray(logits).argmax(-1), self.width)

  def result_rows(self, labels: np.ndarray, logits: np.ndarray, units: np.ndarray,
                  **about: Any) -> list[results.Row]:
    """Rows of `result.json` with intervals over `units` [N]; `about`: protocol, fold, split ..."""
    return results.classification_rows(
      labels, logits, units, num_classes=self.width, confidence=self.confidence(logits),
      head=self.name, **about)

  def report(self, labels: np.ndarray, logits: np.ndarray, rows: Sequence[results.Row],
             notice: str) -> str:
    """The report of a split and the rows made of it."""
    return report.classification_report(
      self.confusion(labels, logits), self.classes, rows, words=notice)

  def picture(self, labels: np.ndarray, logits: np.ndarray, title: str) -> np.ndarray:
    """The confusion matrix of a split as an image [H, W, 3]."""
    return report.confusion_picture(self.confusion(labels, logits), self.classes, title)
