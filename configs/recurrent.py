"""What all experiments with FME and with MSE share: words, where they are read, quirks, sizes."""

import ml_collections

from configs import common

WORDS = 128


def base(streams: tuple[str, ...], chosen: set[str]) -> ml_collections.ConfigDict:
  """Words, loss and optimizer of both originals, leave-one-session-out.

  Args:
    streams: those that the model reads.
    chosen: words of the config; 'processed' reads the authors' files.
  """
  c = common.base()
  c.protocol = 'iemocap/loso5'
  if 'text' in streams:
    c.streams.text = common.words(
      WORDS, vocabulary='clean', tokens='words_and_marks', missing='uniform')
  c.heads.emotion = common.single_label(loss='sigmoid')
  c.optim.name = 'adam_tf1'
  c.optim.clip_value = 10.0
  if 'processed' in chosen:
    c.data.source = 'processed'
    if 'text' in streams:
      c.streams.text.update(tokens='as_given', vectors='processed')
  return c


def clean(c: ml_collections.ConfigDict, *, num_epochs: int, audio: tuple[int, ...],
          ) -> ml_collections.ConfigDict:
  """Without what both have: every class has its bias, classes exclude each other, every utterance
  is read once an epoch, batches are grouped by length.

  Args:
    num_epochs: at most.
    audio: padded lengths.
  """
  c.protocol = 'iemocap/loso5'
  c.heads.emotion = common.single_label()
  c.model.shared_bias = False
  c.batch.sampler = 'reshuffle'
  c.optim.name = 'adam'
  c.optim.clip_value = 0.0
  c.optim.clip_norm = 1.0
  c.train.num_epochs = min(c.train.num_epochs, num_epochs)
  c.batch.buckets = {}
  if 'text' in c.streams:
    c.batch.buckets.text = (8, 16, 32, 128, 128)
  if 'audio' in c.streams:
    c.batch.buckets.audio = audio
  return c


def tiny(c: ml_collections.ConfigDict, *, audio: int) -> ml_collections.ConfigDict:
  """Runs in seconds; `audio`: its length."""
  for name in c.model:
    if name.startswith('hidden'):
      c.model[name] = 8
  if 'text' in c.streams:
    c.streams.text.update(length=24, vectors='random', width=12)
  if 'audio' in c.streams:
    c.streams.audio.length = audio
  c.batch.size = 16
  c.train.num_epochs = 2
  return c
