"""LF-RNN on IEMOCAP without the quirks of the original.

    python -m emojax.main --config=configs/iemocap_lf_rnn_clean.py --config.data.path=DATA

Padding is not read; features are normalised by mean and deviation of training. Of text, too, both
directions are read to their end. Words as in `iemocap_lf_rnn.py`.
"""

from configs import iemocap_lf_rnn, mme2e


def get_config(arg=None):
  c = mme2e.clean(iemocap_lf_rnn.get_config(arg))
  c.model.text_state = 'final'
  return c
