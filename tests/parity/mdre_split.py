"""FME's shuffled split: which rows of its arrays, and so which utterances, are in which part."""

import re

import numpy as np

from emojax.protocols import draws
from emojax.protocols import protocol as protocol_lib
from tests.parity import case as case_lib

PARTS = {'train': 'train', 'test': 'test', 'val': 'valid'}  # theirs -> ours
SPELLED = np.array(['ang', 'hap', 'sad', 'neu'])  # the original's ids 0..3


def check(case: case_lib.Case) -> None:
  about, arrays = case.about, case.arrays
  labels = arrays['in/labels'].astype(int)
  seed = int(re.search(r'seed\((\d+)\)', about['note'])[1])
  shares = {'train': about['prop_train'], 'test': about['prop_test']}
  drawn = {theirs: draws.fme(len(labels), ours, seed=seed, **shares)
           for theirs, ours in PARTS.items()}
  np.testing.assert_array_equal(np.concatenate(list(drawn.values())), arrays['out/permutation'])
  for theirs, rows in drawn.items():
    for script, inputs in (('text', ['text']), ('audio', ['audio']), ('multi', ['text', 'audio'])):
      for name in inputs:
        np.testing.assert_array_equal(arrays[f'in/{name}'][rows],
                                      arrays[f'out/{script}_{theirs}_{name}'])
      np.testing.assert_array_equal(labels[rows], arrays[f'out/{script}_{theirs}_labels'])
  np.testing.assert_array_equal(np.eye(4)[labels], arrays['out/onehot'])

  if seed == draws.FME_SEED and shares == draws.FME_SHARES:
    names, index = shuffled(SPELLED[labels])
    split = protocol_lib.resolve(protocol_lib.load('iemocap/fme_as_published'), 0, index)
    for theirs, rows in drawn.items():
      found = split.rows[PARTS[theirs]]
      assert sorted(index['id'][found].tolist()) == sorted(names[rows].tolist())
      np.testing.assert_array_equal(split.targets['emotion'][found],
                                    labels[np.searchsorted(names, index['id'][found])])


def shuffled(emotions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
  """Names in the original's order, and an index in another order, with other utterances in it."""
  random = np.random.default_rng(0)
  ids = np.char.mod('iemocap/Ses01F_impro01_F%06d', np.arange(2 * len(emotions)))
  kept = np.sort(random.choice(len(ids), len(emotions), replace=False))
  spelled = np.full(len(ids), 'xxx')
  spelled[kept] = emotions
  order = random.permutation(len(ids))
  return ids[kept], {'id': ids[order], 'emotion': spelled[order]}
