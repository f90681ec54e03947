"""MNT on IEMOCAP without the original's quirks; otherwise `iemocap_mat_clean`.

    python -m emojax.main --config=configs/iemocap_mnt_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import iemocap_mat_clean, modulated_fusion


def get_config(arg=None):
  return modulated_fusion.mnt(iemocap_mat_clean.get_config(arg))
