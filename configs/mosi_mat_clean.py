"""MAT on CMU-MOSI without the quirks that cost time or depend on padding; otherwise `mosi_mat`.

See `modulated_fusion.clean`; the protocol is the honest one.

    python -m emojax.main --config=configs/mosi_mat_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import common, modulated_fusion, mosi_mat


def get_config(arg=None):
  common.arguments(arg, *mosi_mat.TASKS, 'tiny')
  # from lengths of the release: half its utterances have ten words or fewer, a tenth over 22
  return modulated_fusion.clean(
    mosi_mat.get_config(arg), audio=(12, 18, 26, 38, 60), text=(7, 10, 16, 24, 30))
