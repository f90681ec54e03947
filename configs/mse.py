"""What all experiments with MDRE and its kin share; an experiment's file states its model.

Yoon, Byun, Jung 2018 (arXiv 1810.04635); settings by `reference_script.sh` of the authors' code.
The original's flags and our fields:

    --batch_size batch.size             --dr(_audio|_text) 1 - model.dropout(_audio|_text): it says
    --lr optim.learning_rate                what is kept
    --num_train_steps train.num_epochs  --num_layer(_audio|_text) model.num_layers(_audio|_text)
    --use_glove 1 streams.text.vectors  --hidden_dim(_audio|_text) model.hidden(_audio|_text)
    --data_path data.path               --encoder_size(_audio|_text) streams.audio|text.length
    --graph_prefix --workdir            --is_save 0 has no field: the best is always kept
"""

import ml_collections

from configs import common

WORDS, FRAMES = 128, 750
MODALITIES = ('text', 'audio', 'prosody')


def published(name: str, chosen: set[str], *, streams: tuple[str, ...], **model,
              ) -> ml_collections.ConfigDict:
  """A model as published, leave-one-session-out but with `as_published`.

  Args:
    name: of the model.
    chosen: words of the config: 'as_published' divides by the original's draws, 'processed' reads
      the authors' files.
    streams: those it reads.
    model: its sizes and rates.
  """
  c = common.base()
  c.protocol = 'iemocap/mse_as_published' if 'as_published' in chosen else 'iemocap/loso5'
  if 'text' in streams:
    c.streams.text = common.words(
      WORDS, vocabulary='clean', tokens='words_and_marks', missing='uniform')
  if 'audio' in streams:
    c.streams.audio = common.frames('mfcc_mdre', FRAMES)
    c.streams.prosody = common.frames('prosody_mdre', 1)
  c.heads.emotion = common.single_label(loss='sigmoid')
  # 'shared_bias': one number is the bias of all outputs
  c.model = {'name': name, **model, 'shared_bias': True}
  c.batch.size = 128
  c.batch.sampler = 'with_replacement'
  c.optim.name = 'adam_tf1'
  c.optim.learning_rate = 1e-3
  c.optim.clip_value = 10.0
  c.train.num_epochs = 286  # 10,000 steps
  c.train.evaluate_every_steps = 11  # 0.3 of an epoch
  c.control.metric = 'emotion/loss'
  c.control.patience = 8
  if 'processed' in chosen:
    c.data.source = 'processed'
    if 'text' in streams:
      c.streams.text.update(tokens='as_given', vectors='processed')
    if 'audio' in streams:
      c.streams.prosody.feature = 'prosody'
  return tiny(c) if 'tiny' in chosen else c


def clean(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """The same without the quirks: every class has its bias, classes exclude each other, features
  have one scale, every utterance is read once an epoch, batches are grouped by length.
  """
  c.protocol = 'iemocap/loso5'
  c.heads.emotion = common.single_label()
  c.model.shared_bias = False
  c.batch.sampler = 'reshuffle'
  c.batch.size = min(c.batch.size, 32)
  c.optim.name = 'adam'
  c.optim.clip_value = 0.0
  c.optim.clip_norm = 1.0
  c.train.evaluate_every_steps = 0
  c.train.num_epochs = min(c.train.num_epochs, 40)
  c.control.metric = ''
  c.batch.buckets = {}
  if 'text' in c.streams:
    c.batch.buckets.text = (8, 16, 32, 128, 128)
  if 'audio' in c.streams:
    c.streams.audio.normalise = c.streams.prosody.normalise = 'train'
    c.batch.buckets.audio = (200, 300, 450, 600, 750)
  return c


def tiny(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Runs in seconds."""
  for name in c.model:
    if name.startswith('hidden'):
      c.model[name] = 8
  if 'text' in c.streams:
    c.streams.text.update(length=24, vectors='random', width=12)
  if 'audio' in c.streams:
    c.streams.audio.length = 100
  c.batch.size = 16
  c.train.num_epochs = 2
  c.train.evaluate_every_steps = 0
  return c
