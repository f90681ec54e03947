"""MNT on CMU-MOSEI; everything but the network as in `mosei_mat`, arguments included.

The original's command is the same with --model Model_MNT; no result of it alone is published.

    python -m emojax.main --config=configs/mosei_mnt.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import modulated_fusion, mosei_mat


def get_config(arg=None):
  return modulated_fusion.mnt(mosei_mat.get_config(arg))
