"""FME's text model begun by sound, on IEMOCAP, as published but for an honest protocol.

Ornelas 2019, "fused-multimodal-emotion" (ETH Zurich), settings of its report. The original has no
flags: `parameters.py` is edited, then `python train_multimodal.py` is run.

    python -m emojax.main --config=configs/iemocap_fme_text_init.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

It begins with the audio encoder of `iemocap_fme_audio`, fold by fold and seed by seed, and freezes
it; so that runs first:

    python -m emojax.main --config=configs/iemocap_fme_audio.py --config.data.path=DATA
      --workdir=runs/iemocap_fme_audio

tests on each session in turn, the epoch chosen on validation. `:as_published` divides utterances at
random and tests what was trained last (no figure is published: as it stands, the code cannot run);
`:processed` reads the author's files. `:tiny` runs in seconds. Fields: `configs/fme.py`.
"""

from configs import common, fme


def get_config(arg=None):
  chosen = common.arguments(arg, 'as_published', 'processed', 'tiny')
  c = fme.published(
    'fme_text_init', chosen, streams=('text', 'audio'), hidden_audio=200,
    hidden_text=200, num_layers_audio=1, filters=(25, 50), **fme.CONVOLUTIONS, dropout_audio=0.45,
    dropout_text=0.45, freeze_audio=True)
  c.optim.learning_rate = 0.0003
  c.init_from = 'audio=runs/iemocap_fme_audio/members/{fold}-seed{seed}'
  if 'tiny' not in chosen:
    c.train.num_epochs = 100
  return c
