import re

import numpy as np
import pytest
from sklearn import metrics as sklearn

from emojax.metrics import classification, report, results

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
