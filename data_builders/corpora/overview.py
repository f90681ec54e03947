"""What `inspect` says of a prepared dataset, in sections of text. No sound is read."""

import collections
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from data_builders.corpora import agreement, inspected, release
from emojax.io import prepared

UNITS = ('speaker', 'dialogue', 'video')  # whose utterances are not independent
PARTS = ('split', 'session')  # the column by which counts are divided: the first that is there
PLACES = frozenset((  # columns that say where an utterance stands, not what it is
  'id', 'position', 'start', 'end', 'transcript', 'num_samples', 'duration', 'segment',
  'raw_clip_number', 'csd_index', 'season', 'episode', *UNITS))
MANY = 32  # a column of more different values is no label
BINS = 10
BAR = 30  # characters of the longest bar


def text(about: inspected.Inspected) -> str:
  """All sections; one that has nothing to say is left out."""
  parts = (_head, _classes, _intensities, _scores, _durations, _units, _modalities, _configs,
           _exclusions, _notes, _votes)
  return '\n\n'.join('\n'.join(lines) for part in parts if (lines := list(part(about))))


def _head(about: inspected.Inspected) -> Iterator[str]:
  said, counts = about.data.about, about.data.counts
  yield f'{about.name}: {about.folder}'
  kept, excluded, listed = (f'{counts[name]:,} {name}' for name in ('kept', 'excluded', 'listed'))
  yield f'  {kept} + {excluded} = {listed}'
  for name in ('release', 'source', 'licence'):
    if said.get(name):
      yield f'  {name}: {said[name]}'
  if not said['complete']:
    yield '  NOT COMPLETE: results on it are results on a part of the corpus'
  if said.get('generated'):
    yield '  GENERATED: results on it say nothing about human emotion'


def _classes(about: inspected.Inspected) -> Iterator[str]:
  """Counts of every column of categories, whole and by part."""
  tables = []
  for name, column in _labels(about, 'U', 'i', 'b'):
    values = np.unique(column).tolist()
    if not 1 < len(values) <= MANY:
      continue
    parts = {} if name in PARTS else _parts(about)
    rows = [['(none)' if value == '' else value, np.sum(column == value),
             *(np.sum(column[where] == value) for where in parts.values())] for value in values]
    tables.append('\n'.join(table([[name, 'all', *parts], *rows])))
  if tables:
    yield '\n\n'.join(tables)


def _intensities(about: inspected.Inspected) -> Iterator[str]:
  """Multi-label: columns of numbers from 0 on, mostly 0, each the strength of one label."""
  parts = _parts(about)
  rows = []
  for name, column in _numbers(about):
    if _is_intensity(column):
      rows.append([name, np.sum(column > 0), f'{np.mean(column > 0):.1%}',
                   *(np.sum(column[where] > 0) for where in parts.values())])
  if rows:
    yield from table([['above 0', 'all', 'share', *parts], *rows])


def _scores(about: inspected.Inspected) -> Iterator[str]:
  """A histogram of every other column of numbers."""
  for name, column in _numbers(about):
    if not _is_intensity(column) and len(column):
      yield (f'{name}: mean {column.mean():.2f}, standard deviation {column.std():.2f}, '
             f'{column.min():g} to {column.max():g}')
      yield from _histogram(column)


def _durations(about: inspected.Inspected) -> Iterator[str]:
  if 'duration' not in about.columns:
    return
  seconds = about.columns['duration']
  middle, long = np.quantile(seconds, (0.5, 0.9))
  yield (f'seconds: min {seconds.min():.2f}, median {middle:.2f}, 90 % {long:.2f}, max '
         f'{seconds.max():.2f}, total {seconds.sum():,.1f} ({seconds.sum() / 3600:.2f} h)')


def _units(about: inspected.Inspected) -> Iterator[str]:
  """Speakers, dialogues, videos: how many, how long, and which stand in more than one part."""
  parts = _parts(about)
  rows, shared = [], []
  for name in UNITS:
    if not about.has(name):
      continue
    column = about.columns[name]
    sizes = np.unique(column, return_counts=True)[1]
    among = {part: set(column[where].tolist()) for part, where in parts.items()}
    rows.append([f'{name}s', len(sizes), f'{sizes.min()}', f'{np.median(sizes):g}',
                 f'{sizes.max()}', *map(len, among.values())])
    shared += [f'{len(both):,} {name}s are in {one} and {other}: {release.some(sorted(both))}'
               for one, other in itertools.combinations(among, 2)
               if (both := among[one] & among[other])]
  if rows:
    yield from table([['', 'all', 'utterances: min', 'median', 'max', *parts], *rows])
    yield from shared


def _modalities(about: inspected.Inspected) -> Iterator[str]:
  rows = len(about.data)
  if 'transcript' in about.columns:
    yield f'text: {np.sum(about.columns["transcript"] != ""):,} of {rows:,} transcripts'
  if 'num_samples' in about.columns:
    yield (f'audio: {np.sum(about.columns["num_samples"] > 0):,} of {rows:,} sounds, '
           f'{about.data.about["sample_rate"]:,} Hz')
  elif about.data.about.get('media') is False:
    yield 'audio: none; this is the release without its media'


def _configs(about: inspected.Inspected) -> Iterator[str]:
  rows = [['prepared', 'frames', 'width', 'per second', 'no frames', 'MB', '']]
  for config in inspected.configs(about.data_dir, about.corpus):
    has = config.lengths is not None
    rows.append([config.name, np.sum(config.lengths) if has else '', config.width or '',
                 f'{config.rate:.1f}' if config.rate else '',
                 np.sum(config.lengths == 0) if has else '',
                 f'{config.num_bytes / 1e6:,.1f}' if config.num_bytes else '', config.state])
  yield from table(rows)


def _exclusions(about: inspected.Inspected) -> Iterator[str]:
  ids = collections.defaultdict(list)
  for exclusion in about.exclusions:
    ids[exclusion['reason']].append(exclusion['id'])
  for reason, excluded in sorted(ids.items(), key=lambda item: -len(item[1])):
    yield f'excluded, {reason}: {len(excluded):,}: {release.some(excluded)}'


def _notes(about: inspected.Inspected) -> Iterator[str]:
  """Grouped by what they say, names and numbers aside."""
  groups = collections.defaultdict(list)
  for note in about.notes:
    groups[re.sub(r'\S*\d\S*', '…', note)].append(note)
  for notes in sorted(groups.values(), key=len, reverse=True):
    yield f'noted {len(notes):,}: {notes[0]}' + (' ...' if len(notes) > 1 else '')


def _votes(about: inspected.Inspected) -> Iterator[str]:
  first = about.data.read(0) if len(about.data) else {}
  if 'votes' in first:
    yield from agreement.text(
      agreement.read(about.data.read(row)['votes']) for row in range(len(about.data)))


def table(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
  """Lines of aligned columns, the first to the left; numbers with thousands marked."""
  cells = [[f'{cell:,}' if isinstance(cell, (int, np.integer)) else str(cell) for cell in row]
           for row in rows]
  widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
  for first, *rest in cells:
    line = [first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]
    yield '  '.join(line).rstrip()


def _parts(about: inspected.Inspected) -> Mapping[str, np.ndarray]:
  """Name -> rows [N] of each split, else of each session; none where there are neither."""
  name = next((name for name in PARTS if about.has(name)), None)
  if not name:
    return {}
  column = about.columns[name]
  known = [part for part in ('train', 'valid', 'test') if part in column]
  return {f'{"session " if name == "session" else ""}{part or "(none)"}': column == part
          for part in dict.fromkeys([*known, *np.unique(column).tolist()])}


def _labels(about: inspected.Inspected, *kinds: str) -> Iterator[tuple[str, np.ndarray]]:
  """Columns that say what an utterance is, of these kinds of numpy."""
  for name, column in about.columns.items():
    length = name == 'length' or name.startswith(prepared.LENGTH)
    if name not in PLACES and not length and column.dtype.kind in kinds:
      yield name, column


def _numbers(about: inspected.Inspected) -> Iterator[tuple[str, np.ndarray]]:
  """Labels that are numbers, without those that are missing."""
  for name, column in _labels(about, 'f'):
    yield name, column[np.isfinite(column)]


def _is_intensity(column: np.ndarray) -> bool:
  return len(column) > 0 and column.min() == 0 and np.mean(column == 0) > 0.1


def _histogram(column: np.ndarray) -> Iterator[str]:
  """Lines with a bar each: of every value where there are few, else of equal round steps."""
  values, counts = np.unique(column, return_counts=True)
  if len(values) > BINS:
    step = next(step for step in _steps() if np.ptp(column) <= BINS * step)
    first, last = math.floor(column.min() / step), math.ceil(column.max() / step)
    counts, edges = np.histogram(column, np.arange(first, last + 1) * step)
    names = [f'{one:g} to {other:g}' for one, other in itertools.pairwise(edges.tolist())]
  else:
    names = [f'{value:g}' for value in values.tolist()]
  bars = ['#' * round(BAR * count / counts.max()) for count in counts.tolist()]
  width, digits = max(map(len, names)), len(f'{counts.max():,}')
  for name, count, bar in zip(names, counts.tolist(), bars, strict=True):
    yield f'  {name:<{width}}  {count:>{digits},}  {bar}'.rstrip()


def _steps() -> Iterator[float]:
  """0.01, 0.02, 0.05, 0.1 ..."""
  return (digit * 10.0 ** power for power in itertools.count(-2) for digit in (1, 2, 5))
