"""The ensemble rule of MAT and MNT; the goldens hold the original's own answers."""

import numpy as np
import pytest

from emojax.train import ensemble


def test_members_come_in_reverse_order_of_spelling(tmp_path):
  names = ['best9.5_1.pkl', 'best72.5_2.pkl', 'best72.5_10.pkl', 'best100.0_3.pkl', 'best7.pkl']
  expected = ['best9.5_1.pkl', 'best72.5_2.pkl', 'best72.5_10.pkl', 'best7.pkl', 'best100.0_3.pkl']
  assert ensemble.order(names) == expected
  paths = [tmp_path / name for name in names]
  assert ensemble.order(paths) == [str(tmp_path / name) for name in expected]


def test_the_mean_of_logits_decides_not_that_of_shares_or_votes():
  members = [np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]]), np.array([[9.0, 0.0]])]
  means = ensemble.mean_logits(members)
  assert [mean.argmax() for mean in means] == [1, 1, 0]
  for size, mean in enumerate(means, start=1):
    np.testing.assert_allclose(mean, np.mean(members[:size], axis=0), rtol=1e-15)


def test_members_of_different_shape_are_refused():
  with pytest.raises(ValueError):
    ensemble.mean_logits([np.zeros((3, 2)), np.zeros((2, 2))])
