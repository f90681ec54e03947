"""FME's text model, on IEMOCAP without the quirks.

Otherwise `iemocap_fme_text`; see `fme.clean`.

    python -m emojax.main --config=configs/iemocap_fme_text_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import fme, iemocap_fme_text


def get_config(arg=None):
  return fme.clean(iemocap_fme_text.get_config(arg))
