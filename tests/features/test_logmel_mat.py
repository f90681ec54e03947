"""MAT's log-mels against dc_tts under librosa 0.8.1 with resampy 0.2.2, and against resampy."""

import pathlib

import numpy as np
import pytest

from emojax.features import logmel_mat

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mat'
CASES = ('mel_16k', 'mel_22k')


def _golden(case):
  with np.load(GOLDEN / f'{case}.npz') as file:
    return dict(file)


def _sound(golden):
  return golden['in/pcm16'].astype(np.float32) / 32768


def _noise(seconds, sample_rate, seed=0):
  return np.random.default_rng(seed).normal(0, 0.1, int(seconds * sample_rate)).astype(np.float32)


def test_resamples_as_the_original():
  golden = _golden('mel_16k')
  resampled = logmel_mat.resample(_sound(golden), 16000)
  assert resampled.shape == (golden['out/y_resampled_len'],)
  np.testing.assert_allclose(resampled, golden['out/y_resampled'], rtol=0, atol=3e-7)


@pytest.mark.parametrize('case', CASES)
def test_trims_as_the_original(case):
  golden = _golden(case)
  resampled = golden.get('out/y_resampled', _sound(golden))
  assert logmel_mat.trim_bounds(resampled) == tuple(golden['out/trim_index'])


def test_filterbank_is_the_original_one():
  golden = _golden('mel_22k')['out/mel_basis']
  np.testing.assert_allclose(logmel_mat.mel_basis(), golden, rtol=0, atol=1e-8)


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('reduction, key', [(1, 'out/mel'), (4, 'out/mel_r4'), (16, 'out/mel_r16')])
def test_frames_are_the_original_ones(case, reduction, key):
  golden = _golden(case)
  frames = logmel_mat.extract(golden['in/pcm16'], int(golden['in/sr']), reduction=reduction)
  assert frames.dtype == np.float32
  np.testing.assert_allclose(frames, golden[key], rtol=0, atol=2e-6)


@pytest.mark.parametrize('sample_rate', [8000, 44100, 48000])
def test_resamples_other_rates_as_resampy_does(sample_rate):
  resampy = pytest.importorskip('resampy')
  sound = _noise(0.1, sample_rate)
  expected = resampy.resample(
    sound, sample_rate, 22050, filter='sinc_window', num_zeros=64, precision=9,
    rolloff=0.9475937167399596, window=lambda n: np.kaiser(n, 14.769656459379492))
  resampled = logmel_mat.resample(sound, sample_rate)
  np.testing.assert_allclose(resampled[:len(expected)], expected, rtol=0, atol=1e-6)


def test_length_is_rounded_up_and_the_added_sample_is_zero():
  resampled = logmel_mat.resample(_noise(0.1, 16000)[:1001], 16000)  # 1001 * 22050 / 16000 = 1379.5
  assert len(resampled) == 1380
  assert resampled[-1] == 0


@pytest.mark.parametrize('samples', [1025, 4399, 4400, 4401, 22050])
def test_reduction_keeps_every_sixteenth_frame(samples):
  sound = _noise(1, 22050)[:samples]
  np.testing.assert_array_equal(
    logmel_mat.log_mel(sound, 16), logmel_mat.log_mel(sound)[::16])


def test_int16_and_float_are_the_same_sound():
  golden = _golden('mel_16k')
  np.testing.assert_array_equal(
    logmel_mat.extract(golden['in/pcm16'], 16000), logmel_mat.extract(_sound(golden), 16000))


def test_silence_is_kept_whole_at_the_floor():
  frames = logmel_mat.extract(np.zeros(16000, np.int16), 16000)
  assert frames.shape == (6, 80)
  np.testing.assert_array_equal(frames, np.float32(1e-8))


@pytest.mark.parametrize('sound, reason', [
  (np.zeros(0, np.int16), 'shorter than a frame: 0 samples'),
  (np.ones(700, np.int16), 'shorter than a frame: 965 samples'),
  (np.zeros((16000, 2), np.int16), 'one channel'),
  (np.zeros(16000, np.int32), 'the sound is int32'),
  (np.full(16000, np.nan, np.float32), 'NaN'),
])
def test_says_why_a_sound_has_no_frames(sound, reason):
  with pytest.raises(ValueError, match=reason):
    logmel_mat.extract(sound, 16000)


def test_a_rate_without_a_small_ratio_is_refused():
  with pytest.raises(ValueError, match='sample_rate=44101'):
    logmel_mat.resample(_noise(0.1, 44101), 44101)
