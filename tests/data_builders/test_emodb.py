"""EmoDB: what the file names say, which sets are whole, and features of two frame rates."""

import itertools

import numpy as np
import pytest
import tensorflow_datasets as tfds

from data_builders.corpora import emodb_release, prepare
from emojax.features import logmel_mat
from emojax.io import prepared
from tests.data_builders import hand_made

LETTERS = {emotion: letter for letter, emotion in emodb_release.EMOTIONS.items()}


@pytest.fixture
def manual_dir(tmp_path):
  return hand_made.emodb(tmp_path / 'raw')


def _touch(folder, counts):
  """Empty files with names of that many clips per emotion: the parser reads names only."""
  folder.mkdir()
  for emotion, number in counts.items():
    spoken = itertools.product(emodb_release.GENDERS, emodb_release.SENTENCES, 'ab')
    for speaker, sentence, version in itertools.islice(spoken, number):
      (folder / f'{speaker}{sentence}{LETTERS[emotion]}{version}.wav').touch()
  return folder


def test_names_say_everything(manual_dir):
  release = emodb_release.read(manual_dir)
  assert not release.shortfalls
  assert [u.id for u in release.utterances] == [
    'emodb/03a01Fa', 'emodb/03a01Nc', 'emodb/08a02Wc', 'emodb/16b10Lb']
  first, last = release.utterances[0], release.utterances[-1]
  assert (first.speaker, first.gender, first.emotion) == ('03', 'M', 'happiness')
  assert (first.dialogue, first.position, first.session) == ('03a01Fa', 0, '')
  assert first.transcript == 'Der Lappen liegt auf dem Eisschrank.'
  assert (last.gender, last.emotion, last.sentence, last.version) == ('F', 'boredom', 'b10', 'b')


@pytest.mark.parametrize('counts, number', [(emodb_release.ALL, 535), (emodb_release.FOUR, 339)])
def test_the_release_and_its_four_emotions_are_whole(tmp_path, counts, number):
  release = emodb_release.read(_touch(tmp_path / 'clips', counts))
  assert len(release.utterances) == number
  assert not release.shortfalls


def test_a_part_is_told(tmp_path):
  folder = _touch(tmp_path / 'clips', emodb_release.FOUR | {'sadness': 60})
  (folder / 'intro.wav').touch()
  release = emodb_release.read(folder)
  assert release.shortfalls == [
    'sadness: 60 of 62 utterances (1 audio without label: intro)']
  assert len(release.exclusions) == 1


def test_a_folder_without_clips_is_answered(tmp_path):
  (tmp_path / 'x.mp3').touch()
  with pytest.raises(ValueError, match=r'holds x.mp3; expected the folder wav .* 03a01Fa.wav'):
    emodb_release.read(tmp_path)


def test_features_follow_base_row_for_row_at_both_rates(manual_dir, tmp_path):
  base, _ = prepare.prepare('emodb', 'base', tmp_path / 'data', manual_dir=manual_dir)
  sounds = tfds.builder_from_directory(str(base)).as_data_source('all')
  ids = prepared.read_index(base)['id'].tolist()
  assert prepared.read_index(base)['end'].tolist() == [0.5] * 4
  for config, reduction in (('logmel_mat', 16), ('logmel_mat_r4', 4)):
    folder, _ = prepare.prepare('emodb', config, tmp_path / 'data')
    records = tfds.builder_from_directory(str(folder)).as_data_source('all')
    index = prepared.read_index(folder)
    assert index['id'].tolist() == ids == [record['id'].decode() for record in records]
    for row, record in enumerate(records):
      expected = logmel_mat.extract(sounds[row]['audio'], 16000, reduction=reduction)
      np.testing.assert_allclose(record['values'], expected, rtol=0, atol=1e-6)
      assert record['values'].dtype == np.float32
      assert index['length'][row] == len(expected)
