"""One table of all that a corpus lists: what was kept, and what was not and why."""

import csv
import io
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from data_builders.corpora import inspected
from emojax.io import files

HEAD = ('id', 'kept', 'reason', 'file')


def write(about: inspected.Inspected, path: pathlib.Path) -> int:
  """Writes a CSV, whole or not at all; returns the number of its rows.

  The columns are `HEAD`, then those of the index. Of what was excluded only `HEAD` is known, unless
  the dataset has a row of it.
  """
  names = [name for name in about.columns if name != 'id']
  content = io.StringIO()
  writer = csv.writer(content, lineterminator='\n')
  writer.writerow([*HEAD, *names])
  number = 0
  for row in _rows(about, names):
    writer.writerow(row)
    number += 1
  files.write_text(path, content.getvalue())
  return number


def _rows(about: inspected.Inspected, names: list[str]) -> Iterator[list[Any]]:
  lost = {exclusion['id']: exclusion for exclusion in about.exclusions}
  ids = about.columns['id'].tolist()
  columns = [[_cell(value) for value in about.columns[name].tolist()] for name in names]
  for id, *values in zip(ids, *columns, strict=True):
    why = lost.get(id)
    yield [id, 'no', why['reason'], why['file'], *values] if why else [id, 'yes', '', '', *values]
  known = set(ids)
  for exclusion in about.exclusions:
    if exclusion['id'] not in known:
      yield [exclusion['id'], 'no', exclusion['reason'], exclusion['file'], *[''] * len(names)]


def _cell(value: Any) -> Any:
  return '' if isinstance(value, float) and np.isnan(value) else value
