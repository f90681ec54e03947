"""Ensembles as the original of MAT and MNT makes them: the mean of the members' logits decides."""

import pathlib
from collections.abc import Iterable, Sequence

import numpy as np


def order(paths: Iterable[str | pathlib.Path]) -> list[str]:
  """The checkpoints' paths, first member first: in reverse order of their spelling.

  Their names begin with the validation accuracy, so that is mostly best first; but best9.5 comes
  before best72.5, and best100.0 comes last.
  """
  return sorted(map(str, paths), reverse=True)


def mean_logits(members: Sequence[np.ndarray]) -> list[np.ndarray]:
  """Logits of the ensembles of the first 1, 2, ... members, each [N, K] as the members' are."""
  sums = np.cumsum(np.stack(members), axis=0)
  return [total / size for size, total in enumerate(sums, start=1)]
