"""MDRE's MFCCs: against openSMILE's where it is installed; its golden is in `tests/parity`."""

import pathlib

import numpy as np
import pytest

from emojax.features import mfcc_mdre

CONFIG = pathlib.Path(__file__).with_name('mfcc12_e_d_a.conf')


def _noise(samples):
  return np.random.default_rng(0).normal(0, 3000, samples).astype(np.int16)


@pytest.mark.parametrize('samples, frames', [(400, 1), (559, 1), (560, 2), (16000, 98)])
def test_full_frames_alone(samples, frames):
  found = mfcc_mdre.extract(_noise(samples), 16000)
  assert found.shape == (frames, 39)
  assert found.dtype == np.float32


def test_energy_is_that_of_int16_samples():
  wave = np.full(400, 1000, np.int16)
  np.testing.assert_allclose(mfcc_mdre.extract(wave, 16000)[0, 12], np.log(400 * 1000.0**2),
                             rtol=1e-6)


def test_silence_is_zero():
  """So is openSMILE's: energies and bands are at least 1 before the logarithm."""
  assert not mfcc_mdre.extract(np.zeros(1600, np.int16), 16000).any()


def test_deltas_are_slopes():
  """Doubling loudness from frame to frame adds log(4) to each energy."""
  wave = np.concatenate([np.full(160, 2**power, np.int16) for power in range(14)])
  energy = mfcc_mdre.extract(wave, 16000)[:, [12, 25, 38]]
  np.testing.assert_allclose(energy[2:-2, 1], np.log(4), rtol=1e-4)
  np.testing.assert_allclose(energy[4:-4, 2], 0, atol=1e-4)


def test_int16_and_float_are_the_same_sound():
  wave = _noise(5000)
  np.testing.assert_array_equal(
    mfcc_mdre.extract(wave, 16000), mfcc_mdre.extract(wave.astype(np.float32) / 32768, 16000))


@pytest.mark.parametrize('sound, sample_rate, reason', [
  (_noise(399), 16000, 'shorter than a frame: 399 samples at 16000 Hz, at least 400 are needed'),
  (_noise(5000), 44100, '44100 Hz; these MFCCs are defined at 16000 Hz'),
  (np.full(500, np.inf), 16000, 'infinite'),
])
def test_says_why_a_sound_has_no_frames(sound, sample_rate, reason):
  with pytest.raises(ValueError, match=reason):
    mfcc_mdre.extract(sound, sample_rate)


@pytest.mark.parametrize('samples', [880, 1040, 16000])
def test_opensmile_has_the_same(samples):
  opensmile = pytest.importorskip('opensmile', reason='needs the extra opensmile')
  wave = _noise(samples)
  wave[3000:6000] = 0
  expected = opensmile.Smile(str(CONFIG), 'lld').process_signal(
    wave.astype(np.float32) / 32768, 16000).to_numpy()
  np.testing.assert_allclose(mfcc_mdre.extract(wave, 16000), expected, rtol=0, atol=1e-4)
