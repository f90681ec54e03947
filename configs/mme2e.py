"""What all experiments with the baselines of MME2E share; an experiment's file states its model.

Dai et al. 2021 (NAACL, arXiv 2103.09666); settings by the README of the authors' code. The
original's flags and our fields:

    -bs batch.size                  --dataset the config's name     --datapath data.path
    -lr optim.learning_rate         -mo model.name                  -mod words of the config: tav
    -wd optim.l2                    -hfcs the features say it       --hand-crafted always
    -ep train.num_epochs            -aft word of the config: hcf_audio1 .. hcf_audio6
    -es control.patience            --trans-nlayers model.num_layers
    -cl optim.clip_norm             --num-emotions the protocol says it
    -sc optim.schedule=cosine       --loss bce; others fail in the original
    -se seed                        -cu CUDA_VISIBLE_DEVICES

    --text-lr-factor optim.rate_factors, for models with a text tower, which these are not
    --valid --test --ckpt --ckpt-mod do not work there: emojax.evaluate, config.init_from
    --optim --fusion --feature-dim -dr -nl -hs -bi --gru are never read there; nor, by these models,
    --text-model-size -st --trans-dim --trans-nheads --img-interval --text-max-len
"""

import ml_collections

from configs import common

LETTERS = {'t': 'text', 'a': 'audio', 'v': 'video'}
SUBSETS = ('tav', 'ta', 'tv', 'av', 't', 'a', 'v')
FEATURES = tuple(f'hcf_audio{number or ""}' for number in range(7))
# the longest utterance that is read; a longer one is cut, and counted
LENGTHS = {'text': 100, 'audio': 400, 'video': 400}
GENERATED = {'text': 20, 'audio': 40, 'video': 30}  # the longest there are


def baseline(corpus: str, chosen: set[str], *, name: str, **model) -> ml_collections.ConfigDict:
  """A baseline as published, on the authors' hand-crafted features.

  Args:
    corpus: 'iemocap' or 'mosei'.
    chosen: words of the config: one of `SUBSETS`, one of `FEATURES`, 'generated'.
    name: of the model.
    model: its sizes and rates.
  """
  c = common.base()
  c.data.source = 'processed'
  generated = 'generated' in chosen
  if generated:
    c.data.source, c.data.table = 'table', 'generated'
  audio = common.one_of(chosen, *FEATURES)
  features = {'text': 'hcf_text', 'audio': audio, 'video': 'hcf_video'}
  for letter in common.one_of(chosen, *SUBSETS):
    stream = LETTERS[letter]
    c.streams[stream] = common.frames(
      stream if generated else features[stream],
      length=(GENERATED if generated else LENGTHS)[stream])
  if corpus == 'mosei':
    c.protocol = 'mosei/emotion6' if generated else 'mosei/emotion6_mme2e'
  elif 'as_published' in chosen:
    c.protocol = 'iemocap/mme2e_questions_as_published'
  else:
    c.protocol = 'iemocap/loso5_six_questions'
  c.heads.emotion = common.multi_label(
    over_labels='mean', class_weights='balanced', thresholds='f1')
  # 'read_padding': zeros up to the longest of a batch are read
  c.model = {'name': name, **model, 'read_padding': True}
  c.batch.evaluation_size = 32
  c.optim.learning_rate = 5e-4
  c.optim.clip_norm = 2.0
  c.train.num_epochs = 60
  c.control.metric = 'emotion/f1_macro'
  c.control.patience = 8
  return tiny(c) if 'tiny' in chosen else c


def clean(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """The same without the quirks: padding is not read, features have one scale.

  Batches are grouped by length.
  """
  c.model.read_padding = False
  for name, stream in c.streams.items():
    stream.normalise = 'train'
    c.batch.buckets[name] = (-(-stream.length // 4), -(-stream.length // 2), stream.length)
  c.batch.evaluation_size = 64
  return c


def tiny(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Runs in seconds."""
  for stream in c.streams.values():
    stream.length = min(stream.length, 40)
  c.batch.size = 16
  c.train.num_epochs = 2
  return c
