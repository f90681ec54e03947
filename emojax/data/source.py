"""A prepared corpus as the data path sees it: index, what it says of itself, feature rows."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from emojax.io import files, prepared


@dataclasses.dataclass(frozen=True)
class Corpus:
  """`base` of a corpus.

  Attributes:
    name: e.g. 'iemocap'.
    path: the data_dir that it was found in; None: TFDS's default.
    index: the table of utterances.
    about: the dataset's metadata: fingerprint, complete, generated, bayes_accuracy ...
    num_excluded: utterances of the release that became no record.
  """

  name: str
  path: str | None
  index: prepared.Index
  about: Mapping[str, Any]
  num_excluded: int

  @property
  def is_complete_release(self) -> bool:
    """Whether published counts must hold: everything is there, and it is not a generated corpus."""
    return bool(self.about.get('complete')) and not self.about.get('generated')

  @functools.cached_property
  def words(self) -> Sequence[Sequence[str]]:
    """The words of every row, as they were said or written."""
    return [text.split() for text in self.index['transcript'].tolist()]

  @property
  def transcripts(self) -> 'Transcripts':
    """Every transcript there is, with or without a label."""
    return Transcripts(self.index, self.words)

  def word_cache(self) -> tuple[Mapping[str, int], np.ndarray]:
    """The vocabulary and vectors that the original's authors left beside their data, if any."""
    raise ValueError("config.streams.text.vectors='processed' asks for the cache files of an "
                     "original; set config.data.source='processed' too, or name a file of vectors.")

  def feature(self, config: str) -> 'Feature':
    """A feature config of the corpus, row for row with the index."""
    folder = prepared.find(self.path, self.name, config)
    about = files.read_json(folder / 'metadata.json')
    index = prepared.read_index(folder)
    if about['base_fingerprint'] != self.about['fingerprint']:
      raise ValueError(
        f'{folder} was computed from another build of {self.name}/base; build it again: '
        f'python -m data_builders.build {self.name}/{config} --overwrite')
    return Feature(about, index['length'], _reader(folder))


@dataclasses.dataclass(frozen=True)
class Transcripts:
  """Words [n][...] in corpus order; `index` says where each was said, by columns as `Corpus`'s."""

  index: prepared.Index
  words: Sequence[Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Feature:
  """Frames of every utterance: `lengths` [N], `read(row) -> [T, D]`."""

  about: Mapping[str, Any]
  lengths: np.ndarray
  read: Callable[[int], np.ndarray]

  @functools.cached_property
  def width(self) -> int:
    return self.read(0).shape[-1]


def load(name: str, path: str | os.PathLike | None) -> Corpus:
  """Opens a corpus below `path` (the --data_dir of the build).

  Raises:
    prepared.UnpreparedError: with the build command, if it is not there.
  """
  folder = prepared.find(path, name)
  counts = files.read_json(folder / prepared.COUNTS)
  return Corpus(name, str(path) if path else None, prepared.read_index(folder),
                files.read_json(folder / 'metadata.json'), counts['excluded'])


def _reader(folder: pathlib.Path) -> Callable[[int], np.ndarray]:
  import tensorflow_datasets as tfds  # here, since it takes a second

  builder = tfds.builder_from_directory(str(folder))
  ignored = {'id': tfds.decode.SkipDecoding()}  # the index has it; decoding takes a third of a read
  records = builder.as_data_source('all', decoders=ignored)
  return lambda row: records[row]['values']
