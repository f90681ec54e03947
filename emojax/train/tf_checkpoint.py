"""Checkpoints of the original FME and MSE, TensorFlow's bundles, as members of a run.

A bundle holds variables, Adam's moments and a count of steps, and nothing that was chosen: sizes
are those of its tensors, the rest is the config's. Its words lie in a file of their own, `dic.pkl`.
See `importing` for what every reader is asked.
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

from emojax.data import authors_mdre
from emojax.data import fitted as fitted_lib
from emojax.io import bundle_files, parameters, tensor_bundle
from emojax.protocols import protocol as protocol_lib
from emojax.train import control, experiment, imported, importing

MODELS = {
  'fme_text': 'TextModel', 'fme_audio': 'AudioModel', 'fme_attn': 'MultimodalAttentionModel',
  'mse_are': 'SingleEncoderModelAudio', 'mse_tre': 'SingleEncoderModelText',
  'mse_mdre': 'SingleEncoderModelMulti', 'mse_mdrea': 'SingleEncoderModelMultiAttn'}
UNSAID = (
  'A bundle does not say its seed: seeds count from 0, in the order of the files.',
  'Nor what was dropped, the learning rate, or how far was pooled: that is as in the config.')
NOTICE = ('imported: nobody knows on which utterances it was trained; those that are scored may be '
          'among them')
WIDTHS = authors_mdre.WIDTHS

# What a model's variables begin with, numbers aside.
_SOUND, _WORDS = {'audio_GRU', 'audio_output_layer'}, {'embed_layer', 'text_GRU'}
SCOPES = {
  'fme_text': {'embedding_layer', 'rnn', 'output_layer'},
  'fme_audio': {'conv1d', 'rnn', 'output_layer'},
  'fme_attn': {'conv1d', 'embedding_layer', 'rnn', 'multi_rnn_cell', 'RNN', 'output_layer'},
  'mse_are': _SOUND, 'mse_tre': {*_WORDS, 'text_output_layer'},
  'mse_mdre': {*_SOUND, *_WORDS, 'text_output_layer', 'multi_output_layer'},
  'mse_mdrea': {'audio_GRU', *_WORDS, 'attn_projection_helper', 'attn_bias', 'multi_output_layer'}}

SLOTS = {'mu': 'Adam', 'nu': 'Adam_1'}
POWERS = {'beta1_power': 0.9, 'beta2_power': 0.999}  # as often multiplied by itself as it trained
# Of the originals' draws, with the classes in their order.
PROTOCOLS = ('iemocap/fme_as_published', 'iemocap/mse_as_published',
             'iemocap/mse_set_as_published')
# What both originals have no setting for; quirks are set in the models that know them.
FIXED = {
  'optim.name': 'adam_tf1', 'optim.b1': 0.9, 'optim.b2': 0.999, 'optim.eps': 1e-8,
  'optim.weight_decay': 0.0, 'optim.l2': 0.0, 'optim.schedule': 'constant',
  'optim.rate_factors': '', 'optim.clip_norm': 0.0, 'optim.clip_value': 10.0}
FIXED_OF_HEAD = {'loss': 'sigmoid', 'reduction': 'mean', 'weight': 1.0, 'class_weights': 'none'}
QUIRKS = {'read_padding': True, 'memory_layout': 'reshape'}


@dataclasses.dataclass(frozen=True)
class Checkpoint:
  """One bundle.

  Attributes:
    path: without an ending.
    checksum: xxh3 of its index, which has the checksums of all tensors.
    variables: the original's name -> values.
    moments: 'mu', 'nu' -> Adam's, by the same names.
    step: updates that led there.
  """

  path: pathlib.Path
  checksum: str
  variables: Mapping[str, np.ndarray]
  moments: Mapping[str, Mapping[str, np.ndarray]]
  step: int


def read(path: str | pathlib.Path) -> Checkpoint:
  """Reads a bundle; `path` as in `tensor_bundle.read`.

  Raises:
    ValueError: if a byte of it is wrong, a value is not finite, or it tells no number of steps.
  """
  prefix = bundle_files.locate(path)
  tensors = tensor_bundle.read(prefix)
  for name, value in tensors.items():
    if not np.isfinite(value).all():
      raise ValueError(f'{prefix}: {name} is no tensor of finite numbers.')
  variables, _ = tensor_bundle.without_optimizer(tensors)
  index = bundle_files.beside(prefix, bundle_files.INDEX)
  moments = {moment: {name: tensors[f'{name}/{slot}'] for name in variables
                      if f'{name}/{slot}' in tensors} for moment, slot in SLOTS.items()}
  return Checkpoint(prefix, xxhash.xxh3_128_hexdigest(index.read_bytes()), variables, moments,
                    _step(prefix, tensors))


def model_of(names: Iterable[str]) -> str | None:
  """The model that has variables of these names, as far as their beginnings tell it."""
  scopes = {re.sub(r'_\d+$', '', name.split('/')[0]) for name in names}
  return next((model for model, theirs in SCOPES.items() if theirs == scopes), None)


def config_name(checkpoints: Sequence[Checkpoint], model: str) -> str:
  """configs/NAME.py:words of the published experiment with the authors' files."""
  del checkpoints
  return f'configs/iemocap_{model}.py:as_published,processed'


def check_together(checkpoints: Sequence[Checkpoint], model: str) -> None:
  """Refuses bundles of another model than `model`, and such as are not members of one run."""
  first, *others = checkpoints
  found = model_of(first.variables)
  importing.refuse_other(first.path, found or model, model, MODELS)
  seen = {first.checksum: first.path}
  for other in others:
    importing.check_same_sizes(first.path, first.variables, other.path, other.variables)
    if other.checksum in seen:
      raise ValueError(f'{seen[other.checksum]} and {other.path} hold the same; give one of them.')
    seen[other.checksum] = other.path


def configure(config: ml_collections.ConfigDict, checkpoints: Sequence[Checkpoint], model: str,
              ) -> None:
  """Sets in `config` all that the tensors say, and what the originals have no setting for.

  Raises:
    ValueError: if it is of another experiment, or leaves open on which fold was trained.
  """
  importing.check_model(config, model)
  first = checkpoints[0]
  [head] = config.heads
  _check_protocol(config, first, config_name(checkpoints, model))
  values = FIXED | {f'heads.{head}.{name}': value for name, value in FIXED_OF_HEAD.items()}
  values |= {f'model.{name}': value for name, value in QUIRKS.items() if name in config.model}
  for name, stream in config.streams.items():
    if stream.kind == 'words':
      values[f'streams.{name}.vocabulary'] = 'clean'
    else:
      values[f'streams.{name}.normalise'] = 'none'
      if stream.feature not in WIDTHS:
        raise ValueError(f'config.streams.{name}.feature={stream.feature!r}; the original reads: '
                         f'{", ".join(WIDTHS)}.')
  values |= _sizes(_renamed(first.variables, config), config.model, head)
  importing.set_fields(config, values, range(len(checkpoints)), first.path)


def describe(checkpoints: Sequence[Checkpoint], config: ml_collections.ConfigDict,
             ) -> importing.Description:
  """The same of all bundles."""
  del checkpoints, config
  return importing.Description(WIDTHS, UNSAID, NOTICE)


def read_words(checkpoints: Sequence[Checkpoint], vocabulary: str | None,
               config: ml_collections.ConfigDict) -> tuple[fitted_lib.Fitted, dict[str, Any]]:
  """The words of the bundles, and what `imported.json` says of them; a model of sound has none.

  Args:
    vocabulary: their file; None: `dic.pkl` beside the first bundle, or up to two folders above.

  Raises:
    ValueError: if there is none, or if an embedding has another number of rows than it needs.
  """
  if 'text' not in config.streams:
    return importing.without_words(config, vocabulary)
  folder, name = checkpoints[0].path.parent, authors_mdre.VOCABULARY
  path = pathlib.Path(vocabulary) if vocabulary else authors_mdre.found_beside(folder, name)
  if path is None or not path.is_file():
    raise ValueError(f'{path or folder / name} is no file. A checkpoint is of use with its own '
                     f'words alone: name the {name} of the data that it was trained on, '
                     f'--vocabulary=DATA/{name}.')
  ids = authors_mdre.read_vocabulary(path)
  about = importing.about_words(path, ids, {
    f'{theirs} of {checkpoint.path}': table for checkpoint in checkpoints
    for theirs, table in checkpoint.variables.items() if theirs.endswith('/embed_matrix')})
  fitted = importing.fitted(config, f'{path.name} of the original', vocabulary=ids, scheme='clean',
                            vectors=None)  # the checkpoint has them all, trained
  return fitted, {'vocabulary': about}


def sources(checkpoints: Sequence[Checkpoint], config: ml_collections.ConfigDict) -> list[
    imported.Source]:
  """The bundles in our names; `config` as `configure` left it."""
  return [imported.Source(
    checkpoint.path, seed, _renamed(checkpoint.variables, config),
    {moment: _renamed(values, config) for moment, values in checkpoint.moments.items()},
    checkpoint.step, control.Progress(),
    {'file': str(checkpoint.path), 'xxh3_of_index': checkpoint.checksum})
    for seed, checkpoint in enumerate(checkpoints)]


def _renamed(values: Mapping[str, np.ndarray], config: ml_collections.ConfigDict,
             ) -> dict[str, np.ndarray]:
  table = experiment.module('models', config.model.name, 'config.model.name').FROM_TF
  [head] = config.heads
  return parameters.rename(values, table, head=head, transposed=False)


def _step(path: pathlib.Path, tensors: Mapping[str, np.ndarray]) -> int:
  """Updates that were made: the largest `global_step` (FME's attention model has two), or what the
  powers of Adam's betas tell, as long as they are not too small to be told apart.
  """

  def numbers(kind: str) -> list[float]:
    return [value.item() for name, value in tensors.items()
            if not value.shape and re.fullmatch(rf'(.+/)?{kind}(_\d+)?', name)]

  step = max(numbers('global_step'), default=0) or max(
    (round(math.log(power) / math.log(beta)) - 1 for kind, beta in POWERS.items()
     for power in numbers(kind) if np.finfo(np.float32).tiny < power < 1), default=0)
  if not 1 <= step < 2**31:
    raise ValueError(f'{path} does not tell after how many steps of training it was saved: '
                     f'expected global_step, or one of {", ".join(POWERS)}, of a trained model. '
                     'Save all variables: tf.train.Saver().')
  return int(step)


def _check_protocol(config: ml_collections.ConfigDict, first: Checkpoint, name: str) -> None:
  """Refuses a protocol that promises more than is known, or whose classes have another order."""
  if config.protocol not in PROTOCOLS:
    raise ValueError(f'config.protocol={config.protocol!r}, but {first.path} was trained on '
                     'utterances drawn at random, and its classes are angry, happy, sad, neutral; '
                     f'choose one of {", ".join(PROTOCOLS)}.')
  protocol = protocol_lib.load(config.protocol)
  if len(protocol_lib.choose_folds(protocol, config.members.folds)) > 1:
    there = [fold.name for fold in protocol.folds]
    raise ValueError(f'{protocol.name} has the folds {", ".join(there)}, and {first.path} does not '
                     f'say of which it is; say it: --config={name} '
                     f'--config.members.folds={there[0]}.')


def _sizes(params: Mapping[str, np.ndarray], model: ml_collections.ConfigDict, head: str,
           ) -> dict[str, Any]:
  """Field -> what the tensors' shapes say of it."""
  found = {}
  for modality, place in {'audio': r'(audio|sound\.frames)', 'text': 'text'}.items():
    if biases := _of(params, rf'{place}\.stack\.layers\.\d+\.candidate_bias'):
      sizes = {'hidden': len(biases[0]), 'num_layers': len(biases)}
      for name, value in sizes.items():  # a model of one modality does not name it
        fields = [field for field in (f'{name}_{modality}', name) if field in model]
        found |= {f'model.{field}': value for field in fields[:1]}
  if 'pools' in model and (stages := _of(params, r'audio\.waveform\.stages\.\d+\.kernel')):
    if len(model.pools) != len(stages):
      raise ValueError(f'config.model.pools={tuple(model.pools)}, but there are {len(stages)} '
                       'convolutions, and a bundle does not say how far each is pooled.')
    found |= {'model.filters': tuple(kernel.shape[-1] for kernel in stages),
              'model.kernels': tuple(len(kernel) for kernel in stages)}
  for bias in _of(params, rf'readout\.heads\.{head}\.bias'):
    found['model.shared_bias'] = bias.size == 1
  for table in _of(params, r'text\.(vectors\.)?embedding'):
    found['streams.text.width'] = table.shape[-1]
  return found


def _of(params: Mapping[str, np.ndarray], pattern: str) -> list[np.ndarray]:
  """The tensors with these names, in the order of their numbers."""
  names = [name for name in params if re.fullmatch(pattern, name) and params[name].shape]
  return [params[name] for name in sorted(names, key=lambda name: (len(name), name))]
