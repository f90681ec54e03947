"""From an original's checkpoints to the config and fitted values of a run: what all readers share.

A reader is a module of these names; `emojax.convert` calls them in this order:

    MODELS: model -> what the original calls it.
    UNSAID: what its files do not say, and what stands in its place, lines for a person.
    NOTICE: what every report on such a run says first; '' for nothing.
    read(path) -> checkpoint, with a `path`.
    check_together(checkpoints, model): refuses what makes no run.
    config_name(checkpoints, model) -> 'configs/NAME.py:words', of the experiment.
    configure(config, checkpoints, model): sets all that the files say.
    read_words(checkpoints, vocabulary, config) -> fitted values, what `imported.json` says of them.
    sources(checkpoints, config) -> a `Source` of each checkpoint.
    WIDTHS: feature -> width of its frames.
"""

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
  """Fitted values of which only the words were fitted: `vocabulary`, `scheme` and `vectors`."""
  labels = protocol_lib.load(config.protocol).labels
  return fitted_lib.Fitted(
    source=source, **words, moments={}, class_weights={
      name: fitted_lib.class_weights(head.class_weights, np.zeros(0, int), labels[name].names)
      for name, head in config.heads.items()})


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
