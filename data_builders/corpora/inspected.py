"""A prepared dataset with all that stands beside it, for those who look at it."""

import dataclasses
import difflib
import json
import pathlib
from typing import Any

import numpy as np

from emojax.io import files, prepared

LABELLED = ('base', 'text')  # the configs that hold labels


@dataclasses.dataclass(frozen=True)
class Inspected:
  """One dataset of a corpus.

  Attributes:
    name: 'corpus/config'.
    folder: of the dataset.
    data: verified and opened.
    columns: of its index, and of the labels that it was computed from; one value per row.
    exclusions: what `exclusions.jsonl` says, of the labels too.
    notes: what `notes.jsonl` says, of the labels too.
  """

  name: str
  folder: pathlib.Path
  data: prepared.Dataset
  columns: prepared.Index
  exclusions: list[dict[str, str]]
  notes: list[str]

  @property
  def data_dir(self) -> pathlib.Path:
    return self.folder.parents[2]

  @property
  def corpus(self) -> str:
    return self.name.partition('/')[0]

  def has(self, *names: str) -> bool:
    """Whether these columns are there, and say something."""
    return all(name in self.columns and any(self.columns[name].tolist()) for name in names)


def load(data_dir: pathlib.Path, name: str) -> Inspected:
  """Opens 'corpus/config'; of a corpus alone `base`, else `text`, else what is prepared of it.

  Raises:
    ValueError: if there is none, with near misses; or if it is damaged.
  """
  corpus, _, config = name.partition('/')
  there = [folder.parts[-2] for folder in prepared.listed(data_dir) if folder.parts[-3] == corpus]
  config = config or next((one for one in (*LABELLED, *there) if one in there), LABELLED[0])
  if not there:
    _check_corpus(data_dir, corpus)
  folder = prepared.find(data_dir, corpus, config)
  data = prepared.Dataset(folder)
  exclusions, notes = _lines(folder, prepared.EXCLUSIONS), _notes(folder)
  columns = data.index
  if 'base_fingerprint' in data.about:  # it has the rows of the labels, and no labels
    labels = prepared.find_labels(data_dir, corpus)
    index = prepared.read_index(labels)
    if index['id'].tolist() != columns['id'].tolist():
      raise ValueError(f'{folder} and {labels} do not hold the same utterances; build the first '
                       f'again: {prepared.build_command(folder)}')
    columns = index | columns
    exclusions = _lines(labels, prepared.EXCLUSIONS) + exclusions
    notes = _notes(labels) + notes
  return Inspected(f'{corpus}/{config}', folder, data, columns, exclusions, notes)


@dataclasses.dataclass(frozen=True)
class Config:
  """One prepared config of a corpus, seen from outside.

  Attributes:
    name: of the config; of a table 'table_x: feature'.
    lengths: frames of each utterance; None: it has none.
    width: of a frame.
    rate: frames per second; None: unknown, or one row for the whole sound.
    num_bytes: of all files of its dataset; None: told of the feature before it.
    state: whether it fits to the labels that are prepared now.
  """

  name: str
  lengths: np.ndarray | None
  width: int | None
  rate: float | None
  num_bytes: int | None
  state: str


def configs(data_dir: pathlib.Path, corpus: str) -> list[Config]:
  """All that is prepared of a corpus; nothing is verified."""
  folders = [folder for folder in prepared.listed(data_dir) if folder.parts[-3] == corpus]
  abouts = {folder: files.read_json(folder / prepared.METADATA) for folder in folders}
  labels = {abouts[folder]['fingerprint'] for folder in folders if folder.parts[-2] in LABELLED}
  found = []
  for folder, about in abouts.items():
    source = about.get('base_fingerprint')
    state = '' if not source else 'up to date' if source in labels else 'of another base'
    num_bytes = sum(path.stat().st_size for path in folder.iterdir())
    for feature, lengths, width in _features(folder, about):
      name = folder.parts[-2] + (f': {feature}' if feature != 'values' else '')
      found.append(
        Config(name, lengths, width, about.get('frames_per_second'), num_bytes, state))
      num_bytes = None
  return found


def _features(
    folder: pathlib.Path, about: dict[str, Any],
) -> list[tuple[str, np.ndarray | None, int | None]]:
  """(name, lengths, width) of each feature of a dataset; of labels one, without frames."""
  if folder.parts[-2] in LABELLED:
    return [('values', None, None)]
  index = prepared.read_index(folder)
  if 'features' in about:
    return [(name, index[prepared.LENGTH + name], said['width'])
            for name, said in about['features'].items()]
  shape = files.read_json(folder / 'features.json')['featuresDict']['features']['values']
  return [('values', index['length'], int(shape['tensor']['shape']['dimensions'][-1]))]


def _check_corpus(data_dir: pathlib.Path, corpus: str) -> None:
  """Raises UnpreparedError if the name is nearly one of those that are prepared."""
  there = sorted({folder.parts[-3] for folder in prepared.listed(data_dir)})
  if near := difflib.get_close_matches(corpus, there, n=1):
    raise prepared.UnpreparedError(
      f'nothing of {corpus} is prepared under {data_dir}; there are: {", ".join(there)} (did you '
      f'mean {near[0]}?).')


def _notes(folder: pathlib.Path) -> list[str]:
  return [line['note'] for line in _lines(folder, prepared.NOTES)]


def _lines(folder: pathlib.Path, name: str) -> list[dict[str, str]]:
  return [json.loads(line) for line in (folder / name).read_text('utf-8').splitlines()]
