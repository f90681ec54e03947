"""Reads the sounds of a release that are wave files of one form, and refuses any other."""

import os
import pathlib
import struct
from collections.abc import Sequence

import numpy as np

from data_builders.corpora import release


def read(path: pathlib.Path, sample_rate: int) -> np.ndarray:
  """Samples of a mono 16-bit wave file, int16 [N].

  Raises:
    ValueError: if the file is no such sound; the message is the reason alone, without the file.
  """
  import soundfile  # a third of a second to import: not for those who only parse

  try:
    with soundfile.SoundFile(path) as file:
      channels = 'mono' if file.channels == 1 else f'{file.channels} channels'
      found = f'{file.samplerate} Hz {channels} {file.subtype}'
      wanted = f'{sample_rate} Hz mono PCM_16'
      if found != wanted:
        raise ValueError(f'audio is {found}, not {wanted}')
      samples = file.read(dtype='int16')
  except soundfile.LibsndfileError as error:
    raise ValueError(f'audio that cannot be read ({error.error_string})') from error
  if not len(samples):
    raise ValueError('audio without samples')
  if missing := missing_bytes(path):
    raise ValueError(f'audio cut short by {missing:,} bytes')
  return samples


def read_file(
  clips: Sequence[release.Clip], sample_rate: int) -> list[tuple[np.ndarray | None, str]]:
  """(samples, '') or (None, the reason) of every clip of one file, which must be all of it."""
  try:
    return [(read(clip.path, sample_rate), '') for clip in clips]
  except ValueError as error:
    return [(None, str(error))] * len(clips)


def missing_bytes(path: pathlib.Path) -> int:
  """How many bytes a RIFF header (wav, avi) promises beyond the end of the file; 0 for others.

  Libsndfile passes over that.
  """
  with open(path, 'rb') as file:
    kind, size = struct.unpack('<4sI', file.read(8).ljust(8, b'\0'))
  unknown = kind != b'RIFF' or size >= 0x7FFFF000  # what a writer to a pipe leaves there
  missing = 0 if unknown else size + 8 - os.path.getsize(path)
  return missing if missing > 64 else 0  # old writers miscount their own last chunk by a little
