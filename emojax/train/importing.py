"""From an original's checkpoints to the config and fitted values of a run: what all readers share.

A reader is a module of these names; `emojax.convert` calls them in this order:

    MODELS: model -> what the original calls it.
    read(path) -> checkpoint, with a `path`.
    check_together(checkpoints, model): refuses what makes no run.
    config_name(checkpoints, model) -> 'configs/NAME.py:words', of the experiment.
    configure(config, checkpoints, model): sets all that the files say.
    read_words(checkpoints, vocabulary, config) -> fitted values, what `imported.json` says of them.
    sources(checkpoints, config) -> a `Source` of each checkpoint.
    describe(checkpoints, config) -> `Description`.
"""

import dataclasses
import math
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import ml_collections
import numpy as np
import xxhash

from emojax.data import fitted as fitted_lib
from emojax.io import parameters
from emojax.protocols import protocol as protocol_lib
from emojax.types import StreamSpec

# Members that are imported were trained alone, each once.
FIXED = {'refit': False, 'members.grid': '', 'members.mode': 'sequential'}


@dataclasses.dataclass(frozen=True)
class Description:
  """What checkpoints tell of their data, and what they leave open.

  Attributes:
    widths: feature -> width of its frames.
    unsaid: what the files do not say, and what stands in its place, lines for a person.
    notice: what every report on such a run says first; '' for nothing.
  """

  widths: Mapping[str, int]
  unsaid: tuple[str, ...] = ()
  notice: str = ''


def finite_tensors(path: pathlib.Path, values: Any, what: str) -> dict[str, np.ndarray]:
  """`values`, which a file calls `what`, if they are arrays of finite numbers by name."""
  if not isinstance(values, dict) or not values:
    raise ValueError(f'{path}: {what} is no dict of parameters.')
  for name, value in values.items():
    number = isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)
    if not isinstance(name, str) or not number or not np.isfinite(value).all():
      raise ValueError(f'{path}: {name} in {what} is no tensor of finite numbers.')
  return dict(values)


def wrong_values(values: Mapping[str, Any], kinds: Mapping[str, type]) -> list[str]:
  """What is wrong with flags, a phrase each: they are of a kind, a float may be a whole number."""
  wrong = [f'{name}={values[name]!r}, expected {kind.__name__}' for name, kind in kinds.items()
           if name in values and type(values[name]) is not kind
           and not (kind is float and type(values[name]) is int)]
  return wrong + [f'{name}={value!r}' for name, value in values.items()
                  if isinstance(value, float) and not math.isfinite(value)]


def refuse_other(path: pathlib.Path, found: str, model: str, called: Mapping[str, str]) -> None:
  """Refuses a file of the model `found` as one of `model`; `called`: what the original does."""
  if found != model:
    raise ValueError(f'{path} is a checkpoint of {called[found]}, but --model={model} stands for '
                     f'{called[model]}; say --model={found}.')


def check_same_sizes(first: pathlib.Path, theirs: Mapping[str, np.ndarray], other: pathlib.Path,
                     others: Mapping[str, np.ndarray]) -> None:
  """Refuses tensors of two files that are not alike in name and shape."""
  one, two = ({name: value.shape for name, value in values.items()} for values in (theirs, others))
  if different := [name for name in sorted({*one, *two}) if one.get(name) != two.get(name)]:
    raise ValueError(f'{first} and {other} are not of one size: {len(different)} tensors differ '
                     f'({", ".join(different[:3])}); make a run of each.')


def check_seeds(seeds: Iterable[tuple[pathlib.Path, int]]) -> None:
  """Refuses two files of one seed."""
  seen = {}
  for path, seed in seeds:
    if seed in seen:
      raise ValueError(f'{seen[seed]} and {path} have both seed {seed}; give one of them.')
    seen[seed] = path


def check_model(config: ml_collections.ConfigDict, model: str) -> None:
  """Refuses the config of another model."""
  if config.model.name != model:
    raise ValueError(f'config.model.name={config.model.name!r}, but --model={model}.')


def set_fields(config: ml_collections.ConfigDict, values: Mapping[str, Any], seeds: Iterable[int],
               file: pathlib.Path) -> None:
  """Sets dotted fields and the members' seeds, as `file` determines them.

  Raises:
    ValueError: if the config has no such fields.
  """
  listed = [str(seed) for seed in seeds]
  values = {**FIXED, **values,
            'members.seeds': ','.join(listed) if len(listed) > 1 else f'{listed[0]},'}
  unknown = sorted({*values} - {*parameters.flatten(config.to_dict())})
  if unknown:
    raise ValueError(f'the config lacks the fields {", ".join(unknown)}, which {file} '
                     'determines; take one of the configs of this model.')
  config.update_from_flattened_dict(values)


def fitted(config: ml_collections.ConfigDict, source: str, **words) -> fitted_lib.Fitted:
  """Fitted values of which only the words were fitted: `vocabulary`, `scheme` and `vectors`.

  Balanced class weights are left out: they are counted as soon as there are data, by `Experiment`.
  """
  labels = protocol_lib.load(config.protocol).labels
  return fitted_lib.Fitted(
    source=source, **words, moments={}, class_weights={
      name: fitted_lib.class_weights(head.class_weights, np.zeros(0, int), labels[name].names)
      for name, head in config.heads.items() if head.class_weights != 'balanced'})


def without_words(config: ml_collections.ConfigDict, vocabulary: str | None,
                  ) -> tuple[fitted_lib.Fitted, dict[str, Any]]:
  """What `read_words` gives of a model that reads none."""
  if vocabulary:
    raise ValueError(f'--vocabulary={vocabulary}: {config.model.name} reads no words; leave it '
                     'out.')
  return fitted(config, 'no words', vocabulary={}, scheme='', vectors=None), {'vocabulary': None}


def about_words(path: pathlib.Path, ids: Mapping[str, int], tables: Mapping[str, np.ndarray],
                ) -> dict[str, Any]:
  """What `imported.json` says of a vocabulary.

  Args:
    ids: word -> row.
    tables: what is to be called a table in an error -> embedding [V, D].

  Raises:
    ValueError: if a table has another number of rows than the words need.
  """
  needed = 1 + max(ids.values())
  for name, table in tables.items():
    rows = len(np.atleast_1d(table))
    if rows != needed:
      raise ValueError(f'{path} needs {needed:,} rows (ids up to {needed - 1:,}), but {name} has '
                       f'{rows:,}; they do not belong together.')
  return {'file': str(path), 'xxh3': xxhash.xxh3_128_hexdigest(path.read_bytes()), 'rows': needed}


def specs(config: ml_collections.ConfigDict, found: fitted_lib.Fitted, widths: Mapping[str, int],
          ) -> dict[str, StreamSpec]:
  """What the model must know of the streams, without the data; `widths`: of frames by feature."""
  return {name: StreamSpec(widths[stream.feature], stream.length) if stream.kind == 'frames' else
          StreamSpec(stream.width, stream.length, 1 + max(found.vocabulary.values()), found.vectors)
          for name, stream in config.streams.items()}
