"""Reads the sound of films and clips: whatever FFmpeg reads (mp4, avi, wav, ...), through PyAV."""

import pathlib
from collections.abc import Sequence

import numpy as np

from data_builders.corpora import release, wav

TOLERANCE = 0.25  # seconds by which a container may promise more sound than it has


def read(clip: release.Clip, sample_rate: int) -> np.ndarray:
  """Samples of a clip, mixed down to one channel and resampled, int16 [N].

  A wave file that is 16-bit mono at `sample_rate` gives its samples as they are.

  Raises:
    ValueError: if there is no such sound; the message is the reason alone, without the file.
  """
  (samples, reason), = read_file([clip], sample_rate)
  if reason:
    raise ValueError(reason)
  return samples


def read_file(
  clips: Sequence[release.Clip], sample_rate: int) -> list[tuple[np.ndarray | None, str]]:
  """(samples, '') or (None, the reason) of every clip of one file, which is decoded once."""
  try:
    film, begins = _decode(clips[0].path, sample_rate)
  except ValueError as error:
    return [(None, str(error))] * len(clips)
  return [_cut(film, begins, clip, sample_rate) for clip in clips]


def _decode(path: pathlib.Path, sample_rate: int) -> tuple[np.ndarray, float]:
  """All sound of a file, int16 [N], and at how many seconds of the film it begins."""
  import av  # a fifth of a second to import: not for those who only parse

  if missing := wav.missing_bytes(path):  # FFmpeg passes over that in an avi, too
    raise ValueError(f'audio cut short by {missing:,} bytes')
  try:
    container = av.open(str(path))
  except (av.FFmpegError, OSError) as error:
    raise ValueError(f'a file that cannot be read ({error.strerror})') from error
  with container:
    if not container.streams.audio:
      raise ValueError('a film without sound')
    stream = container.streams.audio[0]
    resampler = av.AudioResampler('s16', 'mono', sample_rate)
    begins, pieces = [], []
    try:
      for frame in container.decode(stream):
        begins = begins or [frame.time or 0.0]
        pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    except av.FFmpegError as error:
      done = sum(map(len, pieces)) / sample_rate
      raise ValueError(f'audio damaged after {done:.2f} s ({error.strerror})') from error
    pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)] if pieces else []
    film_begins = (container.start_time or 0) / av.time_base
    promised = float(stream.duration * stream.time_base) if stream.duration else 0.0
  if not sum(map(len, pieces)):
    raise ValueError('audio without samples')
  samples = np.concatenate(pieces)
  if len(samples) < (promised - TOLERANCE) * sample_rate:
    raise ValueError(f'audio cut short: {len(samples) / sample_rate:.2f} s of {promised:.2f} s')
  return samples, begins[0] - film_begins


def _cut(
  film: np.ndarray, begins: float, clip: release.Clip, sample_rate: int,
) -> tuple[np.ndarray | None, str]:
  """A copy of a stretch of a film's sound, which itself starts at `begins` seconds."""
  if clip.start is None and clip.end is None:
    return film, ''
  ends = begins + len(film) / sample_rate
  start = begins if clip.start is None else clip.start
  end = ends if clip.end is None else clip.end
  asked = f'the clip is {start:.2f} s to {end:.2f} s'
  if not 0 <= start < end:
    return None, f'{asked}, which is no stretch of time'
  if end > ends + TOLERANCE:
    return None, f'{asked}, but the sound ends at {ends:.2f} s'
  first, last = (max(0, round((time - begins) * sample_rate)) for time in (start, end))
  samples = film[first:last].copy()
  return (samples, '') if len(samples) else (None, f'{asked}, where there is no sound')
