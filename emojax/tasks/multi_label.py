"""Any number of K labels: a binary cross-entropy for each.

A label is decided for where its logit lies above 0; or where its probability lies above its own
threshold, that with the highest f1 on validation. While training, the scores of an evaluation on
validation are those at the best thresholds for it, and so is what control compares.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from emojax import tasks
from emojax.metrics import averages, calibration, multi_label, ranking, report, results
from emojax.types import Array

_KNOWN = {'over_labels': ('sum', 'mean'), 'thresholds': ('none', 'f1'),
          'thresholds_on': ('valid', 'test')}


@dataclasses.dataclass(frozen=True)
class Head(tasks.Head):
  """A multi-label head. Targets are 0 or 1, [B, K]; a row of -1 has no label, and weight 0.

  More attributes:
    positive_weight: one factor per label on the loss where it is there, PyTorch's `pos_weight`.
    over_labels: how an example's loss is made of its labels': their 'sum', as in MAT, or 'mean', as
      in MME2E.
    thresholds: 'none', or 'f1': a label's own, at its highest f1.
    thresholds_on: the part that they are found on: 'valid', or 'test' (only as published).
    cut: probabilities [K], or [N, K] of the very rows that the head is asked about.
  """

  positive_weight: tuple[float, ...] | None = None
  over_labels: str = 'sum'
  thresholds: str = 'none'
  thresholds_on: str = 'valid'
  cut: np.ndarray | None = dataclasses.field(default=None, compare=False, repr=False)

  forms = ('several classes',)
  accuracy = 'accuracy_elementwise'
  metrics = (*multi_label.METRICS, 'auc_macro', 'ece', 'loss')
  weighs_positives = True

  def __post_init__(self):
    super().__post_init__()
    for field, known in _KNOWN.items():
      if getattr(self, field) not in known:
        raise ValueError(f'head {self.name}: {field}={getattr(self, field)!r}; there are: '
                         f'{", ".join(known)}.')
    if self.positive_weight is not None and (
        len(self.positive_weight) != self.width or not min(self.positive_weight) > 0):
      raise ValueError(f'head {self.name}: positive_weight={self.positive_weight}; expected one '
                       f'number above 0 for each of {self.classes}.')

  @classmethod
  def of(cls, name: str, labels: Any, settings: Any) -> 'Head':
    return cls(name, labels.names, weight=settings.weight, reduction=settings.reduction,
               over_labels=settings.get('over_labels', 'sum'),
               thresholds=settings.get('thresholds', 'none'),
               thresholds_on=settings.get('thresholds_on', 'valid'))

  @property
  def tunes(self) -> str:
    return '' if self.thresholds == 'none' else self.thresholds_on

  @property
  def of_single_classes(self) -> tuple[str, ...]:
    return tuple(results.of_single_classes(self.classes))

  def weighing(self, class_weights: Sequence[float]) -> 'Head':
    if set(class_weights) == {1.0}:
      return self
    return dataclasses.replace(self, positive_weight=tuple(class_weights))

  def tuned(self, labels: np.ndarray, logits: np.ndarray) -> 'Head':
    return self.at(multi_label.best_thresholds(labels, logits)) if self.tunes else self

  def at(self, cut: np.ndarray | None) -> 'Head':
    return self if cut is None else dataclasses.replace(self, cut=np.asarray(cut))

  def loss(self, logits: Array, target: Array, positive_weight: Array | None = None) -> Array:
    """Per-example loss [B] of `logits` [B, K] at `target` [B, K], 0 or 1.

    `positive_weight` [K]: a member's own, in place of the head's.
    """
    # MAT's max(z, 0) - z t + log(1 + exp(-|z|)); as written, JAX's slope at z = 0 would be wrong.
    losses = jax.nn.softplus(jnp.where(target == 1, -logits, logits))
    factor = self.positive_weight if positive_weight is None else positive_weight
    if factor is not None:
      losses *= jnp.where(target == 1, jnp.asarray(factor, logits.dtype)[None], 1)
    return losses.sum(-1) if self.over_labels == 'sum' else losses.mean(-1)

  def decide(self, logits: Array) -> Array:
    """1 where the logit lies above 0, else 0, int [B, K]."""
    return (logits > 0).astype(jnp.int32)

  def decisions(self, logits: np.ndarray) -> np.ndarray:
    if self.cut is None:
      return (np.asarray(logits) > 0).astype(np.int32)
    return multi_label.decide(logits, self.cut)

  def scores(self, labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Every metric of a whole split, labels and logits [N, K]; `loss` is the mean over examples."""
    counts = self.confusion(labels, logits)
    found = {name: float(metric(counts)) for name, metric in multi_label.METRICS.items()}
    areas = [ranking.auc(labels[:, c], logits[:, c]) if np.isfinite(logits).all() else np.nan
             for c in range(self.width)]
    z = np.where(labels == 1, -1.0, 1.0) * logits
    losses = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    losses *= np.where(labels == 1, self.positive_weight or 1.0, 1.0)
    losses = losses.sum(1) if self.over_labels == 'sum' else losses.mean(1)
    errors = [calibration.ece_of(calibration.sigmoid(logits[:, c]), labels[:, c])
              for c in range(self.width)]
    return found | {'auc_macro': float(averages.mean_of_defined(areas)),
                    'ece': float(np.mean(errors)), 'loss': float(losses.mean())}

  def confusion(self, labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Counts [K, 2, 2] of each label, row = label no or yes, column = decision no or yes."""
    return multi_label.confusion(labels, self.decisions(logits))

  def result_rows(self, labels: np.ndarray, logits: np.ndarray, units: np.ndarray,
                  **about: Any) -> list[results.Row]:
    """Rows of `result.json` with intervals over `units` [N]; `about`: protocol, fold, split ..."""
    return results.multi_label_rows(
      labels, logits, units, class_names=self.classes, thresholds=self.cut, head=self.name,
      **about)

  def report(self, labels: np.ndarray, logits: np.ndarray, rows: Sequence[results.Row],
             notice: str) -> str:
    """The report of a split and the rows made of it."""
    return report.multi_label_report(
      self.confusion(labels, logits), self.classes, rows, words=notice, thresholds=self.cut)

  def picture(self, labels: np.ndarray, logits: np.ndarray, title: str) -> np.ndarray:
    """The confusion matrices of a split as an image [H, W, 3]."""
    return report.multi_label_picture(self.confusion(labels, logits), self.classes, title)
