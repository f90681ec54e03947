"""A prepared table of features as a corpus: `config.data.source=table`, `config.data.table=NAME`.

A table with labels of its own is all there is of the corpus. One that takes them from the prepared
corpus adds its features to those: words, and what was computed from sound, are there as well.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from emojax.data import source
from emojax.io import prepared


@dataclasses.dataclass(frozen=True)
class TableCorpus(source.Corpus):
  """A table, opened.

  Attributes:
    table: its name.
  """

  table: str = dataclasses.field(kw_only=True)

  @property
  def _dataset(self) -> prepared.Dataset:
    return self.opened[prepared.TABLE + self.table]

  @property
  def words(self) -> Sequence[Sequence[str]]:
    """The words of every row, where the table has a column `transcript`."""
    if 'transcript' not in self.index:
      raise ValueError(f'the table {self.name}/{self.table} has no column transcript, so there are '
                       f'no words; its index has: {", ".join(sorted(self.index))}.')
    return super().words

  def feature(self, config: str) -> source.Feature:
    """A feature of the table; where it takes labels from the corpus, of that too.

    Raises:
      ValueError: if there is none of this name.
    """
    dataset = self._dataset
    known = dataset.about['features']
    if config not in known:
      if _joins(dataset.about):
        return super().feature(config)
      raise ValueError(f'the table {self.name}/{self.table} has no feature {config!r}; there are: '
                       f'{", ".join(known)}.')
    rows = np.arange(len(dataset)) if self.rows is None else self.rows
    return source.Feature(
      known[config], dataset.index[prepared.LENGTH + config][rows],
      lambda row: dataset.read(rows[row])[config])


def load(
    name: str, path: str | None, *, table: str, features: Sequence[str] = (),
    damaged: str = 'stop') -> TableCorpus:
  """Opens a table of a corpus below `path` (the --data_dir of the build).

  Args:
    table: its name, as it was built.
    features: those that will be read.
    damaged: see `source.load`.

  Raises:
    prepared.UnpreparedError: with the build command, if it is not there.
    ValueError: as `source.load`.
  """
  if not table:
    there = [folder.parts[-2].removeprefix(prepared.TABLE) for folder in prepared.listed(
      path or prepared.default_data_dir())
             if folder.parts[-3] == name and folder.parts[-2].startswith(prepared.TABLE)]
    raise ValueError("config.data.source='table' needs config.data.table=NAME; of "
                     f'{name} there are: {", ".join(there) or "none"}.')
  config = prepared.TABLE + table
  about = prepared.Dataset(prepared.find(path, name, config), quarantine=True).about
  if _joins(about):
    others = [feature for feature in features if feature not in about['features']]
    corpus = source.load(name, path, features=[*others, config], damaged=damaged)
  else:
    corpus = source.load(name, path, damaged=damaged, config=config)
  fields = {field.name: getattr(corpus, field.name) for field in dataclasses.fields(source.Corpus)}
  if _joins(about):
    joined = f'{corpus.about["fingerprint"]}{source.WITH}{about["fingerprint"]}'
    fields['about'] = {**corpus.about, 'fingerprint': joined}
  return TableCorpus(**fields, table=table)


def _joins(about: Mapping[str, object]) -> bool:
  return 'base_fingerprint' in about
