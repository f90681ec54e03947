"""CMU-MOSEI (Zadeh et al. 2018): about 3,300 videos of single speakers, cut into utterances.

The index column `split` has the standard folds of the CMU-MultimodalSDK, less two test videos that
MAT and its predecessor lack (7l3BNtSE0xc, dZFV0lyedX4): 16,327 / 1,871 / 4,662 utterances. It may
have 'private' too, the test part of a challenge, whose labels were never released: to be predicted,
never to be scored.
"""

from emojax.protocols.labels import MultiLabel, Score
from emojax.protocols.protocol import Fold, Protocol

_UNLABELLED = {'split': ('private',)}
_LISTED = {'split': ('train', 'valid', 'test')}

SEVEN = Score(
  'sentiment', 'away7', counted=_LISTED, unlabelled=_UNLABELLED,
  expected={'-3': 816, '-2': 2232, '-1': 3547, '0': 4996, '+1': 7432, '+2': 3172, '+3': 665})
TWO = Score('sentiment', 'nonneg2', counted=_LISTED, unlabelled=_UNLABELLED,
            expected={'negative': 6595, 'non-negative': 16265})
# In the order of the release's columns; any number of them, or none.
SIX = MultiLabel({name: name for name in ('happy', 'sad', 'anger', 'surprise', 'disgust', 'fear')},
                 unlabelled=_UNLABELLED)

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
)}
