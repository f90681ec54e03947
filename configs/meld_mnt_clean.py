"""MNT on MELD without the original's quirks; otherwise `meld_mat_clean`.

    python -m emojax.main --config=configs/meld_mnt_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import meld_mat_clean, modulated_fusion


def get_config(arg=None):
  return modulated_fusion.mnt(meld_mat_clean.get_config(arg))
