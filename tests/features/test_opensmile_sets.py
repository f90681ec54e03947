"""openSMILE's sets, where the extra is installed: its own numbers, refusals, and the licence."""

import logging

import numpy as np
import pytest

from emojax.features import catalogue, opensmile_sets

opensmile = pytest.importorskip('opensmile', reason='needs the extra opensmile')


def _sound():
  time = np.arange(24000) / 16000
  voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
  return (4000 * voice * np.hanning(24000)).astype(np.int16)


@pytest.mark.parametrize('name', ['egemaps', 'egemaps_lld', 'compare', 'compare_lld'])
def test_numbers_are_those_of_the_package(name):
  options = catalogue.FEATURES[name].options
  smile = opensmile.Smile(opensmile.FeatureSet[options['feature_set']],
                          opensmile.FeatureLevel[options['level']])
  expected = smile.process_signal(_sound().astype(np.float32) / 32768, 16000)
  values = catalogue.extract(name, _sound(), 16000)
  np.testing.assert_array_equal(values, expected.to_numpy(np.float32))
  assert values.shape[1] == len(smile.feature_names) == catalogue.FEATURES[name].width


def test_pitch_is_that_of_the_voice():
  smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
  column = smile.feature_names.index('F0semitoneFrom27.5Hz_sma3nz_amean')
  found = catalogue.extract('egemaps', _sound(), 16000)[0, column]
  assert abs(found - 12 * np.log2(140 / 27.5)) < 0.5


def test_a_short_sound_is_refused():
  with pytest.raises(ValueError, match='400 samples at 16000 Hz: it is too short for eGeMAPSv02'):
    catalogue.extract('egemaps', _sound()[:400], 16000)


def test_the_licence_is_said_and_written(caplog):
  catalogue._say.cache_clear()
  with caplog.at_level(logging.WARNING, 'absl'):
    catalogue.extract('egemaps', _sound(), 16000)
    catalogue.extract('egemaps', _sound(), 16000)
  assert [record.getMessage() for record in caplog.records] == [opensmile_sets.LICENCE]
  about = catalogue.FEATURES['egemaps'].metadata()
  assert about['extractor_licence'] == opensmile_sets.LICENCE
  assert about['extractor_version'] == opensmile.__version__
