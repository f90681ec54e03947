"""Late fusion of two LSTMs, over words and over log-mel frames: IEMOCAP from its release.

    python -m emojax.main --config=configs/iemocap_late_fusion_recurrent.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

All five sessions are tested on, each by a model that never saw it. Streams and lengths are MAT's
(`iemocap_mat_clean`), so this is what its attention should be held against. `:tiny` runs in
seconds.
"""

from configs import common


def get_config(arg=None):
  chosen = common.arguments(arg, 'tiny')
  c = common.base()
  c.protocol = 'iemocap/loso5'
  c.streams.text = common.words(length=15, vocabulary='clean')
  c.streams.audio = common.frames('logmel_mat', length=40, normalise='train')
  c.heads.emotion = common.single_label()
  c.model = {
    'name': 'late_fusion_recurrent',
    'hidden': 64,
    'pool': 'mean',  # of an LSTM's states over real frames; or 'last'
    'fusion': 'sum',  # of the modalities; or 'concatenate'
    'dropout_input': 0.2,
    'dropout': 0.5,
  }
  c.batch.buckets = {'audio': (16, 25, 40), 'text': (7, 15, 15)}
  c.optim.learning_rate = 1e-3
  c.train.num_epochs = 30
  c.control.patience = 5
  if 'tiny' in chosen:
    c.streams.text.update(vectors='random', width=12)
    c.model.hidden = 16
    c.train.num_epochs = 2
  return c
