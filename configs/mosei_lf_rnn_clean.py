"""LF-RNN on CMU-MOSEI without the quirks of the original.

    python -m emojax.main --config=configs/mosei_lf_rnn_clean.py --config.data.path=DATA

Padding is not read; features are normalised by mean and deviation of training. Of text, too, both
directions are read to their end. Words as in `mosei_lf_rnn.py`.
"""

from configs import mme2e, mosei_lf_rnn


def get_config(arg=None):
  c = mme2e.clean(mosei_lf_rnn.get_config(arg))
  c.model.text_state = 'final'
  return c
