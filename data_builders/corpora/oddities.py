"""What is strange about a sound that can be read: noted and counted, and the utterance is kept.

Nobody but a listener can say whether such a sound is lost, so no rule here throws one away.
"""

import hashlib
from collections.abc import Iterator

import numpy as np

RAIL = 32767  # samples at full scale, of either sign: what is louder was cut off there
CLIPPED = 1e-3  # share of them from which on a sound is called clipped; EmoDB's loudest has 1e-4


class Oddities:
  """Remembers the sounds of one release, so that it knows one that comes again."""

  def __init__(self):
    self._first: dict[bytes, str] = {}  # digest -> name

  def of(self, id: str, samples: np.ndarray) -> Iterator[str]:
    """Notes on a sound, int16 [N]: silence, clipping, the very sound of another utterance."""
    name = id.partition('/')[2]
    if samples.min() == samples.max():
      yield f'{name} is silence: all {len(samples):,} samples are {samples[0]}'
      return
    share = np.count_nonzero((samples >= RAIL) | (samples <= -RAIL)) / len(samples)
    if share >= CLIPPED:
      yield f'{name} is clipped: {share:.1%} of its samples are at full scale'
    digest = hashlib.blake2b(samples.data, digest_size=16).digest()
    if (first := self._first.setdefault(digest, name)) != name:
      yield f'{name} has the very sound of {first}'
