"""MNT on CMU-MOSI without the original's quirks; otherwise `mosi_mat_clean`.

    python -m emojax.main --config=configs/mosi_mnt_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import modulated_fusion, mosi_mat_clean


def get_config(arg=None):
  return modulated_fusion.mnt(mosi_mat_clean.get_config(arg))
