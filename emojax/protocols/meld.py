"""MELD (Poria et al. 2019): utterances of the TV series Friends, in dialogues of several speakers.

The release has its own three parts (its `dev` is 'valid' in the index column `split`). Dialogue
numbers start again in each of them, so the column `dialogue` names the part too: 'train/dia0'.
"""

from emojax.protocols.labels import Categories
from emojax.protocols.protocol import Fold, Protocol


def _classes(*names: str) -> dict[str, tuple[str]]:
  return {name: (name,) for name in names}


# The order of the ids in MAT's processed files; all three parts of the release.
SEVEN = Categories(
  'emotion', _classes('neutral', 'surprise', 'fear', 'sadness', 'joy', 'disgust', 'anger'),
  expected={'neutral': 6436, 'surprise': 1636, 'fear': 358, 'sadness': 1002, 'joy': 2308,
            'disgust': 361, 'anger': 1607})
THREE = Categories('sentiment', _classes('neutral', 'positive', 'negative'),
                   expected={'neutral': 6436, 'positive': 3088, 'negative': 4184})

_FOLDS = (Fold('release', {'split': ('train',)}, {'split': ('valid',)}, {'split': ('test',)}),)


def _protocol(name: str, head: str, labels: Categories) -> Protocol:
  return Protocol(
    f'meld/{name}', {head: labels}, _FOLDS, unit='dialogue', select_on=f'{head}/wa',
    report=tuple(f'{head}/{metric}' for metric in ('wa', 'f1_weighted', 'f1_macro', 'ua')),
    source="the release's own parts, as in MAT (Delbrouck et al. 2020)",
    notice="the release's parts share speakers (the six friends), so this is no test on new ones")


PROTOCOLS = {p.name: p for p in (
  _protocol('emotion7', 'emotion', SEVEN), _protocol('sentiment3', 'sentiment', THREE))}
