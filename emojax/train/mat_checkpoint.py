"""Checkpoints of the original MAT and MNT: what a file holds, and which experiment it belongs to.

A file is what `torch.save` made of {'state_dict', 'optimizer', 'args'}. The words that it was
trained with lie in files of their own, `token_to_ix.pkl` and `train_glove.npy`.
"""

import dataclasses
import fractions
import math
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import ml_collections
import numpy as np
import xxhash

from emojax.data import authors_mat
from emojax.data import fitted as fitted_lib
from emojax.io import parameters, torch_files
from emojax.io.pickle_machine import Record
from emojax.train import control, experiment, imported, importing

MODELS = {'mat': 'Model_MAT', 'mnt': 'Model_MNT'}
MOMENTS = {'exp_avg': 'mu', 'exp_avg_sq': 'nu'}
EMBEDDING = 'embedding.weight'
WIDTHS = {authors_mat.FEATURE: authors_mat.WIDTH}
NAMES_OF_RUN = ('seed', 'name', 'output')  # in these the members of a run may differ

# our field -> the original's flag
SIZES = {
  'model.hidden': 'hidden_size', 'model.feed_forward': 'ff_size', 'model.num_layers': 'layer',
  'model.num_heads': 'multi_head', 'streams.text.width': 'word_embed_size',
  'batch.size': 'batch_size', 'train.num_epochs': 'max_epoch',
  'control.decay_times': 'lr_decay_times', 'control.patience': 'early_stop',
  'control.first_evaluation': 'eval_start',
}
RATES = {
  'model.dropout_input': 'dropout_i', 'model.dropout': 'dropout_r',
  'model.dropout_output': 'dropout_o', 'optim.learning_rate': 'lr_base',
  'control.decay': 'lr_decay',
}
FLAGS = {
  'model': str, 'dataset': str, 'task': str, 'task_binary': bool, 'seed': int,
  'grad_norm_clip': float, **dict.fromkeys(SIZES.values(), int),
  **dict.fromkeys(RATES.values(), float)}
# What the original has no flag for.
FIXED = {
  'members.folds': 'all', 'streams.text.vectors': 'processed',
  'streams.text.vocabulary': 'shared_unk',
  'streams.audio.feature': authors_mat.FEATURE, 'streams.audio.normalise': 'none',
  'model.norm': 'torch_std', 'model.empty': 'uniform', 'model.mask_zero_frames': True,
  'batch.sampler': 'reshuffle', 'optim.name': 'adam', 'optim.weight_decay': 0.0,
  'optim.l2': 0.0, 'optim.schedule': 'constant', 'optim.rate_factors': '', 'optim.clip_value': 0.0,
  'train.evaluate_every_epochs': 1, 'train.evaluate_every_steps': 0,
  'control.metric': '',
}
FIXED_OF_MODEL = {'mat': {}, 'mnt': {'model.condition': 'relu'}}


class Published(NamedTuple):
  """An experiment of the original: the words of our config, our protocol, padded lengths."""

  corpus: str
  words: str
  protocol: str
  text: int
  audio: int


@dataclasses.dataclass(frozen=True)
class Checkpoint:
  """One file.

  Attributes:
    path: as it was given.
    checksum: xxh3 of its bytes.
    args: the flags of its training, those that are plain values.
    loss_reduction, class_weights: of its loss; None: all classes weigh the same.
    state_dict: the original's name -> values.
    moments: 'exp_avg', 'exp_avg_sq' -> by the same names.
    step: Adam's count of updates.
    group: Adam's settings, the learning rate at the end among them.
  """

  path: pathlib.Path
  checksum: str
  args: Mapping[str, Any]
  loss_reduction: str
  class_weights: np.ndarray | None
  state_dict: Mapping[str, np.ndarray]
  moments: Mapping[str, Mapping[str, np.ndarray]]
  step: int
  group: Mapping[str, Any]

  @property
  def accuracy(self) -> fractions.Fraction | None:
    """The validation accuracy that the name best<percent>_<seed>.pkl tells, as a share.

    The number of right answers by that of all: of few digits a float knows it, to the last bit.
    """
    match = re.fullmatch(r'best(\d+(?:\.\d+)?(?:e-\d+)?)_(\d+)\.pkl', self.path.name)
    if not match:
      return None
    share = fractions.Fraction(match[1]) / 100
    if share > 1 or int(match[2]) != self.args['seed']:
      raise ValueError(f'{self.path} is named after an accuracy of {match[1]} % and seed '
                       f'{match[2]}, but was trained with seed {self.args["seed"]}; give it its '
                       'own name again, or one that does not begin with best.')
    return share.limit_denominator(10**6)

  @property
  def decays(self) -> int:
    """How often the learning rate was cut."""
    base, decay, times = (self.args[name] for name in ('lr_base', 'lr_decay', 'lr_decay_times'))
    for count in range(times + 1):
      if math.isclose(self.group['lr'], base * decay**count, rel_tol=1e-6):
        return count
    raise ValueError(f"{self.path}: its optimizer's learning rate {self.group['lr']} is none that "
                     f'lr_base={base} becomes by {times} cuts by lr_decay={decay}.')


def read(path: str | pathlib.Path) -> Checkpoint:
  """Reads a file in any of PyTorch's containers.

  Raises:
    ValueError: naming what it lacks or holds instead.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise ValueError(f'{path} is no file.')
  content = torch_files.load(path)
  wanted = ('state_dict', 'optimizer', 'args')
  lacking = [key for key in wanted if not isinstance(content, dict) or key not in content]
  if lacking:
    held = ', '.join(map(str, list(content)[:5])) if isinstance(content, dict) else (
      type(content).__name__)
    raise ValueError(f'{path} lacks {", ".join(lacking)}; a checkpoint of MAT or MNT holds '
                     f'{", ".join(wanted)}, this holds: {held}.')
  args, loss = _read_args(path, content['args'])
  state_dict = importing.finite_tensors(path, content['state_dict'], 'state_dict')
  moments, step, group = _read_optimizer(path, content['optimizer'], list(state_dict))
  weight = loss.state.get('_buffers', {}).get('weight')
  return Checkpoint(path, xxhash.xxh3_128_hexdigest(path.read_bytes()), args,
                    loss.state.get('reduction'), weight, state_dict, moments, step, group)


def published(checkpoint: Checkpoint) -> Published:
  """The experiment that a file's `--dataset`, `--task` and `--task_binary` stand for."""
  args = checkpoint.args
  chosen = args['dataset'], args['task'], args['task_binary']
  match chosen:
    case 'IEMOCAP', _, _:
      return Published('iemocap', 'processed,as_published', 'iemocap/session1_as_published', 15, 40)
    case 'MOSI', _, True:
      return Published('mosi', 'sentiment2,as_published', 'mosi/sentiment2_as_published', 30, 60)
    case 'MOSEI', 'sentiment', binary:
      kind = 'sentiment2' if binary else 'sentiment7'
      return Published('mosei', f'{kind},as_published', f'mosei/{kind}', 30, 50)
    case 'MOSEI', 'emotion', _:
      return Published('mosei', 'emotion,as_published', 'mosei/emotion6', 30, 50)
    case 'MELD', 'emotion', _:
      return Published('meld', 'emotion,processed,as_published', 'meld/emotion7', 30, 50)
    case 'MELD', 'sentiment', _:
      return Published('meld', 'sentiment,processed,as_published', 'meld/sentiment3', 30, 50)
    case 'VGAF', _, _:
      return Published('vgaf', 'as_published', 'vgaf/affect3_as_published', 30, 26)
  raise ValueError(
    '{}: --dataset {} --task {} --task_binary {} is no experiment of the original; there are: '
    'IEMOCAP, MOSI (binary), MOSEI (sentiment, binary or not, or emotion), MELD (sentiment or '
    'emotion), VGAF.'.format(checkpoint.path, *chosen))


def config_name(checkpoints: Sequence[Checkpoint], model: str) -> str:
  """configs/NAME.py:words of the experiment that the files are of."""
  known = published(checkpoints[0])
  return f'configs/{known.corpus}_{model}.py:{known.words}'


def check_together(checkpoints: Iterable[Checkpoint], model: str) -> None:
  """Refuses files of another model than `model`, and such as are not members of one run."""
  first, *others = checkpoints
  if first.args['model'] != MODELS[model]:
    near = [name for name, theirs in MODELS.items() if theirs == first.args['model']]
    raise ValueError(f"{first.path} is a checkpoint of {first.args['model']}, but --model={model} "
                     f'stands for {MODELS[model]}'
                     + (f'; say --model={near[0]}.' if near else '.'))
  for other in others:
    different = [f'{name}: {first.args.get(name)!r} and {other.args.get(name)!r}'
                 for name in sorted({*first.args, *other.args} - {*NAMES_OF_RUN})
                 if first.args.get(name) != other.args.get(name)]
    if not np.array_equal(first.class_weights, other.class_weights):
      different.append('class weights of the loss')
    if different:
      raise ValueError(f'{first.path} and {other.path} differ in more than the seed '
                       f'({"; ".join(different)}); make a run of each.')
  importing.check_seeds((file.path, file.args['seed']) for file in (first, *others))


def configure(config: ml_collections.ConfigDict, checkpoints: Sequence[Checkpoint], model: str,
              ) -> None:
  """Sets in `config` all that the files say of their training.

  Raises:
    ValueError: if it is of another experiment, or differs in what a command line cannot change.
  """
  first, args = checkpoints[0], checkpoints[0].args
  experiment_ = published(first)
  importing.check_model(config, model)
  if config.protocol != experiment_.protocol:
    raise ValueError(f'config.protocol={config.protocol!r}, but {first.path} was trained and '
                     f'chosen on the parts of {experiment_.protocol!r}.')
  lengths = {'text': experiment_.text, 'audio': experiment_.audio}
  for name, length in lengths.items():
    if config.streams[name].length != length:
      raise ValueError(f'config.streams.{name}.length={config.streams[name].length}, but the '
                       f'original reads {length} on {args["dataset"]}.')
  if config.batch.buckets:
    raise ValueError('config.batch.buckets is set, but the original pads to one length, on which '
                     'its results depend; choose a config without.')
  [head] = config.heads
  _check_class_weights(config.heads[head].class_weights, head, first)
  b1, b2 = first.group['betas']
  values = {
    **FIXED, **FIXED_OF_MODEL[model],
    **{field: args[flag] for field, flag in SIZES.items()},
    **{field: float(args[flag]) for field, flag in RATES.items()},
    f'heads.{head}.reduction': first.loss_reduction, f'heads.{head}.weight': 1.0,
    'optim.b1': b1, 'optim.b2': b2, 'optim.eps': first.group['eps'],
    'optim.clip_norm': max(float(args['grad_norm_clip']), 0.0),
  }
  importing.set_fields(
    config, values, [checkpoint.args['seed'] for checkpoint in checkpoints], first.path)


def sources(checkpoints: Iterable[Checkpoint], config: ml_collections.ConfigDict) -> list[
    imported.Source]:
  """The files in our names; `config` as `configure` left it."""
  table = experiment.module('models', config.model.name, 'config.model.name').FROM_TORCH
  [head] = config.heads
  found = []
  for checkpoint in checkpoints:
    accuracy, args = checkpoint.accuracy, checkpoint.args
    evaluations = max(args['eval_start'], 1)  # how many more there were, no file says
    found.append(imported.Source(
      checkpoint.path, args['seed'], parameters.rename(checkpoint.state_dict, table, head=head),
      {MOMENTS[name]: parameters.rename(values, table, head=head)
       for name, values in checkpoint.moments.items()},
      checkpoint.step,
      control.Progress(
        evaluations=evaluations, best=None if accuracy is None else float(accuracy),
        best_evaluation=evaluations, decays=checkpoint.decays),
      {'file': str(checkpoint.path), 'xxh3': checkpoint.checksum, 'args': dict(args),
       'validation_accuracy': None if accuracy is None else float(accuracy)}))
  return found


def describe(checkpoints: Sequence[Checkpoint], config: ml_collections.ConfigDict,
             ) -> importing.Description:
  """Files of MAT and MNT leave nothing open."""
  del checkpoints, config
  return importing.Description(WIDTHS)


def read_words(checkpoints: Sequence[Checkpoint], vocabulary: str | None,
               config: ml_collections.ConfigDict) -> tuple[fitted_lib.Fitted, dict[str, Any]]:
  """The words of the files, and what `imported.json` says of them.

  Args:
    vocabulary: its file; None: `token_to_ix.pkl` beside the first checkpoint. Vectors are taken
      from `train_glove.npy` beside it, if that is there.

  Raises:
    ValueError: if there is none, or if an embedding has another number of rows than it needs.
  """
  path = pathlib.Path(vocabulary or checkpoints[0].path.parent / authors_mat.VOCABULARY)
  if not path.is_file():
    raise ValueError(f'{path} is no file. A checkpoint is of use with its own words alone: name '
                     f'the {authors_mat.VOCABULARY} that the original wrote beside its data, '
                     '--vocabulary=DATA/CORPUS/token_to_ix.pkl.')
  ids, beside = authors_mat.read_vocabulary(path), path.parent / authors_mat.VECTORS
  about = importing.about_words(path, ids, {
    f'{EMBEDDING} of {checkpoint.path}': checkpoint.state_dict[EMBEDDING]
    for checkpoint in checkpoints if EMBEDDING in checkpoint.state_dict})
  vectors = authors_mat.read_vectors(beside, ids) if beside.is_file() else None
  if vectors is not None:
    fitted_lib.checked_word_cache(
      ids, vectors, config.streams.text.vocabulary, config.streams.text.width)
  fitted = importing.fitted(config, f'{path.name} of the original', vocabulary=ids,
                            scheme='shared_unk', vectors=vectors)
  return fitted, {'vocabulary': {
    **about, 'vectors': str(beside) if vectors is not None else None}}


def _read_args(path: pathlib.Path, args: Any) -> tuple[dict[str, Any], Record]:
  """The plain ones of the flags, and the loss."""
  if not isinstance(args, Record) or args.name != 'argparse.Namespace':
    raise ValueError(f'{path}: args is no argparse.Namespace but a {type(args).__name__}.')
  plain = {name: value for name, value in args.state.items()
           if isinstance(value, bool | int | float | str)}
  wrong = [f'{name} is absent' for name in FLAGS if name not in plain]
  wrong += importing.wrong_values(plain, FLAGS)
  loss = args.state.get('loss_fn')
  if not isinstance(loss, Record) or loss.state.get('reduction') not in ('sum', 'mean'):
    wrong.append("loss_fn is no loss with reduction 'sum' or 'mean'")
  if wrong:
    raise ValueError(f'{path}: args are not those of MAT or MNT: {"; ".join(wrong)}.')
  return plain, loss


def _read_optimizer(
    path: pathlib.Path, optimizer: Any, names: Sequence[str],
) -> tuple[dict[str, dict[str, np.ndarray]], int, Mapping[str, Any]]:
  """(moments by parameter, updates, settings) of Adam; `names`: the parameters in their order."""
  match optimizer:
    case {'state': dict(state), 'param_groups': [{'params': list(order)} as group]}:
      pass
    case _:
      raise ValueError(f'{path}: optimizer has not one group of parameters and their state.')
  settings = {'lr': None, 'betas': None, 'eps': None, 'weight_decay': 0, 'amsgrad': False,
              'maximize': False} | group
  match settings:
    case {'lr': float(), 'betas': (float(), float()), 'eps': float(), 'weight_decay': 0 | 0.0,
          'amsgrad': False, 'maximize': False}:
      pass
    case _:
      shown = ', '.join(f'{name}={value!r}' for name, value in settings.items()
                        if name != 'params')
      raise ValueError(f'{path}: optimizer is not the plain Adam of MAT and MNT: {shown:.300}.')
  if len(order) != len(names):
    raise ValueError(f'{path}: optimizer knows {len(order)} parameters, state_dict has '
                     f'{len(names)}.')
  entries = {}  # older PyTorch gives parameters numbers of its own, so that their order counts
  for name, key in zip(names, order):
    entry = state.get(key)
    if not isinstance(entry, dict) or {*MOMENTS, 'step'} - {*entry}:
      raise ValueError(f'{path}: optimizer lacks {", ".join(MOMENTS)} or step of {name}.')
    entries[name] = entry
  steps = {str(entry['step']): entry['step'] for entry in entries.values()}  # number or tensor
  step, *others = steps.values()
  if others or np.shape(step) or not 0 <= step < 2**31 or step != int(step):
    raise ValueError(f'{path}: optimizer has not one count of updates for all parameters, but '
                     f'{", ".join(list(steps)[:5])}.')
  moments = {
    moment: importing.finite_tensors(path, {name: e[moment] for name, e in entries.items()}, moment)
    for moment in MOMENTS}
  return moments, int(step), group


def _check_class_weights(setting: Any, head: str, checkpoint: Checkpoint) -> None:
  weights = checkpoint.class_weights
  if weights is None or isinstance(setting, str):
    same = weights is None and setting == 'none'
  else:
    same = len(setting) == len(weights) and np.allclose(setting, weights, rtol=1e-6, atol=0)
  if not same:
    theirs = 'none' if weights is None else np.asarray(weights).tolist()
    raise ValueError(f'config.heads.{head}.class_weights={setting!r}, but {checkpoint.path} was '
                     f'trained with {theirs!r}.')
