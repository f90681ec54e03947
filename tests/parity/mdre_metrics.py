"""Scores of a split as both parents compute them: sums over batches, means, matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.metrics import classification
from emojax.tasks import single_label
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  logits, labels = case.arrays['in/logits'], case.arrays['in/labels']
  expected, size = case.under('out/'), case.about['batch_size']
  head = single_label.Head('emotion', tuple('abcd'), cross_entropy='sigmoid')
  scores = head.scores(labels, logits)
  assert scores['loss'] == pytest.approx(float(expected['mean_loss']), rel=1e-12)
  assert scores['wa'] == pytest.approx(float(expected['accuracy']), rel=1e-12)
  assert scores['wa'] == pytest.approx(float(expected['batchsize1_mean_accuracy']), rel=1e-12)
  matrix = head.confusion(labels, logits)
  np.testing.assert_array_equal(matrix, expected['confusion'])
  rows = expected['confusion_row_normalised']
  np.testing.assert_allclose(classification.recall(matrix), np.diag(rows), rtol=1e-12)
  assert scores['ua'] == pytest.approx(np.diag(rows).mean(), rel=1e-12)

  summed = 0.0  # as a step has it: batches whose last is filled, with rows that do not count
  with jax.enable_x64(True):
    for first in range(0, len(labels), size):
      rows = np.arange(first, first + size)
      there = rows % len(labels)
      losses = head.loss(jnp.asarray(logits[there]), jnp.asarray(labels[there]))
      summed += float(jnp.where(rows < len(labels), losses, 0).sum()) * head.width
  assert summed == pytest.approx(float(expected['sum_ce']), rel=1e-12)
