"""eGeMAPS and ComParE, computed by openSMILE (the extra `opensmile`)."""

import functools
import warnings

import numpy as np

from emojax.features import sound

VERSION = '1'  # counts up when the numbers change; prepared features of another version are rebuilt
LICENCE = ('openSMILE is licensed by audEERING for research alone; products, also those with '
           'models or data made by it, need a commercial licence: '
           'https://github.com/audeering/opensmile')
WIDTHS = {  # openSMILE's set -> level -> numbers per row
  'eGeMAPSv02': {'Functionals': 88, 'LowLevelDescriptors': 25},
  'ComParE_2016': {'Functionals': 6373, 'LowLevelDescriptors': 65},
}
FRAMES_PER_SECOND = 100.0  # of low-level descriptors


def extract(waveform: np.ndarray, sample_rate: int, *, feature_set: str, level: str) -> np.ndarray:
  """Mono sound (int16, or float in [-1, 1]) [N] to float32 [T, D]; functionals are one row.

  Raises:
    ValueError: if the sound is not mono, not finite, or too short for openSMILE.
  """
  samples = sound.as_float(waveform)
  with warnings.catch_warnings():
    warnings.simplefilter('ignore', UserWarning)  # of sounds that are too short; we refuse them
    values = _smile(feature_set, level).process_signal(samples, sample_rate).to_numpy(np.float32)
  if not np.isfinite(values).all():
    raise ValueError(f'openSMILE has no values for a sound of {len(samples)} samples at '
                     f'{sample_rate} Hz: it is too short for {feature_set}.')
  return values


@functools.cache
def _smile(feature_set: str, level: str):
  import opensmile  # an extra

  return opensmile.Smile(opensmile.FeatureSet[feature_set], opensmile.FeatureLevel[level])
