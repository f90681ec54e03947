"""Reads what MELD, its dyadic variant and EmoryNLP have in common, everything but the samples.

All three annotate the TV series Friends: a csv file per part with a row per utterance, and a folder
per part with a clip per utterance. Releases are unpacked in many ways, so files and folders are
looked for by name, up to `DEPTH` folders down.
"""

import collections
import dataclasses
import math
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from data_builders.corpora import csv_files, release

DEPTH = 3
CLIPS = {'train': 'train_splits', 'valid': 'dev_splits_complete',
         'test': 'output_repeated_splits_test'}
SUFFIXES = ('.mp4', '.wav', '.flac', '.avi', '.mkv')  # of clips; some convert them

Row = Mapping[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance(release.Utterance):
  season: int
  episode: int


@dataclasses.dataclass(frozen=True)
class Form:
  """How one of the releases is laid out.

  Attributes:
    corpus: name.
    files: part -> name of its csv file.
    columns: that the files must have.
    optional: that they may have.
    times: the columns of start and end.
    name: row -> (dialogue, utterance), as ids name them.
    clip: row -> name of its clip, without the suffix.
    utterance: (row, what all have in common) -> the utterance, or ValueError with the reason why
      it is none.
    counts: part -> emotion -> utterances of the real release; empty: not known.
  """

  corpus: str
  files: Mapping[str, str]
  columns: Sequence[str]
  optional: Sequence[str]
  times: tuple[str, str]
  name: Callable[[Row], tuple[str, str]]
  clip: Callable[[Row], str]
  utterance: Callable[[Row, Mapping], Utterance]
  counts: Mapping[str, Mapping[str, int]]


def read(manual_dir: pathlib.Path, form: Form) -> release.Release:
  """Parses all parts. An utterance whose clip is not there is kept, without sound.

  Raises:
    ValueError: if it is no such release, or a file has another header or a row without a number.
  """
  found = _find(manual_dir, {*form.files.values(), *CLIPS.values()})
  files = {part: _only(found[name]) for part, name in form.files.items() if found[name]}
  root = release.find_root(
    manual_dir, form.corpus, '', lambda folder: bool(files),
    f'{", ".join(form.files.values())} in it or up to {DEPTH} folders down')
  first = next(iter(files.values()))
  parsed = release.Release(root, release.read_truth(first.parent, form.corpus))
  expected = parsed.truth.get('utterances') or form.counts
  for part, name in form.files.items():
    if part in files:
      said = _read_part(root, form, part, files[part], found[CLIPS[part]])
      _check_counts(said, part, expected.get(part, {}))
      parsed.extend(said)
    else:
      parsed.shortfalls.append(f'{name} is missing')
  _note_shared(parsed)
  return parsed


def _find(root: pathlib.Path, names: set[str]) -> Mapping[str, list[pathlib.Path]]:
  """Where files and folders of these names stand, the nearest first."""
  found, level = collections.defaultdict(list), [root]
  for _ in range(DEPTH + 1):
    entries = [entry for folder in level if folder.is_dir() for entry in _entries(folder)]
    for entry in entries:
      if entry.name in names:
        found[entry.name].append(pathlib.Path(entry.path))
    level = [pathlib.Path(entry.path) for entry in entries
             if entry.name not in names and entry.is_dir()]
  return found


def _entries(folder: pathlib.Path) -> Iterator[os.DirEntry]:
  return (entry for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
          if not entry.name.startswith('.'))


def _only(paths: Sequence[pathlib.Path]) -> pathlib.Path:
  """The first of several copies of a file."""
  for other in paths[1:]:
    if other.read_bytes() != paths[0].read_bytes():
      raise ValueError(f'{paths[0]} and {other} differ; which of them is meant? Give the folder of '
                       'one as --manual_dir.')
  return paths[0]


def _read_part(
  root: pathlib.Path, form: Form, part: str, path: pathlib.Path,
  folders: Sequence[pathlib.Path],
) -> release.Release:
  parsed = release.Release(root)
  clips = {clip.stem: clip for folder in reversed(folders) for clip in release.listing(folder)
           if clip.suffix.lower() in SUFFIXES}
  rows = collections.defaultdict(list)  # (dialogue, utterance) -> rows
  for row in csv_files.read(path, form.columns, form.optional):
    rows[_name(form, row, path)].append(row)
  positions, told = collections.Counter(), set()
  for (dialogue, name), alike in rows.items():
    id, row = f'{form.corpus}/{part}/{name}', alike[0]
    told.add(form.clip(row))
    if any(_without_number(row) != _without_number(other) for other in alike):
      parsed.exclude(id, f'listed {len(alike)} times, differently', path)
      continue
    if len(alike) > 1:
      parsed.notes.append(f'{part}/{name} is listed {len(alike)} times, alike')
    start, end = _times(parsed, f'{part}/{name}', row, form)
    common = dict(
      id=id, dialogue=f'{part}/{dialogue}', position=positions[dialogue], session='',
      speaker=row['Speaker'], gender='', start=start, end=end, transcript=row['Utterance'],
      emotion=row['Emotion'], split=part, season=int(row['Season']), episode=int(row['Episode']))
    try:
      utterance = form.utterance(row, common)
    except ValueError as error:
      parsed.exclude(id, str(error), path)
      continue
    if not utterance.transcript:
      parsed.notes.append(f'{part}/{name} has no words')
    parsed.add(utterance, clips.get(form.clip(row)))
    positions[dialogue] += 1
  for stem in sorted(clips.keys() - told):
    parsed.exclude(f'{form.corpus}/{part}/{stem}', release.UNLABELLED, clips[stem])
  return parsed


def _name(form: Form, row: Row, path: pathlib.Path) -> tuple[str, str]:
  for column in ('Utterance_ID', 'Season', 'Episode', *form.columns):
    is_number = column.endswith('_ID') or column in ('Season', 'Episode')
    if is_number and not row[column].isdecimal():
      raise ValueError(f'{path}: {column} is {row[column]!r}, which is no number, in the row of '
                       f'{row["Utterance"][:40]!r}.')
  return form.name(row)


def _without_number(row: Row) -> dict[str, str]:
  return {name: value for name, value in row.items() if name != 'Sr No.'}


def _times(
  parsed: release.Release, name: str, row: Row, form: Form) -> tuple[float, float]:
  """Start and end in seconds into the episode; where they are none, an end of NaN, and a note."""
  start, end = (_seconds(row[column]) for column in form.times)
  if not start < end:  # neither is NaN
    told = ' to '.join(row[column] or 'nothing' for column in form.times)
    parsed.notes.append(f'{name} lasts from {told}: its clip alone tells how long')
    return (0.0 if math.isnan(start) else start), math.nan
  return start, end


def _seconds(text: str) -> float:
  """'00:16:16,059' or '00:09:34.865' in seconds; NaN if it is neither."""
  match = re.fullmatch(r'(\d+):(\d\d?):(\d\d?)(?:[.,](\d+))?', text)
  if not match:
    return math.nan
  hours, minutes, seconds, fraction = match.groups(default='0')
  return 3600 * int(hours) + 60 * int(minutes) + float(f'{seconds}.{fraction}')


def _note_shared(parsed: release.Release) -> None:
  """Notes utterances that stand in two parts under two ids."""
  first = {}
  for said in parsed.utterances:
    if not said.transcript:
      continue
    what = (said.season, said.episode, said.start, said.speaker, said.transcript)
    other = first.setdefault(what, said)
    if other.split != said.split:
      one, two = (u.id.partition('/')[2] for u in (said, other))
      parsed.notes.append(f'{one} is {two} again, in another part')


def _check_counts(parsed: release.Release, part: str, expected: Mapping[str, int]) -> None:
  """Notes a shortfall of the part; or of its emotions, where the part itself has none."""
  parsed.expect(part, len(parsed.utterances), sum(expected.values()) or len(parsed.utterances))
  if not parsed.shortfalls:
    counts = collections.Counter(utterance.emotion for utterance in parsed.utterances)
    for emotion, number in expected.items():
      parsed.expect(f'{part}, {emotion}', counts[emotion], number)
