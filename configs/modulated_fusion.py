"""What all experiments with MAT and MNT share; an experiment's file states corpus and protocol."""

import ml_collections

from configs import common


def published(*, text: int, audio: int) -> ml_collections.ConfigDict:
  """MAT as its README trains it on IEMOCAP, the only sizes that were published.

  Args:
    text: words that are read of an utterance, from the first.
    audio: frames that are read, 0.2 s each.
  """
  c = common.base()
  c.streams.text = common.words(length=text)
  c.streams.audio = common.frames('logmel_mat', length=audio)
  c.model = {
    'name': 'mat',
    'hidden': 512,
    'feed_forward': 1024,
    'num_layers': 2,
    'num_heads': 4,
    'dropout_input': 0.0,
    'dropout': 0.1,
    'dropout_output': 0.5,
    'norm': 'torch_std',  # divides by (unbiased std + 1e-6); 'standard' is the usual layer norm
    'empty': 'uniform',  # attention where nothing is real; 'zero' does not depend on padding
    'mask_zero_frames': True,  # a frame of zeros counts as padding
  }
  c.batch.size = 32
  c.batch.evaluation_size = 32
  c.optim.learning_rate = 1e-4
  c.train.num_epochs = 99
  c.control.decay = 0.2
  c.control.decay_times = 2
  c.control.patience = 3
  return c


def from_authors(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Reads the authors' processed files, and fits the vocabulary on all sentences as they do."""
  c.data.source = 'processed'
  c.streams.text.fit_on = 'all'
  return c


def tiny(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Runs in seconds."""
  c.streams.text.vectors = 'random'
  c.streams.text.width = 12
  c.model.update(hidden=16, feed_forward=24, num_layers=1, num_heads=2)
  c.optim.learning_rate = 1e-3
  c.train.num_epochs = 2
  return c


def mnt(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """The same with MNT."""
  # 'relu' lets the text raise scales and shifts of the audio's norms only; or 'linear'
  c.model.update(name='mnt', condition='relu')
  return c


def clean(c: ml_collections.ConfigDict, **buckets: tuple[int, ...]) -> ml_collections.ConfigDict:
  """The same without the quirks that cost time or depend on padding.

  Batches are grouped by length (`buckets`), attention over nothing gives zeros, masks come from
  lengths, unknown words have an id of their own, and words come from labelled utterances alone.
  """
  c.streams.text.vocabulary = 'clean'
  c.streams.text.fit_on = 'labelled'
  c.model.update(norm='standard', empty='zero', mask_zero_frames=False)
  c.batch.buckets = buckets
  c.batch.evaluation_size = 64
  return c
