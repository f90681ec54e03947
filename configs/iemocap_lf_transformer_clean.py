"""LF-Transformer on IEMOCAP without the quirks of the original.

    python -m emojax.main --config=configs/iemocap_lf_transformer_clean.py --config.data.path=DATA

Padding is not read; features are normalised by mean and deviation of training. Layers do
not start alike. Words as in `iemocap_lf_transformer.py`.
"""

from configs import iemocap_lf_transformer, mme2e


def get_config(arg=None):
  c = mme2e.clean(iemocap_lf_transformer.get_config(arg))
  c.model.identical_layers = False
  return c
