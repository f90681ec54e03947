"""Checkpoints of the original LF_RNN and LF_Transformer, MME2E's baselines, as members of a run.

What a file holds `mme2e_file` reads; here is which experiment of ours it belongs to. See
`importing` for what every reader is asked.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import ml_collections

from emojax import phrase
from emojax.data import fitted as fitted_lib
from emojax.io import parameters
from emojax.protocols import protocol as protocol_lib
from emojax.train import control, experiment, imported, importing
from emojax.train.mme2e_file import FLAGS, FUSION, LETTERS, MODELS, Checkpoint, read

__all__ = ['MODELS', 'read']  # of every reader

OF_MODALITY = re.compile(r'\w+\.([tav])\.')
HEADS = {'text': 4, 'audio': 2, 'video': 5}  # of attention, in LF_Transformer
DATASETS = {144: 'iemocap', 74: 'mosei'}  # by the width of audio
PROTOCOLS = {'iemocap': 'iemocap/mme2e_questions_as_published', 'mosei': 'mosei/emotion6_mme2e'}
STEPS = 1  # of a file that does not say them

# our field -> the original's flag
SETTINGS = {
  'optim.learning_rate': 'learning_rate', 'optim.l2': 'weight_decay', 'batch.size': 'batch_size',
  'batch.evaluation_size': 'batch_size', 'train.num_epochs': 'epochs',
  'control.patience': 'early_stop'}
# What the original has no flag for, or never reads.
FIXED = {
  'members.folds': 'all', 'model.read_padding': True, 'batch.sampler': 'reshuffle',
  'optim.name': 'adam', 'optim.b1': 0.9, 'optim.b2': 0.999, 'optim.eps': 1e-8,
  'optim.weight_decay': 0.0, 'optim.rate_factors': '', 'optim.clip_value': 0.0,
  'train.evaluate_every_epochs': 1, 'train.evaluate_every_steps': 0,
  'control.choose': 'best', 'control.decay_times': 0, 'control.first_evaluation': 0}
FIXED_OF_MODEL = {
  'lf_rnn': {'model.text_state': 'at_the_end'},
  'lf_transformer': {'model.dropout': 0.1, 'model.identical_layers': True,
                     **{f'model.num_heads_{name}': number for name, number in HEADS.items()}}}
FIXED_OF_HEAD = {'kind': 'multi_label', 'reduction': 'mean', 'weight': 1.0, 'over_labels': 'mean',
                 'class_weights': 'balanced', 'thresholds': 'f1', 'thresholds_on': 'valid'}


def check_together(checkpoints: Sequence[Checkpoint], model: str) -> None:
  """Refuses files of another model than `model`, and such as are not members of one run."""
  first, *others = checkpoints
  for checkpoint in checkpoints:
    importing.refuse_other(checkpoint.path, checkpoint.model, model, MODELS)
  for other in others:
    importing.check_same_sizes(first.path, first.state_dict, other.path, other.state_dict)
    alike = [{'modalities': file.modalities} | {
      flag: file.args.get(flag) for flag in FLAGS} for file in (first, other)]
    if different := [f'{name}: {value!r} and {alike[1][name]!r}'
                     for name, value in alike[0].items() if alike[1][name] != value]:
      raise ValueError(f'{first.path} and {other.path} differ in more than the seed '
                       f'({"; ".join(different)}); make a run of each.')
  importing.check_seeds((file.path, file.seed or 0) for file in checkpoints)


def config_name(checkpoints: Sequence[Checkpoint], model: str) -> str:
  """configs/NAME.py:words of the published experiment.

  Raises:
    ValueError: if nobody says of which dataset or modalities the files are.
  """
  first = checkpoints[0]
  dataset = first.args.get('dataset') or DATASETS.get(first.widths['a'])
  if dataset is None:
    known = phrase.listed(f'{width} on {name}' for width, name in DATASETS.items())
    raise ValueError(f'{first.path} reads audio of {first.widths["a"]} numbers, but MME2E has '
                     f'{known}; say which dataset it is of: '
                     f'--config=configs/iemocap_{model}.py:as_published or '
                     f'--config=configs/mosei_{model}.py.')
  if dataset not in PROTOCOLS:
    raise ValueError(f'{first.path} was trained on dataset {dataset!r}; there are: '
                     f'{", ".join(PROTOCOLS)}.')
  words = ['as_published'] if dataset == 'iemocap' else []
  if first.modalities is None:
    example = ','.join([*words, 'tav'[:first.number]])
    raise ValueError(f'{first.path} joins {first.number} modalities, and nobody says which; give '
                     f'it its own name again ({model}_{"tav"[:first.number]}_...), or say it: '
                     f'--config=configs/{dataset}_{model}.py:{example}.')
  words.append(first.modalities)
  kind = first.args.get('audio_feature_type')
  if kind and dataset == 'iemocap' and 'a' in first.modalities:
    words.append(f'hcf_audio{kind}')
  return f'configs/{dataset}_{model}.py:{",".join(words)}'


def configure(config: ml_collections.ConfigDict, checkpoints: Sequence[Checkpoint], model: str,
              ) -> None:
  """Sets in `config` all that the files say, and what the original has no setting for.

  Raises:
    ValueError: if it is of another experiment, or reads other modalities.
  """
  importing.check_model(config, model)
  first, args = checkpoints[0], checkpoints[0].args
  _check_protocol(config, first)
  _check_streams(config, first)
  if config.batch.buckets:
    raise ValueError('config.batch.buckets is set, but the original pads to the longest of a '
                     'batch, on which its results depend; choose a config without.')
  [head] = config.heads
  values = {
    **FIXED, **FIXED_OF_MODEL[model],
    **{f'heads.{head}.{name}': value for name, value in FIXED_OF_HEAD.items()},
    **{f'streams.{name}.normalise': 'none' for name in config.streams},
    **{field: args[flag] for field, flag in SETTINGS.items() if flag in args},
    'control.metric': f'{head}/f1_macro'}
  for field in ('optim.learning_rate', 'optim.l2'):
    if field in values:
      values[field] = float(values[field])
  if 'clip' in args:
    values['optim.clip_norm'] = max(float(args['clip']), 0.0)
  if 'scheduler' in args:
    values['optim.schedule'] = 'cosine' if args['scheduler'] else 'constant'
  if model == 'lf_transformer':
    values |= _sizes(config, first)
  importing.set_fields(config, values, [file.seed or 0 for file in checkpoints], first.path)


def read_words(checkpoints: Sequence[Checkpoint], vocabulary: str | None,
               config: ml_collections.ConfigDict) -> tuple[fitted_lib.Fitted, dict[str, Any]]:
  """These models read vectors of words: there is no vocabulary."""
  del checkpoints
  return importing.without_words(config, vocabulary)


def sources(checkpoints: Iterable[Checkpoint], config: ml_collections.ConfigDict) -> list[
    imported.Source]:
  """The files in our names, without layers that were never used; Adam's moments are lost."""
  table = experiment.module('models', config.model.name, 'config.model.name').FROM_TORCH
  [head] = config.heads
  found = []
  for checkpoint in checkpoints:
    used = {name: value for name, value in checkpoint.state_dict.items()
            if _is_used(name, config.streams)}
    epochs = checkpoint.best_epoch if 'batch_size' in checkpoint.args else None
    found.append(imported.Source(
      checkpoint.path, checkpoint.seed or 0, parameters.rename(used, table, head=head), {},
      epochs * _steps_per_epoch(config) if epochs else STEPS,
      control.Progress(evaluations=epochs or 0, best_evaluation=epochs or 0),
      {'file': str(checkpoint.path), 'xxh3': checkpoint.checksum, 'scores': checkpoint.scores,
       'stats': str(checkpoint.stats) if checkpoint.stats else None, 'args': checkpoint.args,
       'best_epoch': checkpoint.best_epoch}))
  return found


def describe(checkpoints: Sequence[Checkpoint], config: ml_collections.ConfigDict,
             ) -> importing.Description:
  """Widths of frames; and a good deal is left open, less if the pickles of training are there."""
  first = checkpoints[0]
  widths = {config.streams[name].feature: first.widths[letter]
            for letter, name in LETTERS.items() if name in config.streams}
  lines = []
  if flags := [flag for flag in FLAGS if flag not in first.args
               and (flag != 'audio_feature_type' or _has_kinds(config))]:
    lines.append(f'Nobody says {phrase.listed(flags)}: as in the config.'
                 + ('' if first.stats else ' The original wrote them under the same name to '
                    'savings/stats, and there is no such file near by.'))
  if config.model.name == 'lf_transformer':
    heads = phrase.listed(f'{number} of {name}' for name, number in HEADS.items())
    lines.append(f'A file does not say its heads of attention: {heads}, as in the original.')
  lines.append('A file has no thresholds: they are found on validation before it is first scored.')
  lines.append("Nor Adam's moments and the best score on validation: trained on, it begins without"
               + ('.' if first.best_epoch and 'batch_size' in first.args else
                  f', and updates count from {STEPS}.'))
  seedless = [file.path for file in checkpoints if file.seed is None]
  lines += [f'{path} does not say its seed: it counts as seed 0.' for path in seedless]
  if dropped := [name for name in LETTERS.values() if name not in config.streams]:
    lines.append(f'Layers of {phrase.listed(dropped)} are left out: they were never trained.')
  notices = [] if 'dataset' in first.args else [
    'imported: the file does not say on which utterances it was trained; that they are those of '
    'these lists is taken from the code of MME2E']
  notices += ['imported: its seed is not known, and stands as 0'] if seedless else []
  return importing.Description(widths, tuple(lines), '\n'.join(notices))


def _is_used(name: str, streams: Iterable[str]) -> bool:
  """Whether a parameter counts; the original has layers of all modalities, and of one a weight."""
  if match := OF_MODALITY.match(name):
    return LETTERS[match[1]] in streams
  return name != FUSION or len(list(streams)) > 1


def _check_protocol(config: ml_collections.ConfigDict, first: Checkpoint) -> None:
  """Refuses a protocol with other parts than the original's, or other classes than the file's."""
  wanted = {dataset: name for dataset, name in PROTOCOLS.items()
            if first.args.get('dataset', dataset) == dataset}
  if config.protocol not in wanted.values():
    raise ValueError(f'config.protocol={config.protocol!r}, but {first.path} was trained on the '
                     "original's own lists, which put others into the training part; choose "
                     + ' or '.join(f'configs/{dataset}_{first.model}.py'
                                   + (':as_published' if name.endswith('_as_published') else '')
                                   for dataset, name in wanted.items()) + '.')
  [head] = config.heads
  names = protocol_lib.load(config.protocol).labels[head].names
  if len(names) != first.classes:
    raise ValueError(f'{first.path} decides on {first.classes} classes (--num-emotions), but '
                     f'{config.protocol} has {len(names)}: {", ".join(names)}.')


def _check_streams(config: ml_collections.ConfigDict, first: Checkpoint) -> None:
  """Refuses other modalities than the file's, and other features than the original's."""
  there = [letter for letter, name in LETTERS.items() if name in config.streams]
  wanted = first.modalities or (there if len(there) == first.number else None)
  has = f'config.streams has {phrase.listed(LETTERS[letter] for letter in there)}, but {first.path}'
  if wanted is None:
    raise ValueError(f'{has} joins {first.number} modalities.')
  if [*wanted] != there:
    was = phrase.listed(LETTERS[letter] for letter in wanted)
    raise ValueError(f'{has} was trained on {was}; add {first.modalities} to the '
                     'words behind the colon of --config.')
  for name, stream in config.streams.items():
    if stream.kind != 'frames' or not re.fullmatch(rf'hcf_{name}[1-6]?', stream.feature):
      raise ValueError(f'config.streams.{name} is not the feature hcf_{name} that the original '
                       'reads.')
  kind = first.args.get('audio_feature_type')
  feature = f'hcf_audio{kind or ""}'
  if kind is not None and _has_kinds(config) and config.streams.audio.feature != feature:
    raise ValueError(f'config.streams.audio.feature={config.streams.audio.feature!r}, but '
                     f'{first.path} was trained with --audio-feature-type {kind}; add {feature} to '
                     'the words behind the colon of --config.')


def _has_kinds(config: ml_collections.ConfigDict) -> bool:
  """Whether there are several kinds of audio features: of IEMOCAP."""
  return 'audio' in config.streams and config.protocol == PROTOCOLS['iemocap']


def _sizes(config: ml_collections.ConfigDict, first: Checkpoint) -> dict[str, int]:
  """What the tensors of LF_Transformer say of it."""
  letter = next(letter for letter, name in LETTERS.items() if name in config.streams)
  layers = [re.match(rf'transformers\.{letter}\.encoder\.layers\.(\d+)\.linear1\.bias$', name)
            for name in first.state_dict]
  layers = [match[0] for match in layers if match]
  if not layers:
    raise ValueError(f'{first.path} has no layers transformers.{letter}.encoder.layers.')
  for letter, name in LETTERS.items():
    if name in config.streams and first.widths[letter] % HEADS[name]:
      raise ValueError(f'{first.path}: its {name} is {first.widths[letter]} wide, which the '
                       f"original's {HEADS[name]} heads of attention do not divide.")
  return {'model.num_layers': len(layers),
          'model.feed_forward': first.state_dict[layers[0]].size}


def _steps_per_epoch(config: ml_collections.ConfigDict) -> int:
  """Updates that the original made in an epoch."""
  part = protocol_lib.load(config.protocol).folds[0].train
  return math.ceil(len(part.names) / config.batch.size)
