"""Log-mels of a wave against dc_tts' own under librosa 0.8.1: resampling, trimming, frames."""

import numpy as np

from emojax.features import logmel_mat
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  arrays = case.arrays
  sample_rate = int(arrays['in/sr'])
  wave = arrays['in/pcm16'].astype(np.float32) / 32768
  resampled = logmel_mat.resample(wave, sample_rate)
  if 'out/y_resampled' in arrays:
    assert len(resampled) == arrays['out/y_resampled_len']
    np.testing.assert_allclose(resampled, arrays['out/y_resampled'], rtol=0, atol=1e-6)
  assert logmel_mat.trim_bounds(resampled) == tuple(arrays['out/trim_index'])
  if 'out/mel_basis' in arrays:
    np.testing.assert_allclose(logmel_mat.mel_basis(), arrays['out/mel_basis'], rtol=0, atol=1e-7)
  for reduction, key in ((1, 'out/mel'), (4, 'out/mel_r4'), (16, 'out/mel_r16')):
    frames = logmel_mat.extract(arrays['in/pcm16'], sample_rate, reduction=reduction)
    np.testing.assert_allclose(frames, arrays[key], rtol=0, atol=2e-5)
