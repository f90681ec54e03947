"""FME's text model, on IEMOCAP, as published but for an honest protocol.

Ornelas 2019, "fused-multimodal-emotion" (ETH Zurich), settings of its report. The original has no
flags: `parameters.py` is edited, then `python train_text.py` is run.

    python -m emojax.main --config=configs/iemocap_fme_text.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

tests on each session in turn, the epoch chosen on validation. `:as_published` divides utterances at
random and tests what was trained last (its report: accuracy 0.625);
`:processed` reads the author's files. `:tiny` runs in seconds. Fields: `configs/fme.py`.
"""

from configs import common, fme


def get_config(arg=None):
  chosen = common.arguments(arg, 'as_published', 'processed', 'tiny')
  c = fme.published(
    'fme_text', chosen, streams=('text',), hidden=200, dropout=0.45)
  c.optim.learning_rate = 0.003
  if 'tiny' not in chosen:
    c.train.num_epochs = 10
  return c
