"""CMU-MOSI (Zadeh et al. 2016): 93 video reviews by single speakers, cut into 2,199 utterances.

The first three lists are the standard folds of the CMU-MultimodalSDK, the fourth is the test part
of Poria et al. 2017 (bc-LSTM), who train on the other 62 videos.
"""

from emojax.protocols.labels import Score, Values
from emojax.protocols.protocol import Fold, HeldOut, Protocol

TRAIN = tuple('''
  2iD-tVS8NPw 8d-gEyoeBzc Qr1Ca94K55A Ci-AH39fi3Y 8qrpnFRGt2A Bfr499ggo-0 QN9ZIUWUXsY
  9T9Hf74oK10 7JsX8y1ysxY 1iG0909rllw Oz06ZWiO20M BioHAh1qJAQ 9c67fiY0wGQ Iu2PFX3z_1s
  Nzq88NnDkEk Clx4VXItLTE 9J25DZhivz8 Af8D0E4ZXaw TvyZBvOMOTc W8NXH0Djyww 8OtFthrtaJM
  0h-zjBukYpk Vj1wYRQjB-o GWuJjcEuzt8 BI97DNYfe5I PZ-lDQFboO8 1DmNV9C1hbY OQvJTdtJ2H4
  I5y0__X72p0 9qR7uwkblbs G6GlGvlkxAQ 6_0THN4chvY Njd1F0vZSm4 BvYR0L6f2Ig 03bSnISJMiM
  Dg_0XKD0Mf4 5W7Z1C_fDaE VbQk4H8hgr0 G-xst2euQUc MLal-t_vJPM BXuRRbG0Ugk LSi-o-IrDMs
  Jkswaaud0hk 2WGyTLYerpo 6Egk_28TtTM Sqr0AcuoNnk POKffnXeBds 73jzhE8R1TQ OtBXNcAL_lE
  HEsqda8_d0Q VCslbP0mgZI IumbAb8q2dM
'''.split())
VALID = tuple('''
  WKA5OygbEKI c5xsKMxpXnc atnd_PF-Lbs bvLlb-M3UXU bOL9jKpeJRs _dI--eQ6qVU ZAIRrfG22O0
  X3j2zQgwYgE aiEXnCPZubE ZUXBRvtny7o
'''.split())
TEST = tuple('''
  tmZoasNr4rU zhpQhgha_KU lXPQBPVc5Cw iiK8YX8oH1E tStelxIAHjw nzpVDcQ0ywM etzxEpPuc6I
  cW1FSBF59ik d6hH302o4v8 k5Y_838nuGo pLTX3ipuDJI jUzDDGyPkXU f_pcplsH_V0 yvsjCA6Y5Fc
  nbWiPyCm4g0 rnaNMUZpvvg wMbj6ajWbic cM3Yna7AavY yDtzw_Y-7RU vyB00TXsimI dq3Nf_lMPnE
  phBUpBr1hSo d3_k5Xpfmik v0zCBqDeKcE tIrG4oNLFzE fvVhgmXxadc ob23OKe5a9Q cXypl4FnoZo
  vvZ4IcEtiZc f9O3YtZ2VfI c7UH_rxdZv4
'''.split())
TEST_BCLSTM = tuple('''
  03bSnISJMiM 0h-zjBukYpk 1iG0909rllw 2WGyTLYerpo 8d-gEyoeBzc 9J25DZhivz8 9c67fiY0wGQ
  Af8D0E4ZXaw BI97DNYfe5I BXuRRbG0Ugk Ci-AH39fi3Y Clx4VXItLTE Dg_0XKD0Mf4 G-xst2euQUc
  GWuJjcEuzt8 I5y0__X72p0 Iu2PFX3z_1s Jkswaaud0hk Njd1F0vZSm4 Nzq88NnDkEk OQvJTdtJ2H4
  Sqr0AcuoNnk Vj1wYRQjB-o ZUXBRvtny7o cM3Yna7AavY cW1FSBF59ik iiK8YX8oH1E tStelxIAHjw
  tmZoasNr4rU vvZ4IcEtiZc vyB00TXsimI
'''.split())
TRAIN_BCLSTM = tuple(video for video in TRAIN + VALID + TEST if video not in TEST_BCLSTM)

# 96 utterances of score 0 are neither; of the test part 379 are negative and 277 positive.
TWO = Score('sentiment', 'nonzero2', expected={'negative': 1023, 'positive': 1080})
# the 96 count as non-negative
NONNEG = Score('sentiment', 'nonneg2', expected={'negative': 1023, 'non-negative': 1176})
SEVEN = Score('sentiment', 'round7')
REAL = Values(('sentiment',), -3, 3)

_FOLD = Fold('standard', {'video': TRAIN}, {'video': VALID}, {'video': TEST})
_BCLSTM = Fold('bclstm', {'video': TRAIN_BCLSTM}, HeldOut(0.1), {'video': TEST_BCLSTM})
_COMMON = dict(unit='video', select_on='sentiment/wa',
               report=('sentiment/wa', 'sentiment/f1_weighted', 'sentiment/f1_macro',
                       'sentiment/ua'))

_REAL = tuple(f'sentiment/{metric}' for metric in (
  'mae', 'corr', 'acc2_nonneg', 'f1_nonneg', 'acc2_nonzero', 'f1_nonzero', 'acc5', 'acc7_round'))

PROTOCOLS = {p.name: p for p in (
  Protocol(
    'mosi/sentiment2_as_published', {'sentiment': TWO},
    (Fold('standard', {'video': TRAIN + VALID}, {'video': TEST}, {'video': TEST}),),
    source='MAT (Delbrouck et al. 2020), as its code runs',
    notice='epoch, rate cuts and stop were chosen on the test part, as MAT did',
    **_COMMON),
  Protocol('mosi/sentiment2', {'sentiment': TWO}, (_FOLD,),
           source="MAT's test part, with the standard validation videos held out", **_COMMON),
  Protocol('mosi/sentiment2_nonneg', {'sentiment': NONNEG}, (_FOLD,),
           source='the standard folds with neutral utterances kept, as MMSA counts them (has0)',
           **_COMMON),
  Protocol('mosi/bclstm_sentiment2', {'sentiment': NONNEG}, (_BCLSTM,),
           source='Poria et al. 2017 (bc-LSTM), with six of their training videos held out',
           **_COMMON),
  Protocol('mosi/sentiment7', {'sentiment': SEVEN}, (_FOLD,),
           source="the standard folds; MAT's code has this rule, but a head of two classes for it",
           **_COMMON),
  Protocol('mosi/sentiment', {'sentiment': REAL}, (_FOLD,), unit='video',
           select_on='sentiment/mae', report=_REAL,
           source='Zadeh et al. 2017 (TFN) and most work since, on the standard folds'),
  Protocol('mosi/bclstm_sentiment', {'sentiment': REAL}, (_BCLSTM,), unit='video',
           select_on='sentiment/mae', report=_REAL,
           source='the folds of Poria et al. 2017 (bc-LSTM), with six of their training videos '
                  'held out'),
)}
