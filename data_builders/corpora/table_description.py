"""What a table of features holds, as a description says it (see `data_builders/tables/README.md`).

A description is a JSON file. It is read whole and checked before any table is opened.
"""

import dataclasses
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import data_builders
from data_builders.corpora import typed_json
from emojax import near
from emojax.io import files

TABLES = pathlib.Path(data_builders.__file__).parent / 'tables'  # the known descriptions
PADDINGS = ('none', 'end', 'front')
NONFINITE = ('error', 'drop_row', 'zero', 'column_minimum')


@dataclasses.dataclass(frozen=True)
class Column:
  """One value per utterance.

  Attributes:
    key: of the file; '{split}' in it stands for each split's own name.
    take: which component of a value that has several; None: it has one.
    match: a regular expression that fits every value; the value becomes its groups, joined by '_'.
    optional: whether the file may lack it.
  """

  key: str
  take: int | None = None
  match: str | None = None
  optional: bool = False


@dataclasses.dataclass(frozen=True)
class FittedOn:
  """On which utterances an extractor was fitted.

  Attributes:
    labels: whether it saw their labels.
    where: index column -> values; empty: on all.
  """

  labels: bool
  where: Mapping[str, list[str]]


@dataclasses.dataclass(frozen=True)
class Feature:
  """Frames per utterance: [N, D] is one frame each, [N, T, D] are T or fewer.

  Attributes:
    key: of the file, or of a csv file the columns: names or patterns such as 'f*'.
    lengths: how many of the T are real: a number each, or a 0/1 mask [T]; they come first.
    padding: without lengths, the side where frames of zeros are padding: 'end', 'front', 'none'.
    nonfinite: what becomes of NaN and infinite values: 'error'; 'drop_row': the utterance is
      excluded; 'zero'; 'column_minimum': -inf becomes its column's smallest finite value.
    fitted_on: None: on nothing of this corpus.
  """

  key: str | list[str]
  lengths: Column | None = None
  padding: str = 'none'
  nonfinite: str = 'error'
  fitted_on: FittedOn | None = None


@dataclasses.dataclass(frozen=True)
class Part:
  """What is taken from one file.

  Attributes:
    id: of each utterance; None: rows are numbered.
    columns: index column -> where it stands.
    features: feature -> where it stands.
  """

  id: Column | None = None
  columns: Mapping[str, Column] = dataclasses.field(default_factory=dict)
  features: Mapping[str, Feature] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Position:
  """Rows are put in this order, and numbered within a dialogue, from 0, as `position`."""

  within: str  # index columns
  by: str


@dataclasses.dataclass(frozen=True)
class Description:
  """A table.

  Attributes:
    about: what it is, in a line.
    licence: on what terms.
    files: one for each file of the table, in this order; joined by id.
    source: where it comes from.
    corpora: which it can be of; empty: any.
    splits: name -> name in the file; the index gets a column `split`.
    labels_from: '': the table has its own; 'base': those of the prepared corpus, joined by id.
    complete: whether it holds the whole release, so that published counts must hold.
    position: None: rows stay in the order of the file.
  """

  about: str
  licence: str
  files: list[Part]
  source: str = ''
  corpora: list[str] = dataclasses.field(default_factory=list)
  splits: Mapping[str, str] = dataclasses.field(default_factory=dict)
  labels_from: str = ''
  complete: bool = False
  position: Position | None = None

  @property
  def columns(self) -> list[str]:
    """The names of all index columns that the table brings."""
    named = [name for part in self.files for name in part.columns]
    named += ['split'] * bool(self.splits and not self.labels_from)
    return named + ['position'] * bool(self.position)

  @property
  def features(self) -> dict[str, Feature]:
    """All features of all files."""
    return {name: feature for part in self.files for name, feature in part.features.items()}


def known() -> list[str]:
  """The names of the descriptions that come with the project."""
  return sorted(path.stem for path in TABLES.glob('*.json'))


def load(name: str, path: pathlib.Path | None, corpus: str) -> Description:
  """The description in `path`, or the known one called `name`.

  Raises:
    ValueError: naming the field that is wrong, or what is known.
  """
  if path is None:
    if name not in known():
      raise ValueError(
        f'no table is known as {name!r}{near.hint(name, known())}; there '
        f'are: {", ".join(known())}. Describe yours in a JSON file (data_builders/tables/README.md '
        'shows how) and add --description FILE.')
    path = TABLES / f'{name}.json'
  if not path.is_file():
    raise ValueError(f'--description {path}: there is no such file.')
  description = parse(files.read_json(path), str(path))
  if description.corpora and corpus not in description.corpora:
    raise ValueError(f'{path} describes a table of {" or ".join(description.corpora)}, not of '
                     f'{corpus!r}.')
  return description


def parse(value: Any, where: str) -> Description:
  """A description from what its JSON file holds; `where`: the file, for messages."""
  made = typed_json.read(Description, value, where)
  if not made.files or not made.features:
    raise ValueError(f'{where}: files: expected at least one, with at least one feature.')
  for number, part in enumerate(made.files):
    named = {'id': part.id} if part.id else {}
    for name, column in {**part.columns, **named}.items():
      _check_match(column, f'{where}: files[{number}]: {name}')
    if not part.id and (len(made.files) > 1 or made.labels_from):
      raise ValueError(f'{where}: files[{number}]: without id its rows can be joined with nothing; '
                       'name the key that holds the ids.')
  _check_names(made.columns, f'{where}: column')
  _check_names([name for part in made.files for name in part.features], f'{where}: feature')
  if made.labels_from not in ('', 'base'):
    raise ValueError(f"{where}: labels_from={made.labels_from!r}; there are: '' (the table's own), "
                     "'base' (the prepared corpus, joined by id).")
  if made.labels_from and (made.columns or made.complete):
    raise ValueError(f'{where}: with labels_from={made.labels_from!r} the corpus brings the '
                     'columns; leave out columns, position and complete.')
  if made.position:
    _check_there([made.position.within, made.position.by], made, f'{where}: position')
  for name, feature in made.features.items():
    _check_feature(feature, f'{where}: feature {name!r}')
    if feature.fitted_on and not made.labels_from:
      _check_there(feature.fitted_on.where, made, f'{where}: feature {name!r}: fitted_on')
  return made


def _check_names(names: list[str], where: str) -> None:
  for name in names:
    if names.count(name) > 1:
      raise ValueError(f'{where} {name!r} is described twice.')
    if not re.fullmatch(r'[A-Za-z]\w*', name) or name in ('id', 'checksum'):
      raise ValueError(f"{where} {name!r}: expected letters, digits and '_', and neither 'id' nor "
                       "'checksum', which have a meaning here.")


def _check_there(names: Iterable[str], made: Description, where: str) -> None:
  for name in names:
    if name not in made.columns:
      raise ValueError(f'{where}: the table has no column {name!r}'
                       f'{near.hint(name, made.columns)}; it has: '
                       f'{", ".join(made.columns)}.')


def _check_feature(feature: Feature, where: str) -> None:
  for field, known_values in (('padding', PADDINGS), ('nonfinite', NONFINITE)):
    if getattr(feature, field) not in known_values:
      raise ValueError(f'{where}: {field}={getattr(feature, field)!r}; there are: '
                       f'{", ".join(map(repr, known_values))}.')
  if feature.lengths and feature.padding != 'none':
    raise ValueError(f'{where}: lengths and padding both say what is real; choose one.')


def _check_match(column: Column, where: str) -> None:
  if column.match is None:
    return
  try:
    groups = re.compile(column.match).groups
  except re.error as error:
    raise ValueError(f'{where}: match={column.match!r} is no regular expression ({error}).'
                     ) from error
  if not groups:
    raise ValueError(f'{where}: match={column.match!r} has no group (...) that says what is taken.')
