"""MME2E's mel frames: power in 128 bands, no logarithm; its network reads pieces of 32 frames.

The numbers of torchaudio's `MelSpectrogram` as MME2E calls it. Frames are what is stored, so that
lengths count sound alone; a view cuts them into pieces (`pieces`).
"""

import functools

import numpy as np

from emojax.features import sound

VERSION = '1'  # counts up when the numbers change; prepared features of another version are rebuilt
NUM_MELS = 128
PIECE = 32  # frames, 0.4 s
WINDOW = 400  # samples at 16 kHz, 25 ms; half of it from frame to frame


def extract(waveform: np.ndarray, sample_rate: int, *, n_fft: int | None = 400) -> np.ndarray:
  """Mono sound (int16, or float in [-1, 1]) [N] to float32 [1 + N // hop, 128], 80 frames a second.

  Args:
    n_fft: 400, as for IEMOCAP; None, as for MOSEI: as long as the window. At 16 kHz these are the
      same, and four bands, narrower than the distance of the bins, are always zero.

  Raises:
    ValueError: if the sound is not mono, not finite or too short to be reflected at its edges; if
      the window is longer than `n_fft`.
  """
  window = int(sample_rate / 16000 * WINDOW)  # rounded as in the original
  n_fft = n_fft or window
  if window > n_fft:
    raise ValueError(f'n_fft={n_fft} is shorter than the window, {window} samples at {sample_rate} '
                     'Hz; resample the sound to 16000 Hz, or use n_fft=None.')
  frames = sound.centred_frames(sound.as_float(waveform), n_fft, window // 2, sample_rate)
  spectrum = np.fft.rfft(frames * _window(window, n_fft))  # [T, bins]
  power = np.square(spectrum.real) + np.square(spectrum.imag)
  return (power @ mel_basis(sample_rate, n_fft).T).astype(np.float32)


def pieces(frames: np.ndarray) -> np.ndarray:
  """Frames [T, 128] as MME2E's images [ceil(T / 32), 128, 32], the last one ends in zeros."""
  filled = np.pad(frames, ((0, -len(frames) % PIECE), (0, 0)))
  return filled.reshape(-1, PIECE, frames.shape[1]).swapaxes(1, 2)


@functools.cache
def mel_basis(sample_rate: int, n_fft: int) -> np.ndarray:
  """Triangular filters [128, n_fft // 2 + 1], HTK's scale from 0 Hz on, not normalised."""
  highest = 2595 * np.log10(1 + (sample_rate // 2) / 700)
  edges = 700 * (10 ** (np.linspace(0, highest, NUM_MELS + 2) / 2595) - 1)
  return sound.triangles(np.linspace(0, sample_rate // 2, n_fft // 2 + 1), edges)


@functools.cache
def _window(length: int, n_fft: int) -> np.ndarray:
  """Periodic Hann window in the middle of `n_fft` samples."""
  hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
  before = (n_fft - length) // 2
  return np.pad(hann, (before, n_fft - length - before))
