"""What all builders share: from a parsed release to `base`, from `base` to the feature configs.

A corpus brings its parser and its words (see `iemocap/`). Records are written in the order of the
release under integer keys, so row i of the index is record i. TFDS reserves the split name `all`
for "every split": ours is called `utterances`, and `as_data_source('all')` reads it.
"""

import dataclasses
import functools
import json
import math
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
import tqdm

from data_builders.corpora import feature_configs, ledger, parallel, release, wav
from emojax.io import prepared

_BYTES = tfds.features.Encoding.BYTES  # the default encoding is 100 times slower to write
_TEXT = tfds.features.Text()
_SCALARS = {
  str: _TEXT, int: tfds.features.Scalar(np.int32), float: tfds.features.Scalar(np.float32)}
# What the metadata of `base` takes from `truth.json`, and those of features from `base`.
_FROM_TRUTH = ('generated', 'statement', 'bayes_accuracy')
_FROM_BASE = ('sample_rate', 'complete', 'licence', *_FROM_TRUTH)

Examples = Iterator[tuple[int, dict[str, Any]]]


def configs(*features: str) -> list[tfds.core.BuilderConfig]:
  """`base` and the named entries of `feature_configs.FEATURES`."""
  base = tfds.core.BuilderConfig(name='base', description='Sound, transcript, labels and votes.')
  return [base] + [
    tfds.core.BuilderConfig(name=name, description=feature_configs.FEATURES[name].description)
    for name in features
  ]


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """The machinery; a subclass states the corpus."""

  UTTERANCE: type[release.Utterance]  # its fields become the fields of a record
  SAMPLE_RATE: int
  HOMEPAGE: str
  LICENCE: str

  def __init__(self, *, partial: bool = False, workers: int | None = None,
               base: pathlib.Path | None = None, **kwargs: Any):
    """Takes TFDS's arguments (`config`, `data_dir`, `version`) and ours.

    Args:
      partial: accept a release that is not complete, and record `complete = false`.
      workers: processes that compute, threads that read; None: one per core.
      base: the prepared `base` to compute features from; None: the newest under `data_dir`.
    """
    super().__init__(**kwargs)
    self._partial = partial
    self._workers = workers or parallel.workers_available()
    self._base = base
    self._ledger = ledger.Ledger()

  @staticmethod
  def read_release(manual_dir: pathlib.Path) -> release.Release:
    """Parses the release; the corpus's own."""
    raise NotImplementedError

  @property
  def feature(self) -> feature_configs.Feature | None:
    """What this config computes; None for `base`."""
    return feature_configs.FEATURES.get(self.builder_config.name)

  def _info(self) -> tfds.core.DatasetInfo:
    return self.dataset_info_from_configs(
      features=tfds.features.FeaturesDict(self._features()), disable_shuffling=True,
      homepage=self.HOMEPAGE, license=self.LICENCE, metadata=tfds.core.MetadataDict())

  def _features(self) -> dict[str, tfds.features.FeatureConnector]:
    if self.feature:
      shape = (None, self.feature.width)
      return {'id': _TEXT, 'values': tfds.features.Tensor(
        shape=shape, dtype=np.float32, encoding=_BYTES)}
    fields = dataclasses.fields(self.UTTERANCE)
    return {field.name: _SCALARS.get(field.type, _TEXT) for field in fields} | {
      'audio': tfds.features.Tensor(shape=(None,), dtype=np.int16, encoding=_BYTES),
      'sample_rate': _SCALARS[int],
    }

  def _download_and_prepare(self, dl_manager, download_config) -> None:
    """Writes records and what stands beside them into a folder that TFDS renames at the end."""
    self._download_config = download_config
    super()._download_and_prepare(dl_manager, download_config)
    rows, excluded = len(self._ledger), len(self._ledger.exclusions)
    # `base` has no rows for what it excludes; a feature config keeps them, without frames.
    self._ledger.save(pathlib.Path(self.data_dir), rows if self.feature else rows + excluded)
    self.info.metadata['fingerprint'] = self._ledger.fingerprint

  def _split_generators(self, dl_manager):
    if self.feature:
      return {'utterances': self._generate_features()}
    manual_dir = self._download_config.manual_dir or dl_manager.manual_dir
    return {'utterances': self._generate_examples(manual_dir)}

  def _generate_examples(self, manual_dir) -> Examples:
    """The records of `base`."""
    parsed = self.read_release(pathlib.Path(manual_dir))
    if parsed.shortfalls:
      self._must_be_partial('is not complete: ' + '. '.join(parsed.shortfalls), parsed.root)
    self._check_shards(len(parsed.utterances))
    self._ledger = ledger.Ledger(parsed.exclusions)
    read = functools.partial(_read_sound, sample_rate=self.SAMPLE_RATE)
    sounds = parallel.map_threads(read, parsed.sounds, self._workers)
    rows = zip(parsed.utterances, parsed.sounds, sounds, strict=True)
    damaged = []
    for utterance, path, (samples, reason) in self._progress(rows, len(parsed.utterances)):
      if reason:
        file = str(path.relative_to(parsed.root))
        damaged.append(release.Exclusion(utterance.id, reason, file))
      elif self._partial or not damaged:  # a build that is to fail only looks for more damage
        record, row = _record(utterance, samples, self.SAMPLE_RATE)
        yield len(self._ledger), record
        self._ledger.add(record, row)
    if damaged:
      told = release.some([f'{lost.file} ({lost.reason})' for lost in damaged])
      self._must_be_partial(f'has {len(damaged):,} damaged sounds: {told}', parsed.root)
    if not len(self._ledger):
      raise ValueError(f'{self.name}: no utterance of the release in {parsed.root} can be used.')
    self._ledger.exclusions += damaged
    self.info.metadata.update(
      {name: parsed.truth[name] for name in _FROM_TRUTH if name in parsed.truth},
      sample_rate=self.SAMPLE_RATE, complete=not parsed.shortfalls and not damaged,
      licence=self.LICENCE, notes=parsed.notes[:20], num_notes=len(parsed.notes))

  def _generate_features(self) -> Examples:
    """The records of a feature config, row for row with `base`."""
    folder = self._base or prepared.find(self.data_dir_root, self.name)
    base = tfds.builder_from_directory(str(folder))
    source = base.as_data_source('all')
    ids = prepared.read_index(folder)['id'].tolist()
    self._check_shards(len(ids))
    sounds = ((record['audio'], record['sample_rate']) for record in source)
    workers = min(self._workers, len(ids) // 200)  # to start one takes as long as 200 log-mels
    values = parallel.map_processes(self.feature, sounds, workers)
    self._ledger = ledger.Ledger()
    for id, (frames, reason) in self._progress(zip(ids, values, strict=True), len(ids)):
      if reason:
        self._ledger.exclusions.append(release.Exclusion(id, reason, ''))
      record = {'id': id, 'values': frames}
      yield len(self._ledger), record
      self._ledger.add(record, {'id': id, 'length': len(frames)})
    said = base.info.metadata
    self.info.metadata.update(
      {name: said[name] for name in _FROM_BASE if name in said},
      base_fingerprint=said['fingerprint'], **self.feature.metadata())

  def _must_be_partial(self, what: str, root: pathlib.Path) -> None:
    if not self._partial:
      raise ValueError(
        f'{self.name}: the release in {root} {what}. Restore the files, or accept the release as it '
        'is with --partial (what is lost is then counted, and the dataset says complete=false).')

  def _check_shards(self, records: int) -> None:
    wanted = self._download_config.num_shards or 0
    if wanted > records:
      raise ValueError(f'{self.name}: {records:,} utterances cannot fill {wanted:,} shards; '
                       'choose fewer, or leave num_shards to the size.')

  def _progress(self, items: Iterable[Any], total: int) -> Iterable[Any]:
    """A line with the time left, where somebody watches."""
    return tqdm.tqdm(items, f'{self.name}/{self.builder_config.name}', total, unit=' utterances',
                     leave=False, disable=None, mininterval=0.5)


def _read_sound(path: pathlib.Path, sample_rate: int) -> tuple[np.ndarray | None, str]:
  try:
    return wav.read(path, sample_rate), ''
  except ValueError as error:
    return None, str(error)


def _record(
  utterance: release.Utterance, samples: np.ndarray, sample_rate: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
  """What is stored of an utterance, and its row in the index."""
  fields = dict(vars(utterance))
  duration = len(samples) / sample_rate
  if math.isnan(fields['end']):
    fields['end'] = fields['start'] + duration
  row = {name: value for name, value in fields.items() if isinstance(value, (str, int, float))}
  row |= {'num_samples': len(samples), 'duration': duration}
  record = {
    name: value if name in row else json.dumps(value, default=vars, ensure_ascii=False)
    for name, value in fields.items()
  }
  return record | {'audio': samples, 'sample_rate': sample_rate}, row
