"""MME2E's split files: every utterance stands in the same part, and none besides."""

import numpy as np

from emojax.protocols import protocol as protocol_lib
from tests.parity import case as case_lib

PROTOCOLS = {'IEMOCAP': 'iemocap/mme2e_as_published', 'MOSEI': 'mosei/emotion6_mme2e'}


def check(case: case_lib.Case) -> None:
  for corpus, name in PROTOCOLS.items():
    listed = {part: (case.folder / case.stem / f'{corpus}_{part}_split.txt').read_text().split()
              for part in protocol_lib.SPLITS}
    names = np.array(sorted([*sum(listed.values(), []), 'Ses01F_impro99_F000', 'unlisted_0']))
    protocol = protocol_lib.load(name)
    [labels] = protocol.labels.values()
    index = {'id': np.char.add(f'{protocol.corpus}/', names)}
    if corpus == 'MOSEI':
      index['video'] = np.array([name.rsplit('_', 1)[0] for name in names])
      index |= {column: np.arange(len(names)) % (k + 2)
                for k, column in enumerate(labels.intensities.values())}
    else:
      spellings = [spelled for [spelled] in labels.classes.values()]
      index[labels.column] = np.resize(spellings, len(names))
    rows = protocol_lib.resolve(protocol, 0, index).rows
    for part, expected in listed.items():
      assert sorted(names[rows[part]].tolist()) == sorted(expected), (corpus, part)
