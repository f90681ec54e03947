"""Reads the csv files of releases: columns by name, whatever wrote the file."""

import csv
import io
import pathlib
from collections.abc import Mapping, Sequence

from data_builders.corpora import release
from emojax import near


def read(
  path: pathlib.Path, columns: Sequence[str], optional: Sequence[str] = (),
) -> list[Mapping[str, str]]:
  """The rows of a file, column -> text without the blanks around it; empty lines are no rows.

  UTF-8 with or without a BOM, or Windows' Western encoding; any end of line. Nothing else in the
  text is changed: curly quotes stay.

  Args:
    columns: that must be there.
    optional: that may be; no other may, since it may be a misspelt one.

  Raises:
    ValueError: if the header or a row is none of these columns, naming the nearest ones.
  """
  rows = csv.reader(io.StringIO(release.read_text(path), newline=''))
  try:
    header = [name.strip() for name in next(rows, [])]
    _check_header(path, header, columns, optional)
    return [_row(path, rows.line_num, header, row) for row in rows if any(map(str.strip, row))]
  except csv.Error as error:
    raise ValueError(f'{path}, line {rows.line_num}: {error}.') from error


def _check_header(
  path: pathlib.Path, header: Sequence[str], columns: Sequence[str], optional: Sequence[str],
) -> None:
  unknown = [name for name in header if name not in columns and name not in optional]
  missing = [name for name in columns if name not in header]
  twice = [name for number, name in enumerate(header) if name in header[:number]]
  told = [f'{name!r} stands there twice' for name in twice]
  told += [f'{name!r} is missing' + near.hint(name, unknown) for name in missing]
  told += [f'{name!r} is unknown' + near.hint(name, [*columns, *optional])
           for name in unknown if not missing]
  if told:
    raise ValueError(
      f'{path}: the header is not the one of the release: {release.some(told, 5)}. It has '
      f'{", ".join(header) or "nothing"}; expected: {", ".join(columns)}.')


def _row(
  path: pathlib.Path, line: int, header: Sequence[str], row: Sequence[str]) -> dict[str, str]:
  if len(row) != len(header):
    raise ValueError(f'{path}, line {line}: {len(row)} values for {len(header)} columns; is a '
                     'quote missing, or the file cut short?')
  return {name: value.strip() for name, value in zip(header, row)}
