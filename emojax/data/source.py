"""A prepared corpus as the data path sees it: index, what it says of itself, feature rows."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xxhash

from emojax.io import prepared

# in the fingerprint of a corpus, after that of its index: a hash of what was lost, and the
# fingerprint of a table
WITHOUT, WITH = '-without-', '-with-'


@dataclasses.dataclass(frozen=True)
class Corpus:
  """`base` of a corpus; or its `text`, which is `base` without media.

  Attributes:
    name: e.g. 'iemocap'.
    path: the data_dir that it was found in; None: TFDS's default.
    index: the table of utterances.
    about: the dataset's metadata: fingerprint, complete, generated, bayes_accuracy ...; `media` is
      False in that of `text`; of a damaged one also `exclusions`, id -> why, of what was lost.
    num_excluded: utterances of the release that became no record, or whose record was lost.
    rows: the records of the utterances; None: all, in their order.
    opened: config -> what was opened with it.
  """

  name: str
  path: str | None
  index: prepared.Index
  about: Mapping[str, Any]
  num_excluded: int
  rows: np.ndarray | None = dataclasses.field(default=None, kw_only=True)
  opened: Mapping[str, prepared.Dataset] = dataclasses.field(default_factory=dict, kw_only=True)

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
    """A feature config of the corpus, row for row with the index.

    Raises:
      ValueError: if it is not of this build of the corpus; or damaged, and not named to `load`; or
        if there are no media that it could be of.
    """
    if not self.about.get('media', True):
      raise _without_media(self.name, config)
    fingerprint = self.about['fingerprint'].partition('-with')[0]
    dataset = (self.opened[config] if config in self.opened else
               _open(self.name, self.path, config, fingerprint))
    rows = np.arange(len(dataset)) if self.rows is None else self.rows
    return Feature(dataset.about, dataset.index['length'][rows],
                   lambda row: dataset.read(rows[row])['values'])


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


def load(
    name: str, path: str | os.PathLike | None, *, features: Sequence[str] = (),
    damaged: str = 'stop', config: str = '') -> Corpus:
  """Opens a corpus below `path` (the --data_dir of the build); where `base` is not there, `text`.

  Args:
    features: the feature configs that will be read; one that is damaged can cost utterances.
    damaged: 'stop', or 'quarantine': go on without the utterances that damaged shards have lost.
      The corpus then has another fingerprint: it is no longer the same set of utterances.

    config: the one that has the index; '': `base`, or `text`.

  Raises:
    prepared.UnpreparedError: with the build command, if it is not there.
    ValueError: if it is damaged, naming files and what is lost; if nothing is left.
  """
  if damaged not in ('stop', 'quarantine'):
    raise ValueError(f"config.data.damaged={damaged!r}; there are: 'stop', 'quarantine'.")
  quarantine, path = damaged == 'quarantine', str(path) if path else None
  folder = prepared.find(path, name, config) if config else _find_base(name, path, features)
  base = prepared.Dataset(folder, quarantine=quarantine)
  opened = {config: base} if config else {}
  opened |= {feature: _open(name, path, feature, base.about['fingerprint'], quarantine)
             for feature in features}
  lost = {}
  for part, dataset in {config or 'base': base, **opened}.items():
    for id, why in dataset.lost.items():
      lost.setdefault(id, f'{part}: {why}')
  if not lost:
    return Corpus(name, path, base.index, base.about, base.counts['excluded'], opened=opened)
  rows = np.flatnonzero([id not in lost for id in base.index['id'].tolist()])
  if not len(rows):
    raise ValueError(f'not one utterance of {name} is left; build it again.')
  which = xxhash.xxh3_64_hexdigest('\n'.join(sorted(lost)).encode())
  about = {**base.about, 'fingerprint': f'{base.about["fingerprint"]}{WITHOUT}{which}',
           'complete': False, 'exclusions': lost}
  return Corpus(name, path, {column: values[rows] for column, values in base.index.items()}, about,
                base.counts['excluded'] + len(lost), rows=rows, opened=opened)


def _find_base(name: str, path: str | None, features: Sequence[str]) -> pathlib.Path:
  """`base`, or `text` where no feature is asked for that is computed from sound."""
  folder = prepared.find_labels(path, name)
  computed = [config for config in features if not config.startswith(prepared.TABLE)]
  if computed and folder.parts[-2] == 'text':
    raise _without_media(name, computed[0])
  return folder


def _without_media(name: str, config: str) -> prepared.UnpreparedError:
  return prepared.UnpreparedError(
    f'{name}/{config} is computed from sound, and of {name} only `text` is prepared, which has '
    f'none. Build both from the whole release, with its media: python -m data_builders.build '
    f'{name}/{config} --manual_dir FOLDER-OF-THE-RELEASE; or choose streams of words alone.')


def _open(name: str, path: str | None, config: str, fingerprint: str, quarantine: bool = False,
          ) -> prepared.Dataset:
  """Opens a feature config; `fingerprint`: of the `base` that it must be computed from."""
  folder = prepared.find(path, name, config)
  dataset = prepared.Dataset(folder, quarantine=quarantine)
  if dataset.about['base_fingerprint'] != fingerprint:
    raise ValueError(
      f'{folder} was computed from another build of {name}/base; build it again: '
      f'{prepared.build_command(folder)} --overwrite')
  return dataset
