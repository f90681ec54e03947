"""Features by name: what each gives, what it says of itself, and what is missing to compute it."""

import importlib.util
import json

import numpy as np
import pytest

from emojax.features import catalogue

HERE = [name for name, feature in catalogue.FEATURES.items()
        if not feature.extra or importlib.util.find_spec(feature.extra)]
ABSENT = sorted(set(catalogue.FEATURES) - set(HERE))


def _sound():
  return np.random.default_rng(0).normal(0, 3000, 32000).astype(np.int16)


@pytest.mark.parametrize('name', HERE)
def test_gives_what_it_says(name):
  feature = catalogue.FEATURES[name]
  values = catalogue.extract(name, _sound(), 16000)
  assert values.dtype == np.float32
  assert np.isfinite(values).all()
  rows = round(2 * feature.frames_per_second) if feature.frames_per_second else 1
  assert abs(len(values) - rows) <= 6
  assert values.shape[1] == feature.width
  found, reason = feature((_sound(), 16000))
  assert not reason
  np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize('name', HERE)
def test_metadata_are_json_and_name_what_moves_numbers(name):
  about = catalogue.FEATURES[name].metadata()
  assert json.loads(json.dumps(about))['constants']['VERSION']
  assert about['options'] == catalogue.FEATURES[name].options


@pytest.mark.parametrize('name', HERE)
def test_a_sound_without_values_has_a_reason(name):
  values, reason = catalogue.FEATURES[name]((np.zeros(0, np.int16), 16000))
  assert values.shape == (0, catalogue.FEATURES[name].width)
  assert reason


@pytest.mark.parametrize('name', ABSENT)
def test_a_missing_extra_is_answered_with_the_command(name):
  for use in (lambda: catalogue.extract(name, _sound(), 16000),
              lambda: catalogue.FEATURES[name].metadata()):
    with pytest.raises(ValueError, match=r"pip install 'emojax\[opensmile\]'"):
      use()


def test_an_unknown_name_is_answered():
  with pytest.raises(ValueError, match=r"no feature 'mfcc_mrde'; .*did you mean 'mfcc_mdre'\?"):
    catalogue.named('mfcc_mrde')
