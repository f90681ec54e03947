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

from configs import common, recurrent

SAMPLES = 150_000
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
  c = recurrent.base(streams, chosen)
  if 'audio' in streams:
    exact = 'kept' if 'processed' in chosen else 'lost'  # his files have lost them already
    c.streams.audio = common.frames('waveform_fme', SAMPLES, exact=exact)
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
  c.control.patience = 10
  if 'as_published' in chosen:
    c.protocol = 'iemocap/fme_as_published'
    c.control.choose = 'last'
    c.control.patience = 0
  return tiny(c) if 'tiny' in chosen else c


def clean(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """The same without the quirks: padding is not read, nothing is dropped while evaluating, memory
  is in order, every class has its bias, classes exclude each other, batches are grouped by length.
  """
  c.model.read_padding = False
  if 'memory_layout' in c.model:
    c.model.memory_layout = 'transpose'
  if 'audio' in c.streams:
    c.streams.audio.exact = 'kept'
  c.evaluate_with_dropout = False
  c.optim.learning_rate = min(c.optim.learning_rate, 1e-3)
  return recurrent.clean(c, num_epochs=60, audio=(32_500, 50_000, 75_000, 100_000, 150_000))


def tiny(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Runs in seconds."""
  if 'audio' in c.streams:
    c.model.update(filters=(3, 4), kernels=(5, 3), pools=(50, 10))
  return recurrent.tiny(c, audio=20_000)
