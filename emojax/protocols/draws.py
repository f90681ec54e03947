"""How original systems divided utterances at random: pure functions of the number of rows.

Each gives the positions of one part, 'train', 'valid' or 'test', among the rows in the order of
the original's files.
"""

import random

import numpy as np

FME_SEED = 11  # ours: the original seeds Python's generator, but shuffles with numpy's
FME_SHARES = {'train': 0.8, 'test': 0.05}


def fme(rows: int, part: str, *, seed: int, train: float, test: float) -> np.ndarray:
  """FME (Ornelas 2019): shuffled, then cut into shares `train` and `test`; the rest is valid."""
  order = np.random.RandomState(seed).permutation(rows)
  first = int(train * rows) + 1
  last = first + int(test * rows) + 1
  return {'train': order[:first], 'test': order[first:last], 'valid': order[last:]}[part]


def mse(rows: int, fold: int, part: str) -> np.ndarray:
  """MSE (Yoon et al. 2018): about a fifth is held out, seven tenths of it test, the rest valid.

  Args:
    fold: 0..4.
  """
  draw = random.Random(337)
  folds = np.array([sum(u <= bound for bound in (0.8, 0.6, 0.4, 0.2))
                    for u in (draw.random() for _ in range(rows))], np.int64)
  draw = random.Random(3372)
  above = np.array([draw.random() > 0.7 for _ in range(rows)], bool)
  held = folds == fold
  return np.flatnonzero({'train': ~held, 'valid': held & above, 'test': held & ~above}[part])


def tab(rows: int, part: str) -> np.ndarray:
  """TAB (UCL 2022): a tenth of the training sessions' rows is 'valid', as pandas samples."""
  valid = np.random.RandomState(2022).choice(rows, size=round(0.1 * rows), replace=False)
  return {'valid': valid, 'train': np.setdiff1d(np.arange(rows), valid)}[part]
