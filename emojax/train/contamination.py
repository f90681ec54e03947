"""What is known of test and validation by features that somebody else fitted: refused, or said."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from emojax.protocols import labels as labels_lib
from emojax.protocols import protocol as protocol_lib


def notices(
    protocol: protocol_lib.Protocol, splits: Mapping[int, protocol_lib.Split],
    index: labels_lib.Index, fitted_on: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
  """What every result must say, a line each; nothing, where nothing was seen beforehand.

  Args:
    splits: fold -> its rows.
    index: the table of the corpus.
    fitted_on: feature -> what the feature says that it was fitted on, {'labels': with labels or
      not, 'where': column -> values, empty: everything}; None: on nothing of this corpus.

  Raises:
    ValueError: if a feature was fitted with labels of utterances that are tested on; a protocol
      named `..._as_published` says so instead.
  """
  with_labels, without = ({name: fitted for name, fitted in fitted_on.items()
                           if fitted and fitted['labels'] is labels} for labels in (True, False))
  tested = list(_seen(with_labels, splits, index, 'test'))
  if tested and protocol.clean:
    columns = sorted({column for fitted in with_labels.values() for column in fitted['where']})
    raise ValueError(
      f'{protocol.name}: {tested[0]} whose labels the feature was fitted with; a score would say '
      'nothing. Choose a protocol that tests on others'
      + (f' (the feature was fitted by {", ".join(columns)})' if columns else '')
      + ', or leave the feature out of config.streams.')
  return [
    *(f'test contaminated: {told} whose labels the feature was fitted with' for told in tested),
    *(f'validation contaminated: {told} whose labels the feature was fitted with, so that '
      'validation scores choose nothing' for told in _seen(with_labels, splits, index, 'valid')),
    *(f'transductive: {told} that the feature was fitted on, without labels'
      for told in _seen(without, splits, index, 'test'))]


def noted(protocol: protocol_lib.Protocol, found: Iterable[str]) -> protocol_lib.Protocol:
  """The protocol with further lines in its notice, each once."""
  lines = [*protocol.notice.splitlines(), *found]
  return dataclasses.replace(protocol, notice='\n'.join(dict.fromkeys(lines)))


def _seen(features: Mapping[str, Mapping[str, Any]], splits: Mapping[int, protocol_lib.Split],
          index: labels_lib.Index, part: str) -> Iterator[str]:
  """For each feature that has seen some of a part, how much of it."""
  for name, fitted in features.items():
    seen = labels_lib.matches(index, fitted['where'])
    hit = {split.fold.name: rows for split in splits.values()
           if seen[rows := split.rows[part]].any()}
    if hit:
      rows = np.concatenate(list(hit.values()))
      folds = f', fold{"" if len(hit) == 1 else "s"} {", ".join(hit)}' if len(splits) > 1 else ''
      yield (f'the {part} part{folds} has {int(seen[rows].sum()):,} of {len(rows):,} utterances '
             f'({name})')
