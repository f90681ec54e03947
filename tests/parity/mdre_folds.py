"""MSE's five sets: the role of every utterance in each."""

import numpy as np

from emojax.protocols import protocol as protocol_lib
from tests.parity import case as case_lib
from tests.parity import mdre_split

ROLES = ('train', 'valid', 'test')  # 0, 1, 2


def check(case: case_lib.Case) -> None:
  roles = case.arrays['out/role']
  assert [np.bincount(role).tolist() for role in roles] == case.about['sizes']
  protocol = protocol_lib.load('iemocap/mse_as_published')
  assert len(roles) == len(protocol.folds)
  names, index = mdre_split.shuffled(np.resize(mdre_split.SPELLED, roles.shape[1]))
  for fold, expected in enumerate(roles):
    found = np.full(len(names), -1)
    for role, part in enumerate(ROLES):
      rows = protocol_lib.resolve(protocol, fold, index).rows[part]
      found[np.searchsorted(names, index['id'][rows])] = role
    np.testing.assert_array_equal(found, expected)
