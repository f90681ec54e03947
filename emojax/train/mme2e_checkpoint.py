"""Checkpoints of the original LF_RNN and LF_Transformer, MME2E's baselines, as members of a run.

A file is a state dict and nothing else. What it was trained on and with which seed its name says,
and a pickle of the same name how, if it is still there:

    savings/models/lf_rnn_tav_Acc_0.71_F1_0.49_AUC_0.75_imginvl500_seed0.pt
    savings/stats/lf_rnn_tav_Acc_0.71_F1_0.49_AUC_0.75_imginvl500_seed0.pt

The latter may also lie beside the former, with another ending. See `importing` for what every
reader is asked.
"""

import dataclasses
import math
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ml_collections
import numpy as np
import xxhash

from emojax.data import fitted as fitted_lib
from emojax.io import parameters, pickles, torch_files
from emojax.protocols import protocol as protocol_lib
from emojax.train import control, experiment, imported, importing

MODELS = {'lf_rnn': 'LF_RNN', 'lf_transformer': 'LF_Transformer'}
SCOPES = {'rnns': 'lf_rnn', 'transformers': 'lf_transformer'}  # what names begin with
SCOPES_OF_MME2E = {'T', 'V', 'A', 'mtcnn'}
LETTERS = {'t': 'text', 'a': 'audio', 'v': 'video'}
FUSION = 'weighted_fusion.weight'
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
FLAGS = {
  'dataset': str, 'audio_feature_type': int, 'learning_rate': float, 'weight_decay': float,
  'batch_size': int, 'epochs': int, 'early_stop': int, 'clip': float, 'scheduler': bool}
IDENTITY = {'model': str, 'modalities': str, 'seed': int, 'loss': str}
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


@dataclasses.dataclass(frozen=True)
class Checkpoint:
  """One file.

  Attributes:
    path: as it was given.
    checksum: xxh3 of its bytes.
    model: one of `MODELS`.
    state_dict: the original's name -> values, of all three modalities.
    widths: letter of a modality -> width of its frames.
    modalities: letters of those that it was trained on; None: fewer than three, and nobody says
      which.
    seed: None: nobody says it.
    scores: 'Acc', 'F1', 'AUC' that the name tells.
    stats: the pickle of its training; None: there is none.
    args: the flags of its training in `FLAGS` and `IDENTITY`, as far as `stats` has them.
    best_epoch: from 1, after which it was saved; None: nobody says it.
  """

  path: pathlib.Path
  checksum: str
  model: str
  state_dict: Mapping[str, np.ndarray]
  widths: Mapping[str, int]
  modalities: str | None
  seed: int | None
  scores: Mapping[str, float]
  stats: pathlib.Path | None
  args: Mapping[str, Any]
  best_epoch: int | None

  @property
  def number(self) -> int:
    """How many modalities are joined."""
    return self.state_dict[FUSION].shape[1]

  @property
  def classes(self) -> int:
    return len(self.state_dict['affines.t.2.weight'])


def read(path: str | pathlib.Path) -> Checkpoint:
  """Reads a file, its name, and the pickle of its training if that is found.

  Raises:
    ValueError: if it is another model's, or these three contradict each other.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise ValueError(f'{path} is no file.')
  content = torch_files.load(path)
  model = _model_of(path, content)
  state_dict = importing.finite_tensors(path, content, 'the state dict')
  widths, number = _widths(path, model, state_dict), state_dict[FUSION].shape[1]
  stats = _stats_of(path)
  args, best_epoch = read_stats(stats) if stats else ({}, None)
  told = {key: value for key, value in args.items() if key in ('model', 'modalities', 'seed')}
  named, scores = _said_by_name(path.name)
  for key, value in named.items():
    if _plain(told.setdefault(key, value)) != _plain(value):
      raise ValueError(f'{path} is named after {key} {value}, but {stats} says {told[key]}; give '
                       'both their own names again.')
  if told.get('model', model) != model:
    raise ValueError(f'{path} holds {MODELS[model]}, but {stats or "its name"} says '
                     f'{told["model"]}; give it its own name again.')
  letters = _plain(told['modalities']) if 'modalities' in told else 'tav' if number == 3 else None
  if letters is not None and len(letters) != number:
    raise ValueError(f'{path} joins {number} modalities, but {stats or "its name"} says '
                     f'{told["modalities"]}; give it its own name again.')
  return Checkpoint(path, xxhash.xxh3_128_hexdigest(path.read_bytes()), model, state_dict, widths,
                    letters, told.get('seed'), scores, stats, args, best_epoch)


def read_stats(path: pathlib.Path) -> tuple[dict[str, Any], int | None]:
  """(flags in `FLAGS` and `IDENTITY`, epoch of the best) that a pickle of the original tells.

  Raises:
    ValueError: if it is none, or the flags are not the original's.
  """
  without = 'Move it away to import the checkpoint without it.'
  try:
    content = pickles.load(path)
  except ValueError as error:
    raise ValueError(f'{error} {without}') from error
  match content:
    case {'args': dict(args)}:
      pass
    case _:
      raise ValueError(f"{path} has no dict 'args', which the original writes there. {without}")
  kinds = {**FLAGS, **IDENTITY}
  plain = {name: args[name] for name in kinds if args.get(name) is not None}
  fits = {'loss': 'bce'.__eq__, 'modalities': lambda letters: {*letters} <= {*LETTERS},
          **dict.fromkeys(('batch_size', 'epochs'), (1).__le__), 'seed': (0).__le__}
  wrong = importing.wrong_values(plain, kinds) or [
    f'{name}={plain[name]!r}' for name, test in fits.items()
    if name in plain and not test(plain[name])]
  if wrong:
    raise ValueError(f'{path}: args are not those of MME2E: {"; ".join(wrong)}. {without}')
  epoch = content.get('best_epoch')
  return plain, epoch if type(epoch) is int and 0 < epoch < 2**16 else None


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
    raise ValueError(f'{first.path} reads audio of {first.widths["a"]} numbers, but MME2E has '
                     f'{_listed(f"{width} on {name}" for width, name in DATASETS.items())}; say '
                     f'which dataset it is of: --config=configs/iemocap_{model}.py:as_published or '
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
    lines.append(f'Nobody says {_listed(flags)}: as in the config.'
                 + ('' if first.stats else ' The original wrote them under the same name to '
                    'savings/stats, and there is no such file near by.'))
  if config.model.name == 'lf_transformer':
    lines.append('A file does not say its heads of attention: '
                 f'{_listed(f"{number} of {name}" for name, number in HEADS.items())}, as in the '
                 'original.')
  lines.append('A file has no thresholds: they are found on validation before it is first scored.')
  lines.append("Nor Adam's moments and the best score on validation: trained on, it begins without"
               + ('.' if first.best_epoch and 'batch_size' in first.args else
                  f', and updates count from {STEPS}.'))
  seedless = [file.path for file in checkpoints if file.seed is None]
  lines += [f'{path} does not say its seed: it counts as seed 0.' for path in seedless]
  if dropped := [name for name in LETTERS.values() if name not in config.streams]:
    lines.append(f'Layers of {_listed(dropped)} are left out: they were never trained.')
  notices = [] if 'dataset' in first.args else [
    'imported: the file does not say on which utterances it was trained; that they are those of '
    'these lists is taken from the code of MME2E']
  notices += ['imported: its seed is not known, and stands as 0'] if seedless else []
  return importing.Description(widths, tuple(lines), '\n'.join(notices))


def _model_of(path: pathlib.Path, content: Any) -> str:
  """The model whose state dict it is."""
  names = list(content) if isinstance(content, dict) else []
  scopes = {str(name).split('.')[0] for name in names}
  found = [model for scope, model in SCOPES.items() if scope in scopes]
  if len(found) == 1:
    return found[0]
  if {'state_dict', 'optimizer', 'args'} <= scopes:
    raise ValueError(f'{path} is a checkpoint of MAT or MNT; say --model=mat or --model=mnt.')
  if scopes & SCOPES_OF_MME2E:
    raise ValueError(f'{path} is a checkpoint of MME2E, which is not built yet; its baselines are: '
                     f'{", ".join(MODELS)}.')
  held = ', '.join(f'{name!a:.40}' for name in names[:5]) or type(content).__name__
  raise ValueError(f'{path} is no checkpoint of LF_RNN or LF_Transformer: expected a state dict of '
                   f'rnns.t.weight_ih_l0 and the like, or transformers.t...; it holds: {held}.')


def _widths(path: pathlib.Path, model: str, state_dict: Mapping[str, np.ndarray],
            ) -> dict[str, int]:
  """Letter -> width of frames; tensors that sizes are read from are those of a model."""
  first = {letter: f'affines.{letter}.0.weight' for letter in LETTERS}
  needed = [*first.values(), 'affines.t.2.weight', FUSION]
  lacking = [name for name in needed if np.ndim(state_dict.get(name)) != 2]
  if lacking:
    raise ValueError(f'{path} lacks {", ".join(lacking)}, matrices that every {MODELS[model]} has, '
                     'whatever modalities it was trained on.')
  if not 1 <= state_dict[FUSION].shape[1] <= len(LETTERS):
    raise ValueError(f'{path}: {FUSION} is {state_dict[FUSION].shape}, expected (1, 1) to (1, 3).')
  states = 2 if model == 'lf_rnn' else 1
  return {letter: state_dict[name].shape[1] // states for letter, name in first.items()}


def _said_by_name(name: str) -> tuple[dict[str, Any], dict[str, float]]:
  """('model', 'modalities', 'seed' -> what a file's name says of it, scores that it tells)."""
  found = {}
  if match := re.match(r'(lf_rnn|lf_transformer|mme2e(?:_sparse)?)_([tav]{1,3})_', name):
    found |= {'model': match[1], 'modalities': match[2]}
  if match := re.search(r'_seed(\d{1,9})\.', name):
    found['seed'] = int(match[1])
  scores = re.findall(r'(?<=_)(Acc|F1|AUC)_(\d+(?:\.\d+)?)(?=_)', name)
  return found, {key: float(value) for key, value in scores}


def _plain(value: Any) -> Any:
  """Letters of modalities in one order, each once; anything else as it is."""
  if isinstance(value, str) and set(value) <= {*LETTERS}:
    return ''.join(letter for letter in LETTERS if letter in value)
  return value


def _stats_of(path: pathlib.Path) -> pathlib.Path | None:
  """The pickle of a file's training; None: there is none."""
  folders = path.absolute().parent.parent / 'stats', path.parent
  for folder in filter(pathlib.Path.is_dir, folders):
    for other in sorted(folder.iterdir()):
      if other.stem == path.stem and other.is_file() and not other.samefile(path):
        with other.open('rb') as file:
          start = file.read(len(torch_files.STREAM_START))
        if start.startswith(b'\x80') and start != torch_files.STREAM_START:
          return other
  return None


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
  has = f'config.streams has {_listed(LETTERS[letter] for letter in there)}, but {first.path}'
  if wanted is None:
    raise ValueError(f'{has} joins {first.number} modalities.')
  if [*wanted] != there:
    raise ValueError(f'{has} was trained on {_listed(LETTERS[letter] for letter in wanted)}; add '
                     f'{first.modalities} to the words behind the colon of --config.')
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


def _listed(names: Iterable[str]) -> str:
  """'one, two and three'."""
  *some, last = [*names] or ['none']
  return f'{", ".join(some)} and {last}' if some else last
