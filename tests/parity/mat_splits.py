"""Which utterances stand in which part: the originals' lists, as far as they hold more than hashes.

MELD's keys need its CSVs. They are not here; the case's hashes are those of the sorted keys too.
"""

import hashlib
import random
import re

from emojax.data import layouts
from emojax.protocols import meld, mosei, mosi
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  about = case.about
  assert about['MOSI'] == {'train': list(mosi.TRAIN), 'valid': list(mosi.VALID),
                           'test': list(mosi.TEST)}
  layout = layouts.LAYOUTS['mosei']
  assert set(about['MOSEI']) == set(layout.splits)
  for part, listed in about['MOSEI'].items():
    keys = [f'{video}[{i}]' for video, n in listed['segments_per_video'].items() for i in range(n)]
    assert len(keys) == listed['n']
    random.Random(0).shuffle(keys)
    keys.sort(key=lambda key: layout.order(re.fullmatch(layout.key, key)))
    assert hashlib.sha256('\n'.join(keys).encode()).hexdigest() == listed['sha256'], part
  for protocols, sizes in ((mosei, about['MOSEI']), (meld, about['MELD'])):
    for protocol in protocols.PROTOCOLS.values():
      [labels] = protocol.labels.values()
      if labels.expected and labels.form != 'several classes':
        total = sum(sizes[part]['n'] for part in ('train', 'valid', 'test'))
        assert sum(labels.expected.values()) == total, protocol.name
