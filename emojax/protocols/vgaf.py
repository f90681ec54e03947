"""VGAF (Sharma et al. 2019): short clips of groups of people from the web, for EmotiW 2020.

Its test labels were never released. Clips are named VIDEO_CLIP; numbers may start again in each
part of the release, so the column `video` names the part too: 'train/1'.
"""

from emojax.protocols.labels import Categories
from emojax.protocols.protocol import Fold, HeldOut, Protocol

THREE = Categories('emotion', {'positive': ('1',), 'neutral': ('2',), 'negative': ('3',)})

_TRAIN, _RELEASED = {'split': ('train',)}, {'split': ('valid',)}
_COMMON = dict(unit='video', select_on='emotion/wa',
               report=('emotion/wa', 'emotion/ua', 'emotion/f1_weighted', 'emotion/f1_macro'))

PROTOCOLS = {p.name: p for p in (
  Protocol(
    'vgaf/affect3_as_published', {'emotion': THREE},
    (Fold('release', _TRAIN, _RELEASED, _RELEASED),),
    source='MAT (Delbrouck et al. 2020), as its code runs',
    notice="epoch, rate cuts and stop were chosen on the part tested on, the release's validation "
           'part, as MAT did',
    **_COMMON),
  Protocol('vgaf/affect3', {'emotion': THREE}, (Fold('release', _TRAIN, HeldOut(0.1), _RELEASED),),
           source="the release's validation part as test; a tenth of the training videos validate",
           **_COMMON),
)}
