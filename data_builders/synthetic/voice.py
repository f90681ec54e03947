"""A voice from source and filter: glottal pulses and breath, shaped by moving formants.

What a cue changes (its `Manner`) lies on top of what a speaker brings (`Speaker`), so that pitch
alone does not tell the cue. Everything else, vowels, rhythm and melody, is chance.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

RATE = 16_000  # Hz, as both IEMOCAP and EmoDB are released


@dataclasses.dataclass(frozen=True)
class Manner:
  """How a feeling colours a voice."""

  pitch: float  # factor on the speaker's pitch
  swing: float  # octaves that the melody moves up and down
  level: float  # dB re full scale, root mean square
  tilt: float  # dB per octave that the voiced spectrum falls
  tempo: float  # syllables per second
  breath: float  # breath noise, as a share of the voiced source


MANNERS = {
  'neu': Manner(pitch=1.00, swing=0.12, level=-33, tilt=11.5, tempo=4.5, breath=0.02),
  'hap': Manner(pitch=1.60, swing=0.50, level=-26, tilt=8.0, tempo=5.4, breath=0.02),
  'sad': Manner(pitch=0.80, swing=0.05, level=-42, tilt=17.0, tempo=3.2, breath=0.08),
  'ang': Manner(pitch=1.15, swing=0.20, level=-17, tilt=4.0, tempo=5.8, breath=0.01),
  'bor': Manner(pitch=0.90, swing=0.04, level=-37, tilt=13.0, tempo=2.6, breath=0.01),
  'dis': Manner(pitch=0.75, swing=0.30, level=-27, tilt=6.0, tempo=3.4, breath=0.10),
  'fea': Manner(pitch=1.80, swing=0.10, level=-32, tilt=12.0, tempo=6.4, breath=0.30),
  'sur': Manner(pitch=1.40, swing=0.80, level=-22, tilt=6.5, tempo=2.9, breath=0.04),
}

VOWELS = np.array(  # first three formants in Hz of a man; the outermost vowels are left out
  [
    [730, 1090, 2440],
    [660, 1720, 2410],
    [530, 1840, 2480],
    [390, 1990, 2550],
    [440, 1020, 2240],
    [640, 1190, 2390],
    [490, 1350, 1690],
  ],
  np.float32,
)
BANDWIDTHS = np.array([80, 110, 170], np.float32)  # Hz
FRAME = 2048  # samples over which the formants stand still: 128 ms, half overlapping


@dataclasses.dataclass(frozen=True)
class Speaker:
  """What stays the same whatever somebody feels."""

  pitch: float  # Hz
  formants: float  # factor on `VOWELS`: shorter vocal tracts ring higher
  level: float  # dB on top of the manner's
  tilt: float  # dB per octave on top of the manner's


def speaker(gender: str, rng: np.random.Generator) -> Speaker:
  """Draws a speaker, `gender` 'F' or 'M'."""
  low, high, formants = (180, 235, 1.16) if gender == 'F' else (95, 130, 1.0)
  return Speaker(
    pitch=rng.uniform(low, high),
    formants=formants * rng.uniform(0.95, 1.05),
    level=rng.uniform(-1, 1),
    tilt=rng.uniform(-0.4, 0.4),
  )


def say(manner: Manner, who: Speaker, samples: int, rng: np.random.Generator) -> np.ndarray:
  """Babbles for `samples` samples at `RATE`; float32 in [-1, 1]."""
  centres, stress = _rhythm(manner.tempo, samples, rng)
  melody = rng.uniform(-1, 1, len(centres)) + np.linspace(0.4, -0.4, len(centres))
  tones = who.pitch * manner.pitch * 2 ** (manner.swing * melody)  # Hz, one per syllable
  voiced = _pulses(np.interp(np.arange(samples), centres, tones), rng) * stress
  breath = rng.standard_normal(samples, np.float32) * (manner.breath * stress)
  vowels = VOWELS[rng.integers(len(VOWELS), size=len(centres))] * who.formants
  wave = _shape(voiced, breath, centres, vowels, manner.tilt + who.tilt)
  level = manner.level + who.level + rng.normal(0, 0.5)
  wave *= 10 ** (level / 20) / np.sqrt(np.mean(wave**2))
  return np.clip(wave, -0.99, 0.99)


def _rhythm(tempo: float, samples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
  """Centres of the syllables, in samples, and how loud the voice is at each sample."""
  count = max(1, round(tempo * samples / RATE))
  edges = np.concatenate([[0], np.cumsum(rng.uniform(0.75, 1.25, count))])
  edges *= samples / edges[-1]
  loud = rng.uniform(0.85, 1.0, count).astype(np.float32)
  if count > 5 and rng.random() < 0.3:
    loud[rng.integers(2, count - 1)] = 0.03  # a pause
  within, which = np.modf(np.interp(np.arange(samples), edges, np.arange(count + 1)))
  bump = 0.3 + 0.7 * np.sin(np.pi * within.astype(np.float32))
  return (edges[:-1] + edges[1:]) / 2, loud[which.astype(int)] * bump


def _pulses(pitch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
  """One unit pulse per glottal cycle, placed between samples to keep the pitch exact."""
  drift = 1 + 0.01 * np.repeat(rng.standard_normal(len(pitch) // 80 + 1), 80)[: len(pitch)]
  phase = np.cumsum(pitch * drift / RATE)
  at = np.flatnonzero(np.diff(np.floor(phase), prepend=0) > 0)
  late = (phase[at] % 1) / (pitch[at] / RATE)  # samples since the cycle really began
  train = np.zeros(len(pitch) + 1, np.float32)
  np.add.at(train, at, 1 - late)
  np.add.at(train, np.maximum(at - 1, 0), late)
  return train[:-1]


def _shape(
  voiced: np.ndarray, breath: np.ndarray, centres: np.ndarray, vowels: np.ndarray, tilt: float
) -> np.ndarray:
  """Filters both sources frame by frame, without delay; the formants glide from vowel to vowel."""
  samples, hop = len(voiced), FRAME // 2
  frames = samples // hop + 2  # frame k is centred on sample k * hop
  window = np.pad(np.hanning(FRAME + 1)[:-1].astype(np.float32), hop // 2)  # room for ringing
  spectra = []
  for source in (voiced, breath):
    padded = np.pad(source, (len(window) // 2, (frames + 1) * hop - samples))
    cut = np.lib.stride_tricks.sliding_window_view(padded, len(window))[::hop][:frames]
    spectra.append(np.fft.rfft(cut * window, axis=1))  # [frames, frequencies]
  hz = np.fft.rfftfreq(len(window), 1 / RATE).astype(np.float32)
  formants = [np.interp(np.arange(frames) * hop, centres, v) for v in vowels.T]
  slope = np.maximum(hz / 200, 1) ** np.float32(-tilt / 6.02)
  spectrum = (spectra[0] * slope + spectra[1]) * _resonances(formants, hz)
  pieces = np.fft.irfft(spectrum, axis=1)
  wave = np.zeros((frames + 2, hop), np.float32)
  for k in range(3):
    wave[k : k + frames] += pieces[:, k * hop : (k + 1) * hop]
  return wave.ravel()[len(window) // 2 :][:samples]


def _resonances(formants: Sequence[np.ndarray], hz: np.ndarray) -> np.ndarray:
  """Gain of the vocal tract, [frames, frequencies]: one resonance per formant."""
  gain = np.ones((len(formants[0]), len(hz)), np.float32)
  for track, width in zip(formants, BANDWIDTHS):
    centre = track[:, None].astype(np.float32)
    ratio = hz / centre
    gain /= np.sqrt((1 - ratio**2) ** 2 + (ratio * width / centre) ** 2)
  return gain
