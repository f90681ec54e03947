"""What files of the originals' authors have in common, once they are read: a corpus.

Each original has a file of its own (`authors_mat`, `authors_mdre`, `authors_mme2e`); `processed`
chooses between them.
"""

import collections
import dataclasses
import difflib
import functools
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xxhash
from absl import logging

from emojax.data import source
from emojax.io import prepared

SAMPLES = 64  # blocks of a large file that its fingerprint is of
BLOCK = 1 << 16


class Exclusion(NamedTuple):
  """An utterance that belongs to a split and became no row."""

  id: str
  reason: str


@dataclasses.dataclass(frozen=True)
class Kind:
  """A feature that the files hold, or could hold.

  Attributes:
    files: what it is read from, for messages.
    open: reads it; None: those files are not there.
  """

  files: str
  open: Callable[[], source.Feature] | None


@dataclasses.dataclass(frozen=True)
class Authored(source.Corpus):
  """Authors' files, opened.

  Attributes:
    folder: where they lie.
    spoken: the words of every row; None: no file has words.
    said: every transcript in the files' order, of what became no row too; None: the rows'.
    kinds: feature by name.
    exclusions: what was left out; `num_excluded` counts it.
  """

  folder: pathlib.Path
  spoken: Sequence[Sequence[str]] | None
  said: source.Transcripts | None
  kinds: Mapping[str, Kind]
  exclusions: tuple[Exclusion, ...]

  @property
  def words(self) -> Sequence[Sequence[str]]:
    if self.spoken is None:
      raise ValueError(f'{self.folder} has no words of {self.name}: choose streams of frames '
                       'alone, or put the files with its words there; it holds: '
                       f'{", ".join(listing(self.folder)[:20])}.')
    return self.spoken

  @property
  def transcripts(self) -> source.Transcripts:
    return self.said or source.Transcripts(self.index, self.words)

  def feature(self, config: str) -> source.Feature:
    """One of `kinds`; its files are read when it is asked for."""
    there = [name for name, kind in self.kinds.items() if kind.open]
    kind = self.kinds.get(config)
    if kind and not kind.open:
      raise ValueError(f'{self.folder} has no {kind.files}, from which {config!r} is read; there '
                       f'are: {", ".join(there) or "no features"}.')
    if not kind:
      raise ValueError(f'the processed files of {self.name} hold {", ".join(there)}; {config!r} '
                       'was asked for.')
    return kind.open()


def make(
  cls: type[Authored], name: str, path: str | None, rows: Sequence[Mapping[str, Any]],
  exclusions: Sequence[Exclusion], about: Mapping[str, Any], *, folder: pathlib.Path, **fields: Any,
) -> Authored:
  """The corpus of `rows` (column -> value), with what every one of them says of itself.

  Raises:
    ValueError: if an id stands in two splits or twice in one, or there is no row at all.
  """
  where = collections.defaultdict(list)
  for row in rows:
    where[row['id']].append(row['split'])
  twice = [f'{id} ({" and ".join(splits)})' for id, splits in where.items() if len(splits) > 1]
  if twice:
    raise ValueError(f'{folder}: {len(twice)} utterances stand in two splits: '
                     f'{", ".join(twice[:5])}.')
  if not rows:
    raise ValueError(f'{folder}: not one utterance has label, words and frames; do the files '
                     'belong together?')
  for reason, number in collections.Counter(e.reason for e in exclusions).items():
    ids = [e.id for e in exclusions if e.reason == reason]
    logging.warning('%s: %d left out, %s: %s', folder, number, reason, ', '.join(ids[:8]))
  about = {
    'source': 'processed', 'listed': len(rows) + len(exclusions), 'exclusions': dict(exclusions),
    'complete': False, 'generated': False, **about}
  return cls(name, path, table(rows), about, len(exclusions), exclusions=tuple(exclusions),
             folder=folder, **fields)


def feature(
  about: Mapping[str, Any], lengths: Iterable[int], read: Callable[[int], np.ndarray],
) -> source.Feature:
  return source.Feature(about, np.array(list(lengths), np.int32), read)


def table(rows: Iterable[Mapping[str, Any]]) -> prepared.Index:
  """Rows that have the same columns, as one array per column."""
  rows = list(rows)
  return {column: np.array([row[column] for row in rows]) for column in rows[0]}


def listing(folder: pathlib.Path) -> list[str]:
  return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def near(name: str, names: Iterable[str]) -> str:
  """' (did you mean ...?)', where a name is spelled nearly so."""
  lower = {there.lower(): there for there in names}
  found = difflib.get_close_matches(name.lower(), lower, n=1)
  return f' (did you mean {lower[found[0]]}?)' if found else ''


def fingerprint(paths: Iterable[pathlib.Path], *, large: Iterable[pathlib.Path] = ()) -> str:
  """Of names and contents, so that a run knows its data again wherever it lies.

  Args:
    large: of these only size, beginning, end and blocks between them are read.
  """
  total = xxhash.xxh3_128()
  for path in sorted(paths):
    _add_name(total, path)
    with open(path, 'rb') as file:
      for block in iter(functools.partial(file.read, 1 << 20), b''):
        total.update(block)
  for path in sorted(large):
    _add_name(total, path)
    with open(path, 'rb') as file:
      for start in np.linspace(0, max(0, path.stat().st_size - BLOCK), SAMPLES, dtype=int).tolist():
        file.seek(start)
        total.update(file.read(BLOCK))
  return total.hexdigest()


def _add_name(total: xxhash.xxh3_128, path: pathlib.Path) -> None:
  total.update(f'{path.name} {path.stat().st_size}\n'.encode())
