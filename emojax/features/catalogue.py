"""Every feature by its name: what can be computed of one sound, at build and at inference alike."""

import dataclasses
import functools
import importlib
import importlib.metadata
import importlib.util
import types
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from emojax import near
from emojax.features import (
  logmel_mat,
  mel_chunks_mme2e,
  mfcc_mdre,
  opensmile_sets,
  prosody_mdre,
)


@dataclasses.dataclass(frozen=True)
class Feature:
  """`extractor.extract(waveform, sample_rate, **options) -> float32 [T, width]`, described.

  Attributes:
    extractor: a file of `emojax/features`.
    frames_per_second: None: one row for the whole sound.
    by_default: built with a corpus that has it, without being asked for.
    costly: so slow that a build which is stopped should not have to compute it again.
    extra: the extra of emojax that it needs, and the package of that name; '': none.
    licence: what its use is bound to beyond the sound's own licence.
  """

  extractor: str
  width: int
  frames_per_second: float | None
  description: str
  options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  by_default: bool = False
  costly: bool = False
  extra: str = ''
  licence: str = ''

  def __call__(self, sound: tuple[np.ndarray, int]) -> tuple[np.ndarray, str]:
    """(values, ''), or (no frames, the reason)."""
    waveform, sample_rate = sound
    try:
      return self.module.extract(waveform, sample_rate, **self.options), ''
    except ValueError as error:
      return np.zeros((0, self.width), np.float32), str(error)

  @property
  def module(self) -> types.ModuleType:
    return importlib.import_module(f'emojax.features.{self.extractor}')

  def require(self) -> None:
    """Raises ValueError, with the command that installs it, if what it needs is not installed."""
    if self.extra and not importlib.util.find_spec(self.extra):
      raise ValueError(f'{self.extractor} needs the package {self.extra}, which is not installed: '
                       f"pip install 'emojax[{self.extra}]'")

  def metadata(self) -> dict[str, Any]:
    """All that the numbers depend on: a prepared feature that says otherwise is out of date."""
    self.require()
    constants = {k: v for k, v in vars(self.module).items() if k.isupper()}
    about = {
      'extractor': self.extractor, 'options': dict(self.options), 'constants': constants,
      'frames_per_second': self.frames_per_second,
    }
    if self.extra:
      about['extractor_version'] = importlib.metadata.version(self.extra)
    return about | ({'extractor_licence': self.licence} if self.licence else {})


def named(name: str) -> Feature:
  """The feature of that name.

  Raises:
    ValueError: if there is none, or if it needs a package that is not installed.
  """
  if name not in FEATURES:
    raise ValueError(f'there is no feature {name!r}; there are: {", ".join(FEATURES)}'
                     f'{near.hint(name, FEATURES)}.')
  FEATURES[name].require()
  return FEATURES[name]


def extract(name: str, waveform: np.ndarray, sample_rate: int) -> np.ndarray:
  """What the config `name` of a prepared corpus holds for this sound: float32 [T, D].

  Args:
    waveform: mono, int16 or float in [-1, 1], [N]; at the rate of the corpus.

  Raises:
    ValueError: see `named`, or if the sound has no such values; the message says why.
  """
  feature = named(name)
  if feature.licence:
    _say(feature.licence)
  return feature.module.extract(waveform, sample_rate, **feature.options)


@functools.cache
def _say(licence: str) -> None:
  """Once per process."""
  logging.warning('%s', licence)


def _logmel_mat(reduction: int) -> Feature:
  return Feature(
    'logmel_mat', logmel_mat.NUM_MELS, logmel_mat.SAMPLE_RATE / logmel_mat.HOP / reduction,
    f"MAT's 80 log-mels at 22050 Hz, every {reduction}th frame of 12.5 ms.",
    {'reduction': reduction}, by_default=True)


def _mel_chunks_mme2e(n_fft: int | None, corpus: str) -> Feature:
  return Feature(
    'mel_chunks_mme2e', mel_chunks_mme2e.NUM_MELS, 80.0,
    f"MME2E's mel power in 128 bands, 80 frames a second, as it has them for {corpus}.",
    {'n_fft': n_fft})


def _opensmile(feature_set: str, level: str, description: str) -> Feature:
  whole = level == 'Functionals'
  return Feature(
    'opensmile_sets', opensmile_sets.WIDTHS[feature_set][level],
    None if whole else opensmile_sets.FRAMES_PER_SECOND, description,
    {'feature_set': feature_set, 'level': level}, costly=True, extra='opensmile',
    licence=opensmile_sets.LICENCE)


# Another feature is another entry here, and its name in the builders of the corpora that have it.
FEATURES = {
  'logmel_mat': _logmel_mat(16),  # what MAT reads
  'logmel_mat_r4': _logmel_mat(4),  # as dc_tts itself; for clips of a second or two
  'mel_chunks_mme2e': _mel_chunks_mme2e(400, 'IEMOCAP'),
  'mel_chunks_mme2e_mosei': _mel_chunks_mme2e(None, 'MOSEI'),
  'mfcc_mdre': Feature(
    'mfcc_mdre', mfcc_mdre.WIDTH, mfcc_mdre.SAMPLE_RATE / mfcc_mdre.HOP,
    "MDRE's 13 cepstra with energy, their deltas and accelerations, 100 frames a second."),
  'prosody_mdre': Feature(
    'prosody_mdre', prosody_mdre.WIDTH, None,
    "MDRE's 35 functionals of pitch, voicing, harmonics-to-noise ratio and loudness."),
  'waveform_fme': Feature(
    'waveform_fme', 1, 16000.0, "FME's waveform at 16 kHz, standardised over the utterance."),
  'egemaps': _opensmile('eGeMAPSv02', 'Functionals', 'eGeMAPS v02, 88 functionals.'),
  'egemaps_lld': _opensmile('eGeMAPSv02', 'LowLevelDescriptors',
                            'eGeMAPS v02, 25 low-level descriptors, 100 frames a second.'),
  'compare': _opensmile('ComParE_2016', 'Functionals', 'ComParE 2016, 6,373 functionals.'),
  'compare_lld': _opensmile('ComParE_2016', 'LowLevelDescriptors',
                            'ComParE 2016, 65 low-level descriptors, 100 frames a second.'),
}
