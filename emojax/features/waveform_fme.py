"""FME's sound: the raw samples, standardised over the whole utterance.

FME reads 150,000 of them (9.4 s), cut or filled after they are standardised: the stream of a config
does that, so that what is stored is as long as the sound.
"""

import numpy as np

from emojax.features import sound

VERSION = '1'  # counts up when the numbers change; prepared features of another version are rebuilt
SAMPLE_RATE = 16000


def extract(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
  """Mono sound (int16, or float in [-1, 1]) at 16 kHz [N] to float32 [N, 1].

  Raises:
    ValueError: if the sound has another rate, is not mono, not finite, or has no samples.
  """
  if sample_rate != SAMPLE_RATE:
    raise ValueError(f'the sound has {sample_rate} Hz; FME reads sound of {SAMPLE_RATE} Hz: '
                     'resample it first.')
  return standardise(waveform).astype(np.float32)[:, None]


def standardise(waveform: np.ndarray) -> np.ndarray:
  """Mean 0 and standard deviation 1 (of the population), float64 [N]; zeros where all are equal."""
  samples = sound.as_float(waveform).astype(np.float64)
  if not len(samples):
    raise ValueError('the sound has no samples.')
  centred = samples - samples.mean()
  deviation = np.sqrt(np.square(centred).mean())
  return centred / deviation if np.ptp(samples) else np.zeros_like(samples)
