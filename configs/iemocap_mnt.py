"""MNT on IEMOCAP; everything but the network as in `iemocap_mat`, arguments included.

The original's command is the same with --model Model_MNT; no result of it alone is published.

    python -m emojax.main --config=configs/iemocap_mnt.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import iemocap_mat, modulated_fusion


def get_config(arg=None):
  return modulated_fusion.mnt(iemocap_mat.get_config(arg))
