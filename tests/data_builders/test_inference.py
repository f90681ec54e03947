"""A sound met at inference gives what the builder stored for it, for every feature of a corpus."""

import numpy as np
import pytest
import soundfile
import tensorflow_datasets as tfds

from data_builders.corpora import prepare
from emojax.features import catalogue
from emojax.io import prepared
from tests.data_builders import hand_made

BUILT = prepare.builder_class('iemocap').builder_configs


@pytest.mark.parametrize('config', [
  name for name, feature in catalogue.FEATURES.items() if name in BUILT and not feature.extra])
def test_a_wave_file_gives_its_row(tmp_path, config):
  root = hand_made.iemocap(tmp_path / 'raw')
  for name in ('base', config):
    folder, _ = prepare.prepare('iemocap', name, tmp_path / 'data', manual_dir=root, workers=1)
  stored = tfds.builder_from_directory(str(folder)).as_data_source('all')
  for row, id in enumerate(prepared.read_index(folder)['id'].tolist()):
    wave, rate = soundfile.read(hand_made.sound_of(root, id.partition('/')[2]), dtype='int16')
    np.testing.assert_array_equal(catalogue.extract(config, wave, rate), stored[row]['values'])


def test_by_default_a_corpus_is_built_with_the_features_that_say_so():
  assert prepare.configs('iemocap') == ['base', 'logmel_mat']
  assert prepare.configs('emodb') == ['base', 'logmel_mat', 'logmel_mat_r4']
  assert prepare.configs('iemocap', 'mfcc_mdre') == ['mfcc_mdre']
