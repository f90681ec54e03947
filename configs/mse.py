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

from configs import common, recurrent

FRAMES = 750


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
  c = recurrent.base(streams, chosen)
  if 'as_published' in chosen:
    c.protocol = 'iemocap/mse_as_published'
  if 'audio' in streams:
    c.streams.audio = common.frames('mfcc_mdre', FRAMES)
    c.streams.prosody = common.frames('prosody' if 'processed' in chosen else 'prosody_mdre', 1)
  # 'shared_bias': one number is the bias of all outputs
  c.model = {'name': name, **model, 'shared_bias': True}
  c.batch.size = 128
  c.batch.sampler = 'with_replacement'
  c.optim.learning_rate = 1e-3
  c.train.num_epochs = 286  # 10,000 steps
  c.train.evaluate_every_steps = 11  # 0.3 of an epoch
  c.control.metric = 'emotion/loss'
  c.control.patience = 8
  return tiny(c) if 'tiny' in chosen else c


def clean(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """The same without the quirks: every class has its bias, classes exclude each other, features
  have one scale, every utterance is read once an epoch, batches are grouped by length.
  """
  c.batch.size = min(c.batch.size, 32)
  c.train.evaluate_every_steps = 0
  c.control.metric = ''
  if 'audio' in c.streams:
    c.streams.audio.normalise = c.streams.prosody.normalise = 'train'
  return recurrent.clean(c, num_epochs=40, audio=(200, 300, 450, 600, 750))


def tiny(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Runs in seconds."""
  c.train.evaluate_every_steps = 0
  return recurrent.tiny(c, audio=100)
