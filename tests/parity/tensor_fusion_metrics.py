"""Scores of sentiments as the scripts of TFN and LMF print them. They round without cutting."""

import numpy as np
import pytest

from emojax.metrics import classification, values
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  labels, predictions = case.arrays['in/y'], case.arrays['in/pred']
  expected = case.under('out/')

  def sums(name):
    return values.of_range(-3, 3)[name].per_utterance(labels, predictions).sum(0)

  def score(name):
    return values.of_range(-3, 3)[name].score(sums(name))

  matrix = sums('acc2_nonneg')
  alike = np.mean(values.rounded(labels) == values.rounded(predictions))
  found = {
    'mae': score('mae'), 'corr': score('corr'),
    'tfn_binacc': score('acc2_nonneg'),
    'tfn_precision': classification.precision(matrix)[1],
    'tfn_recall': classification.recall(matrix)[1],
    'tfn_f1': classification.f1(matrix)[1],
    'lmf_f1_weighted': score('f1_nonneg'),
    'septacc': alike, 'lmf_multi_acc': alike,
  }
  assert set(found) == set(expected)
  for name, value in found.items():
    assert value == pytest.approx(float(expected[name]), rel=1e-12), name
