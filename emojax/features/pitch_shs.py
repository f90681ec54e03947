"""Pitch by subharmonic summation (Hermes 1988) and one path through the utterance by Viterbi.

A spectrum on an octave scale, to which itself is added shifted down by each of 15 harmonics, peaks
at the pitch. Its four highest peaks are candidates; of the paths through candidates and 'unvoiced'
the one that costs least is taken. Constants and steps are openSMILE's `prosodyShsViterbiLoudness`.
"""

import functools

import numpy as np
from scipy import interpolate, sparse

LOWEST, HIGHEST = 52.0, 620.0  # Hz
VOICED = 0.7  # voicing from which a candidate is believed
CANDIDATES = 4
HARMONICS = 15
COMPRESSION = 0.85  # of each harmonic to the one before
OCTAVE_FROM = 25.0  # Hz, where the octave scale begins
JUMP = 10.0
SWITCH = 10.0  # from voiced to unvoiced and back
STAY_UNVOICED = 1.0
MISSING = 999.0  # to or from a candidate that there is not
LOCAL = 2.0  # weight of -log(voicing)
BELOW = 4.0  # added to it below VOICED
BLOCK = 256  # frames at a time, which stay in a processor's cache


def track(magnitudes: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray, int]:
  """Magnitude spectra [T, F] to pitch [T] in Hz, 0 where unvoiced, and voicing [T] in [0, 1).

  Voicing is 1 - mean / peak of the summed spectrum; where unvoiced, that of the highest peak. The
  third value is how many frames were decided before the end: of the others the end alone decides.
  """
  blocks = [_candidates(_sum(magnitudes[start:start + BLOCK], sample_rate), sample_rate)
            for start in range(0, len(magnitudes), BLOCK)]
  pitch, voicing = (np.concatenate(part) for part in zip(*blocks, strict=True))
  state, decided = _cheapest_path(_local_costs(pitch, voicing), _step_costs(pitch))
  unvoiced = state == CANDIDATES
  chosen = np.where(unvoiced, 0, state)[:, None]
  found = np.take_along_axis(pitch, chosen, axis=1)[:, 0]
  return np.where(unvoiced, 0, found), np.take_along_axis(voicing, chosen, axis=1)[:, 0], decided


def _sum(magnitudes: np.ndarray, sample_rate: int) -> np.ndarray:
  """Spectra [T, F] to subharmonic sums [T, F] on the octave scale, float32."""
  bins = magnitudes.shape[1]
  octaves, weights, per_octave = _octave_scale(bins, sample_rate)
  peaks = _peaks_alone(magnitudes.astype(np.float32))
  spectrum = np.maximum(octaves @ np.ascontiguousarray(peaks.T), 0) * weights[:, None]  # [F, T]
  total = spectrum.copy()
  for harmonic in range(2, HARMONICS + 1):
    shift = int(per_octave * np.log2(harmonic))
    total[:bins - shift] += spectrum[shift:] * np.float32(COMPRESSION**(harmonic - 1))
  return np.ascontiguousarray(total.T)


def _peaks_alone(spectrum: np.ndarray) -> np.ndarray:
  """Zeros between two peaks, three bins or more from both."""
  rises = spectrum[:, 1:] > spectrum[:, :-1]
  peaks = np.ones(spectrum.shape, bool)
  peaks[:, 1:] = rises
  peaks[:, :-1] &= ~rises
  peaks[:, 0] &= spectrum[:, 0] > spectrum[:, 1]
  near = peaks.copy()
  for away in (1, 2):
    near[:, away:] |= peaks[:, :-away]
    near[:, :-away] |= peaks[:, away:]
  places = np.arange(spectrum.shape[1])
  near |= places < peaks.argmax(axis=1)[:, None]
  near |= places > places[-1] - peaks[:, ::-1].argmax(axis=1)[:, None]
  return spectrum * near


@functools.cache
def _octave_scale(bins: int, sample_rate: int) -> tuple[sparse.csr_array, np.ndarray, float]:
  """Smoothing and a cubic spline in one matrix [F, F], the ear's weights [F], points per octave."""
  smoothing = np.eye(bins) / 2 + np.eye(bins, k=1) / 4 + np.eye(bins, k=-1) / 4
  smoothing[:, -1] = np.eye(bins)[:, -1]
  places = np.zeros(bins)
  places[1:] = np.log2(np.arange(1, bins) * sample_rate / 2 / (bins - 1))
  places[0] = 2 * places[1] - places[2]  # 0 Hz has no octave
  spline = interpolate.CubicSpline(places, smoothing.T, bc_type='natural')
  per_octave = bins / np.log2(sample_rate / 2 / OCTAVE_FROM)
  matrix = spline(_octaves(np.arange(bins), bins, sample_rate))
  matrix[np.abs(matrix) < 1e-9] = 0  # a spline feels hardly more than its neighbours
  above = np.arange(2, bins + 2) / per_octave - np.log2(65 / 50)
  weights = 0.5 + np.arctan(3 * above) / np.pi
  return (sparse.csr_array(matrix.astype(np.float32)), weights.astype(np.float32), per_octave)


def _octaves(points: np.ndarray, bins: int, sample_rate: int) -> np.ndarray:
  """Places on the scale to logarithms to base 2 of Hz."""
  return np.log2(OCTAVE_FROM) + points * np.log2(sample_rate / 2 / OCTAVE_FROM) / (bins - 1)


def _candidates(total: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
  """Pitch in Hz and voicing [T, 4], the highest peak first; zeros for those that are missing."""
  rows, bins = np.arange(len(total)), total.shape[1]
  left, middle, right = total[:, :-2], total[:, 1:-1], total[:, 2:]
  peaks = np.where((left < middle) & (middle > right), middle, 0)
  mean = total.mean(axis=1, dtype=np.float64)
  pitch, voicing, height = np.zeros((3, len(total), CANDIDATES))
  for rank in range(CANDIDATES):
    at = peaks.argmax(axis=1)
    there = peaks[rows, at] > 0
    peaks[rows, at] = 0
    before, top, after = (side[rows, at].astype(np.float64) for side in (left, middle, right))
    bend = np.where(there, before - 2 * top + after, -1)
    offset = 0.5 * (before - after) / bend  # of a parabola's top
    hz = 2**_octaves(at + 1 + offset, bins, sample_rate)
    valid = there & (hz >= LOWEST) & (hz <= HIGHEST)
    peak = np.where(valid, top - (before - after)**2 / (8 * bend), 0)
    pitch[:, rank] = np.where(valid, hz, 0)
    voicing[:, rank] = np.where(peak > mean, 1 - mean / np.where(valid, peak, 1), 0)
    height[:, rank] = peak
  order = np.argsort(height == 0, axis=1, kind='stable')  # the missing go to the end
  first = np.take_along_axis(height, order, axis=1).argmax(axis=1)
  order[rows, first], order[:, 0] = order[:, 0], order[rows, first]  # and change places
  return np.take_along_axis(pitch, order, axis=1), np.take_along_axis(voicing, order, axis=1)


def _cheapest_path(local: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, int]:
  """Costs [T, 5] and [T - 1, to, from] to states [T]; and how many at first every path shares."""
  costs = local.copy()
  for t, (step, added) in enumerate(zip(steps, local[1:], strict=True)):
    costs[t + 1] = (step + costs[t]).min(axis=1) + added
  came_from = (steps + costs[:-1, None]).argmin(axis=2)  # [T - 1, to]
  path, decided = np.zeros(len(local), np.intp), 0
  path[-1], everyone = costs[-1].argmin(), np.arange(CANDIDATES + 1)
  for t in range(len(local) - 2, -1, -1):
    path[t] = came_from[t, path[t + 1]]
    if not decided:
      everyone = came_from[t, everyone]
      decided = t + 1 if (everyone == path[t]).all() else 0
  return path, decided


def _local_costs(pitch: np.ndarray, voicing: np.ndarray) -> np.ndarray:
  """[T, 5]: of a candidate, little voicing and a rare pitch; of 'unvoiced', that any is voiced."""
  believed = voicing >= VOICED
  rare = np.interp(pitch, [1e-6, 100, 350, 600 - 1e-6, 600], [1, 0, 0, 1, 1.2])
  rare = np.where(pitch > 0, rare, 2)
  voiced = LOCAL * (np.where(believed, 0, BELOW) - np.log(voicing.clip(0.01))) + rare
  unvoiced = LOCAL * BELOW * believed.any(axis=1, keepdims=True)
  return np.concatenate([voiced, unvoiced], axis=1)


def _step_costs(pitch: np.ndarray) -> np.ndarray:
  """[T - 1, to, from]: how far the pitch jumps, in natural logarithms.

  openSMILE adds the change of the jump, but against the candidate listed before this one, not
  against the frame before; the very first is against 1.
  """
  logs = np.log(np.where(pitch > 0, pitch, 1))
  steps = logs[1:, :, None] - logs[:-1, None, :]
  change = np.diff(steps, axis=2, prepend=0)
  change[:1, 0, 0] -= 1
  costs = np.full((len(steps), CANDIDATES + 1, CANDIDATES + 1), SWITCH)
  missing = (pitch[1:, :, None] == 0) | (pitch[:-1, None, :] == 0)
  costs[:, :-1, :-1] = np.where(missing, MISSING, JUMP * (np.abs(steps) + np.abs(change)))
  costs[:, -1, -1] = STAY_UNVOICED
  return costs
