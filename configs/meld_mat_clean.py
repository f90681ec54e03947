"""MAT on MELD without the quirks that cost time or depend on padding; otherwise `meld_mat`.

See `modulated_fusion.clean`; the protocol is the honest one.

    python -m emojax.main --config=configs/meld_mat_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import common, meld_mat, modulated_fusion


def get_config(arg=None):
  common.arguments(arg, *meld_mat.TASKS, 'processed', 'tiny')
  # from lengths of the release: half its utterances have six words or fewer, or last 2.5 s
  return modulated_fusion.clean(
    meld_mat.get_config(arg), audio=(8, 13, 20, 32, 50), text=(5, 8, 12, 18, 30))
