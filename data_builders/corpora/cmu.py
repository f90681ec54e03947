"""What the raw releases of CMU-MOSI and CMU-MOSEI share: where sound lies, times, ids."""

import collections
import dataclasses
import functools
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence

from data_builders.corpora import release

UNRATED = 'transcript without label'  # no utterance of the corpus: a complete release has some
FRAME = 0.025  # seconds; of a shorter segment no feature has a frame
# Segments were cut with up to half a second around them, so neighbours overlap by up to a second
# and the outermost reach beyond their film.
PADDING = 0.5


@dataclasses.dataclass(frozen=True)
class Place:
  """Folders, any of which may hold sounds: of whole videos, or of single segments."""

  folders: tuple[str, ...]
  suffix: str
  segmented: bool

  def name(self, video: str, number: int) -> str:
    return f'{video}_{number}' if self.segmented else video


class Media:
  """The sounds of a release; a segment's is taken from the first place that has it."""

  def __init__(self, root: pathlib.Path, places: Sequence[Place]):
    self._places = [(place, _files(root, place)) for place in places]
    self._seen = set()
    self.notes: list[str] = []

  def clip(self, video: str, number: int, start: float, end: float) -> release.Clip | None:
    """Where a segment is heard; None where nowhere. Without times (NaN) only whole files do.

    A stretch begins and ends with its film, where it reaches beyond by no more than `PADDING`.
    """
    for place, found in self._places:
      path = found.get(place.name(video, number))
      if not path or not place.segmented and math.isnan(start + end):
        continue
      seconds = self._listen(path)
      if place.segmented:
        return release.Clip(path)
      last = seconds if seconds < end <= seconds + PADDING else end
      return release.Clip(path, max(start, 0.0) if start >= -PADDING else start, last)
    return None

  def _listen(self, path: pathlib.Path) -> float:
    """Seconds of a sound as its header tells; notes a wave file of another rate once."""
    seconds, rate = _header(path)
    if path.suffix == '.wav' and rate not in (0, 16000) and path not in self._seen:
      self.notes.append(f'{path.name} is at {rate} Hz, not 16000: resampled')
    self._seen.add(path)
    return seconds


def check_counts(parsed: release.Release, expected: Mapping[str, int]) -> None:
  """Notes what keeps the parts from having as many utterances as expected."""
  found = collections.Counter(utterance.split for utterance in parsed.utterances)
  told = dataclasses.replace(
    parsed, exclusions=[lost for lost in parsed.exclusions if lost.reason != UNRATED])
  told.expect('all parts', sum(found[part] for part in expected), sum(expected.values()))
  if not parsed.shortfalls:
    for part, number in expected.items():
      told.expect(part, found[part], number)


def fault(start: float, end: float) -> str:
  """Why nothing can be cut out between two times, or ''; NaN: there are no times."""
  if math.isinf(start) or math.isinf(end):
    return f'times that are no numbers ({start} to {end})'
  if end <= start:
    return f'segment that ends before it begins ({start:.2f} s to {end:.2f} s)'
  if end - start < FRAME:
    return f'segment of {1000 * (end - start):.0f} ms, shorter than a frame'
  return ''


def oddities(segments: Iterable[tuple[str, float, float]]) -> list[str]:
  """What is strange about times that still can be used; segments (name, start, end) of a video.

  To overlap by less than twice `PADDING` is usual.
  """
  notes, before = [], None
  for name, start, end in sorted(segments, key=lambda segment: segment[1:]):
    if start < 0:
      notes.append(f'{name} begins {-start:.2f} s before its video: cut there')
    if before and before[1] - start > 2 * PADDING + 0.001:
      notes.append(f'{name} begins {before[1] - start:.2f} s before {before[0]} ends')
    if not before or end > before[1]:
      before = name, end
  return notes


def plain(id: str) -> str:
  """An id as it is meant: without blanks, byte order marks and folders around it."""
  return id.strip('\ufeff \t\r\n"').rpartition('/')[2]


def _files(root: pathlib.Path, place: Place) -> dict[str, pathlib.Path]:
  """Stem -> file."""
  return {path.stem: path for folder in place.folders
          for path in release.listing(root / folder, f'*{place.suffix}')}


@functools.lru_cache(1 << 13)
def _header(path: pathlib.Path) -> tuple[float, int]:
  """(seconds, samples a second) that the header promises; (infinity, 0) where it cannot be read.

  Nothing is wrong with that here: whoever reads the sound tells what is.
  """
  import av  # a fifth of a second to import: not for those who need no sound

  try:
    with av.open(str(path)) as container:
      stream = container.streams.audio[0]
      return float(stream.duration * stream.time_base), stream.rate
  except (av.FFmpegError, IndexError, TypeError):
    return math.inf, 0
