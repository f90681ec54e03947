"""The TFDS machinery of all builders.

A corpus brings its parser and its words (see `iemocap/`). Records are written in the order of the
release, so row i of the index is record i. TFDS reserves the split name `all` for "every split":
ours is called `utterances`, and `as_data_source('all')` reads it.
"""

import contextlib
import dataclasses
import functools
import itertools
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
import tqdm
from tensorflow_datasets.core import writer
from tensorflow_datasets.proto import tf_example_pb2

from data_builders.corpora import (
  from_base,
  from_release,
  ledger,
  media,
  parallel,
  release,
)
from emojax.features import catalogue
from emojax.io import prepared

Origin = from_release.FromRelease | from_release.TextFromRelease | from_base.FromBase
TEXT = 'text'  # the config that is `base` without media
SHARD_BYTES = 128 << 20  # TFDS holds the records of one shard in memory

_BYTES = tfds.features.Encoding.BYTES  # the default encoding is 100 times slower to write
_TEXT = tfds.features.Text()
_SCALARS = {
  str: _TEXT, int: tfds.features.Scalar(np.int32), float: tfds.features.Scalar(np.float32)}


def configs(*features: str, text: bool = False) -> list[tfds.core.BuilderConfig]:
  """`base` and the named entries of `catalogue.FEATURES`.

  Args:
    text: whether there is `text` too: `base` without media, for a release whose transcripts and
      labels come without its sounds as well. It is built where it is asked for by name.
  """
  base = [tfds.core.BuilderConfig(name='base', description='Sound, transcript, labels and votes.')]
  base += [tfds.core.BuilderConfig(name=TEXT, description='Transcript and labels.')] * text
  return base + [
    tfds.core.BuilderConfig(name=name, description=catalogue.FEATURES[name].description)
    for name in features
  ]


def frames(width: int) -> tfds.features.Tensor:
  """The field of a record that holds frames [T, width]."""
  return tfds.features.Tensor(shape=(None, width), dtype=np.float32, encoding=_BYTES)


class Builder(tfds.core.ShardBasedBuilder, skip_registration=True):
  """A subclass states the corpus.

  Shards are written one after the other as records arrive. TFDS's usual `GeneratorBasedBuilder`
  collects and sorts all records first, for which it needs TensorFlow from 1 GB on.
  """

  UTTERANCE: type[release.Utterance]  # its fields become the fields of a record
  # `wav.read_file` where all sounds of a release have the one form that it demands
  READ_FILE: from_release.ReadFile = staticmethod(media.read_file)
  SAMPLE_RATE: int
  HOMEPAGE: str
  LICENCE: str

  def __init__(self, *, partial: bool = False, workers: int | None = None,
               base: pathlib.Path | None = None, cache: pathlib.Path | None = None,
               **kwargs: Any):
    """Takes TFDS's arguments (`config`, `data_dir`, `version`) and ours.

    Args:
      partial: accept a release that is not complete, and record `complete = false`.
      workers: processes that compute, threads that read; None: one per core.
      base: the prepared `base` to compute features from; None: the newest under `data_dir`.
      cache: a folder for values of features on their way; None: they are not kept.
    """
    super().__init__(**kwargs)
    self._partial = partial
    self._workers = workers or parallel.workers_available()
    self._base, self._cache = base, cache

  @staticmethod
  def read_release(manual_dir: pathlib.Path) -> release.Release:
    """Parses the release; the corpus's own."""
    raise NotImplementedError

  @property
  def feature(self) -> catalogue.Feature | None:
    """What this config computes; None for `base` and `text`."""
    return catalogue.FEATURES.get(self.builder_config.name)

  @property
  def _keeps_excluded(self) -> bool:
    return bool(self.feature)

  def _info(self) -> tfds.core.DatasetInfo:
    return self.dataset_info_from_configs(
      features=tfds.features.FeaturesDict(self._features()), disable_shuffling=True,
      homepage=self.HOMEPAGE, license=self.LICENCE, metadata=tfds.core.MetadataDict())

  def _features(self) -> dict[str, tfds.features.FeatureConnector]:
    if self.feature:
      return {'id': _TEXT, 'values': frames(self.feature.width)}
    fields = dataclasses.fields(self.UTTERANCE)
    said = {field.name: _SCALARS.get(field.type, _TEXT) for field in fields}
    return said if self.builder_config.name == TEXT else said | {
      'audio': tfds.features.Tensor(shape=(None,), dtype=np.int16, encoding=_BYTES),
      'sample_rate': _SCALARS[int],
    }

  def _download_and_prepare(self, dl_manager, download_config) -> None:
    """Writes records and what stands beside them into a folder that TFDS renames at the end."""
    origin = self._origin(dl_manager, download_config)
    self._ledger = origin.ledger
    self._shard_sizes = _shard_sizes(origin, download_config.num_shards)
    with contextlib.closing(self._watched(origin)) as self._records:
      super()._download_and_prepare(dl_manager, download_config)
    self.info.metadata.update(
      origin.finish(), licence=self.LICENCE, fingerprint=origin.ledger.fingerprint)
    # `base` has no rows for what it excludes; a feature config keeps them, without frames.
    origin.ledger.save(pathlib.Path(self.data_dir), excluded_have_rows=self._keeps_excluded)

  def _shard_iterators_per_split(self, dl_manager):
    take = functools.partial(_take, self._records)
    return {'utterances': [functools.partial(take, size) for size in self._shard_sizes]}

  def _example_writer(self) -> writer.ExampleWriter:
    return _Writer(self.info.file_format, self._ledger)

  def _origin(self, dl_manager, download_config) -> Origin:
    if self.feature:
      folder = self._base or prepared.find(self.data_dir_root, self.name)
      return from_base.FromBase(
        folder, self.feature, workers=self._workers, cache=self._cache)
    parsed = self.read_release(pathlib.Path(download_config.manual_dir or dl_manager.manual_dir))
    if self.builder_config.name == TEXT:
      return from_release.TextFromRelease(self.name, parsed, partial=self._partial)
    return from_release.FromRelease(
      self.name, parsed, read_file=self.READ_FILE, sample_rate=self.SAMPLE_RATE,
      partial=self._partial, workers=self._workers)

  def _watched(self, origin) -> Iterator[from_release.Record | None]:
    """The records, with a line of progress and the time left where somebody watches."""
    with tqdm.tqdm(desc=f'{self.name}/{self.builder_config.name}', total=len(origin),
                   unit=' utterances', leave=False, disable=None, mininterval=0.5) as line:
      for record in origin:
        yield record
        line.update()


class _Writer(writer.ExampleWriter):
  """Writes records whose bytes follow from their content, and notes the checksum of each."""

  def __init__(self, file_format, notes: ledger.Ledger):
    super().__init__(file_format)
    self._notes = notes

  def write(self, path, examples):
    return super().write(path, self._noted(examples))

  def _noted(self, examples: Iterator[tuple[Any, bytes]]) -> Iterator[tuple[Any, bytes]]:
    for key, example in examples:
      parsed = tf_example_pb2.Example.FromString(example)  # its fields come in any order
      record = parsed.SerializeToString(deterministic=True)
      self._notes.add_written(record)
      yield key, record


def _shard_sizes(origin: Origin, wanted: int | None) -> list[int]:
  """How many rows of the origin go into each shard, as even as can be."""
  rows = len(origin)
  if wanted and wanted > rows:
    raise ValueError(f'{rows:,} utterances cannot fill {wanted:,} shards; choose fewer, or leave '
                     'num_shards to the size.')
  shards = wanted or max(1, round(origin.num_bytes / SHARD_BYTES))
  return [rows * (k + 1) // shards - rows * k // shards for k in range(shards)]


def _take(records: Iterator[from_release.Record | None], size: int):
  """The next rows, those without a record left out; the key is for TFDS, which ignores it here."""
  return ((0, record) for record in itertools.islice(records, size) if record is not None)
