"""MNT on CMU-MOSEI without the original's quirks; otherwise `mosei_mat_clean`.

    python -m emojax.main --config=configs/mosei_mnt_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import modulated_fusion, mosei_mat_clean


def get_config(arg=None):
  return modulated_fusion.mnt(mosei_mat_clean.get_config(arg))
