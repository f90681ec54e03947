"""MDRE, two GRUs, on IEMOCAP without the quirks.

Otherwise `iemocap_mse_mdre`; see `mse.clean`.

    python -m emojax.main --config=configs/iemocap_mse_mdre_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import iemocap_mse_mdre, mse


def get_config(arg=None):
  return mse.clean(iemocap_mse_mdre.get_config(arg))
