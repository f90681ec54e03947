"""EmoryNLP (Zahiri and Choi 2018): utterances of the TV series Friends, scene by scene.

The parts are those that MELD's repository carries (its `dev` is 'valid' in the index column
`split`). No episode stands in two of them, the speakers do.
"""

from emojax.protocols.labels import Categories
from emojax.protocols.protocol import Fold, Protocol

SEVEN = Categories(
  'emotion', {name.lower(): (name,) for name in (
    'Neutral', 'Joyful', 'Peaceful', 'Powerful', 'Mad', 'Sad', 'Scared')},
  expected={'neutral': 3095, 'joyful': 2099, 'peaceful': 831, 'powerful': 717, 'mad': 968,
            'sad': 595, 'scared': 1184})

PROTOCOLS = {p.name: p for p in (Protocol(
  'emorynlp/emotion7', {'emotion': SEVEN},
  (Fold('release', {'split': ('train',)}, {'split': ('valid',)}, {'split': ('test',)}),),
  unit='dialogue', select_on='emotion/wa',
  report=tuple(f'emotion/{metric}' for metric in ('wa', 'f1_weighted', 'f1_macro', 'ua')),
  source="the release's own parts, as MELD's repository carries them",
  notice="the release's parts share speakers (the six friends), so this is no test on new ones"),)}
