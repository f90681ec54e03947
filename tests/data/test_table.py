"""A prepared table as a corpus: what is found under which name, and what is answered otherwise."""

import copy

import numpy as np
import pytest

from data_builders.corpora import table_builder
from emojax.data import source, table
from emojax.io import prepared
from tests.data_builders import hand_made_tables as made


def build(folder, name, description, corpus='toy', **changes):
  path = made.write_npz(folder / f'{name}.npz', **changes)
  json = made.write_json(folder / f'{name}.json', description)
  return table_builder.prepare_table(corpus, name, [path], folder / 'data', description=json)[0]


@pytest.fixture(scope='module')
def opened(tmp_path_factory):
  """A table of its own labels, with words; where it lies; and its two features."""
  folder = tmp_path_factory.mktemp('tables')
  description = copy.deepcopy(made.PLAIN)
  part = description['files'][0]
  part['columns']['transcript'] = 'said'
  part['features']['face'] = {'key': 'face', 'padding': 'end'}
  face = np.ones((6, 3, 4))
  face[1] = 0
  build(folder, 'own', description, said=np.array(['a b', 'c'] * 3), face=face)
  return folder, table.load('toy', str(folder / 'data'), table='own')


def test_features_are_found_by_name(opened):
  _, corpus = opened
  voice, face = corpus.feature('voice'), corpus.feature('face')
  assert (voice.width, face.width) == (2, 4)
  assert voice.lengths.tolist() == [1] * 6 and face.lengths.tolist() == [3, 0, 3, 3, 3, 3]
  assert voice.read(2).tolist() == [[4, 5]] and face.read(1).shape == (0, 4)
  assert voice.about['fitted_on'] is None
  with pytest.raises(ValueError, match="toy/own has no feature 'voic'; there are: voice, face"):
    corpus.feature('voic')


def test_words_are_those_of_the_column_transcript(opened, tmp_path):
  _, corpus = opened
  assert list(corpus.words) == [['a', 'b'], ['c']] * 3
  build(tmp_path, 'mute', made.PLAIN)
  mute = table.load('toy', str(tmp_path / 'data'), table='mute')
  with pytest.raises(ValueError, match='toy/mute has no column transcript'):
    _ = mute.words


def test_what_is_not_there_is_answered_with_what_is(opened, tmp_path):
  folder, _ = opened
  with pytest.raises(ValueError, match=r'needs config\.data\.table=NAME; of toy there are: own'):
    table.load('toy', str(folder / 'data'), table='')
  with pytest.raises(prepared.UnpreparedError,
                     match=r'python -m data_builders\.table toy/onw FILE-OF-THE-TABLE'):
    table.load('toy', str(folder / 'data'), table='onw')


def test_damage_stops_or_costs_what_is_lost(tmp_path):
  folder = build(tmp_path, 'own', made.PLAIN)
  shard, = folder.glob('*.array_record*')
  content = bytearray(shard.read_bytes())
  content[len(content) - 10] ^= 255
  shard.write_bytes(content)
  with pytest.raises(ValueError, match=r'data_builders\.table toy/own'):
    table.load('toy', str(tmp_path / 'data'), table='own')
  corpus = table.load('toy', str(tmp_path / 'data'), table='own', damaged='quarantine')
  voice = corpus.feature('voice')
  kept = [int(id.removeprefix('toy/u')) - 1 for id in corpus.index['id'].tolist()]
  assert [voice.read(row)[0, 0] for row in range(len(kept))] == [2 * number for number in kept]


def test_a_table_without_labels_adds_to_the_corpus(tmp_path):
  """A table of its own plays `text`."""
  own = copy.deepcopy(made.PLAIN)
  own['files'][0]['columns']['transcript'] = 'who'
  build(tmp_path, 'own', own)
  (tmp_path / 'data/toy/table_own').rename(tmp_path / 'data/toy/text')
  description = {'about': 'x', 'licence': 'y', 'labels_from': 'base',
                 'files': [{'id': 'key', 'features': {'pitch': 'voice'}}]}
  build(tmp_path, 'more', description, key=np.array(['u3', 'u1', 'x1', 'x2', 'x3', 'x4']))
  path = str(tmp_path / 'data')
  corpus = table.load('toy', path, table='more', features=['pitch'])
  assert corpus.index['emotion'].tolist() == ['sad', 'neu'] * 3
  assert corpus.words[0] == ['a']
  pitch = corpus.feature('pitch')
  assert pitch.lengths.tolist() == [1, 0, 1, 0, 0, 0]
  assert pitch.read(0).tolist() == [[2, 3]] and pitch.read(2).tolist() == [[0, 1]]
  before = corpus.about['fingerprint']
  assert before.startswith(source.load('toy', path).about['fingerprint'])
  with pytest.raises(prepared.UnpreparedError, match='toy/logmel is computed from sound'):
    table.load('toy', path, table='more', features=['pitch', 'logmel'])

  build(tmp_path, 'more', description, key=np.array(['u3', 'u1', 'u2', 'x2', 'x3', 'x4']))
  assert table.load('toy', path, table='more').about['fingerprint'] != before
