"""LF-Transformer on CMU-MOSEI without the quirks of the original.

    python -m emojax.main --config=configs/mosei_lf_transformer_clean.py --config.data.path=DATA

Padding is not read; features are normalised by mean and deviation of training. Layers do
not start alike. Words as in `mosei_lf_transformer.py`.
"""

from configs import mme2e, mosei_lf_transformer


def get_config(arg=None):
  c = mme2e.clean(mosei_lf_transformer.get_config(arg))
  c.model.identical_layers = False
  return c
