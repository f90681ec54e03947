"""MAT on IEMOCAP without the quirks that cost time or depend on padding; otherwise `iemocap_mat`.

See `modulated_fusion.clean`. All five sessions are tested on, each by a model that never saw it.

    python -m emojax.main --config=configs/iemocap_mat_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import iemocap_mat, modulated_fusion


def get_config(arg=None):
  c = modulated_fusion.clean(
    iemocap_mat.get_config(arg),
    audio=(11, 16, 20, 25, 32, 40), text=(5, 7, 11, 15, 15, 15))
  c.protocol = 'iemocap/loso5'
  return c
