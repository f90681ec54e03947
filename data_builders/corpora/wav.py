"""Reads a sound of a release and refuses what would make a wrong record."""

import os
import pathlib
import struct

import numpy as np


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
  if missing := _missing_bytes(path):
    raise ValueError(f'audio cut short by {missing:,} bytes')
  return samples


def _missing_bytes(path: pathlib.Path) -> int:
  """How many bytes the header promises beyond the end of the file: libsndfile passes over that."""
  with open(path, 'rb') as file:
    kind, size = struct.unpack('<4sI', file.read(8))
  unknown = kind != b'RIFF' or size >= 0x7FFFF000  # what a writer to a pipe leaves there
  missing = 0 if unknown else size + 8 - os.path.getsize(path)
  return missing if missing > 64 else 0  # old writers miscount their own last chunk by a little
