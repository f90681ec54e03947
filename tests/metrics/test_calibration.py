"""The calibration error against a loop over bins, and what it is at the ends."""

import numpy as np
import pytest

from emojax.metrics import calibration


def by_hand(confidence, right):
  """Guo et al., equation 3, bin by bin: (b / 15, (b + 1) / 15]."""
  members = [[] for _ in range(15)]
  for c, hit in zip(confidence.tolist(), right.tolist(), strict=True):
    for b in range(15):
      if c <= (b + 1) / 15:
        members[b].append((c, hit))
        break
  error = 0.0
  for inside in filter(None, members):
    accuracy = sum(hit for _, hit in inside) / len(inside)
    mean = sum(c for c, _ in inside) / len(inside)
    error += len(inside) / len(right) * abs(accuracy - mean)
  return error


@pytest.mark.parametrize('seed', range(5))
def test_is_the_formula_of_guo(seed):
  random = np.random.default_rng(seed)
  confidence = np.concatenate([random.random(300), np.arange(16) / 15])  # the very edges among them
  right = random.random(316) < confidence**2
  assert calibration.ece_of(confidence, right) == pytest.approx(
    by_hand(confidence, right), abs=1e-12)


def test_units_add_up_in_sorted_order():
  random = np.random.default_rng(0)
  confidence, right = random.random(200), random.random(200) < 0.4
  units = random.choice(['b', 'a', 'c'], 200)
  sums = calibration.by_unit(confidence, right, units)
  assert sums.shape == (3, 16) and sums[:, 0].tolist() == [(units == u).sum() for u in 'abc']
  found = calibration.ece(sums)
  for u, error in zip('abc', found, strict=True):
    assert error == pytest.approx(by_hand(confidence[units == u], right[units == u]))
  assert calibration.ece(sums.sum(0)) == pytest.approx(by_hand(confidence, right))


@pytest.mark.parametrize('confidence, right, expected', [
  ([], [], np.nan),
  ([np.nan, 0.5], [1, 0], np.nan),
  ([1.0], [1], 0.0),
  ([1.0, 1.0], [1, 0], 0.5),
  ([0.0, 0.0], [0, 1], 0.5),
  ([0.75, 0.75, 0.75, 0.75], [1, 1, 0, 1], 0.0),
  ([0.9, 0.3], [0, 1], (0.9 + 0.7) / 2),  # bins do not make up for each other
])
def test_by_hand(confidence, right, expected):
  found = calibration.ece_of(np.array(confidence), np.array(right))
  assert found == pytest.approx(expected, nan_ok=True)


def test_one_class_is_always_sure_of_itself():
  confidence = calibration.largest_of_softmax(np.array([[3.0], [-2.0]]))
  assert confidence.tolist() == [1, 1] and calibration.ece_of(confidence, np.ones(2)) == 0


def test_probabilities_of_logits_of_any_size():
  np.testing.assert_allclose(
    calibration.sigmoid([-1e4, -1, 0, 1, 1e4]), [0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1])
  np.testing.assert_allclose(
    calibration.largest_of_softmax([[1e4, 0], [0, 0], [0, np.log(3)]]), [1, 0.5, 0.75])
  assert np.isnan(calibration.sigmoid([np.nan])).all()
