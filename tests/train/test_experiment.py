"""What an experiment makes of its config before anything is trained: source, vocabulary, labels."""

import json
import pathlib
import pickle

import numpy as np
import pytest

from configs import iemocap_mat, meld_mat, mosei_mat, mosi_mat, vgaf_mat
from emojax.protocols import mosi
from emojax.train import experiment, sharding
from tests.data import authors_files

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mat'


def open_experiment(module, path, arg='tiny', **changes):
  config = module.get_config(arg)
  config.data.path = str(path)
  config.update_from_flattened_dict(changes)
  return experiment.Experiment(config, sharding.Placement(sharding.make_mesh(1, 1, 1)))


@pytest.mark.parametrize('module, arg, golden', [
  (iemocap_mat, 'tiny,as_published,processed', 'loader_iemocap'),
  (mosi_mat, 'tiny,as_published', 'loader_mosi_sentiment_binary'),
  (mosei_mat, 'tiny,emotion', 'loader_mosei_emotion'),
  (meld_mat, 'tiny,processed', 'loader_meld_emotion'),
  (vgaf_mat, 'tiny,as_published', 'loader_vgaf'),
])
def test_the_vocabulary_is_the_originals(module, arg, golden):
  opened = open_experiment(module, GOLDEN / 'fixture/data', arg)
  expected = json.loads((GOLDEN / f'{golden}.json').read_text())['token_to_ix']
  assert list(opened.fitted(0, False).vocabulary.items()) == list(expected.items())


@pytest.mark.parametrize('fit_on, refit, expected', [
  ('labelled', False, 'train0 train2'), ('all', False, 'train0 train1 train2 train3'),
  ('labelled', True, 'train0 train2 valid0 valid2'),
  ('all', True, 'train0 train1 train2 train3 valid0 valid1 valid2'),
])
def test_a_vocabulary_is_of_training_utterances_with_a_label_or_of_all(
    tmp_path, fit_on, refit, expected):
  videos = {'train': mosi.TRAIN[0], 'valid': mosi.VALID[0], 'test': mosi.TEST[0]}
  scores = {0: 1.0, 1: 0.0, 2: -1.0}  # the second is neutral, which is no class
  for split, parts in (('trainval', ('train', 'valid')), ('test', ('test',))):
    keys = {f'{videos[part]}_{i}': (f'{part}{i}', i) for part in parts for i in range(3)}
    said = {key: [word] for key, (word, _) in keys.items()}
    if split == 'trainval':
      said |= {f'{videos["train"]}_9': ['train3']}  # without a label
    frames = {key: np.full((2, 80), 0.5, np.float32) for key in keys}
    authors_files.write_part(tmp_path / 'MOSI', split, sentences=said, mels=frames,
                             sentiment={key: scores[i] for key, (_, i) in keys.items()})
  opened = open_experiment(mosi_mat, tmp_path, **{'streams.text.fit_on': fit_on})
  found = opened.fitted(0, refit)
  assert sorted(found.vocabulary) == sorted(['UNK', *expected.split()])
  part = 'train+valid' if refit else 'train'
  assert found.source == f'mosi/sentiment2 standard {part}'


def test_the_authors_word_cache_is_taken_as_it_is(tmp_path):
  authors_files.write(tmp_path)
  ids = {'UNK': 1, 'well': 1, 'i': 2, 'movie': 3}
  table = np.arange(48, dtype=np.float32).reshape(4, 12)
  (tmp_path / 'VGAF/token_to_ix.pkl').write_bytes(pickle.dumps(ids, protocol=3))
  np.save(tmp_path / 'VGAF/train_glove.npy', table)
  opened = open_experiment(vgaf_mat, tmp_path, **{'streams.text.vectors': 'processed'})
  fitted = opened.fitted(0, False)
  assert fitted.vocabulary == ids and 'cache files of the original' in fitted.source
  np.testing.assert_array_equal(fitted.vectors, table)
  assert opened._spec('text', fitted).vocabulary_size == 4
  wider = open_experiment(vgaf_mat, tmp_path, **{'streams.text.vectors': 'processed',
                                                 'streams.text.width': 300})
  with pytest.raises(ValueError, match='width=300, but .* 12 wide'):
    wider.fitted(0, False)


def test_classes_weigh_as_the_config_says_and_several_labels_alike(authors_dir):
  opened = open_experiment(meld_mat, authors_dir, 'tiny,processed')
  member = opened.member(opened.members[0])
  weights, targets = member.loader._weights, member.split.targets['emotion']
  np.testing.assert_allclose(weights, np.float32(meld_mat.EMOTION)[targets])
  opened = open_experiment(mosei_mat, authors_dir, 'tiny,emotion')
  member = opened.member(opened.members[0])
  private = opened.corpus.index['split'] == 'private'
  np.testing.assert_array_equal(member.loader._weights, np.where(private, 0, 1))
  assert member.split.targets['emotion'].shape == (len(private), 6)


@pytest.mark.parametrize('module, arg, changes, message', [
  (mosi_mat, 'tiny', {'data.source': 'disk'},
   r"config\.data\.source='disk'; there are: records, processed"),
  (mosi_mat, 'tiny', {'heads.sentiment.kind': 'multi_label'},
   r"sentiment\.kind='multi_label': mosi/sentiment2 has labels for 'ordinal' or 'single_label'"),
  (mosi_mat, 'tiny', {'heads.sentiment.kind': 'regresion'},
   r"kind='regresion' is not a file in emojax/tasks \(did you mean 'regression'\?\)"),
  (iemocap_mat, 'tiny,processed', {'heads.emotion.kind': 'ordinal'},
   r"heads\.emotion\.kind='ordinal': iemocap/session1 has labels for 'single_label'"),
  (mosei_mat, 'tiny,emotion', {'heads.emotion.kind': 'single_label'},
   r"heads\.emotion\.kind='single_label': mosei/emotion6 has labels for 'multi_label'"),
])
def test_what_does_not_fit_is_refused(authors_dir, module, arg, changes, message):
  with pytest.raises(ValueError, match=message):
    open_experiment(module, authors_dir, arg, **changes)


@pytest.mark.parametrize('changes, message', [
  ({'streams.text.fit_on': 'some'}, r"fit_on='some'; there are: 'labelled', 'all'"),
  ({'streams.audio.normalise': 'speaker'}, "'speaker': nobody says who speaks in meld"),
])
def test_what_does_not_fit_a_member_is_refused(authors_dir, changes, message):
  opened = open_experiment(meld_mat, authors_dir, 'tiny,processed', **changes)
  with pytest.raises(ValueError, match=message):
    opened.member(opened.members[0])
