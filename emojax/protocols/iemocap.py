"""IEMOCAP (Busso et al. 2008): ten speakers in five sessions of two."""

from emojax.protocols.labels import Categories
from emojax.protocols.protocol import Fold, Protocol

SESSIONS = ('1', '2', '3', '4', '5')

# Class order and merging as in MAT; 5,531 utterances.
FOUR = Categories(
  column='emotion',
  classes={'neutral': ('neu',), 'happy': ('hap', 'exc'), 'sad': ('sad',), 'angry': ('ang',)},
  expected={'neutral': 1708, 'happy': 1636, 'sad': 1084, 'angry': 1103})

_SIX = {'happy': ('hap',), 'sad': ('sad',), 'neutral': ('neu',), 'angry': ('ang',),
        'excited': ('exc',), 'frustrated': ('fru',)}
_SIX_EXPECTED = {'happy': 595, 'sad': 1084, 'neutral': 1708, 'angry': 1103, 'excited': 1041,
                 'frustrated': 1849}
# By the official label: 7,380 utterances.
SIX_OFFICIAL = Categories('emotion', _SIX, _SIX_EXPECTED)
# By the list most papers on dialogues use: 7,433, of which 53 "happy" have no official majority
# (reconstructed from the votes, see `data_builders/iemocap/README.md`).
SIX_COMMON = Categories('emotion_common', _SIX, _SIX_EXPECTED | {'happy': 648})


def _fold(test: str, valid: str) -> Fold:
  train = tuple(s for s in SESSIONS if s not in (test, valid))
  return Fold(f'session{test}', {'session': train}, {'session': (valid,)}, {'session': (test,)})


def _next(session: str) -> str:
  return SESSIONS[int(session) % len(SESSIONS)]


_LOSO5 = tuple(_fold(test, _next(test)) for test in SESSIONS)
_COMMON = dict(unit='speaker', select_on='emotion/wa',
               report=('emotion/wa', 'emotion/ua', 'emotion/f1_weighted', 'emotion/f1_macro'))

PROTOCOLS = {p.name: p for p in (
  Protocol(
    'iemocap/session1_as_published', {'emotion': FOUR},
    (Fold('session1', {'session': SESSIONS[1:]}, {'session': ('1',)}, {'session': ('1',)}),),
    source='MAT (Delbrouck et al. 2020), as its code runs',
    notice='epoch, rate cuts and stop were chosen on the test part (Session 1), as MAT did',
    **_COMMON),
  Protocol('iemocap/session1', {'emotion': FOUR}, (_fold('1', '2'),),
           source="MAT's test part, with Session 2 held out for validation", **_COMMON),
  Protocol('iemocap/loso5', {'emotion': FOUR}, _LOSO5,
           source='the usual leave-one-session-out; validation is the next session, cyclic',
           **_COMMON),
  Protocol('iemocap/loso5_six_official', {'emotion': SIX_OFFICIAL}, _LOSO5,
           source='six classes by the official majority label', **_COMMON),
  Protocol('iemocap/loso5_six_common', {'emotion': SIX_COMMON}, _LOSO5,
           source='six classes by the list of Poria et al. 2017 and its descendants', **_COMMON),
)}
