"""Where records come from: `base` from a raw release, a feature config from `base`.

An origin is iterated once; it yields one item per planned row, a record, or None where there is
none. `finish` then says whether all is well, and what the metadata state.
"""

import functools
import json
import math
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from data_builders.corpora import feature_configs, ledger, parallel, release, wav
from emojax.io import prepared

Record = dict[str, Any]

# What the metadata of `base` takes from `truth.json`, and those of features from `base`.
_FROM_TRUTH = ('generated', 'statement', 'bayes_accuracy')
_FROM_BASE = ('release', 'sample_rate', 'complete', 'licence', *_FROM_TRUTH)


class FromRelease:
  """Every utterance of a release with its sound, in the order of the release."""

  def __init__(
    self, name: str, parsed: release.Release, *, sample_rate: int, partial: bool, workers: int):
    self._name, self._parsed, self._partial, self._workers = name, parsed, partial, workers
    self._sample_rate = sample_rate
    self._damaged: list[release.Exclusion] = []
    self.ledger = ledger.Ledger(parsed.exclusions)
    if parsed.shortfalls:
      self._must_be_partial('is not complete: ' + '. '.join(parsed.shortfalls))
    self.num_bytes = sum(path.stat().st_size for path in parsed.sounds)

  def __len__(self) -> int:
    return len(self._parsed.utterances)

  def __iter__(self) -> Iterator[Record | None]:
    parsed = self._parsed
    read = functools.partial(_read_sound, sample_rate=self._sample_rate)
    sounds = parallel.map_threads(read, parsed.sounds, self._workers)
    rows = zip(parsed.utterances, parsed.sounds, sounds, strict=True)
    for utterance, path, (samples, reason) in rows:
      if reason:
        file = str(path.relative_to(parsed.root))
        self._damaged.append(release.Exclusion(utterance.id, reason, file))
      if reason or self._damaged and not self._partial:
        yield None  # a build that is to fail only looks for more damage
      else:
        yield self._record(utterance, samples)

  def finish(self) -> dict[str, Any]:
    parsed = self._parsed
    if self._damaged:
      told = release.some([f'{lost.file} ({lost.reason})' for lost in self._damaged])
      self._must_be_partial(f'has {len(self._damaged):,} damaged sounds: {told}')
    if not len(self.ledger):
      raise ValueError(f'{self._name}: no utterance of the release in {parsed.root} can be used.')
    self.ledger.exclusions += self._damaged
    truth = {name: parsed.truth[name] for name in _FROM_TRUTH if name in parsed.truth}
    return truth | {
      'release': release.identity(parsed.truth), 'sample_rate': self._sample_rate,
      'complete': not parsed.shortfalls and not self._damaged,
      'notes': parsed.notes[:20], 'num_notes': len(parsed.notes),
    }

  def _record(self, utterance: release.Utterance, samples: np.ndarray) -> Record:
    fields = dict(vars(utterance))
    duration = len(samples) / self._sample_rate
    if math.isnan(fields['end']):
      fields['end'] = fields['start'] + duration
    row = {k: value for k, value in fields.items() if isinstance(value, (str, int, float))}
    texts = {k: _json(value) for k, value in fields.items() if k not in row}
    record = row | texts | {'audio': samples, 'sample_rate': self._sample_rate}
    self.ledger.add(record, row | {'num_samples': len(samples), 'duration': duration})
    return record

  def _must_be_partial(self, what: str) -> None:
    if not self._partial:
      raise ValueError(
        f'{self._name}: the release in {self._parsed.root} {what}. Restore the files, or accept '
        'the release as it is with --partial (what is lost is then counted, and the dataset says '
        'complete=false).')


class FromBase:
  """One feature of every sound of a prepared `base`, row for row."""

  def __init__(self, folder: pathlib.Path, feature: feature_configs.Feature, *, workers: int):
    self._base = prepared.Dataset(folder)
    self._feature, self._workers = feature, workers
    self.ledger = ledger.Ledger()
    seconds = self._base.counts['seconds']
    self.num_bytes = seconds * feature.frames_per_second * feature.width * np.float32().itemsize

  def __len__(self) -> int:
    return len(self._base)

  def __iter__(self) -> Iterator[Record]:
    records = map(self._base.read, range(len(self)))
    sounds = ((record['audio'], record['sample_rate']) for record in records)
    # To start a worker takes as long as 200 log-mels: a handful is computed here.
    workers = min(self._workers, (len(self) + 150) // 200)
    values = parallel.map_processes(self._feature, sounds, workers)
    for id, (frames, reason) in zip(self._base.index['id'].tolist(), values, strict=True):
      if reason:
        self.ledger.exclusions.append(release.Exclusion(id, reason, ''))
      record = {'id': id, 'values': frames}
      self.ledger.add(record, {'id': id, 'length': len(frames)})
      yield record

  def finish(self) -> dict[str, Any]:
    about = self._base.about
    inherited = {name: about[name] for name in _FROM_BASE if name in about}
    return inherited | self._feature.metadata() | {'base_fingerprint': about['fingerprint']}


def _read_sound(path: pathlib.Path, sample_rate: int) -> tuple[np.ndarray | None, str]:
  try:
    return wav.read(path, sample_rate), ''
  except ValueError as error:
    return None, str(error)


def _json(value: Any) -> str:
  return json.dumps(value, default=vars, ensure_ascii=False)
