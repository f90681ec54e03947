"""Reads the raw release of CMU-MOSI, everything but the samples.

    Labels/OpinionLevelSentiment.csv                   start,end,video,segment,sentiment, no header
    Transcript/Segmented/03bSnISJMiM.annotprocessed    3_DELIM_THE WORDS OF SEGMENT THREE
    Audio/WAV_16000/Segmented/03bSnISJMiM_3.wav        or Audio/WAV_16000/Full/03bSnISJMiM.wav,
                                                       or the films in Video/Segmented, Video/Full
"""

import collections
import csv
import dataclasses
import difflib
import io
import math
import pathlib
from collections.abc import Mapping

from data_builders.corpora import cmu, release
from emojax.protocols import mosi

CORPUS = 'mosi'
FOLDER = 'Raw'
SAMPLE_RATE = 16000
TRANSCRIPTS = 'Transcript/Segmented'
LABELS = 'OpinionLevelSentiment.csv'
UNREADABLE = 'label row that cannot be read'

UTTERANCES = {'train': 1284, 'valid': 229, 'test': 686}  # of the standard folds
PLACES = (
  cmu.Place(('Audio/WAV_16000/Segmented',), '.wav', segmented=True),
  cmu.Place(('Audio/WAV_16000/Full',), '.wav', segmented=False),
  cmu.Place(('Video/Segmented', 'Videos/Segmented'), '.mp4', segmented=True),
  cmu.Place(('Video/Full', 'Videos/Full'), '.mp4', segmented=False),
)
# A label file with a header may name its columns so; it needs the first three.
SPELLINGS = {
  'video': ('video', 'video_id', 'file'),
  'segment': ('segment', 'segment_id', 'segment_no', 'clip', 'clip_id', 'index'),
  'sentiment': ('sentiment', 'label', 'score'),
  'start': ('start', 'start_sec', 'start_time'),
  'end': ('end', 'end_sec', 'end_time'),
}
_PARTS = (dict.fromkeys(mosi.TRAIN, 'train') | dict.fromkeys(mosi.VALID, 'valid')
          | dict.fromkeys(mosi.TEST, 'test'))
_PARTS_BCLSTM = (dict.fromkeys(mosi.TRAIN_BCLSTM, 'train')
                 | dict.fromkeys(mosi.TEST_BCLSTM, 'test'))

Key = tuple[str, int]  # video, number of the segment


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance(release.Utterance):
  video: str
  segment: int  # its number, from 1
  sentiment: float  # -3..3, the mean of five annotators
  split_bclstm: str  # 'train' or 'test' of Poria et al. 2017


@dataclasses.dataclass(frozen=True)
class Label:
  start: float  # NaN: the label file has no times
  end: float
  sentiment: float
  fault: str = ''  # why it cannot be used


def read(manual_dir: pathlib.Path) -> release.Release:
  """Parses labels and transcripts; what is missing or damaged is told in the release.

  Raises:
    ValueError: if there is no release, no label file, or one that is something else.
  """
  root = release.find_root(
    manual_dir, CORPUS, FOLDER, lambda folder: (folder / TRANSCRIPTS).is_dir(),
    f'the folder {FOLDER} with {TRANSCRIPTS}, Audio or Video, and Labels/{LABELS}')
  parsed = release.Release(root, release.read_truth(root, CORPUS))
  file = _labels(root)
  labels = _read_labels(parsed, file)
  words = _read_transcripts(parsed)
  media = cmu.Media(root, PLACES)
  videos = collections.defaultdict(list)
  for video, number in labels:
    videos[video].append(number)
  for video, numbers in sorted(videos.items()):
    numbers.sort(key=lambda number: (labels[video, number].start, number))
    _add_video(
      parsed, video, {number: labels[video, number] for number in numbers}, words, media, file)
  for video, number in words.keys() - labels.keys():
    parsed.exclude(_id(video, number), cmu.UNRATED, _transcripts(root, video))
  parsed.exclusions.sort(key=lambda lost: lost.id)
  parsed.notes.extend(media.notes)
  cmu.check_counts(parsed, parsed.truth.get('utterances', UTTERANCES))
  return parsed


def _add_video(
  parsed: release.Release, video: str, labels: Mapping[int, Label], words: Mapping[Key, str],
  media: cmu.Media, file: pathlib.Path,
) -> None:
  """Adds the labelled segments of a video, which are in the order of time."""
  times = []
  for position, (number, label) in enumerate(labels.items()):
    id = _id(video, number)
    fault = label.fault or cmu.fault(label.start, label.end)
    if not fault and abs(label.sentiment) > 3:
      fault = f'sentiment {label.sentiment:g} lies outside -3..3'
    if fault:
      parsed.exclude(id, fault, file)
      continue
    if not words.get((video, number)):
      parsed.notes.append(f'{video}_{number} has no transcript')
    times.append((f'{video}_{number}', label.start, label.end))
    parsed.add(Utterance(
      id=id, dialogue=video, position=position, session='', speaker=video, gender='',
      start=label.start, end=label.end, transcript=words.get((video, number), ''), emotion='',
      split=_PARTS.get(video, ''), video=video, segment=number, sentiment=label.sentiment,
      split_bclstm=_PARTS_BCLSTM.get(video, '')),
      media.clip(video, number, label.start, label.end))
  parsed.notes.extend(cmu.oddities(times))


def _read_labels(parsed: release.Release, path: pathlib.Path) -> dict[Key, Label]:
  """What the label file says of each segment."""
  rows = list(csv.reader(io.StringIO(release.read_text(path), newline='')))
  columns, rows = _columns(path, [row for row in rows if any(row)])
  labels = {}
  for row in rows:
    try:
      key = cmu.plain(row[columns['video']]), int(cmu.plain(row[columns['segment']]))
    except (ValueError, IndexError):
      parsed.exclude(f'{CORPUS}/{"_".join(row)}', UNREADABLE, path)
      continue
    label = _label(row, columns)
    if labels.setdefault(key, label) is label:
      continue
    if _same(labels[key], label):
      parsed.notes.append(f'{key[0]}_{key[1]} is listed twice, alike')
    else:
      labels[key] = dataclasses.replace(labels[key], fault='labelled twice, in two ways')
  return labels


def _label(row: list[str], columns: Mapping[str, int]) -> Label:
  try:
    start, end, sentiment = (float(row[columns[name]]) if name in columns else math.nan
                             for name in ('start', 'end', 'sentiment'))
    if not math.isfinite(sentiment) or 'start' in columns and math.isnan(start + end):
      raise ValueError
  except (ValueError, IndexError):
    return Label(math.nan, math.nan, math.nan, UNREADABLE)
  return Label(start, end, sentiment)


def _same(one: Label, other: Label) -> bool:
  return repr(one) == repr(other)  # NaN is no other NaN's equal


def _columns(path: pathlib.Path, rows: list[list[str]]) -> tuple[dict[str, int], list[list[str]]]:
  """Where each column stands, and the rows below the header, if there is one."""
  first = [name.strip('\ufeff ') for name in rows[0]] if rows else []
  if len(first) == 5 and _is_number(first[0]) and _is_number(first[4]):
    return dict(zip(('start', 'end', 'video', 'segment', 'sentiment'), range(5))), rows
  columns = {}
  for name, spellings in SPELLINGS.items():
    there = [spelling for spelling in spellings if spelling in first]
    if there:
      columns[name] = first.index(there[0])
    elif name in ('video', 'segment', 'sentiment'):
      near = [near for spelling in spellings
              for near in difflib.get_close_matches(spelling, first, n=1)]
      raise ValueError(
        f'{CORPUS}: {path} has no column for the {name} ({" or ".join(spellings)}); its first line '
        f'is {",".join(first)!r}{f" (did it mean {near[0]!r}?)" if near else ""}. Expected is '
        'start,end,video,segment,sentiment without a header, or a header with such names.')
  return columns, rows[1:]


def _read_transcripts(parsed: release.Release) -> dict[Key, str]:
  words = {}
  for path in release.listing(parsed.root / TRANSCRIPTS, '*.annotprocessed'):
    video = cmu.plain(path.stem)
    for line in release.read_text(path).splitlines():
      number, delimiter, text = line.partition('_DELIM_')
      number = cmu.plain(number)
      if not line.strip():
        continue
      if not delimiter or not number.isdecimal():
        parsed.notes.append(f'{path.name} has a line of unknown form: {line!r}')
      elif words.setdefault((video, int(number)), text.strip()) != text.strip():
        parsed.notes.append(f'{video}_{number} is transcribed twice: the first counts')
  return words


def _labels(root: pathlib.Path) -> pathlib.Path:
  """The label file: that of its name, else the only table there is."""
  named = [folder / LABELS for folder in (root / 'Labels', root) if (folder / LABELS).is_file()]
  others = [*release.listing(root / 'Labels', '*.csv'), *release.listing(root, '*.csv')]
  if not named and len(others) != 1:
    found = release.some([str(path.relative_to(root)) for path in others]) or 'no csv file'
    raise ValueError(
      f'{CORPUS}: {root} needs Labels/{LABELS} with start,end,video,segment,sentiment of every '
      f'segment; there is {found}.')
  return (named or others)[0]


def _transcripts(root: pathlib.Path, video: str) -> pathlib.Path:
  return root / TRANSCRIPTS / f'{video}.annotprocessed'


def _id(video: str, number: int) -> str:
  return f'{CORPUS}/{video}_{number}'


def _is_number(word: str) -> bool:
  try:
    return math.isfinite(float(word))
  except ValueError:
    return False
