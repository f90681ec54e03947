"""What all experiments with FME share; an experiment's file states its model.

Ornelas 2019, "fused-multimodal-emotion" (ETH Zurich): `parameters.py` of the author's code, with
the settings of chapter 4 of his report where these differ. The original's names and our fields:

    batch_size batch.size               dr_prob(_audio|_text) 1 - model.dropout(_audio|_text): the
    learning_rate optim.learning_rate       code keeps so much, the report calls it dropout
    num_epochs train.num_epochs         num_filters filter_lengths pool_size
    hidden_dim(_audio|_text)                model.filters model.kernels model.pools
        model.hidden(_audio|_text)      num_layers(_audio|_text) model.num_layers(_audio)
    data_path data.path                 num_categories: the protocol's classes
    multimodal_model_status: the model fme_text_init
"""

import ml_collections

from configs import common

WORDS, SAMPLES = 128, 150_000
CONVOLUTIONS = {'kernels': (25, 5), 'pools': (50, 50)}


def published(name: str, chosen: set[str], *, streams: tuple[str, ...], **model,
              ) -> ml_collections.ConfigDict:
  """A model as published, leave-one-session-out and chosen on validation but with `as_published`.

  Args:
    name: of the model.
    chosen: words of the config: 'as_published' divides at random, and what was trained last is
      tested; 'processed' reads the author's files.
    streams: those it reads.
    model: its sizes and rates.
  """
  c = common.base()
  c.protocol = 'iemocap/loso5'
  if 'text' in streams:
    c.streams.text = common.words(
      WORDS, vocabulary='clean', tokens='words_and_marks', missing='uniform')
  if 'audio' in streams:
    c.streams.audio = common.frames('waveform_fme', SAMPLES)
  c.heads.emotion = common.single_label(loss='sigmoid')
  c.model = {
    'name': name,
    **model,
    'read_padding': True,  # GRUs run through padding to the full length
    'shared_bias': True,  # one number is the bias of all outputs
  }
  c.evaluate_with_dropout = True
  c.batch.size = 32
  c.batch.sampler = 'shuffle_once'
  c.batch.evaluation_size = 32
  c.optim.name = 'adam_tf1'
  c.optim.clip_value = 10.0
  c.control.patience = 10
  if 'as_published' in chosen:
    c.protocol = 'iemocap/fme_as_published'
    c.control.choose = 'last'
    c.control.patience = 0
  if 'processed' in chosen:
    c.data.source = 'processed'
    if 'text' in streams:
      c.streams.text.update(tokens='as_given', vectors='processed')
  return tiny(c) if 'tiny' in chosen else c


def clean(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """The same without the quirks: padding is not read, nothing is dropped while evaluating, memory
  is in order, every class has its bias, classes exclude each other, batches are grouped by length.
  """
  c.protocol = 'iemocap/loso5'
  c.heads.emotion = common.single_label()
  c.model.update(read_padding=False, shared_bias=False)
  if 'memory_layout' in c.model:
    c.model.memory_layout = 'transpose'
  c.evaluate_with_dropout = False
  c.batch.sampler = 'reshuffle'
  c.optim.name = 'adam'
  c.optim.learning_rate = min(c.optim.learning_rate, 1e-3)
  c.optim.clip_value = 0.0
  c.optim.clip_norm = 1.0
  c.train.num_epochs = min(c.train.num_epochs, 60)
  c.batch.buckets = {}
  if 'text' in c.streams:
    c.batch.buckets.text = (8, 16, 32, 128, 128)
  if 'audio' in c.streams:
    c.batch.buckets.audio = (32_500, 50_000, 75_000, 100_000, 150_000)
  return c


def tiny(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Runs in seconds."""
  for name in c.model:
    if name.startswith('hidden'):
      c.model[name] = 8
  if 'text' in c.streams:
    c.streams.text.update(length=24, vectors='random', width=12)
  if 'audio' in c.streams:
    c.streams.audio.length = 20_000
    c.model.update(filters=(3, 4), kernels=(5, 3), pools=(50, 10))
  c.batch.size = 16
  c.train.num_epochs = 2
  return c
