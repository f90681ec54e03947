"""FME's attention model, on IEMOCAP, as published but for an honest protocol.

Ornelas 2019, "fused-multimodal-emotion" (ETH Zurich), settings of its report. The original has no
flags: `parameters.py` is edited, then `python train_multimodal_attention.py` is run.

    python -m emojax.main --config=configs/iemocap_fme_attn.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

tests on each session in turn, the epoch chosen on validation. `:as_published` divides utterances at
random and tests what was trained last (its report: accuracy 0.610);
`:processed` reads the author's files. `:tiny` runs in seconds. Fields: `configs/fme.py`.
"""

from configs import common, fme


def get_config(arg=None):
  chosen = common.arguments(arg, 'as_published', 'processed', 'tiny')
  c = fme.published(
    'fme_attn', chosen, streams=('text', 'audio'), hidden_audio=200,
    hidden_text=200, num_layers_audio=1, filters=(4, 8), **fme.CONVOLUTIONS, dropout_audio=0.2,
    dropout_text=0.45, memory_layout='reshape')
  c.optim.learning_rate = 0.0003
  if 'tiny' not in chosen:
    c.train.num_epochs = 1000
  return c
