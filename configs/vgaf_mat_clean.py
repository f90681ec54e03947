"""MAT on VGAF without the quirks that cost time or depend on padding; otherwise `vgaf_mat`.

See `modulated_fusion.clean`; the protocol is the honest one.

    python -m emojax.main --config=configs/vgaf_mat_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import common, modulated_fusion, vgaf_mat


def get_config(arg=None):
  common.arguments(arg, 'tiny')
  # every clip lasts five seconds, so that frames need no buckets
  return modulated_fusion.clean(vgaf_mat.get_config(arg), text=(8, 16, 30))
