"""Files of MME2E's baselines LF_RNN and LF_Transformer: what one holds, is called and belongs to.

A file is a state dict and nothing else. What it was trained on and with which seed its name says,
and a pickle of the same name how, if it is still there:

    savings/models/lf_rnn_tav_Acc_0.71_F1_0.49_AUC_0.75_imginvl500_seed0.pt
    savings/stats/lf_rnn_tav_Acc_0.71_F1_0.49_AUC_0.75_imginvl500_seed0.pt

The latter may also lie beside the former, with another ending.
"""

import dataclasses
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import xxhash

from emojax.io import pickles, torch_files
from emojax.train import importing

MODELS = {'lf_rnn': 'LF_RNN', 'lf_transformer': 'LF_Transformer'}
SCOPES = {'rnns': 'lf_rnn', 'transformers': 'lf_transformer'}  # what names begin with
SCOPES_OF_MME2E = {'T', 'V', 'A', 'mtcnn'}
LETTERS = {'t': 'text', 'a': 'audio', 'v': 'video'}
FUSION = 'weighted_fusion.weight'

FLAGS = {
  'dataset': str, 'audio_feature_type': int, 'learning_rate': float, 'weight_decay': float,
  'batch_size': int, 'epochs': int, 'early_stop': int, 'clip': float, 'scheduler': bool}
IDENTITY = {'model': str, 'modalities': str, 'seed': int, 'loss': str}


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
