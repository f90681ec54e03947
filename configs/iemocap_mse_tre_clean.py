"""TRE, a GRU over words, on IEMOCAP without the quirks.

Otherwise `iemocap_mse_tre`; see `mse.clean`.

    python -m emojax.main --config=configs/iemocap_mse_tre_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import iemocap_mse_tre, mse


def get_config(arg=None):
  return mse.clean(iemocap_mse_tre.get_config(arg))
