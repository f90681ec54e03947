"""TAB's ten runs over held-out sessions, and the rows that its main script validates on."""

import numpy as np

from emojax.protocols import draws, iemocap
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  about = case.about
  rows = about['n_rows']
  assert draws.tab(rows, 'valid').tolist() == about['val_rows']
  assert draws.tab(rows, 'train').tolist() == sorted({*range(rows)} - {*about['val_rows']})
  folds = iemocap.PROTOCOLS['iemocap/loso10'].folds
  for held in about['kfold']:
    [session] = held['holdout_session']
    of_session = [fold for fold in folds if fold.test['speaker'][0].startswith(f'Ses0{session}')]
    assert len(of_session) == 2, 'each speaker tests once and validates once'
    one, other = of_session
    assert one.test == other.valid and one.valid == other.test and one.train == other.train
    assert sorted({int(name[4]) for name in one.train['speaker']}) == held['train_sessions']
    assert len(np.unique(one.train['speaker'])) == 2 * len(held['train_sessions'])
