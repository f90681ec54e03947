"""IEMOCAP (Busso et al. 2008): ten speakers in five sessions of two.

In every session the two improvise, and play the same three scripts: the index column `script` has
'script01', 'script02' or 'script03', and '' where they improvise.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from emojax.protocols import draws
from emojax.protocols.labels import Categories, EachClass, Values
from emojax.protocols.parts import Drawn, Listed
from emojax.protocols.protocol import SPLITS, Fold, Protocol

SESSIONS = ('1', '2', '3', '4', '5')
SCRIPTS = ('script01', 'script02', 'script03')
IMPROVISED = {'script': ('',)}

# Class order and merging as in MAT; 5,531 utterances.
FOUR = Categories(
  column='emotion',
  classes={'neutral': ('neu',), 'happy': ('hap', 'exc'), 'sad': ('sad',), 'angry': ('ang',)},
  expected={'neutral': 1708, 'happy': 1636, 'sad': 1084, 'angry': 1103})
# The same classes in the order of FME, MSE and TAB.
FOUR_ANGRY_FIRST = dataclasses.replace(
  FOUR, classes={name: FOUR.classes[name] for name in ('angry', 'happy', 'sad', 'neutral')})

_SIX = {'happy': ('hap',), 'sad': ('sad',), 'neutral': ('neu',), 'angry': ('ang',),
        'excited': ('exc',), 'frustrated': ('fru',)}
_SIX_EXPECTED = {'happy': 595, 'sad': 1084, 'neutral': 1708, 'angry': 1103, 'excited': 1041,
                 'frustrated': 1849}
# By the official label: 7,380 utterances.
SIX_OFFICIAL = Categories('emotion', _SIX, _SIX_EXPECTED)
# By the list most papers on dialogues use: 7,433, of which 53 "happy" have no official majority
# (reconstructed from the votes, see `data_builders/iemocap/README.md`).
SIX_COMMON = Categories('emotion_common', _SIX, _SIX_EXPECTED | {'happy': 648})
# SIX_OFFICIAL in the order of MME2E.
SIX_ANGRY_FIRST = dataclasses.replace(SIX_OFFICIAL, classes={
  name: _SIX[name] for name in ('angry', 'excited', 'frustrated', 'happy', 'neutral', 'sad')})
# The same, each as a question of its own, as MME2E trains them.
SIX_QUESTIONS = EachClass(SIX_ANGRY_FIRST)
# Means over raters; a few lie outside the scale, by half a point at most.
DIMENSIONS = Values(('valence', 'activation', 'dominance'), 1, 5, clip=0.5)


def _next(session: str, sessions: tuple[str, ...] = SESSIONS) -> str:
  return sessions[(sessions.index(session) + 1) % len(sessions)]


def _fold(test: str, valid: str, sessions: tuple[str, ...] = SESSIONS, **where) -> Fold:
  """One session tests, one validates, the others train; `where`: what all three must have."""
  train = tuple(s for s in sessions if s not in (test, valid))
  return Fold(f'session{test}', {'session': train, **where}, {'session': (valid,), **where},
              {'session': (test,), **where})


def _script_fold(session: str, script: str) -> Fold:
  """One script as one session plays it tests; nobody else who is used plays it."""
  others = {'script': ('', *(s for s in SCRIPTS if s != script))}
  fold = _fold(session, _next(session))
  return Fold(f'session{session}_{script}', fold.train | others, fold.valid | others,
              fold.test | {'script': (script,)})


def _speaker_fold(session: str, gender: str) -> Fold:
  """One speaker tests, the other one of the session validates, the other eight train."""
  def speaker(s, g):
    return f'Ses0{s}{g}'

  test, valid = speaker(session, gender), speaker(session, 'M' if gender == 'F' else 'F')
  train = tuple(speaker(s, g) for s in SESSIONS if s != session for g in 'FM')
  return Fold(test, {'speaker': train}, {'speaker': (valid,)}, {'speaker': (test,)})


def _drawn_fold(name: str, draw: Callable[..., np.ndarray], **about) -> Fold:
  return Fold(name, *(Drawn(functools.partial(draw, part=part, **about)) for part in SPLITS))


_LOSO5 = tuple(_fold(test, _next(test)) for test in SESSIONS)
_REPORT = dict(select_on='emotion/wa',
               report=('emotion/wa', 'emotion/ua', 'emotion/f1_weighted', 'emotion/f1_macro'))
_QUESTIONS = dict(
  select_on='emotion/f1_macro',
  report=('emotion/f1_macro', 'emotion/accuracy_elementwise', 'emotion/wacc_mosei',
          'emotion/auc_macro'))
_COMMON = dict(unit='speaker', **_REPORT)
_SHARED = 'speakers and dialogues stand in all parts, so this is no test on new ones'
_AT_RANDOM = dict(unit='utterance', notice=f'utterances were drawn at random: {_SHARED}', **_REPORT)

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
  Protocol('iemocap/loso5_dimensions', {'dimensions': DIMENSIONS}, _LOSO5, unit='speaker',
           select_on='dimensions/ccc',
           report=tuple(f'dimensions/{metric}{of}' for metric in ('ccc', 'corr', 'mae')
                        for of in ('', '_valence', '_activation', '_dominance')),
           source='valence, activation and dominance of all utterances, leave-one-session-out'),
  Protocol('iemocap/loso5_improvised', {'emotion': FOUR},
           tuple(_fold(test, _next(test), **IMPROVISED) for test in SESSIONS),
           source='leave-one-session-out on improvised dialogues alone, in which no sentence was '
                  'learned by heart; scripted ones are not used', **_COMMON),
  Protocol('iemocap/loso4_sessions1to4', {'emotion': FOUR},
           tuple(_fold(test, _next(test, SESSIONS[:4]), SESSIONS[:4]) for test in SESSIONS[:4]),
           source='leave-one-session-out over Sessions 1 to 4, where a table has these alone; '
                  'validation is the next session, cyclic', **_COMMON),
  Protocol('iemocap/loso10', {'emotion': FOUR},
           tuple(_speaker_fold(session, gender) for session in SESSIONS for gender in 'FM'),
           source="leave-one-speaker-out, as TAB's ten runs (UCL 2022); validation is the other "
                  'speaker of the session, so training hears neither of its dialogues', **_COMMON),
  # Every session plays the same scripts: by session alone, a text model meets its test sentences in
  # training. What is improvised trains, but is tested by loso5_improvised.
  Protocol('iemocap/script_disjoint', {'emotion': FOUR},
           tuple(_script_fold(session, script) for session in SESSIONS for script in SCRIPTS),
           source='one script of one session tests; the next session, cyclic, validates and the '
                  'other three train, all without that script', **_COMMON),
  Protocol('iemocap/fme_as_published', {'emotion': FOUR_ANGRY_FIRST},
           (_drawn_fold(f'seed{draws.FME_SEED}', draws.fme, seed=draws.FME_SEED,
                        **draws.FME_SHARES),), unit='utterance',
           source='FME (Ornelas 2019): 0.8 train, 0.05 test, the rest validation',
           notice=f"utterances were shuffled with numpy's seed {draws.FME_SEED} (the original's "
                  f'is another one each run): {_SHARED}', **_REPORT),
  Protocol('iemocap/mse_as_published', {'emotion': FOUR_ANGRY_FIRST},
           tuple(_drawn_fold(f'set0{fold + 1}', draws.mse, fold=fold) for fold in range(5)),
           source='MSE (Yoon et al. 2018): its five sets, drawn by its seeds', **_AT_RANDOM),
  Protocol('iemocap/mse_set_as_published', {'emotion': FOUR_ANGRY_FIRST},
           (Fold('set', {'split': ('train',)}, {'split': ('valid',)}, {'split': ('test',)}),),
           source="MSE (Yoon et al. 2018): one of its sets, from the authors' files of it",
           **_AT_RANDOM),
  Protocol('iemocap/mme2e_as_published', {'emotion': SIX_ANGRY_FIRST},
           (Fold('lists', *(Listed('mme2e_iemocap', part) for part in SPLITS)),),
           source='MME2E (Dai et al. 2021): its split files, 7,380 utterances', **_AT_RANDOM),
  Protocol('iemocap/mme2e_questions_as_published', {'emotion': SIX_QUESTIONS},
           (Fold('lists', *(Listed('mme2e_iemocap', part) for part in SPLITS)),),
           source='MME2E (Dai et al. 2021): its split files, each class yes or no',
           **_AT_RANDOM | _QUESTIONS),
  Protocol('iemocap/loso5_six_questions', {'emotion': SIX_QUESTIONS}, _LOSO5,
           source="MME2E's six questions, leave-one-session-out", **_COMMON | _QUESTIONS),
  Protocol('iemocap/tab_as_published', {'emotion': FOUR_ANGRY_FIRST},
           (Fold('session5', *(Drawn(functools.partial(draws.tab, part=part),
                                     {'session': SESSIONS[:4]}) for part in ('train', 'valid')),
                 {'session': ('5',)}),), unit='utterance',
           source="TAB (UCL 2022), main.py: Session 5 tests; in ids' order, since its own is that "
                  'of a folder',
           notice='validation utterances were drawn at random from the training sessions: speakers '
                  'and dialogues stand in both parts', **_REPORT),
)}
