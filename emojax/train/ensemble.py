"""Ensembles as the original of MAT and MNT makes them: the mean of the members' outputs decides."""

import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np


def order(paths: Iterable[str | pathlib.Path]) -> list[str]:
  """The checkpoints' paths, first member first: in reverse order of their spelling.

  Their names begin with the validation accuracy, so that is mostly best first; but best9.5 comes
  before best72.5, and best100.0 comes last.
  """
  return sorted(map(str, paths), reverse=True)


def published_name(accuracy: float, seed: int) -> str:
  """What the original calls the checkpoint of a seed whose best validation accuracy is 0..1."""
  return f'best{float(100 * accuracy)!r}_{seed}.pkl'


def by_score(scores: Mapping[str, float], *, smaller_is_better: bool = False) -> list[str]:
  """The members' names, best score first; ties by name."""
  sign = 1 if smaller_is_better else -1
  return sorted(scores, key=lambda name: (sign * scores[name], name))


def mean_logits(members: Sequence[np.ndarray]) -> list[np.ndarray]:
  """Logits of the ensembles of the first 1, 2, ... members, each [N, K] as the members' are."""
  sums = np.cumsum(np.stack(members), axis=0)
  return [total / size for size, total in enumerate(sums, start=1)]


def pooled_logits(folds: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
  """Logits [sum of N, K] of the ensembles of 1, 2, ... members of each fold, folds in a row.

  Args:
    folds: the logits [N, K] of each fold's members, in their order. Sizes end with the fold that
      has the fewest.
  """
  means = [mean_logits(members) for members in folds]
  return [np.concatenate(same_size) for same_size in zip(*means)]


def smallest_best(scores: Sequence[float], *, smaller_is_better: bool = False) -> int:
  """The size of the ensemble with the best of `scores`, which are those of sizes 1, 2, ..."""
  return 1 + int((np.argmin if smaller_is_better else np.argmax)(scores))
