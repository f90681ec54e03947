"""MAT on CMU-MOSEI without the quirks that cost time or depend on padding; otherwise `mosei_mat`.

See `modulated_fusion.clean`; the protocol is the honest one.

    python -m emojax.main --config=configs/mosei_mat_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import common, modulated_fusion, mosei_mat


def get_config(arg=None):
  common.arguments(arg, *mosei_mat.TASKS, 'tiny')
  # from lengths of the release: half its utterances last 6.5 s or less, a quarter over 9.4 s
  return modulated_fusion.clean(
    mosei_mat.get_config(arg), audio=(18, 26, 34, 42, 50), text=(10, 15, 20, 26, 30))
