"""MDRE's 39 MFCCs: openSMILE's `MFCC12_E_D_A`, here in numpy.

12 cepstra and the logarithm of the energy per frame of 25 ms, every 10 ms; then their deltas, then
the deltas of these. Not normalised. openSMILE's own output agrees to 1e-4, its own rounding; below
four frames it takes zeros for neighbours that do not exist, where here an end goes on as it is.
"""

import functools

import numpy as np

from emojax.features import sound

VERSION = '1'  # counts up when the numbers change; prepared features of another version are rebuilt
SAMPLE_RATE = 16000
WIDTH = 39

FRAME = 400
HOP = 160
N_FFT = 512
PRE_EMPHASIS = 0.97
FULL_SCALE = 32767  # openSMILE divides by it, and multiplies spectra by it again, as HTK has them
NUM_BANDS = 26
NUM_CEPSTRA = 12
LIFTER = 22
FLOOR = 1.0  # of bands and energies before the logarithm


def extract(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
  """Mono sound (int16, or float in [-1, 1]) at 16 kHz [N] to float32 [1 + (N - 400) // 160, 39].

  Raises:
    ValueError: if the sound has another rate, is not mono, not finite, or shorter than a frame.
  """
  if sample_rate != SAMPLE_RATE:
    raise ValueError(f'the sound has {sample_rate} Hz; these MFCCs are defined at '
                     f'{SAMPLE_RATE} Hz: resample it first.')
  samples = sound.as_float(waveform) * 32768 / np.float32(FULL_SCALE)  # float32, as openSMILE's
  statics = _statics(sound.frames(samples, FRAME, HOP, SAMPLE_RATE))
  return _with_deltas(statics).astype(np.float32)


def _statics(frames: np.ndarray) -> np.ndarray:
  """Frames [T, 400] in [-1, 1], float32, to [T, 13] in float64: c1 ... c12, log energy."""
  energy = np.square(frames, dtype=np.float64).sum(axis=1)
  before = np.pad(frames[:, :-1], ((0, 0), (1, 0)), mode='edge')
  windowed = (frames - np.float32(PRE_EMPHASIS) * before) * _window()
  spectrum = np.fft.rfft(windowed.astype(np.float64), N_FFT)  # [T, 257]
  power = (np.square(spectrum.real) + np.square(spectrum.imag)) * FULL_SCALE**2
  bands = np.log(np.maximum(power @ mel_basis().T, FLOOR))
  log_energy = np.log(np.maximum(energy * FULL_SCALE**2, FLOOR))
  return np.concatenate([bands @ _cosines().T, log_energy[:, None]], axis=1)


def _with_deltas(statics: np.ndarray) -> np.ndarray:
  """[T, 13] to [T, 39].

  The track goes on with its first and its last frame. So do the deltas before it, but after it they
  are those of the track that goes on: openSMILE computes two more before it stops.
  """
  deltas = _slope(np.pad(statics, ((2, 4), (0, 0)), mode='edge'))  # [T + 2, 13]
  accelerations = _slope(np.pad(deltas, ((2, 0), (0, 0)), mode='edge'))
  return np.concatenate([statics, deltas[:-2], accelerations], axis=1)


def _slope(track: np.ndarray) -> np.ndarray:
  """[T + 4, D] to [T, D]: the regression line through five frames."""
  return (track[3:-1] - track[1:-3] + 2 * (track[4:] - track[:-4])) / 10


@functools.cache
def mel_basis() -> np.ndarray:
  """Triangles [26, 257], straight on HTK's scale from 0 to 8000 Hz; the bin of 0 Hz weighs 0."""
  edges = np.linspace(0, hz_to_mel(SAMPLE_RATE / 2), NUM_BANDS + 2)
  basis = sound.triangles(hz_to_mel(np.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1)), edges)
  basis[:, 0] = 0
  return basis


@functools.cache
def _cosines() -> np.ndarray:
  """From logarithms of bands to liftered cepstra, [12, 26]."""
  order = np.arange(1, NUM_CEPSTRA + 1)[:, None]
  cosines = np.cos(np.pi * order * (np.arange(NUM_BANDS) + 0.5) / NUM_BANDS)
  lifter = 1 + LIFTER / 2 * np.sin(np.pi * order / LIFTER)
  return np.sqrt(2 / NUM_BANDS) * cosines * lifter


@functools.cache
def _window() -> np.ndarray:
  """Hamming, float32."""
  hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
  return hamming.astype(np.float32)


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray | float:
  return 1127 * np.log(1 + np.asarray(hz) / 700)
