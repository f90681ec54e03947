"""MDRE's prosody on sounds whose pitch, slope and level are known, and against openSMILE's.

Its golden is in `tests/parity`.
"""

import numpy as np
import pytest

from emojax.features import prosody_mdre

RATE = 16000
OPENSMILE = [  # its library 2.6.0 of `_speech_like`; a contour a row
  [35.11145, 164.9058, 0.2523032, 0.5127277, 126.1311, 220.8137, 94.68257],
  [3.608966, 30.62867, 0.0283911, 0.5061952, 26.36855, 36.0635, 9.694946],
  [0.1375763, 0.7252142, -0.0002042485, 0.4930867, 0.4474249, 0.8154573, 0.3680325],
  [1.875799, 7.889183, -0.0118302, 0.4799097, 6.653402, 9.91083, 3.257427],
  [0.4008651, 0.7880895, 0.002670306, 0.5563259, 0.02269047, 1.155475, 1.132784],
]


def _vowel(hz, seconds=1.0, level=0.1, noise=0.0):
  """Ten harmonics that fall off as 1 / h, of one pitch or a pitch per sample; and white noise."""
  hz = np.broadcast_to(hz, round(seconds * RATE))
  phase = 2 * np.pi * np.cumsum(hz) / RATE
  wave = sum(np.sin(h * phase) / h for h in range(1, 11))
  wave = wave / wave.std() + noise * np.random.default_rng(0).normal(size=len(hz))
  return (level * wave).astype(np.float32)


def _told(wave):
  """Contour -> functional -> value."""
  contours = ('pitch', 'semitones', 'voicing', 'noise', 'loudness')
  functionals = ('deviation', 'mean', 'slope', 'centroid', 'low', 'high', 'range')
  values = prosody_mdre.extract(wave, RATE)
  assert values.shape == (1, 35)
  assert values.dtype == np.float32
  assert np.isfinite(values).all()
  return {contour: dict(zip(functionals, row, strict=True))
          for contour, row in zip(contours, values.reshape(5, 7), strict=True)}


def _speech_like():
  """Two vowels, rising and falling, pauses, hiss, a third that is cut off; faint noise beneath."""
  random = np.random.default_rng(7)
  hiss = 0.02 * random.normal(size=4000)
  wave = np.concatenate([
    np.zeros(4000), _vowel(np.linspace(110, 180, 9600), 0.6, noise=0.1), hiss, np.zeros(3000),
    _vowel(np.linspace(240, 150, 8000), 0.5, level=0.05, noise=0.3), hiss[:1500],
    _vowel(130, 0.21, noise=0.2)])
  wave += 1e-4 * random.normal(size=len(wave))
  return np.round(32767 * wave.clip(-1, 1)).astype(np.int16)


def test_opensmile_has_the_same():
  """With pauses, hiss and a path that is open at the end, none of which the golden has."""
  found = prosody_mdre.extract(_speech_like(), RATE).reshape(5, 7)
  np.testing.assert_allclose(found, OPENSMILE, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('hz', [70, 110, 155, 220, 330, 440])
def test_a_steady_vowel(hz):
  found = _told(_vowel(hz))
  for name in ('mean', 'low', 'high'):
    np.testing.assert_allclose(found['pitch'][name], hz, rtol=0.01)
    np.testing.assert_allclose(found['semitones'][name], 12 * np.log2(hz / 27.5), atol=0.2)
  assert found['pitch']['deviation'] < 0.002 * hz
  assert 0.7 < found['voicing']['mean'] < 1
  for contour in found.values():
    np.testing.assert_allclose(contour['centroid'], 0.5, atol=0.02)
    np.testing.assert_allclose(contour['range'], contour['high'] - contour['low'], atol=1e-4)


@pytest.mark.parametrize('start, end', [(100, 200), (250, 120)])
def test_a_glide_is_told_as_its_frames_centres_are(start, end):
  hz = np.linspace(start, end, RATE)
  found, centres = _told(_vowel(hz))['pitch'], hz[440:-439:160]
  frame = np.arange(len(centres))
  np.testing.assert_allclose(found['slope'], (end - start) / 100, rtol=0.03)
  np.testing.assert_allclose(found['mean'], centres.mean(), rtol=0.02)
  np.testing.assert_allclose(found['deviation'], centres.std(), rtol=0.05)
  np.testing.assert_allclose(found['low'], np.percentile(centres, 10), rtol=0.02)
  np.testing.assert_allclose(found['high'], np.percentile(centres, 90), rtol=0.02)
  np.testing.assert_allclose(found['centroid'], frame @ centres / centres.sum() / len(centres),
                             atol=0.01)


def test_level_moves_loudness_alone():
  """Twice the amplitude is four times the power, but for bands at the floor: loudness by 4^0.33."""
  soft, loud = (prosody_mdre.extract(_vowel(150, level=level), RATE)[0] for level in (0.1, 0.2))
  np.testing.assert_allclose(loud[:28], soft[:28], rtol=1e-4, atol=1e-4)
  for place in (29, 32, 33):  # the mean and both percentiles
    np.testing.assert_allclose(loud[place] / soft[place], 4**0.33, rtol=1e-3)


def test_noise_lowers_the_ratio():
  ratios = [_told(_vowel(150, noise=noise))['noise']['mean'] for noise in (0, 0.1, 0.3, 0.6)]
  assert ratios == sorted(ratios, reverse=True)
  assert ratios[0] > ratios[-1] + 3


def test_pauses_are_no_part_of_pitch_but_of_loudness():
  pause = np.zeros(RATE, np.float32)
  found = _told(np.concatenate([pause, _vowel(180), pause]))
  np.testing.assert_allclose(found['pitch']['mean'], 180, rtol=0.01)
  np.testing.assert_allclose(found['pitch']['low'], 180, rtol=0.02)
  assert found['loudness']['low'] < 0.01 < found['loudness']['high']
  np.testing.assert_allclose(found['loudness']['centroid'], 0.5, atol=0.02)


@pytest.mark.parametrize('wave', [
  np.zeros(RATE, np.int16), np.full(RATE, 3000, np.int16), np.zeros(880, np.int16),
  np.random.default_rng(0).normal(0, 3000, RATE).astype(np.int16)])
def test_without_a_pitch_its_functionals_are_zero(wave):
  found = _told(wave)
  for contour in ('pitch', 'semitones', 'noise'):
    assert not any(found[contour].values())
  assert found['loudness']['mean'] > 0  # as openSMILE's: bands have a floor


def test_silence_is_the_floor_of_bands():
  """Each band 1e-9, weighted by at most 1."""
  found = _told(np.zeros(RATE, np.int16))
  assert not any(found['voicing'].values())
  assert 0 < found['loudness']['mean'] < (1e-9)**0.33
  assert found['loudness']['range'] == 0


def test_the_same_again_and_from_int16():
  wave = (_vowel(130, noise=0.3) * 32768).astype(np.int16)
  once = prosody_mdre.extract(wave, RATE)
  np.testing.assert_array_equal(prosody_mdre.extract(wave, RATE), once)
  np.testing.assert_array_equal(prosody_mdre.extract(wave / np.float32(32768), RATE), once)


def test_one_frame_is_enough():
  found = _told(_vowel(200, seconds=0.055))
  np.testing.assert_allclose(found['pitch']['mean'], 200, rtol=0.02)
  assert found['pitch']['deviation'] == found['pitch']['slope'] == found['pitch']['range'] == 0


@pytest.mark.parametrize('sound, sample_rate, reason', [
  (np.zeros(879), 16000, 'shorter than a frame: 879 samples at 16000 Hz, at least 880 are needed'),
  (np.zeros(5000), 44100, '44100 Hz; this prosody is defined at 16000 Hz'),
  (np.full(1000, np.inf), 16000, 'infinite'),
  (np.zeros((1000, 2)), 16000, r'shape \(1000, 2\); expected one channel'),
])
def test_says_why_a_sound_has_no_prosody(sound, sample_rate, reason):
  with pytest.raises(ValueError, match=reason):
    prosody_mdre.extract(sound, sample_rate)
