"""The simulation of `coverage` with few experiments; what many of them found stands there."""

import numpy as np
import pytest

from emojax.metrics import classification
from tests.metrics import coverage

EXPERIMENTS = 400


@pytest.fixture(scope='module')
def found():
  result = coverage.measure(EXPERIMENTS)
  print('\n' + coverage.table(result))
  return result


def test_intervals_cover_the_truth(found):
  """In the goal, give or take three standard deviations of so few experiments."""
  assert len(found) == len(coverage.KS) * len(coverage.DEVIATIONS) * len(coverage.METRICS)
  low, high = (end + sign * 3 * np.sqrt(end * (1 - end) / EXPERIMENTS)
               for end, sign in zip(coverage.GOAL, (-1, 1)))
  assert [cell for cell in found if not low <= cell.coverage <= high] == []
  # With speakers of about one size, the intervals hold what they promise; with a few big ones among
  # many small ones nearly so (t(k - 1) has 92.5 % there).
  even = [cell.coverage for cell in found if cell.effective_k > 0.9 * cell.k]
  uneven = [cell.coverage for cell in found if cell.effective_k < 0.2 * cell.k]
  assert len(even) == 27 and 0.94 <= np.mean(even) <= 0.96
  assert len(uneven) == 18 and 0.935 <= np.mean(uneven) <= 0.97


def test_intervals_of_numbers_cover_the_truth():
  """As above, with fewer experiments yet."""
  number = 150
  found = coverage.measure_values(number)
  print('\n' + coverage.table(found))
  low, high = (end + sign * 3 * np.sqrt(end * (1 - end) / number)
               for end, sign in zip(coverage.GOAL, (-1, 1)))
  assert [cell for cell in found if not low <= cell.coverage <= high] == []
  assert 0.93 <= np.mean([cell.coverage for cell in found]) <= 0.965
  assert all(abs(cell.bias) < 0.02 for cell in found)


def test_pooled_scores_have_the_truth_as_their_mean(found):
  for cell in found:  # at k = 2 and 10 points between speakers, the mean of 400 has 0.0035
    assert abs(cell.bias) < 0.012, cell


@pytest.mark.parametrize('deviation', coverage.DEVIATIONS)
def test_speakers_differ_as_they_should(deviation):
  matrices = coverage.draw(np.random.default_rng(0), 10, deviation, 1000)
  accuracy = classification.wa(matrices)
  # what utterances add to the variance between speakers: p (1 - p) / n, with about 553 of them
  expected = np.sqrt(deviation**2 + (0.7 * 0.3 - deviation**2) / 553)
  assert accuracy.std() == pytest.approx(expected, rel=0.03)
  assert accuracy.mean() == pytest.approx(0.7, abs=0.005)


def test_speakers_say_as_much_as_in_the_corpora():
  random = np.random.default_rng(0)
  ten, forty = coverage.sizes(random, 10, 3), coverage.sizes(random, 40, 500)
  assert (ten.sum(1) == 5531).all()  # all of IEMOCAP's four classes
  assert (forty[:, :6].sum(1) == 2156).all() and forty[:, 6:].min() == 1
  assert forty[:, 6:].mean() == pytest.approx((2610 - 2156) / 94, rel=0.02)  # MELD's others
  assert coverage.cells(0.6).sum() == pytest.approx(1)
  assert classification.wa(coverage.cells(0.6)) == pytest.approx(0.6)
