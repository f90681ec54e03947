"""What every extractor does with a sound: check it, cut it into frames, weigh bands."""

import numpy as np


def as_float(waveform: np.ndarray) -> np.ndarray:
  """Mono sound as float32 [N] in [-1, 1]; int16 is divided by 32768.

  Raises:
    ValueError: if it has several channels, another type, or NaN or infinite samples.
  """
  waveform = np.asarray(waveform)
  if waveform.ndim != 1:
    raise ValueError(f'the sound has shape {waveform.shape}; expected one channel, shape [N].')
  if waveform.dtype == np.int16:
    return waveform.astype(np.float32) / 32768
  if not np.issubdtype(waveform.dtype, np.floating):
    raise ValueError(f'the sound is {waveform.dtype}; expected int16, or float in [-1, 1].')
  if not np.isfinite(waveform).all():
    raise ValueError('the sound holds NaN or infinite samples.')
  return waveform.astype(np.float32)


def frames(y: np.ndarray, length: int, hop: int, sample_rate: int) -> np.ndarray:
  """Frames [1 + (N - length) // hop, length] of the samples there are; a view of `y`.

  Raises:
    ValueError: if the sound is shorter than one frame.
  """
  if len(y) < length:
    raise _too_short(y, length, sample_rate)
  return np.lib.stride_tricks.sliding_window_view(y, length)[::hop]


def centred_frames(y: np.ndarray, length: int, hop: int, sample_rate: int) -> np.ndarray:
  """Float64 frames [1 + N // hop, length], the first centred on sample 0, edges reflected.

  The originals' librosa and torchaudio reflected; librosa >= 0.9 pads with zeros, which moves edge
  frames of log-mels by 0.08.

  Raises:
    ValueError: if the sound is too short to be reflected.
  """
  if len(y) <= length // 2:
    raise _too_short(y, length // 2 + 1, sample_rate)
  return frames(np.pad(y.astype(np.float64), length // 2, mode='reflect'), length, hop, sample_rate)


def triangles(points: np.ndarray, edges: np.ndarray) -> np.ndarray:
  """Weights [K, P] of K triangles at `points` [P]: 0 at edges k and k + 2, 1 at edge k + 1."""
  rising = (points - edges[:-2, None]) / np.diff(edges)[:-1, None]
  falling = (edges[2:, None] - points) / np.diff(edges)[1:, None]
  return np.maximum(0, np.minimum(rising, falling))


def _too_short(y: np.ndarray, needed: int, sample_rate: int) -> ValueError:
  return ValueError(f'the sound is shorter than a frame: {len(y)} samples at {sample_rate} Hz, '
                    f'at least {needed} are needed.')
