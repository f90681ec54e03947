"""Reads what a release of CMU-MOSEI says of its segments apart from words: labels and folds.

    Labels/*.csv                 a row per annotator, as Amazon Mechanical Turk gave them out:
                                 Input.VIDEO_ID,Input.CLIP,Answer.sentiment,Answer.anger ...
    Labels/CMU_MOSEI_Labels.csv  a row per segment of the SDK's label sequence:
                                 file,index,start,end and some of: split, sentiment, happy ...
    cmu_mosei_std_folds.py       the SDK's lists of videos, in the release or in Labels; never run
"""

import ast
import csv
import dataclasses
import difflib
import io
import math
import pathlib
from collections.abc import Mapping, Sequence

from data_builders.corpora import cmu, release

EMOTIONS = ('happy', 'sad', 'anger', 'surprise', 'disgust', 'fear')  # in the SDK's order
FOLDS = ('cmu_mosei_std_folds.py', 'standard_folds.py')
_LISTS = {'standard_train_fold': 'train', 'standard_valid_fold': 'valid',
          'standard_test_fold': 'test'}

# The annotators' columns: what they say here -> as the batches spell it.
_ANSWERS = {'sentiment': 'Answer.sentiment', 'happy': 'Answer.happiness', 'sad': 'Answer.sadness',
            **{name: f'Answer.{name}' for name in EMOTIONS[2:]}}
_VIDEO, _CLIP = 'Input.VIDEO_ID', 'Input.CLIP'
# The table's columns, each with other spellings.
_FILE = ('file', 'video', 'video_id')
_NEEDED = ('index', 'start', 'end')
_SPELLINGS = {'happy': ('happiness',), 'sad': ('sadness',)}
_SPLITS = {'0': 'train', '1': 'valid', '2': 'test', '3': '', 'train': 'train', 'valid': 'valid',
           'val': 'valid', 'dev': 'valid', 'test': 'test', 'none': '', '': ''}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vote:
  """What one annotator said: sentiment in -3..3 (None: nothing), emotions in 0..3."""

  rater: str
  sentiment: float | None
  happy: float
  sad: float
  anger: float
  surprise: float
  disgust: float
  fear: float


@dataclasses.dataclass(frozen=True)
class Row:
  """A segment of the SDK's label sequence."""

  index: int  # its number among those of its video
  start: float
  end: float
  split: str
  values: Mapping[str, float]  # sentiment and emotions; empty: the table has none
  fault: str = ''  # why it cannot be used


@dataclasses.dataclass
class Labels:
  """All that the label files say.

  Attributes:
    votes: video -> number of the raw clip -> answers.
    table: video -> rows; empty without a table.
    splits: video -> part.
    has_splits: whether any file says who belongs to which part.
    votes_file, table_file: the last that was read, for messages.
  """

  votes: dict[str, dict[int, list[Vote]]] = dataclasses.field(default_factory=dict)
  table: dict[str, list[Row]] = dataclasses.field(default_factory=dict)
  splits: dict[str, str] = dataclasses.field(default_factory=dict)
  has_splits: bool = False
  votes_file: pathlib.Path | None = None
  table_file: pathlib.Path | None = None


def read(parsed: release.Release) -> Labels:
  """All label files of a release; rows that tell no segment become exclusions of `parsed`.

  Raises:
    ValueError: if there is no label file, one is something else, or a video is in two parts.
  """
  root, labels = parsed.root, Labels()
  paths = list(release.listing(root / 'Labels', '*.csv'))
  if not paths:
    raise ValueError(f'mosei: {root}/Labels holds no csv file; it needs the annotators\' batches '
                     f'({_VIDEO},{_CLIP},{",".join(_ANSWERS.values())}) or a table of the SDK\'s '
                     'labels (file,index,start,end,sentiment,...).')
  for path in paths:
    rows = csv.DictReader(io.StringIO(release.read_text(path), newline=''))
    names = [name.strip('\ufeff ') for name in rows.fieldnames or ()]
    rows.fieldnames = names
    if _VIDEO in names:
      labels.votes_file = path
      _require(path, names, (_CLIP, *_ANSWERS.values()))
      _add_votes(labels, parsed, path, rows)
    elif set(_FILE) & set(names):
      if labels.table_file:
        raise ValueError(f'mosei: {labels.table_file.name} and {path.name} are both tables of '
                         'segments; leave one.')
      labels.table_file = path
      _require(path, names, _NEEDED)
      _add_table(labels, parsed, path, names, rows)
    else:
      near = difflib.get_close_matches(_VIDEO, names, n=1) or [
        near for name in _FILE for near in difflib.get_close_matches(name, names, n=1)]
      raise ValueError(
        f'mosei: {path} is no file of labels: it has neither {_VIDEO} (annotators\' answers) nor '
        f'file,index,start,end (a table of segments) but {",".join(names[:12])}'
        f'{f" (did it mean {near[0]}?)" if near else ""}.')
  _add_folds(labels, root)
  return labels


def parse_folds(text: str, name: str) -> dict[str, str]:
  """Video -> part, from the lists of the SDK's Python file, which is read and never run.

  Raises:
    ValueError: if it does not hold the three lists of names, or a video stands in two of them.
  """
  found = {}
  try:
    for node in ast.parse(text).body:
      if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        if node.targets[0].id in _LISTS:
          found[node.targets[0].id] = [str(video) for video in ast.literal_eval(node.value)]
  except (SyntaxError, ValueError, TypeError) as error:
    raise ValueError(f'mosei: {name} is no Python file of lists of names ({error}).') from error
  if lacking := sorted(_LISTS.keys() - found.keys()):
    raise ValueError(f'mosei: {name} has no list {" and no list ".join(lacking)}; expected are '
                     f'{", ".join(_LISTS)}, each a list of video ids.')
  splits = {}
  for listed, part in _LISTS.items():
    for video in found[listed]:
      _assign(splits, video, part, name)
  return splits


def _add_votes(
  labels: Labels, parsed: release.Release, path: pathlib.Path, rows: csv.DictReader) -> None:
  seen = set()
  for row in rows:
    whole = tuple(str(value) for value in row.values())
    given = {name: (row[answer] or '').strip() for name, answer in _ANSWERS.items()}
    video, clip = cmu.plain(row[_VIDEO] or ''), cmu.plain(row[_CLIP] or '')
    if not video or not clip.isdecimal():
      parsed.notes.append(f'{path.name} has an answer to no segment: {video!r}, clip {clip!r}')
    elif whole in seen:
      parsed.notes.append(f'{video}_{clip} has the same answer twice in {path.name}')
    elif any(given.values()):
      seen.add(whole)
      try:
        vote = Vote(rater=(row.get('WorkerId') or '').strip(),
                    **{name: _number(value) if value else None if name == 'sentiment' else 0.0
                       for name, value in given.items()})
      except ValueError:
        parsed.notes.append(f'{video}_{clip} has an answer in {path.name} that is no number')
      else:
        labels.votes.setdefault(video, {}).setdefault(int(clip), []).append(vote)
    else:
      parsed.notes.append(f'{video}_{clip} has an answer in {path.name} that says nothing')


def _add_table(
  labels: Labels, parsed: release.Release, path: pathlib.Path, names: Sequence[str],
  rows: csv.DictReader,
) -> None:
  file = next(name for name in _FILE if name in names)
  columns = {name: there for name in ('sentiment', *EMOTIONS)
             for there in (name, *_SPELLINGS.get(name, ())) if there in names}
  if columns and len(columns) < 1 + len(EMOTIONS):
    lacking = sorted({'sentiment', *EMOTIONS} - columns.keys())
    raise ValueError(f'mosei: {path} has labels, but not all: {", ".join(lacking)} is missing.')
  labels.has_splits = 'split' in names
  for row in rows:
    video = cmu.plain(row[file] or '')
    try:
      said = Row(int(row['index']), _number(row['start']), _number(row['end']),
                 _SPLITS[(row.get('split') or '').strip().lower()], {})
    except (ValueError, KeyError, TypeError):
      parsed.exclude(f'mosei/{video}[{row["index"]}]', 'label row that cannot be read', path)
      continue
    try:
      said = dataclasses.replace(
        said, values={name: _number(row[column]) for name, column in columns.items()})
    except (ValueError, TypeError):
      said = dataclasses.replace(said, fault='label row that cannot be read')
    _assign(labels.splits, video, said.split, path.name)
    listed = labels.table.setdefault(video, [])
    same = [k for k, other in enumerate(listed) if other.index == said.index]
    if not same:
      listed.append(said)
    elif listed[same[0]] == said:
      parsed.notes.append(f'{video}[{said.index}] is listed twice in {path.name}, alike')
    else:
      fault = 'labelled twice, in two ways'
      listed[same[0]] = dataclasses.replace(listed[same[0]], fault=fault)


def _add_folds(labels: Labels, root: pathlib.Path) -> None:
  """The SDK's file says more than the table, which it replaces."""
  for folder in (root, root / 'Labels'):
    for name in FOLDS:
      if (folder / name).is_file():
        labels.splits = parse_folds(release.read_text(folder / name), name)
        labels.has_splits = True
        return


def _assign(splits: dict[str, str], video: str, part: str, name: str) -> None:
  video = cmu.plain(video)
  if splits.setdefault(video, part) != part:
    raise ValueError(f'mosei: {name} has the video {video} in two parts, '
                     f'{splits[video] or "none"} and {part or "none"}; a video belongs to one.')


def _require(path: pathlib.Path, names: Sequence[str], needed: Sequence[str]) -> None:
  lacking = [name for name in needed if name not in names]
  if lacking:
    near = difflib.get_close_matches(lacking[0], names, n=1)
    raise ValueError(
      f'mosei: {path} has no column {" and no column ".join(lacking)}; it has '
      f'{",".join(names[:12])}{f" (did it mean {near[0]}?)" if near else ""}.')


def _number(word: str) -> float:
  value = float(word)
  if not math.isfinite(value):
    raise ValueError
  return value
