"""EmoDB (Burkhardt et al. 2005): ten actors, ten German sentences that carry no emotion."""

from emojax.protocols.labels import Categories
from emojax.protocols.protocol import Fold, Protocol

SPEAKERS = ('03', '08', '09', '10', '11', '12', '13', '14', '15', '16')

# The four classes of the IEMOCAP protocols, in their order.
FOUR = Categories(
  column='emotion',
  classes={'neutral': ('neutral',), 'happy': ('happiness',), 'sad': ('sadness',),
           'angry': ('anger',)},
  expected={'neutral': 79, 'happy': 71, 'sad': 62, 'angry': 127})


def _fold(number: int) -> Fold:
  test, valid = SPEAKERS[number], SPEAKERS[(number + 1) % len(SPEAKERS)]
  train = tuple(s for s in SPEAKERS if s not in (test, valid))
  return Fold(f'speaker{test}', {'speaker': train}, {'speaker': (valid,)}, {'speaker': (test,)})


PROTOCOLS = {p.name: p for p in (
  Protocol('emodb/loso', {'emotion': FOUR}, tuple(map(_fold, range(len(SPEAKERS)))),
           unit='speaker', select_on='emotion/ua',
           report=('emotion/ua', 'emotion/wa', 'emotion/f1_macro'),
           source='leave-one-speaker-out; validation is the next speaker, cyclic'),
)}
