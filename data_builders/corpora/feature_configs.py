"""What can be computed from the sound of a prepared `base`: one entry per feature config."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from emojax.features import logmel_mat


@dataclasses.dataclass(frozen=True)
class Feature:
  """`module.extract(waveform, sample_rate, **options) -> float32 [T, width]`, described."""

  module: str
  options: Mapping[str, Any]
  width: int
  frames_per_second: float
  description: str

  def __call__(self, sound: tuple[np.ndarray, int]) -> tuple[np.ndarray, str]:
    """(values, ''), or (no frames, the reason). Runs in a worker."""
    waveform, sample_rate = sound
    try:
      return _MODULES[self.module].extract(waveform, sample_rate, **self.options), ''
    except ValueError as error:
      return np.zeros((0, self.width), np.float32), str(error)

  def metadata(self) -> dict[str, Any]:
    """All that the numbers depend on: a prepared feature that says otherwise is out of date."""
    constants = {k: v for k, v in vars(_MODULES[self.module]).items() if k.isupper()}
    return {
      'extractor': self.module, 'options': dict(self.options), 'constants': constants,
      'frames_per_second': self.frames_per_second,
    }


def _logmel_mat(reduction: int) -> Feature:
  return Feature(
    'logmel_mat', {'reduction': reduction}, logmel_mat.NUM_MELS,
    logmel_mat.SAMPLE_RATE / logmel_mat.HOP / reduction,
    f"MAT's 80 log-mels at 22050 Hz, every {reduction}th frame of 12.5 ms.")


_MODULES: dict[str, types.ModuleType] = {'logmel_mat': logmel_mat}

# Another feature is another entry here, and its name in the builders of the corpora that have it.
FEATURES = {
  'logmel_mat': _logmel_mat(16),  # what MAT reads
  'logmel_mat_r4': _logmel_mat(4),  # as dc_tts itself; for clips of a second or two
}
