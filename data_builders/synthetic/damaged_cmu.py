"""How the defects of CMU-MOSI and CMU-MOSEI change their files: rows, lines, sounds."""

import csv
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import soundfile

from data_builders.synthetic import release, voice
from data_builders.synthetic.defects import Defect, Planted, pick

Ids = Mapping[str, Sequence[str]]  # video -> ids of what is rated in it
Rows = list[list[str]]


def of_video(
  name: str, why: str, verdict: str, reason: str, videos: Callable[[pathlib.Path], Ids],
  change: Callable[[pathlib.Path, str], pathlib.Path],
) -> Defect:
  """A defect of a whole video: `change(root, video)` makes it and gives the file that matters."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    known = videos(root)
    video = pick(root, rng, known)
    file = change(root, video)
    return Planted(tuple(known[video]), str(file.relative_to(root)), verdict, reason)

  return Defect(name, why, plant)


def rows_of(path: pathlib.Path) -> Rows:
  """All rows of a csv file, header included."""
  with open(path, newline='', encoding='utf-8') as file:
    return list(csv.reader(file))


def edit_rows(path: pathlib.Path, change: Callable[[Rows], Rows]) -> None:
  """Writes what `change` makes of all rows of a csv file."""
  rows = change(rows_of(path))
  with open(path, 'w', newline='', encoding='utf-8') as file:
    csv.writer(file, lineterminator='\n').writerows(rows)


def edit_text(path: pathlib.Path, pattern: str, new: str | Callable[[re.Match], str]) -> None:
  """Replaces the one place of a text file that a pattern matches."""
  text, number = re.subn(pattern, new, path.read_text('utf-8'), flags=re.MULTILINE)
  assert number == 1, f'{path} has {number} times {pattern}'
  path.write_text(text, 'utf-8')


def as_windows(path: pathlib.Path) -> None:
  """A byte order mark in front, and both ends of line."""
  path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes().replace(b'\n', b'\r\n'))


def at_8_khz(path: pathlib.Path) -> None:
  soundfile.write(path, _samples(path)[::2], voice.RATE // 2)


def silent(path: pathlib.Path) -> None:
  release.write_wav(path, np.zeros_like(_samples(path)))


def half_copied(path: pathlib.Path) -> None:
  content = path.read_bytes()
  path.write_bytes(content[: len(content) // 2])


def without_bytes(path: pathlib.Path) -> None:
  path.write_bytes(b'')


def until(path: pathlib.Path, seconds: float) -> None:
  """A whole file of less sound."""
  release.write_wav(path, _samples(path)[: round(seconds * voice.RATE)])


def _samples(path: pathlib.Path) -> np.ndarray:
  return soundfile.read(path, dtype='int16')[0]
