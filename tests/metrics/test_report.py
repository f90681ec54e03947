import re

import numpy as np
import pytest
from sklearn import metrics as sklearn

from emojax.metrics import classification, multi_label, report, results, values

NAMES = ['neu', 'hap', 'sad', 'ang']
RANDOM = np.random.default_rng(3)
LABELS = RANDOM.integers(0, 4, 400)
PREDICTIONS = np.where(RANDOM.random(400) < 0.7, LABELS, RANDOM.integers(0, 4, 400))
UNITS = RANDOM.integers(0, 10, 400)


def report_of(
    labels=LABELS, predictions=PREDICTIONS, units=UNITS, protocol='iemocap_four', words=''):
  rows = results.classification_rows(
    labels, predictions, units, num_classes=4, protocol=protocol, fold='3', seed=10, split='test',
    head='emotion', n_excluded=3, unit='speaker')
  matrix = classification.confusion(labels, predictions, 4)
  return report.classification_report(matrix, NAMES, rows, words=words), rows


def test_says_where_it_comes_from_and_what_sklearn_says():
  text, rows = report_of()
  lines = text.splitlines()
  assert lines[:2] == ['iemocap_four, fold 3, seed 10: emotion on test',
                       '400 utterances (3 excluded), 10 speakers']
  theirs = sklearn.classification_report(LABELS, PREDICTIONS, target_names=NAMES, digits=4)
  for name in NAMES:
    pattern = rf'^ *{name} .*\d$'
    mine, oracle = (re.search(pattern, t, re.M)[0].split() for t in (text, theirs))
    assert mine == oracle
  for row in rows:
    expected = f'{row["value"]:.4f}  {row["ci95"][0]:.4f} .. {row["ci95"][1]:.4f}'
    assert re.search(rf'^{row["metric"]} +{re.escape(expected)}$', text, re.M)


def test_columns_are_aligned():
  blocks = report_of()[0].split('\n\n')
  for block in blocks[1:]:
    table = [line for line in block.splitlines() if not line.startswith('rows:')]
    assert len({len(line) for line in table}) == 1


def test_a_leaky_protocol_says_so_first():
  text, _ = report_of(protocol='iemocap_four_as_published', words='The best epoch on Session 1.')
  assert text.splitlines()[:2] == [
    'chosen on test: not an honest estimate. The best epoch on Session 1.',
    'iemocap_four_as_published, fold 3, seed 10: emotion on test']
  assert 'honest' not in report_of()[0]


def test_two_speakers_have_no_useful_interval():
  text, _ = report_of(units=UNITS % 2)
  assert '(3 excluded), 2 speakers\n' in text
  assert text.count('2 speakers: no useful interval') == 4
  assert '..' not in text
  assert report_of(units=UNITS * 0)[0].count('1 speaker: no interval') == 4


def test_what_is_undefined_is_a_dash():
  assert re.search(r'^ang +- +- +- +0$', report_of(LABELS % 3, PREDICTIONS % 3)[0], re.M)
  assert report_of([], [], [])[0].count('no utterances') == 4


FELT = ['happy', 'sad', 'fear']
THERE = (RANDOM.random((400, 3)) < [0.5, 0.2, 0.01]).astype(int)
LOGITS = 2 * THERE - 1 + RANDOM.normal(0, 1, (400, 3))


def felt_report(labels=THERE, logits=LOGITS, units=UNITS, protocol='mosei/six', words='',
                thresholds=None):
  rows = results.multi_label_rows(
    labels, logits, units, class_names=FELT, thresholds=thresholds, protocol=protocol,
    fold='official', seed=1, split='test', head='emotion', n_excluded=3, unit='video')
  decisions = logits > 0 if thresholds is None else multi_label.decide(logits, thresholds)
  return report.multi_label_report(
    multi_label.confusion(labels, decisions), FELT, rows, words=words, thresholds=thresholds), rows


def test_multi_label_report_says_what_sklearn_says():
  text, rows = felt_report()
  assert text.splitlines()[:2] == ['mosei/six, fold official, seed 1: emotion on test',
                                   '400 utterances (3 excluded), 10 videos']
  precision, recall, f1, support = sklearn.precision_recall_fscore_support(
    THERE, LOGITS > 0, zero_division=np.nan)
  matrices = sklearn.multilabel_confusion_matrix(THERE, LOGITS > 0)
  per_class, scores, counts = (block.splitlines() for block in text.split('\n\n')[1:])
  assert per_class[0].split() == ['accuracy', 'wacc_mosei', 'precision', 'recall', 'f1', 'auc',
                                  'ece', 'support', 'share']
  values = {row['metric']: row['value'] for row in rows}
  for c, name in enumerate(FELT):
    cells = per_class[1 + c].split()
    assert cells[3:6] == [f'{x[c]:.4f}' for x in (precision, recall, f1)]
    assert cells[0] == name and cells[1:3] + cells[6:8] == [
      f'{values[f"{metric}_{name}"]:.4f}' for metric in ('accuracy', 'wacc_mosei', 'auc', 'ece')]
    assert cells[8:] == [str(support[c]), f'{THERE[:, c].mean():.1%}']
    (tn, fp), (fn, tp) = matrices[c]
    assert counts[2 + c].split() == [name, *map(str, (tp, fn, fp, tn))]
  assert counts[:2] == ['label: decision', counts[1]]
  assert re.split('  +', counts[1].strip()) == ['yes: yes', 'yes: no', 'no: yes', 'no: no']
  assert [line.split()[0] for line in scores[1:]] == [
    *multi_label.METRICS, 'auc_macro', 'ece'], 'those of single classes stand in the table of these'
  for table in (per_class, scores, counts[1:]):
    assert len({len(line) for line in table}) == 1


def test_multi_label_report_shows_thresholds_and_their_range_over_folds():
  thresholds = np.array([0.35, 0.5, 0.6])
  text, _ = felt_report(thresholds=thresholds)
  per_class = text.split('\n\n')[1].splitlines()
  assert [line.split()[-1] for line in per_class] == ['threshold', '0.35', '0.50', '0.60']
  folds = np.where(np.arange(400)[:, None] < 200, thresholds, [0.35, 0.45, 0.05])
  per_class = felt_report(thresholds=folds)[0].split('\n\n')[1].splitlines()
  assert [line.split()[-1] for line in per_class[1:]] == ['0.35', '0.45..0.50', '0.05..0.60']


def test_multi_label_report_of_what_is_undefined():
  labels, logits = THERE * [1, 1, 0], np.where([True, True, False], LOGITS, -1)
  text, _ = felt_report(labels, logits)
  assert re.search(r'^fear +1.0000 +- +- +- +- +- +0\.\d{4} +0 +0.0%$', text, re.M)
  empty, _ = felt_report(labels[:0], logits[:0], UNITS[:0])
  assert re.search(r'^happy( +-){7} +0 +-$', empty, re.M) and empty.count('no utterances') == 10
  leaky, _ = felt_report(protocol='mosei/six_as_published', words='The best epoch on test.')
  assert leaky.startswith('chosen on test: not an honest estimate. The best epoch on test.\n')


def test_multi_label_picture():
  pytest.importorskip('matplotlib')
  perfect, clueless = (
    report.multi_label_picture(counts, ['a', 'b', 'c', 'd'], 'mosei/six: emotion on test')
    for counts in (np.tile([[90, 0], [0, 9]], (4, 1, 1)), np.full((4, 2, 2), 5)))
  assert perfect.shape == clueless.shape == (2 * 370, 3 * 340, 3)  # two lines of three places
  assert dark_blue(clueless) == 0
  dark = (perfect[..., 0] < 40) & (perfect[..., 2] > 90)
  places = dark.reshape(2, 370, 3, 340).sum((1, 3))
  assert (places > 0.05 * 370 * 340).tolist() == [[True] * 3, [True, False, False]]
  with pytest.raises(ValueError, match='zip'):
    report.multi_label_picture(np.ones((3, 2, 2)), ['a', 'b'], 'two names for three classes')


SENTIMENT = np.round(RANDOM.normal(0, 1.5, (400, 1)).clip(-3, 3) * 3) / 3


def value_rows(labels, predictions, names):
  return results.value_rows(
    labels, predictions, UNITS[:len(labels)], names=names, metrics=values.METRICS,
    protocol='mosi/sentiment', fold='standard', seed=1, split='test', head='sentiment',
    n_excluded=3, unit='video')


def test_value_report_says_where_labels_and_predictions_lie():
  labels = np.array([[1.0, 2], [3, 2], [2, 5], [2, 3]])
  predictions = np.array([[1.5, 2], [1.5, 4], [1.5, 2], [1.5, 4]])
  names = ['valence', 'activation']
  rows = value_rows(labels, predictions, names)
  heading, table, scores = report.value_report(labels, predictions, names, rows, words='A word.'
                                               ).split('\n\n')
  assert heading.splitlines() == ['A word.', 'mosi/sentiment, fold standard, seed 1: sentiment on '
                                  'test', f'4 utterances (3 excluded), {rows[0]["k"]} videos']
  assert [line.split() for line in table.splitlines()[1:]] == [
    ['valence', '2.0000', '0.7071', '1.5000', '0.0000'],  # deviations over n
    ['activation', '3.0000', '1.2247', '3.0000', '1.0000']]
  assert [line.split()[0] for line in scores.splitlines()[1:]] == [row['metric'] for row in rows]
  assert re.search(r'^corr_valence +- +labels or predictions are all the same$', scores, re.M)
  empty = value_rows(labels[:0], predictions[:0], names)
  text = report.value_report(labels[:0], predictions[:0], names, empty)
  assert re.search(r'^valence +- +- +- +-$', text, re.M) and text.count('no utterances') == 12


def test_value_picture_is_dark_on_the_line_of_perfect_predictions():
  pytest.importorskip('matplotlib')
  perfect, opposite, wild = (
    report.value_picture(SENTIMENT, predictions, ['sentiment'], 'mosi/sentiment', (-3, 3))
    for predictions in (SENTIMENT, -SENTIMENT, 20 * SENTIMENT))
  assert perfect.shape == opposite.shape == wild.shape == (440, 420, 3)
  assert _slope(perfect) < -0.9 and _slope(opposite) > 0.3  # rows are counted from above
  two = report.value_picture(np.tile(SENTIMENT, 2), np.tile(SENTIMENT, 2), ['a', 'b'], '', (-3, 3))
  assert two.shape == (440, 840, 3)


def _slope(picture):
  """The correlation of row and column of what is coloured, cells and line."""
  rows, columns = np.nonzero(np.ptp(picture[60:380, 60:310].astype(int), axis=2) > 60)
  return np.corrcoef(rows, columns)[0, 1]


def test_picture():
  pytest.importorskip('matplotlib')
  matrix = np.array([[90, 10, 0, 0], [5, 95, 0, 0], [0, 0, 40, 60], [0, 0, 0, 0]])
  certain, clueless = (
    report.confusion_picture(counts, NAMES, 'iemocap_four, fold 3: emotion on test')
    for counts in (matrix, np.full((4, 4), 5)))
  assert certain.dtype == np.uint8
  assert certain.shape == clueless.shape == (520, 520, 3)
  assert dark_blue(certain) > 2 / 16 * 0.5 * 520**2  # two of the sixteen cells, inside the frame
  assert dark_blue(clueless) == 0
  with pytest.raises(ValueError, match='number of labels'):
    report.confusion_picture(matrix, NAMES[:3], 'three names for four classes')


def dark_blue(picture):
  """How many pixels are as blue as a cell of 90 % or more."""
  red, _, blue = np.moveaxis(picture.astype(int), 2, 0)
  return ((red < 40) & (blue > 90)).sum()


def test_picture_leaves_no_figure_behind():
  pyplot = pytest.importorskip('matplotlib.pyplot')
  before = pyplot.get_fignums()
  report.confusion_picture(np.eye(2, dtype=int), ['no', 'yes'], 'two')
  assert pyplot.get_fignums() == before
