"""Records of a table of features that somebody else extracted; an origin as in `from_release`."""

from collections.abc import Iterator, Mapping
from typing import Any

from data_builders.corpora import (
  from_base,
  from_release,
  ledger,
  release,
  table_description,
  table_frames,
  table_rows,
)
from emojax.io import prepared


class FromTable:
  """The rows of a table; or, where labels come from a prepared corpus, its rows: those that the
  table lacks have no frames."""

  def __init__(self, description: table_description.Description, table: table_rows.Table, *,
               base: prepared.Dataset | None, about: Mapping[str, Any]):
    """Checks all rows.

    Args:
      base: the corpus whose labels are taken; None: the table has its own.
      about: what the metadata say besides: the description and the files.

    Raises:
      ValueError: if numbers are not finite and no rule says what becomes of them; if the table and
        `base` have no id in common; or if `fitted_on` names what is not there.
    """
    self._description, self._table, self._base, self._about = description, table, base, about
    self._ids = base.index['id'].tolist() if base else table.ids
    place = {id: row for row, id in enumerate(table.ids)}
    self._rows = [place.get(id) for id in self._ids]
    chosen = [row for row in self._rows if row is not None]
    if not chosen:
      raise ValueError(table_rows.no_match(
        'The table', table.ids, 'the prepared corpus', self._ids))
    table_rows.check_fitted_on(
      description, {name: values.tolist() for name, values in base.index.items()} if base else
      table.columns)
    self._features = {name: table_frames.finite(frames, table.ids, chosen)
                      for name, frames in table.features.items()}
    self._reasons = {exclusion.id: exclusion.reason for exclusion in table.exclusions}
    self._reasons |= {table.ids[row]: reason for feature in self._features.values()
                      for row, reason in feature.dropped.items()}
    self.ledger = ledger.Ledger(() if base else table.exclusions)
    self.num_bytes = sum(row.nbytes for frames in table.features.values() for row in frames.rows)

  @property
  def widths(self) -> dict[str, int]:
    """Feature -> D."""
    return {name: feature.frames.width for name, feature in self._features.items()}

  def __len__(self) -> int:
    return len(self._ids)

  def __iter__(self) -> Iterator[from_release.Record | None]:
    for number, (id, row) in enumerate(zip(self._ids, self._rows, strict=True)):
      why = self._reasons.get(id, 'is not in the table' if row is None else '')
      if why:
        self.ledger.exclusions.append(release.Exclusion(id, why, ''))
      yield None if why and not self._base else self._record(number, None if why else row)

  def finish(self) -> dict[str, Any]:
    if not len(self.ledger) or self._base and len(self.ledger.exclusions) == len(self):
      reasons = sorted({exclusion.reason for exclusion in self.ledger.exclusions})
      raise ValueError(f'not one row of the table can be used: {release.some(reasons)}.')
    from_others = {'complete': self._description.complete and not self.ledger.exclusions}
    if self._base:
      from_others = from_base.inherited(self._base)
    notes = self.ledger.notes = self._notes()
    return from_others | self._about | {
      'source': self._description.source, 'features': self._about_features(),
      'notes': notes[:20], 'num_notes': len(notes)}

  def _record(self, number: int, row: int | None) -> from_release.Record:
    values = {name: feature.none if row is None else feature.read(row)
              for name, feature in self._features.items()}
    columns = {} if self._base else {
      name: column[number] for name, column in self._table.columns.items()}
    record = {'id': self._ids[number], **values}
    self.ledger.add(record | columns, {'id': self._ids[number]} | columns | {
      prepared.LENGTH + name: len(frames) for name, frames in values.items()})
    return record

  def _about_features(self) -> Mapping[str, Any]:
    """What every feature is, as metadata."""
    about = {}
    for name, feature in self._features.items():
      fitted = feature.frames.described.fitted_on
      about[name] = {
        'width': feature.frames.width, 'nonfinite': feature.about,
        'fitted_on': fitted and {'labels': fitted.labels, 'where': dict(fitted.where)}}
    return about

  def _notes(self) -> list[str]:
    """What a user should see: replaced numbers, utterances without frames, rows of no use."""
    notes = list(self._table.notes)
    for name, feature in self._features.items():
      if feature.about['values']:
        notes.append(
          '{}: {:,} numbers of {:,} utterances were not finite, rule {!r}'.format(
            name, feature.about['values'], feature.about['utterances'], feature.about['rule']))
      empty = self.ledger.columns[prepared.LENGTH + name].count(0) - (
        len(self.ledger.exclusions) if self._base else 0)
      if empty:
        notes.append(f'{name}: {empty:,} utterances have no frames')
    unknown = sorted(set(self._table.ids) - set(self._ids))
    if unknown:
      notes.append(f'{len(unknown):,} rows of the table are no utterances of the prepared corpus, '
                   f'such as {release.some(unknown)}')
    return notes
