"""Any number of K labels: a binary cross-entropy for each, summed."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from emojax import tasks
from emojax.metrics import averages, multi_label, ranking, report, results
from emojax.types import Array


@dataclasses.dataclass(frozen=True)
class Head(tasks.Head):
  """A multi-label head. Targets are 0 or 1, [B, K]; a row of -1 has no label, and weight 0.

  Example losses are sums over labels. One more attribute:
    positive_weight: one factor per label on the loss where it is there, PyTorch's `pos_weight`.
  """

  positive_weight: tuple[float, ...] | None = None

  forms = ('several classes',)
  accuracy = 'accuracy_elementwise'
  metrics = (*multi_label.METRICS, 'auc_macro', 'loss')

  def __post_init__(self):
    super().__post_init__()
    if self.positive_weight is not None and (
        len(self.positive_weight) != self.width or not min(self.positive_weight) > 0):
      raise ValueError(f'head {self.name}: positive_weight={self.positive_weight}; expected one '
                       f'number above 0 for each of {self.classes}.')

  def loss(self, logits: Array, target: Array) -> Array:
    """Per-example loss [B] of `logits` [B, K] at `target` [B, K], 0 or 1."""
    # MAT's max(z, 0) - z t + log(1 + exp(-|z|)); as written, JAX's slope at z = 0 would be wrong.
    losses = jax.nn.softplus(jnp.where(target == 1, -logits, logits))
    if self.positive_weight is not None:
      factor = jnp.asarray(self.positive_weight, logits.dtype)[None]
      losses *= jnp.where(target == 1, factor, 1)
    return losses.sum(-1)

  def decide(self, logits: Array) -> Array:
    """1 where the logit lies above 0, else 0, int [B, K]."""
    return (logits > 0).astype(jnp.int32)

  def scores(self, labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Every metric of a whole split, labels and logits [N, K]; `loss` is the mean over examples."""
    counts = self.confusion(labels, logits)
    found = {name: float(metric(counts)) for name, metric in multi_label.METRICS.items()}
    areas = [ranking.auc(labels[:, c], logits[:, c]) if np.isfinite(logits).all() else np.nan
             for c in range(self.width)]
    z = np.where(labels == 1, -1.0, 1.0) * logits
    losses = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    losses *= np.where(labels == 1, self.positive_weight or 1.0, 1.0)
    return found | {
      'auc_macro': float(averages.mean_of_defined(areas)), 'loss': float(losses.sum(1).mean())}

  def confusion(self, labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Counts [K, 2, 2] of each label, row = label no or yes, column = decision no or yes."""
    return multi_label.confusion(labels, np.asarray(logits) > 0)

  def result_rows(self, labels: np.ndarray, logits: np.ndarray, units: np.ndarray,
                  **about: Any) -> list[results.Row]:
    """Rows of `result.json` with intervals over `units` [N]; `about`: protocol, fold, split ..."""
    return results.multi_label_rows(
      labels, logits, units, class_names=self.classes, head=self.name, **about)

  def report(self, labels: np.ndarray, logits: np.ndarray, rows: Sequence[results.Row],
             notice: str) -> str:
    """The report of a split and the rows made of it."""
    return report.multi_label_report(
      self.confusion(labels, logits), self.classes, rows, words=notice)

  def picture(self, labels: np.ndarray, logits: np.ndarray, title: str) -> np.ndarray:
    """The confusion matrices of a split as an image [H, W, 3]."""
    return report.multi_label_picture(self.confusion(labels, logits), self.classes, title)
