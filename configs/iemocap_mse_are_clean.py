"""ARE, a GRU over MFCCs, on IEMOCAP without the quirks.

Otherwise `iemocap_mse_are`; see `mse.clean`.

    python -m emojax.main --config=configs/iemocap_mse_are_clean.py --config.data.path=DATA
"""

from configs import iemocap_mse_are, mse


def get_config(arg=None):
  return mse.clean(iemocap_mse_are.get_config(arg))
