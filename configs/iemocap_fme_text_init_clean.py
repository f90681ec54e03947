"""FME's text model begun by sound, on IEMOCAP without the quirks.

Otherwise `iemocap_fme_text_init`; see `fme.clean`.

    python -m emojax.main --config=configs/iemocap_fme_text_init_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import fme, iemocap_fme_text_init


def get_config(arg=None):
  c = fme.clean(iemocap_fme_text_init.get_config(arg))
  c.init_from = 'audio=runs/iemocap_fme_audio_clean/members/{fold}-seed{seed}'
  return c
