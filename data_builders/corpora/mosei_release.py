"""Reads the raw release of CMU-MOSEI, everything but the samples; its label files: `mosei_labels`.

    Transcript/Segmented/Combined/-3g5yACwYnA.txt    video___clip___start___end___words
    Transcript/Full/Alignment/P2FA/Combined/         optional: timed words of whole videos
    Audio/Full/WAV_16000/-3g5yACwYnA.wav             or the films in Videos/Segmented/Combined
                                                     (-3g5yACwYnA_2.mp4) or Videos/Full/Combined

A segment has two numbers. `raw_clip_number` is its clip's, in transcripts, names of films and the
annotators' answers; `csd_index` counts the segments of a video in the SDK's labels. The two are
joined by time, never by number.
"""

import dataclasses
import pathlib
import statistics
from collections.abc import Mapping, Sequence

from data_builders.corpora import cmu, mosei_labels, release
from data_builders.corpora.mosei_labels import EMOTIONS, Row, Vote

CORPUS = 'mosei'
FOLDER = 'Raw'
SAMPLE_RATE = 16000
TRANSCRIPTS = 'Transcript/Segmented/Combined'
ALIGNMENTS = 'Transcript/Full/Alignment/P2FA/Combined'
SAME_TIME = 0.05  # seconds between two spellings of one moment

# Of the standard folds, less two videos that the SDK's labels lack; 399 segments are in no fold.
UTTERANCES = {'train': 16327, 'valid': 1871, 'test': 4662}
PLACES = (
  cmu.Place(('Audio/Full/WAV_16000', 'Audio/WAV_16000', 'Audio/WAV_16000/Full'), '.wav',
            segmented=False),
  cmu.Place(('Videos/Segmented/Combined',), '.mp4', segmented=True),
  cmu.Place(('Videos/Full/Combined',), '.mp4', segmented=False),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance(release.Utterance):
  video: str
  raw_clip_number: int
  csd_index: int  # -1: no table of the SDK's labels has the segment
  sentiment: float  # -3..3, the mean of the annotators
  happy: float  # 0..3, means too
  sad: float
  anger: float
  surprise: float
  disgust: float
  fear: float
  votes: tuple[Vote, ...]


@dataclasses.dataclass(frozen=True)
class Segment:
  """A line of a transcript; `fault`: why it cannot be used."""

  number: int
  start: float
  end: float
  text: str
  fault: str = ''


def read(manual_dir: pathlib.Path) -> release.Release:
  """Parses transcripts and labels; what is missing or damaged is told in the release.

  Raises:
    ValueError: if there is no release, or its label files are something else.
  """
  root = release.find_root(
    manual_dir, CORPUS, FOLDER, lambda folder: (folder / TRANSCRIPTS).is_dir(),
    f'the folder {FOLDER} with {TRANSCRIPTS}, Labels, and Audio or Videos')
  parsed = release.Release(root, release.read_truth(root, CORPUS))
  labels = mosei_labels.read(parsed)
  media = cmu.Media(root, PLACES)
  paths = {cmu.plain(path.stem): path for path in release.listing(root / TRANSCRIPTS, '*.txt')}
  alignments = {path.stem: path for path in release.listing(root / ALIGNMENTS)}
  for video in sorted({*paths, *labels.table, *labels.votes}):
    segments = read_transcript(paths[video], video, parsed.notes) if video in paths else []
    words = _words(parsed, alignments[video]) if video in alignments else ()
    _add_video(parsed, video, segments, words, labels, media)
  parsed.notes.extend(media.notes)
  if not labels.has_splits:
    parsed.shortfalls.append(
      f'no file says which video is in which part: put {mosei_labels.FOLDS[0]} of the '
      f'CMU-MultimodalSDK into {root}')
  cmu.check_counts(parsed, parsed.truth.get('utterances', UTTERANCES))
  return parsed


def read_transcript(path: pathlib.Path, video: str, notes: list[str]) -> list[Segment]:
  """The segments of a video in the order of time; oddities go to `notes`."""
  segments = {}
  for line in release.read_text(path).splitlines():
    if not line.strip():
      continue
    # a video's name may end, and its words may go on, like the delimiter
    number, *times = line.strip('\ufeff ').removeprefix(f'{video}___').split('___', 3)
    try:
      segment = Segment(int(number), float(times[0]), float(times[1]), ''.join(times[2:]).strip())
    except (ValueError, IndexError):
      notes.append(f'{path.name} has a line of unknown form: {line!r}')
      continue
    before = segments.setdefault(segment.number, segment)
    if before is segment:
      continue
    if before == segment:
      notes.append(f'{video}_{segment.number} is listed twice, alike')
    else:
      fault = 'segment listed twice, in two ways'
      segments[segment.number] = dataclasses.replace(before, fault=fault)
  return sorted(segments.values(), key=_by_time)


def read_alignment(path: pathlib.Path) -> tuple[release.Word, ...]:
  """The timed words of a whole video, as P2FA writes them (short TextGrid), without its pauses."""
  _, found, tier = release.read_text(path).partition('"word"')
  lines = [line.strip() for line in tier.splitlines() if line.strip()][3:] if found else []
  words = (release.Word(float(start), float(end), word.strip('"').lower())
           for start, end, word in zip(*(lines[k::3] for k in range(3))))
  return tuple(word for word in words if word.text not in ('sp', 'sil', ''))


def join(segments: Sequence[Segment], rows: Sequence[Row]) -> dict[int, Row]:
  """Number of the raw clip -> row of the table at the same time; a row belongs to one clip."""
  joined, free = {}, list(rows)
  for segment in segments:
    def distance(row, segment=segment):
      return max(abs(row.start - segment.start), abs(row.end - segment.end))

    best = min(free, key=distance, default=None)
    if best and distance(best) <= SAME_TIME:
      joined[segment.number] = best
      free.remove(best)
  return joined


def mean(votes: Sequence[Vote]) -> dict[str, float] | None:
  """Sentiment and emotions averaged over annotators; None where nobody gave a sentiment.

  An emotion lies above 0 where any annotator's does, so that its sum does too.
  """
  given = [vote.sentiment for vote in votes if vote.sentiment is not None]
  if not given:
    return None
  return {'sentiment': statistics.fmean(given)} | {
    name: statistics.fmean(getattr(vote, name) for vote in votes) for name in EMOTIONS}


def _add_video(
  parsed: release.Release, video: str, segments: Sequence[Segment],
  words: Sequence[release.Word], labels: mosei_labels.Labels, media: cmu.Media,
) -> None:
  """Adds the labelled segments of a video; where the table has labels, the table decides."""
  file = parsed.root / TRANSCRIPTS / f'{video}.txt'
  rows, votes = labels.table.get(video, []), labels.votes.get(video, {})
  joined, by_table = join(segments, rows), any(row.values for row in rows)
  _tell_unjoined(parsed, video, segments, joined, labels)
  position, times = 0, []
  for segment in segments:
    id, name = f'{CORPUS}/{video}_{segment.number}', f'{video}_{segment.number}'
    row, said = joined.get(segment.number), votes.get(segment.number, ())
    values = row and row.values if by_table else mean(said)
    if not values and not segment.fault and not (row and row.fault):
      parsed.exclude(id, cmu.UNRATED, file)
      continue
    position += 1
    fault = (segment.fault or row and row.fault or cmu.fault(segment.start, segment.end)
             or _outside(values))
    if fault:
      parsed.exclude(id, fault, file)
      continue
    if not segment.text:
      parsed.notes.append(f'{name} has no transcript')
    if said and not _agree(mean(said), values):
      parsed.notes.append(f'{name}: its votes disagree with the label at its time: left out')
      said = ()
    times.append((name, segment.start, segment.end))
    parsed.add(Utterance(
      id=id, dialogue=video, position=position - 1, session='', speaker=video, gender='',
      start=segment.start, end=segment.end, transcript=segment.text, emotion='',
      split=labels.splits.get(video, ''), video=video, raw_clip_number=segment.number,
      csd_index=row.index if row else -1, votes=tuple(said), **values,
      words=tuple(word for word in words
                  if segment.start <= (word.start + word.end) / 2 < segment.end)),
      media.clip(video, segment.number, segment.start, segment.end))
  parsed.notes.extend(cmu.oddities(times))


def _tell_unjoined(
  parsed: release.Release, video: str, segments: Sequence[Segment], joined: Mapping[int, Row],
  labels: mosei_labels.Labels,
) -> None:
  """Labels that belong to no segment: exclusions where they decide, else a note for the video."""
  rows = labels.table.get(video, [])
  lost = [row for row in rows if row not in joined.values()]
  numbers = sorted(labels.votes.get(video, {}).keys() - {segment.number for segment in segments})
  if any(row.values for row in rows):
    for row in lost:
      parsed.exclude(f'{CORPUS}/{video}[{row.index}]', 'label at the time of no segment',
                     labels.table_file)
  else:
    for number in numbers:
      parsed.exclude(f'{CORPUS}/{video}_{number}', 'label without transcript', labels.votes_file)
    if lost:
      parsed.notes.append(f'{video}: {len(lost)} of {len(rows)} rows of {labels.table_file.name} '
                          'are at the time of no segment')
  if sorted(row.index for row in rows) != list(range(len(rows))):
    parsed.notes.append(f'{video}: its rows in {labels.table_file.name} are not numbered from 0 on')


def _words(parsed: release.Release, path: pathlib.Path) -> tuple[release.Word, ...]:
  """What an alignment has, if it can be read."""
  try:
    return read_alignment(path)
  except ValueError:
    parsed.notes.append(f'{path.name} has times that cannot be read: no timed words')
    return ()


def _outside(values: Mapping[str, float]) -> str:
  """Which value lies outside its scale, or ''."""
  for name, value in values.items():
    lowest = -3 if name == 'sentiment' else 0
    if not lowest <= value <= 3:
      return f'{name} {value:g} lies outside {lowest}..3'
  return ''


def _agree(said: Mapping[str, float] | None, values: Mapping[str, float]) -> bool:
  """Whether votes and label are of one segment; sentiment decides, to the hundredth."""
  return said is None or abs(said['sentiment'] - values['sentiment']) < 0.01


def _by_time(segment: Segment) -> tuple[float, float, int]:
  return segment.start, segment.end, segment.number
