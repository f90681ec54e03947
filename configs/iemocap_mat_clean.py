"""MAT on IEMOCAP without the quirks that cost time or depend on padding; otherwise `iemocap_mat`.

Batches are grouped by length, attention over nothing gives zeros, masks come from lengths, unknown
words have an id of their own. All five sessions are tested on, each by a model that never saw it.

    python -m emojax.main --config=configs/iemocap_mat_clean.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt
"""

from configs import iemocap_mat


def get_config(arg=None):
  c = iemocap_mat.get_config(arg)
  c.protocol = 'iemocap/loso5'
  c.streams.text.vocabulary = 'clean'
  c.model.update(norm='standard', empty='zero', mask_zero_frames=False)
  c.batch.buckets = {'audio': (11, 16, 20, 25, 32, 40), 'text': (5, 7, 11, 15, 15, 15)}
  c.batch.evaluation_size = 64
  return c
