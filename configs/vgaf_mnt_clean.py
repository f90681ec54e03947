"""MNT on VGAF without the original's quirks; otherwise `vgaf_mat_clean`.

    python -m emojax.main --config=configs/vgaf_mnt_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import modulated_fusion, vgaf_mat_clean


def get_config(arg=None):
  return modulated_fusion.mnt(vgaf_mat_clean.get_config(arg))
