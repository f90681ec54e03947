"""MDRE's 35 numbers of prosody: openSMILE's `prosodyShsViterbiLoudness`, here in numpy.

Five contours, a frame every 10 ms: F0 in Hz, F0 in semitones above 27.5 Hz, voicing (`pitch_shs`),
harmonics-to-noise ratio in dB, loudness (the curve of equal loudness and 0.33 as power over 26 mel
bands, their mean). Each is smoothed over three frames and told in seven functionals: standard
deviation, mean, slope of the regression line per frame, centroid as a part of the length, 10th and
90th percentile, the distance of the two.

F0, semitones and HNR are told over frames with a pitch; voicing over those with energy and a peak,
pitch or not; loudness over all. Without such frames the seven are 0. Of the first four openSMILE
leaves out the last frames, whose path was still open when the sound ended; so does this.

openSMILE computes in float32. For the 339 clips of EmoDB's four emotions its numbers and these are
within 1e-3 of a functional's standard deviation over the clips, but in two of them, where rounding
decides whether a weak frame has a peak (1e-2, of voicing). A sound of just two frames differs.
"""

import functools

import numpy as np

from emojax.features import mfcc_mdre, pitch_shs, sound

VERSION = '1'  # counts up when the numbers change; prepared features of another version are rebuilt
SAMPLE_RATE = 16000
WIDTH = 35

HOP = 160
PITCH_FRAME = 880
PITCH_FFT = 1024
LOUDNESS_FRAME = 320
LOUDNESS_FFT = 512
NUM_BANDS = 26
LOWEST_BAND, HIGHEST_BAND = 20.0, 8000.0  # Hz
BAND_FLOOR = 1e-9
POWER = 0.33
QUIET = 0.0008  # root mean square of a windowed frame below which it has no pitch
SEMITONES_FROM = 27.5  # Hz
GAUSS = 0.4  # standard deviation of the window, of half a frame
LEAST_RATIO, MOST_RATIO = 1e-9, 1e11  # of periodic energy to the rest


def extract(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
  """Mono sound (int16, or float in [-1, 1]) at 16 kHz [N] to float32 [1, 35].

  Raises:
    ValueError: if the sound has another rate, is not mono, not finite, or shorter than a frame.
  """
  if sample_rate != SAMPLE_RATE:
    raise ValueError(f'the sound has {sample_rate} Hz; this prosody is defined at '
                     f'{SAMPLE_RATE} Hz: resample it first.')
  samples = sound.as_float(waveform) * 32768 / np.float32(mfcc_mdre.FULL_SCALE)
  pitched, decided = _pitched(sound.frames(samples, PITCH_FRAME, HOP, SAMPLE_RATE))
  loudness = _loudness(sound.frames(samples, LOUDNESS_FRAME, HOP, SAMPLE_RATE))
  contours = [contour[contour != 0] for contour in _smooth(pitched)[:, :decided or None]]
  values = [_functionals(contour) for contour in [*contours, *_smooth(loudness[None])]]
  return np.concatenate(values).astype(np.float32)[None]


def _pitched(frames: np.ndarray) -> tuple[np.ndarray, int]:
  """Frames [T, 880] to F0 in Hz, in semitones, voicing, HNR in dB [4, T], 0 where there is none.

  The second value: how many frames of the path were decided before the end.
  """
  power = _power(frames, _gauss(), PITCH_FFT)
  pitch, voicing, decided = pitch_shs.track(np.sqrt(power), SAMPLE_RATE)
  semitones = 12 * np.log2(np.where(pitch > 0, pitch, SEMITONES_FROM) / SEMITONES_FROM)
  energy = (2 * power.sum(axis=1) - power[:, 0] - power[:, -1]) / PITCH_FFT
  loud = energy > PITCH_FRAME * QUIET**2
  contours = np.stack([pitch, semitones, voicing, _harmonics_to_noise(power, pitch)])
  contours[:3] *= loud
  return contours, decided


def _power(frames: np.ndarray, window: np.ndarray, n_fft: int) -> np.ndarray:
  """Frames [T, N] to power spectra [T, n_fft / 2 + 1], float64."""
  power = np.empty((len(frames), n_fft // 2 + 1))
  for start in range(0, len(frames), pitch_shs.BLOCK):
    part = slice(start, start + pitch_shs.BLOCK)
    spectrum = np.fft.rfft(frames[part] * window, n_fft)
    power[part] = np.square(spectrum.real) + np.square(spectrum.imag)
  return power


def _harmonics_to_noise(power: np.ndarray, pitch: np.ndarray) -> np.ndarray:
  """dB [T] at the peak of the (circular) autocorrelation that is next to the pitch's period."""
  ratio = np.zeros(len(power))
  voiced = np.flatnonzero(pitch)
  if not len(voiced):
    return ratio
  lags = np.abs(np.fft.irfft(power[voiced])[:, :PITCH_FFT // 2 + 1])
  inner = lags[:, 1:-1]
  peaks = (inner > lags[:, :-2]) & (inner > lags[:, 2:])
  away = np.arange(1, PITCH_FFT // 2) - np.floor(SAMPLE_RATE / pitch[voiced])[:, None]
  nearest = np.where(peaks, np.abs(away + 0.25), np.inf).argmin(axis=1)  # of two, the shorter lag
  periodic = inner[np.arange(len(voiced)), nearest]
  noise = np.maximum(lags[:, 0] - periodic, 1e-30)
  ratio[voiced] = 10 * np.log10((periodic / noise).clip(LEAST_RATIO, MOST_RATIO))
  return ratio


def _loudness(frames: np.ndarray) -> np.ndarray:
  """Frames [T, 320] to the mean [T] of 26 bands, weighted as the ear does and compressed."""
  basis, ear = _bands()
  bands = _power(frames, np.hamming(LOUDNESS_FRAME), LOUDNESS_FFT) @ basis.T
  return ((bands.clip(BAND_FLOOR) * ear)**POWER).mean(axis=1)


@functools.cache
def _bands() -> tuple[np.ndarray, np.ndarray]:
  """Triangles on the mel scale [26, 257] and the curve of equal loudness at their centres [26]."""
  low, high = mfcc_mdre.hz_to_mel(np.array([LOWEST_BAND, HIGHEST_BAND]))
  edges = np.linspace(low, high, NUM_BANDS + 2)
  hz = np.linspace(0, SAMPLE_RATE / 2, LOUDNESS_FFT // 2 + 1)
  basis = sound.triangles(mfcc_mdre.hz_to_mel(hz), edges)
  basis[:, hz < 1.5 * hz[1]] = 0  # the bin of the lowest edge, and what is below
  angular = 2 * np.pi * 700 * np.expm1(edges[1:-1] / 1127)
  ear = (1e32 * (angular**2 + 56.8e6) * angular**4  # Hermansky 1990, its highest value near 1
         / ((angular**2 + 6.3e6)**2 * (angular**2 + 0.38e9) * (angular**7 + 1.7e31)))
  return basis, ear


@functools.cache
def _gauss() -> np.ndarray:
  return np.exp(-0.5 * np.square(np.linspace(-1, 1, PITCH_FRAME) / GAUSS))


def _smooth(contours: np.ndarray) -> np.ndarray:
  """Contours [C, T]: the mean of three frames, without those that are 0; what is 0 stays 0."""
  around = np.pad(contours, ((0, 0), (1, 1)), mode='edge')
  around = np.lib.stride_tricks.sliding_window_view(around, 3, axis=1)
  mean = around.sum(axis=2) / (around != 0).sum(axis=2).clip(1)
  return np.where(contours != 0, mean, 0)


def _functionals(contour: np.ndarray) -> np.ndarray:
  """[7] of the frames [T], which are taken to follow each other; zeros where there are none."""
  if not len(contour):
    return np.zeros(7)
  frame = np.arange(len(contour))
  centred = frame - frame.mean()
  slope = centred @ contour / (centred @ centred or 1)
  total = contour.sum()
  centroid = frame @ contour / total / len(contour) if total else 0
  low, high = np.interp(np.array([0.1, 0.9]) * frame[-1], frame, np.sort(contour))
  return np.array([contour.std(), contour.mean(), slope, centroid, low, high, high - low])
