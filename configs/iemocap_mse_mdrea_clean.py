"""MDREA, MDRE with attention, on IEMOCAP without the quirks.

Otherwise `iemocap_mse_mdrea`; see `mse.clean`.

    python -m emojax.main --config=configs/iemocap_mse_mdrea_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import iemocap_mse_mdrea, mse


def get_config(arg=None):
  return mse.clean(iemocap_mse_mdrea.get_config(arg))
