"""Words, vocabulary, label rules, scores and ensembles against the original's own functions."""

import numpy as np
import pytest

from emojax.features import words
from emojax.metrics import classification, multi_label
from emojax.protocols import mosei, mosi, vgaf
from emojax.tasks import multi_label as multi_label_task
from emojax.tasks import single_label
from emojax.train import ensemble
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  cases = case.about['cases']
  _check_words(cases)
  _check_labels(cases)
  _check_single_label(cases['single_label'])
  _check_multi_label(cases['multi_label'])
  _check_ensemble(cases)


def _check_words(cases) -> None:
  assert [[word, words.clean(word)] for word, _ in cases['clean']] == cases['clean']
  for name, said in cases['tokenize']['in'].items():
    assert words.tokenize(said) == cases['tokenize']['out'][name]
  about = cases['vocab']
  vocabulary = words.vocabulary(map(words.tokenize, about['sentences'].values()))
  assert list(vocabulary.items()) == list(about['token_to_ix'].items())
  rows = words.rows(vocabulary)
  assert rows == about['row_order_words'] and len(rows) == about['n_embedding_rows']
  wanted = about['lookup']
  ids = words.lookup(wanted['tokens'], vocabulary, wanted['max_token'])
  assert ids.dtype == np.int64 and ids.tolist() == wanted['ids_truncated']
  assert words.lookup(wanted['tokens'], vocabulary, 7).tolist() == wanted['ids_padded_7']


def _check_labels(cases) -> None:
  for name, labels in (
      ('cmumosei_7', mosei.SEVEN), ('cmumosei_2', mosei.TWO), ('mosi_7', mosi.SEVEN),
      ('mosi_binary (0 is dropped by the loader beforehand)', mosi.TWO)):
    scores, expected = zip(*cases[name])
    for kind in (np.float64, np.float32):
      column = np.array(scores, kind)
      ids = labels.ids({'sentiment': column, 'split': np.full(len(column), 'train')})
      assert ids.tolist() == list(expected), name
  spelled, expected = zip(*cases['vgaf'])
  assert vgaf.THREE.ids({'emotion': np.array(spelled)}).tolist() == list(expected)
  intensities, expected = cases['mosei_emotion']
  columns = {name: np.array([value], np.float32)
             for name, value in zip(mosei.SIX.names, intensities, strict=True)}
  assert mosei.SIX.ids({**columns, 'split': np.array(['train'])}).tolist() == [expected]


def _check_single_label(about) -> None:
  logits, labels = np.array(about['logits']), np.array(about['target'])
  head = single_label.Head('x', tuple(map(str, range(logits.shape[1]))))
  assert np.asarray(head.decide(logits)).tolist() == about['pred']
  scores, report = head.scores(labels, logits), about['report']
  assert 100 * scores['wa'] == pytest.approx(about['accuracy'], rel=1e-12)
  assert scores['wa'] == pytest.approx(report['accuracy'], rel=1e-12)
  assert scores['ua'] == pytest.approx(report['macro avg']['recall'], rel=1e-12)
  assert scores['f1_macro'] == pytest.approx(report['macro avg']['f1-score'], rel=1e-12)
  assert scores['f1_weighted'] == pytest.approx(report['weighted avg']['f1-score'], rel=1e-12)
  _check_per_class(classification, head.confusion(labels, logits), report)


def _check_multi_label(about) -> None:
  logits, labels = np.array(about['logits']), np.array(about['target'])
  head = multi_label_task.Head('x', tuple(map(str, range(logits.shape[1]))))
  scores, report = head.scores(labels, logits), about['report']
  assert 100 * scores['accuracy_elementwise'] == pytest.approx(about['accuracy'], rel=1e-12)
  for average in ('micro', 'macro', 'weighted'):
    assert scores[f'f1_{average}'] == pytest.approx(
      report[f'{average} avg']['f1-score'], rel=1e-12)
  _check_per_class(multi_label, head.confusion(labels, logits), report)


def _check_per_class(metrics, counts, report) -> None:
  found = {'precision': metrics.precision(counts), 'recall': metrics.recall(counts),
           'f1-score': metrics.f1(counts), 'support': metrics.support(counts)}
  for number in range(len(counts)):
    for name, values in found.items():
      # where nothing was predicted or found, ours is NaN and scikit-learn's 0
      assert np.nan_to_num(values[number]) == pytest.approx(report[str(number)][name], rel=1e-12)


def _check_ensemble(cases) -> None:
  about = cases['ensemble']
  labels = np.array(about['target'])
  head = single_label.Head('x', tuple(map(str, range(len(about['logits'][0][0])))))
  accuracies = [100 * head.scores(labels, logits)['wa']
                for logits in ensemble.mean_logits([np.array(m) for m in about['logits']])]
  assert accuracies == pytest.approx(about['accuracy_by_size'], rel=1e-12)
  assert max(accuracies) == pytest.approx(about['reported_max'], rel=1e-12)
  paths = cases['checkpoint_order']
  assert ensemble.order(paths['names']) == paths['order']
  for logits, decision in cases['argmax_ties']:
    assert head.decide(np.array([logits]))[0] == decision
