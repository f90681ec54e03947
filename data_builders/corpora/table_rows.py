"""The rows of a table: its files read as their description says, and joined by id."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from data_builders.corpora import release, table_description, table_files, table_frames, table_part


@dataclasses.dataclass(frozen=True)
class Table:
  """A table as its files have it, in their order.

  Attributes:
    ids: 'corpus/id' of every row.
    columns: index column -> values [N], text, int or float.
    features: the frames of every row.
    exclusions: rows that some of the files lack.
    notes: what was not as described, and cost nothing.
  """

  ids: list[str]
  columns: Mapping[str, list[Any]]
  features: Mapping[str, table_frames.Frames]
  exclusions: list[release.Exclusion]
  notes: list[str]


def read(description: table_description.Description, corpus: str,
         files: Sequence[table_files.File]) -> Table:
  """Reads and joins the files of a table.

  Raises:
    ValueError: if a key is absent or of another form; an id is there twice, or in two splits; or
      the files have no id in common.
  """
  if len(files) != len(description.files):
    raise ValueError(f'the table has {len(description.files)} files, {len(files)} were given: '
                     f'{", ".join(str(file.path) for file in files) or "none"}.')
  parts = [table_part.Part(part, file, description, corpus)
           for part, file in zip(description.files, files, strict=True)]
  rows, exclusions = _joined(parts)
  columns, features, notes = {}, {}, []
  for part, chosen in zip(parts, rows, strict=True):
    columns |= {name: [values[row] for row in chosen] for name, values in part.columns.items()}
    features |= {name: _taken(frames, chosen) for name, frames in part.features.items()}
    notes += part.notes
  if description.splits and not description.labels_from:
    columns['split'] = [parts[0].splits[row] for row in rows[0]]
  table = Table([parts[0].ids[row] for row in rows[0]], columns, features, exclusions, notes)
  return _in_order(table, description.position) if description.position else table


def check_fitted_on(
    description: table_description.Description, index: Mapping[str, Sequence[Any]]) -> None:
  """Refuses a description whose `fitted_on` names what no row of the index has."""
  for name, feature in description.features.items():
    for column, values in (feature.fitted_on.where if feature.fitted_on else {}).items():
      if column not in index:
        raise ValueError(f'feature {name!r}: fitted_on names the column {column!r}; there are: '
                         f'{", ".join(sorted(index))}.')
      there = set(index[column])
      lacking = [value for value in values if value not in there]
      if lacking:
        raise ValueError(f'feature {name!r}: fitted_on names {column}={lacking[0]!r}, which no '
                         f'utterance has; there are: {release.some(sorted(map(repr, there)), 8)}.')


def _joined(parts: Sequence[table_part.Part]) -> tuple[list[list[int]], list[release.Exclusion]]:
  """Of each part the rows of the ids that all have, in the first one's order; and the others."""
  places = [{id: row for row, id in enumerate(part.ids)} for part in parts]
  everywhere = [id for id in parts[0].ids if all(id in place for place in places)]
  for part in parts[1:]:
    if not everywhere:
      raise ValueError(no_match(parts[0].file.path, parts[0].ids, part.file.path, part.ids))
  exclusions = {}
  for id, file in [(id, part.file) for part in parts for id in part.ids]:
    lacking = [other.file.path.name for other, place in zip(parts, places, strict=True)
               if id not in place]
    if lacking:
      exclusions.setdefault(id, release.Exclusion(
        id, f'is not in {" and ".join(lacking)}', file.path.name))
  return [[place[id] for id in everywhere] for place in places], list(exclusions.values())


def no_match(one: Any, ids: Sequence[str], other: Any, others: Sequence[str]) -> str:
  """The message for two sides that share no id."""
  return (f'{one} and {other} share no id: {release.some(ids)} there, {release.some(others)} here. '
          "Bring them into one form with the id's match in the description.")


def _taken(frames: table_frames.Frames, rows: Sequence[int]) -> table_frames.Frames:
  lengths = frames.lengths and [frames.lengths[row] for row in rows]
  return dataclasses.replace(frames, rows=[frames.rows[row] for row in rows], lengths=lengths)


def _in_order(table: Table, position: table_description.Position) -> Table:
  """The table sorted, dialogues as they first come; with the column `position`."""
  within, by = table.columns[position.within], _sortable(table.columns[position.by])
  first = {}
  for dialogue in within:
    first.setdefault(dialogue, len(first))
  order = sorted(range(len(within)), key=lambda row: (first[within[row]], by[row]))
  columns = {name: [values[row] for row in order] for name, values in table.columns.items()}
  counted = collections.Counter()
  columns['position'] = []
  for dialogue in columns[position.within]:
    columns['position'].append(counted[dialogue])
    counted[dialogue] += 1
  return dataclasses.replace(
    table, ids=[table.ids[row] for row in order], columns=columns,
    features={name: _taken(frames, order) for name, frames in table.features.items()})


def _sortable(values: Sequence[Any]) -> Sequence[Any]:
  """Numbers by size, also where they are written as text."""
  try:
    return [float(value) for value in values]
  except ValueError:
    return [str(value) for value in values]
