"""Scores, thresholds, class weights and loss of MME2E (`src/evaluate.py`).

Where nothing is predicted or found, the original counts 0; ours is NaN and left out of means.
"""

import jax
import numpy as np
import pytest

from emojax.data import fitted
from emojax.metrics import classification, multi_label, ranking, values
from emojax.tasks import multi_label as multi_label_task
from emojax.tasks import single_label
from tests.parity import case as case_lib

SIX = tuple('abcdef')
OF_EACH = {'acc': multi_label.accuracy, 'recall': multi_label.recall,
           'precision': multi_label.precision, 'f1': multi_label.f1}


def check(case: case_lib.Case) -> None:
  given, expected = case.under('in/'), case.under('out/')
  labels, labels_test = (given[name].astype(int) for name in ('labels', 'labels_test'))
  head = multi_label_task.Head('emotion', SIX, over_labels='mean', thresholds='f1').tuned(
    labels, given['logits'])
  found = {'iemocap_thresholds': head.cut}
  for prefix, of_part in {'iemocap': (labels, given['logits']),
                          'iemocap_test': (labels_test, given['logits_test'])}.items():
    counts = head.confusion(*of_part)
    found |= {f'{prefix}_{name}': _and_mean(f(counts)) for name, f in OF_EACH.items()}
    found[f'{prefix}_auc'] = _areas(*of_part)
    found[f'{prefix}_weighted_acc_before_2022'] = _and_mean(multi_label.wacc_mosei(counts))
  found |= _mosei(labels, given['logits'])
  found['ce_acc_recall_precision_f1_macro'] = _of_one_class(given['ce_labels'], given['logits'])
  found |= _sentiments(given['senti_truth'], given['senti_pred'])
  weights = fitted.class_weights('balanced', labels, SIX)
  found['pos_weight'] = np.float32(weights)
  loss, slope = _loss(head.weighing(found['pos_weight'].tolist()), labels, given['logits'])
  found['bce_loss'] = loss

  assert set(found) == set(expected)
  for name, value in found.items():
    # mae and corr of sentiments are computed from float32 there
    of_float32 = 2e-6 if name.startswith('senti') else 0
    np.testing.assert_allclose(
      value, expected[name], rtol=1e-12, atol=of_float32, err_msg=name)
  np.testing.assert_array_equal(found['pos_weight'], expected['pos_weight'])
  # the test part's rows at the very thresholds of validation, as the trainer has them
  np.testing.assert_array_equal(
    head.decisions(given['logits_test']),
    head.at(found['iemocap_thresholds']).decisions(given['logits_test']))
  case_lib.assert_close(slope, case.arrays['grad/logits'], relative=1e-12, what='gradient')
  assert head.weighing(weights).scores(labels, given['logits'])['loss'] == pytest.approx(
    float(expected['bce_loss']), rel=1e-7)  # of weights that are not rounded to float32


def _and_mean(of_each: np.ndarray) -> np.ndarray:
  of_each = np.nan_to_num(of_each)
  return np.append(of_each, of_each.mean())


def _areas(labels, logits) -> np.ndarray:
  return _and_mean([ranking.auc(labels[:, c], logits[:, c]) for c in range(len(SIX))])


def _mosei(labels, logits) -> dict[str, np.ndarray]:
  """`eval_mosei_emo` at 0.5; its f1 is the mean of yes and no, weighted by support."""
  decisions = multi_label.decide(logits, np.full(len(SIX), 0.5))
  counts = multi_label.confusion(labels, decisions)
  return {
    'mosei_emo_wacc': _and_mean(multi_label.wacc_mosei(counts)),
    'mosei_emo_f1_weighted': _and_mean(classification.f1_weighted(counts)),
    'mosei_emo_auc': _areas(labels, logits),
    'mosei_emo_strict_subset_intersect': multi_label.sample_rates(labels, decisions)}


def _of_one_class(labels, logits) -> list[float]:
  head = single_label.Head('emotion', SIX)
  scores, matrix = head.scores(labels, logits), head.confusion(labels, logits)
  return [scores['wa'], *(np.nan_to_num(f(matrix)).mean() for f in (
    classification.recall, classification.precision, classification.f1))]


def _sentiments(labels, predictions) -> dict[str, list[float]]:
  """MAE, accuracies of 2 (above 0), 5 and 7 classes, weighted f1 and corr; also without zeros.

  The original hands its f1 predictions as labels: both f1 are weighted by how often predicted.
  """
  labels, predictions = labels.astype(float), predictions.astype(float)

  def score(name):
    metric = values.SENTIMENT.get(name) or values.METRICS[name]
    return metric.score(metric.per_utterance(labels, predictions).sum(0))

  def sentiments(there):
    both = classification.confusion(*((x[there] > 0).astype(int) for x in (labels, predictions)), 2)
    return [score('mae'), classification.wa(both), score('acc5'), score('acc7_round'),
            classification.f1_weighted(both.T), score('corr')]

  assert sentiments(labels != 0)[1] == score('acc2_nonzero')
  return {'senti_mae_acc2_acc5_acc7_f1_corr': sentiments(labels == labels),
          'senti_exclude_zero': sentiments(labels != 0)}


def _loss(head, labels, logits) -> tuple[float, np.ndarray]:
  """The mean over all B * C, as float64, and its gradient."""
  with jax.enable_x64(True):
    loss, slope = jax.value_and_grad(
      lambda z: head.reduce(head.loss(z, labels), np.ones(len(labels))))(logits.astype(np.float64))
    return float(loss), np.asarray(slope)
