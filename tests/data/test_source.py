"""Opening a prepared corpus: what its tables say, and what is answered where there are none."""

import numpy as np
import pytest

from emojax.data import source
from emojax.io import files, prepared


def prepare(root, config, about, **columns):
  """The folder of a dataset without its records."""
  folder = root / 'toy' / config / '1.0.0'
  folder.mkdir(parents=True)
  prepared.write_index(folder, {'id': ['toy/a', 'toy/b'], **columns})
  files.write_json(folder / 'dataset_info.json', {})
  files.write_json(folder / 'metadata.json', about)
  files.write_json(folder / prepared.COUNTS, {'listed': 5, 'kept': 2, 'excluded': 3})
  return folder


def test_a_corpus_is_its_index_and_what_it_says_of_itself(tmp_path):
  prepare(tmp_path, 'base', {'fingerprint': 'f', 'complete': True, 'generated': False},
          speaker=['1F', '1M'])
  corpus = source.load('toy', tmp_path)
  assert (corpus.name, corpus.path, corpus.num_excluded) == ('toy', str(tmp_path), 3)
  assert corpus.index['speaker'].tolist() == ['1F', '1M'] and corpus.about['fingerprint'] == 'f'
  assert corpus.is_complete_release


@pytest.mark.parametrize('about, expected', [
  ({'complete': True}, True), ({'complete': True, 'generated': False}, True),
  ({'complete': True, 'generated': True}, False), ({'complete': False}, False), ({}, False)])
def test_published_counts_hold_for_whole_real_releases(about, expected):
  assert source.Corpus('toy', None, {}, about, 0).is_complete_release is expected


def test_an_unprepared_corpus_is_answered_with_its_build_command(tmp_path):
  with pytest.raises(prepared.UnpreparedError) as caught:
    source.load('iemocap', tmp_path)
  message = str(caught.value)
  assert f'iemocap/base is not prepared under {tmp_path}; nothing is.' in message
  assert 'python -m data_builders.build iemocap/base --manual_dir' in message
  assert f'--data_dir {tmp_path}' in message


def test_near_misses_are_named(tmp_path):
  prepare(tmp_path, 'base', {})
  with pytest.raises(prepared.UnpreparedError, match=r'is: toy/base \(did you mean toy/base\?\)'):
    source.load('toi', tmp_path)


def test_the_default_place_is_tfds_own(tmp_path, monkeypatch):
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path / 'elsewhere'))
  for path in (None, ''):
    with pytest.raises(prepared.UnpreparedError, match='elsewhere'):
      source.load('toy', path)


def test_an_unprepared_feature_is_answered_with_its_build_command(tmp_path):
  prepare(tmp_path, 'base', {'fingerprint': 'f'})
  with pytest.raises(prepared.UnpreparedError, match=r'data_builders\.build toy/logmel --manual'):
    source.load('toy', tmp_path).feature('logmel')


def test_a_feature_of_another_build_is_refused(tmp_path):
  prepare(tmp_path, 'base', {'fingerprint': 'new'})
  prepare(tmp_path, 'logmel', {'base_fingerprint': 'old'}, length=np.array([3, 4]))
  with pytest.raises(ValueError, match=r'computed from another build of toy/base; build it again: '
                                       r'python -m data_builders\.build toy/logmel --overwrite'):
    source.load('toy', tmp_path).feature('logmel')


def test_the_width_of_a_feature_is_that_of_its_frames():
  reads = []

  def read(row):
    reads.append(row)
    return np.zeros((0, 80), np.float32)

  feature = source.Feature({}, np.array([0]), read)
  assert feature.width == feature.width == 80
  assert reads == [0], 'read once'


def test_words_are_the_transcript_split_at_white_space():
  corpus = source.Corpus('toy', None, {'transcript': np.array(["I'm  here.", '', 'so?'])}, {}, 0)
  assert corpus.words == [["I'm", 'here.'], [], ['so?']]
  said = corpus.transcripts
  assert said.words == corpus.words and said.index is corpus.index


def test_records_have_no_word_cache():
  with pytest.raises(ValueError, match=r"vectors='processed' .* config\.data\.source='processed'"):
    source.Corpus('toy', None, {}, {}, 0).word_cache()
