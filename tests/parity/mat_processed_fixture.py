"""Tiny processed files of all five corpora, in the authors' format: each opens, nothing is lost."""

import numpy as np

from emojax.data import layouts, processed
from tests.parity import case as case_lib

# corpus -> (rows, left out), counted in the files
COUNTS = {'iemocap': (23, 0), 'mosi': (18, 0), 'mosei': (26, 0), 'meld': (19, 3), 'vgaf': (11, 0)}


def check(case: case_lib.Case) -> None:
  data = case.folder / case.stem / 'data'
  assert COUNTS.keys() == layouts.LAYOUTS.keys()
  for name, (kept, left_out) in COUNTS.items():
    corpus = processed.load(name, str(data))
    index = corpus.index
    assert (len(index['id']), corpus.num_excluded) == (kept, left_out), name
    assert corpus.about['listed'] == kept + left_out and len(set(index['id'].tolist())) == kept
    assert all(id.startswith(f'{name}/') for id in index['id'].tolist())
    assert set(index['split'].tolist()) == set(layouts.LAYOUTS[name].splits)
    feature = corpus.feature('logmel_mat')
    assert feature.width == 80 and (feature.lengths > 0).all()
    for row in range(kept):
      frames = feature.read(row)
      assert frames.dtype == np.float32 and len(frames) == feature.lengths[row]
      assert 0 < frames.min() and frames.max() <= 1
      assert all(type(word) is str for word in corpus.words[row])
