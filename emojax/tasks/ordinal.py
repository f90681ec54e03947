"""Ordered classes by the questions that divide them: is it above class k, for each k but the last?

Frank and Hall (ECML 2001) trained a classifier for each question, Niu et al. (CVPR 2016) one
network with an output for each, as here. The outputs are free: a later question may be answered
more surely than an earlier one.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from emojax import tasks
from emojax.metrics import calibration, classification, report, results, values
from emojax.types import Array

# Of class numbers and their expected value, so in steps from class to class; of labels that were
# divided into classes, this is no `mae` or `corr` of the labels themselves.
_OF_CLASSES = {f'{name}_class': values.METRICS[name] for name in ('mae', 'corr')}


@dataclasses.dataclass(frozen=True)
class Head(tasks.Head):
  """A head over K ordered classes with K - 1 outputs. Targets are class ids [B]."""

  forms = ('ordered class',)
  metrics = (*classification.METRICS, 'ece', *_OF_CLASSES, 'loss')

  @property
  def outputs(self) -> tuple[str, ...]:
    return tuple(f'logit_above_{name}' for name in self.classes[:-1])

  def loss(self, logits: Array, target: Array) -> Array:
    """Per-example loss [B]: the K - 1 binary cross-entropies, summed."""
    above = target[:, None] > jnp.arange(self.width)[None]
    return jax.nn.softplus(jnp.where(above, -logits, logits)).sum(-1)

  def decide(self, logits: Array) -> Array:
    """The class id of each row: how many of its questions are answered yes."""
    return (logits > 0).sum(-1)

  def scores(self, labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Every metric of a whole split, labels [N], logits [N, K - 1]; `loss` is the mean loss."""
    matrix, expected = self.confusion(labels, logits), self._expected(logits)[:, 0]
    found = {name: float(metric(matrix)) for name, metric in classification.METRICS.items()}
    for name, metric in _OF_CLASSES.items():
      found[name] = float(metric.score(metric.per_utterance(labels, expected).sum(0)))
    found['ece'] = calibration.ece_of(self.confidence(logits), self.decide(logits) == labels)
    above = labels[:, None] > np.arange(self.width)
    losses = np.logaddexp(0, np.where(above, -1.0, 1.0) * logits).sum(1)
    return found | {'loss': float(losses.mean())}

  def confidence(self, logits: np.ndarray) -> np.ndarray:
    """The probability of the class that is decided for, [N].

    It is the chance to be above the class before it less that to be above itself; 0 where that is
    negative, since the outputs need not be in order. So chances of all classes may add up to more
    than 1.
    """
    above = calibration.sigmoid(logits)
    decided = np.asarray(self.decide(np.asarray(logits)))[:, None]
    edges = np.pad(above, ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
    before, itself = (np.take_along_axis(edges, decided + i, axis=1)[:, 0] for i in (0, 1))
    return np.maximum(before - itself, 0)

  def confusion(self, labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Counts [K, K], row = label, column = decision."""
    return classification.confusion(
      labels, self.decide(np.asarray(logits)), len(self.classes))

  def result_rows(self, labels: np.ndarray, logits: np.ndarray, units: np.ndarray,
                  **about: Any) -> list[results.Row]:
    """Rows of `result.json` with intervals over `units` [N]; `about`: protocol, fold, split ..."""
    labels = np.asarray(labels)
    of_classes = results.value_rows(
      labels[:, None], self._expected(logits), units, names=('class',), metrics=_OF_CLASSES,
      head=self.name, **about)  # first, since it refuses logits that are not finite
    return results.classification_rows(
      labels, self.decide(np.asarray(logits)), units, num_classes=len(self.classes),
      confidence=self.confidence(logits), head=self.name, **about) + of_classes

  def report(self, labels: np.ndarray, logits: np.ndarray, rows: Sequence[results.Row],
             notice: str) -> str:
    """The report of a split and the rows made of it."""
    return report.classification_report(
      self.confusion(labels, logits), self.classes, rows, words=notice)

  def picture(self, labels: np.ndarray, logits: np.ndarray, title: str) -> np.ndarray:
    """The confusion matrix of a split as an image [H, W, 3]."""
    return report.confusion_picture(self.confusion(labels, logits), self.classes, title)

  def _expected(self, logits: np.ndarray) -> np.ndarray:
    """The expected class number [N, 1]: the sum of the chances to be above each class."""
    return calibration.sigmoid(logits).sum(1, keepdims=True)
