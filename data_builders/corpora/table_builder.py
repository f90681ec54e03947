"""Prepares a table of features as a dataset `CORPUS/table_NAME`."""

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import tensorflow_datasets as tfds

from data_builders.corpora import (
  base,
  from_table,
  prepare,
  release,
  table_description,
  table_files,
  table_rows,
)
from emojax.io import checksums, files, prepared

VERSION = tfds.core.Version('1.0.0')


class Builder(base.Builder, skip_registration=True):
  """Writes the rows of one table."""

  VERSION = VERSION
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  HOMEPAGE = ''

  def __init__(self, corpus: str, name: str, origin: from_table.FromTable,
               description: table_description.Description, **kwargs: Any):
    self.name, self.LICENCE = corpus, description.licence
    self._table, self._joins = origin, bool(description.labels_from)
    super().__init__(
      config=tfds.core.BuilderConfig(name=name, description=description.about), **kwargs)

  @property
  def _keeps_excluded(self) -> bool:
    return self._joins

  def _features(self) -> dict[str, tfds.features.FeatureConnector]:
    return {'id': tfds.features.Text()} | {
      name: base.frames(width) for name, width in self._table.widths.items()}

  def _origin(self, dl_manager, download_config) -> from_table.FromTable:
    return self._table


def prepare_table(
  corpus: str, name: str, paths: Sequence[pathlib.Path], data_dir: pathlib.Path, *,
  description: pathlib.Path | None = None, overwrite: bool = False, num_shards: int | None = None,
) -> tuple[pathlib.Path, str]:
  """Builds `corpus/table_name` under `data_dir` unless it is there already, of these very files.

  A `truth.json` of that corpus beside the files says that they were generated; the metadata then
  say so too, and which scores are the best possible ones.

  Args:
    description: a JSON file; None: the known one called `name`.

  Returns:
    The folder, and why it was built ('new', 'replaced: ...') or 'kept'.

  Raises:
    ValueError: if description or files are not good enough; nothing is left behind then.
  """
  for what, word in (('corpus', corpus), ('table', name)):
    if not re.fullmatch(r'[a-z][a-z0-9_]*', word):
      raise ValueError(f'{what} {word!r}: expected small letters, digits and _, as in mosi/bclstm.')
  described = table_description.load(name, description, corpus)
  opened = [table_files.File(path) for path in paths]
  config = prepared.TABLE + name
  parent = data_dir / corpus / config
  labels = prepared.find_labels(data_dir, corpus) if described.labels_from else None
  truths = {path.parent / release.TRUTH: truth for path in paths
            if (truth := release.truth_in(path.parent, corpus))}
  about = {'table': dataclasses.asdict(described),
           'files': {path.name: checksums.of_file(path) for path in [*paths, *truths]}}
  if truths and not labels:  # the corpus that brings labels says itself what it is
    about |= release.from_truth(next(iter(truths.values())))
  with prepare.alone(parent, f'{corpus}/{config}'):
    folder = parent / str(VERSION)
    why = 'replaced: --overwrite' if overwrite and folder.exists() else ''
    why = why or _why_build(folder, about, labels)
    if not why:
      return folder, 'kept'
    origin = from_table.FromTable(
      described, table_rows.read(described, corpus, opened),
      base=prepared.Dataset(labels) if labels else None, about=about)
    with prepare.quiet():  # TFDS warns of a config that no class lists
      builder = Builder(corpus, config, origin, described, data_dir=parent / prepare.ROOM)
    prepare.install(builder, folder, num_shards=num_shards)
  return folder, why


def _why_build(
    folder: pathlib.Path, about: dict[str, Any], labels: pathlib.Path | None) -> str:
  """Why the folder has to be built; '' if it is good."""
  if not folder.exists():
    return 'new'
  if damage := prepare.damage_of(folder):
    return 'replaced: ' + '; '.join(f'{name} {wrong}' for name, wrong in damage.items())
  said = files.read_json(folder / prepared.METADATA)
  changed = {'its description': 'table', 'its files': 'files'}
  changed = [what for what, name in changed.items() if said.get(name) != about[name]]
  if labels and said['base_fingerprint'] != files.read_json(
      labels / prepared.METADATA)['fingerprint']:
    changed.append('the corpus that it takes labels from')
  return f'replaced: {" and ".join(changed)} changed' if changed else ''


def features_text(folder: pathlib.Path) -> list[str]:
  """A line on each feature of a prepared table: its width, and what it was fitted on."""
  lines = []
  for name, about in files.read_json(folder / prepared.METADATA)['features'].items():
    line, fitted = f'{name} [{about["width"]}]', about['fitted_on']
    if fitted:
      where = ', '.join(f'{column}={"/".join(values)}'
                        for column, values in fitted['where'].items()) or 'everything'
      line += f', fitted {"with" if fitted["labels"] else "without"} labels on {where}'
    lines.append(line)
  return lines
