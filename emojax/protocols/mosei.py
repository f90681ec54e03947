"""CMU-MOSEI (Zadeh et al. 2018): about 3,300 videos of single speakers, cut into utterances.

The index column `split` has the standard folds of the CMU-MultimodalSDK, less two test videos that
MAT and its predecessor lack (7l3BNtSE0xc, dZFV0lyedX4): 16,327 / 1,871 / 4,662 utterances. It may
have 'private' too, the test part of a challenge, whose labels were never released: to be predicted,
never to be scored.
"""

from emojax.protocols.labels import MultiLabel, Score, Values
from emojax.protocols.parts import Listed
from emojax.protocols.protocol import SPLITS, Fold, Protocol

_UNLABELLED = {'split': ('private',)}
_LISTED = {'split': ('train', 'valid', 'test')}

SEVEN = Score(
  'sentiment', 'away7', counted=_LISTED, unlabelled=_UNLABELLED,
  expected={'-3': 816, '-2': 2232, '-1': 3547, '0': 4996, '+1': 7432, '+2': 3172, '+3': 665})
TWO = Score('sentiment', 'nonneg2', counted=_LISTED, unlabelled=_UNLABELLED,
            expected={'negative': 6595, 'non-negative': 16265})
REAL = Values(('sentiment',), -3, 3, counted=_LISTED, unlabelled=_UNLABELLED,
              expected={'sentiment': 22860})
# In the order of the release's columns; any number of them, or none.
SIX = MultiLabel({name: name for name in ('happy', 'sad', 'anger', 'surprise', 'disgust', 'fear')},
                 unlabelled=_UNLABELLED)
# The same labels in the order of MME2E, which has 20,477 utterances in parts of its own.
SIX_ANGER_FIRST = MultiLabel(
  {name: name for name in ('anger', 'disgust', 'fear', 'happy', 'sad', 'surprise')})
_MME2E = Fold('lists', *(Listed('mme2e_mosei', part) for part in SPLITS))

_FOLDS = (Fold('standard', {'split': ('train',)}, {'split': ('valid',)}, {'split': ('test',)}),)
_COMMON = dict(
  unit='video', source="MAT (Delbrouck et al. 2020): the SDK's standard folds less two videos")
_SENTIMENT = dict(select_on='sentiment/wa',
                  report=('sentiment/wa', 'sentiment/f1_weighted', 'sentiment/f1_macro',
                          'sentiment/ua'))

PROTOCOLS = {p.name: p for p in (
  Protocol('mosei/sentiment7', {'sentiment': SEVEN}, _FOLDS, **_SENTIMENT, **_COMMON),
  Protocol('mosei/sentiment2', {'sentiment': TWO}, _FOLDS, **_SENTIMENT, **_COMMON),
  # Most labels are absent, so that answering no to everything is nearly 80 % right.
  Protocol('mosei/emotion6', {'emotion': SIX}, _FOLDS,
           select_on='emotion/accuracy_elementwise',
           report=('emotion/accuracy_elementwise', 'emotion/f1_weighted', 'emotion/f1_macro',
                   'emotion/ua'), **_COMMON),
  Protocol('mosei/emotion6_mme2e', {'emotion': SIX_ANGER_FIRST}, (_MME2E,), unit='video',
           select_on='emotion/accuracy_elementwise',
           report=('emotion/accuracy_elementwise', 'emotion/f1_weighted', 'emotion/f1_macro',
                   'emotion/ua'), source='MME2E (Dai et al. 2021): its split files'),
  Protocol('mosei/sentiment', {'sentiment': REAL}, _FOLDS, select_on='sentiment/mae',
           report=tuple(f'sentiment/{metric}' for metric in (
             'mae', 'corr', 'acc2_nonneg', 'f1_nonneg', 'acc2_nonzero', 'f1_nonzero', 'acc5',
             'acc7_round', 'acc7_away')), **_COMMON),
)}
