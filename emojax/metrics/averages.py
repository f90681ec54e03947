"""Ratios and means that are NaN exactly where they would be 0/0."""

import numpy as np
from numpy.typing import ArrayLike


def ratio(above: ArrayLike, below: ArrayLike) -> np.ndarray:
  """`above / below`, elementwise; NaN where `below` is 0."""
  above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
  return np.divide(above, below, out=np.full(below.shape, np.nan), where=below != 0)[()]


def weighted_mean(values: ArrayLike, weights: ArrayLike) -> np.ndarray:
  """Mean over the last axis; NaN where all weights are 0. A NaN weighs nothing: give it 0."""
  return ratio((np.nan_to_num(values) * weights).sum(-1), np.asarray(weights).sum(-1))


def mean_of_defined(values: ArrayLike) -> np.ndarray:
  """Mean over the last axis of what is not NaN; NaN where nothing is left."""
  return weighted_mean(values, ~np.isnan(values))
