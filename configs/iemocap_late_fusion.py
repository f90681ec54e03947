"""Late fusion of eGeMAPS statistics and a text vector: IEMOCAP, Sessions 1 to 4, from a table.

    python -m data_builders.table iemocap/sessions1_4 FILE.npz --data_dir DATA
    python -m emojax.main --config=configs/iemocap_late_fusion.py --config.data.path=DATA

Four classes, each session tested by a model that never saw it, the number of epochs found on the
next session and then trained on all other three (`refit`): mean UA 0.710, sd over folds 0.043; UA
pooled over 4,290 utterances of eight speakers 0.707 (0.667 .. 0.747). A linear model has 0.674. The
text vectors were fitted on all transcripts, without labels ("transductive", as every result says).
Two minutes of two CPU cores. `:tiny` runs in seconds.
"""

from configs import common


def get_config(arg=None):
  chosen = common.arguments(arg, 'tiny')
  c = common.base()
  c.protocol = 'iemocap/loso4_sessions1to4'
  c.refit = True
  c.data.source = 'table'
  c.data.table = 'sessions1_4'
  c.streams.audio = common.frames('audio_egemaps47', length=1, normalise='train')
  c.streams.text = common.frames('text_lsa200', length=1, normalise='train')
  c.heads.emotion = common.single_label(class_weights='balanced')
  c.model = {
    'name': 'late_fusion',
    'hidden': 64,
    'fusion': 'sum',
    'dropout_input': 0.2,
    'dropout': 0.5,
  }
  c.optim.learning_rate = 1e-3
  c.train.num_epochs = 40
  c.control.metric = 'emotion/ua'
  c.control.patience = 5
  if 'tiny' in chosen:
    c.model.hidden = 16
    c.train.num_epochs = 2
  return c
