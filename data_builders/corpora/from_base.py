"""Records of a feature config, from a prepared `base`; an origin as in `from_release`."""

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from data_builders.corpora import feature_cache, from_release, ledger, parallel, release
from emojax.features import catalogue
from emojax.io import prepared

# What the metadata of features take from those of `base`.
_FROM_BASE = ('release', 'sample_rate', 'complete', 'licence', *release.FROM_TRUTH)


class FromBase:
  """One feature of every sound of a prepared `base`, row for row."""

  def __init__(self, folder: pathlib.Path, feature: catalogue.Feature, *, workers: int,
               cache: pathlib.Path | None = None):
    """`cache`: a folder for values on their way, which are then not computed twice."""
    self._base = prepared.Dataset(folder)
    self._feature, self._workers = feature, workers
    self._compute = feature_cache.cached(feature, cache) if cache else feature
    self.ledger = ledger.Ledger()
    rate = feature.frames_per_second
    frames = self._base.counts['seconds'] * rate if rate else len(self._base)
    self.num_bytes = frames * feature.width * np.float32().itemsize

  def __len__(self) -> int:
    return len(self._base)

  def __iter__(self) -> Iterator[from_release.Record]:
    sounds = (sound(self._base, row) for row in range(len(self)))
    # To start a worker takes as long as 200 log-mels: a handful is computed here.
    useful = len(self) if self._feature.costly else (len(self) + 150) // 200
    values = parallel.map_processes(self._compute, sounds, min(self._workers, useful))
    for id, (frames, reason) in zip(self._base.index['id'].tolist(), values, strict=True):
      if reason:
        self.ledger.exclusions.append(release.Exclusion(id, reason, ''))
      record = {'id': id, 'values': frames}
      self.ledger.add(record, {'id': id, 'length': len(frames)})
      yield record

  def finish(self) -> dict[str, Any]:
    return inherited(self._base) | self._feature.metadata()


def inherited(base: prepared.Dataset) -> dict[str, Any]:
  """What the metadata of a dataset that follows `base` row for row take from it."""
  about = {name: base.about[name] for name in _FROM_BASE if name in base.about}
  return about | {'base_fingerprint': base.about['fingerprint']}


def sound(base: prepared.Dataset, row: int) -> tuple[np.ndarray, int]:
  """(samples, rate) of a row of a prepared `base`."""
  record = base.read(row)
  return record['audio'], int(record['sample_rate'])
