"""MME2E's mel frames; their numbers are held against torchaudio's in `tests/parity`."""

import numpy as np
import pytest

from emojax.features import mel_chunks_mme2e


def _noise(samples):
  return np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)


@pytest.mark.parametrize('samples, frames', [(201, 2), (399, 2), (400, 3), (16000, 81)])
def test_eighty_frames_a_second_and_the_last_edge(samples, frames):
  found = mel_chunks_mme2e.extract(_noise(samples), 16000)
  assert found.shape == (frames, 128)
  assert found.dtype == np.float32


def test_power_has_no_logarithm():
  sound = _noise(4000)
  np.testing.assert_allclose(
    mel_chunks_mme2e.extract(2 * sound, 16000), 4 * mel_chunks_mme2e.extract(sound, 16000),
    rtol=1e-5)


def test_a_tone_is_in_its_band():
  """1000 Hz are 1000 mels; 8000 Hz are 2840.0, in 129 steps of 22.02: the 45th edge of 1001."""
  tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
  frames = mel_chunks_mme2e.extract(tone, 16000)
  assert set(frames[10:-10].argmax(axis=1)) <= {43, 44, 45}


def test_sixteen_khz_is_the_same_for_both_corpora():
  sound = _noise(5000)
  np.testing.assert_array_equal(mel_chunks_mme2e.extract(sound, 16000),
                                mel_chunks_mme2e.extract(sound, 16000, n_fft=None))


def test_pieces_are_transposed_and_filled_at_the_end():
  frames = np.arange(1, 34 * 128 + 1, dtype=np.float32).reshape(34, 128)
  pieces = mel_chunks_mme2e.pieces(frames)
  assert pieces.shape == (2, 128, 32)
  np.testing.assert_array_equal(pieces[0], frames[:32].T)
  np.testing.assert_array_equal(pieces[1, :, :2], frames[32:].T)
  assert not pieces[1, :, 2:].any()
  assert mel_chunks_mme2e.pieces(frames[:32]).shape == (1, 128, 32)
  assert mel_chunks_mme2e.pieces(frames[:0]).shape == (0, 128, 32)


@pytest.mark.parametrize('sound, sample_rate, reason', [
  (np.ones(200, np.int16), 16000, 'shorter than a frame: 200 samples at 16000 Hz, at least 201'),
  (np.ones(5000, np.int16), 44100, 'n_fft=400 is shorter than the window, 1102 samples'),
  (np.ones((500, 2), np.int16), 16000, 'one channel'),
])
def test_says_why_a_sound_has_no_frames(sound, sample_rate, reason):
  with pytest.raises(ValueError, match=reason):
    mel_chunks_mme2e.extract(sound, sample_rate)
