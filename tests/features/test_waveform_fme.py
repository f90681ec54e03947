"""FME's standardised waveform; its numbers are held against scikit-learn's in `tests/parity`."""

import numpy as np
import pytest

from emojax.features import waveform_fme


def test_is_standardised_over_the_whole_sound():
  found = waveform_fme.extract(np.array([1, 3, 5, 7], np.int16), 16000)
  np.testing.assert_allclose(found, np.array([[-3], [-1], [1], [3]]) / np.sqrt(5), rtol=1e-6)
  assert found.dtype == np.float32


def test_a_constant_sound_is_zeros():
  assert not waveform_fme.extract(np.full(7, 1234, np.int16), 16000).any()


@pytest.mark.parametrize('sound, sample_rate, reason', [
  (np.zeros(0, np.int16), 16000, 'no samples'), (np.ones(9, np.int16), 8000, '8000 Hz; FME')])
def test_says_why_a_sound_has_no_values(sound, sample_rate, reason):
  with pytest.raises(ValueError, match=reason):
    waveform_fme.extract(sound, sample_rate)
