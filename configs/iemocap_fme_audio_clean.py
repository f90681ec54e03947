"""FME's audio model, on IEMOCAP without the quirks.

Otherwise `iemocap_fme_audio`; see `fme.clean`.

    python -m emojax.main --config=configs/iemocap_fme_audio_clean.py --config.data.path=DATA
"""

from configs import fme, iemocap_fme_audio


def get_config(arg=None):
  return fme.clean(iemocap_fme_audio.get_config(arg))
