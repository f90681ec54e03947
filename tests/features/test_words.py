"""Cleaning, vocabulary and lookup: typed cases, and the original's answers in the golden file."""

import json
import pathlib

import numpy as np
import pytest

from emojax.features import words

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mat/text_labels_metrics.json'


@pytest.fixture(scope='module')
def golden():
  return json.loads(GOLDEN.read_text('utf-8'))['cases']


def test_clean_is_the_originals(golden):
  assert {word: words.clean(word) for word, _ in golden['clean']} == dict(golden['clean'])


def test_tokenize_is_the_originals(golden):
  for key, sentence in golden['tokenize']['in'].items():
    assert words.tokenize(sentence) == golden['tokenize']['out'][key]


def test_a_transcript_is_split_at_white_space():
  transcript = " I don't - well,\tI'm 10% well-known ... \n"
  assert words.tokenize(transcript.split()) == ['i', 'dont', ' ', 'well', 'im', '10%', 'well known']


def test_a_string_is_not_a_list_of_words():
  with pytest.raises(ValueError, match='split'):
    words.tokenize('a b')


def test_vocabulary_is_the_originals(golden):
  case = golden['vocab']
  ids = words.vocabulary(case['sentences'].values())
  assert ids == case['token_to_ix']
  assert list(ids) == list(case['token_to_ix'])
  assert words.rows(ids) == case['row_order_words']
  assert len(words.rows(ids)) == case['n_embedding_rows']


def test_lookup_is_the_originals(golden):
  case = golden['vocab']['lookup']
  ids = golden['vocab']['token_to_ix']
  short = words.lookup(case['tokens'], ids, case['max_token'])
  long = words.lookup(case['tokens'], ids, 7)
  assert short.tolist() == case['ids_truncated'] and long.tolist() == case['ids_padded_7']
  assert short.dtype == long.dtype == np.int64


def test_shared_unk_gives_the_first_word_the_id_of_unknown_ones():
  ids = words.vocabulary([['good', 'day'], ['good', 'night']], 'shared_unk')
  assert ids == {'UNK': 1, 'good': 1, 'day': 2, 'night': 3}
  assert words.rows(ids, 'shared_unk') == ['UNK', 'good', 'day', 'night']


def test_clean_scheme_gives_every_word_its_own_id():
  ids = words.vocabulary([['good', 'day'], ['good', 'night']], 'clean')
  assert ids == {'UNK': 1, 'good': 2, 'day': 3, 'night': 4}
  assert words.rows(ids, 'clean') == [None, 'UNK', 'good', 'day', 'night']
  assert words.lookup(['good', 'grief', 'night'], ids, 5).tolist() == [2, 1, 4, 0, 0]


@pytest.mark.parametrize('scheme', words.SCHEMES)
def test_rows_do_not_depend_on_the_order_of_the_mapping(scheme):
  ids = words.vocabulary([['b', 'c', 'a']], scheme)
  assert words.rows(dict(sorted(ids.items())), scheme) == words.rows(ids, scheme)


def test_an_utterance_without_words_is_all_padding():
  assert words.lookup([], {'UNK': 1}, 3).tolist() == [0, 0, 0]


def test_a_vocabulary_needs_a_word_and_a_known_scheme():
  with pytest.raises(ValueError, match='no sentence'):
    words.vocabulary([[], []])
  with pytest.raises(ValueError, match='shared_unk, clean'):
    words.vocabulary([['a']], 'neat')


@pytest.mark.parametrize('said, tokens', [
  ("Don't!! I'm 10% well-known...", ["don't", '!', '!', "i'm", '10', '%', 'well', '-', 'known', '.',
                                    '.', '.']),
  ('\u201cOh\u2019s\u201d \u2014 caf\u00e9\u2026', ['"', "oh's", '"', '-', 'café', '.', '.', '.']),
  ("'cause rock 'n' roll_ _", ["'", 'cause', 'rock', "'", 'n', "'", 'roll']),
  (' \n', []),
])
def test_marks_are_tokens_of_their_own(said, tokens):
  assert words.tokenize_with_marks(said.split()) == tokens


def test_a_tokenizer_is_asked_for_by_name():
  assert words.tokenizer('words')(['Oh,']) == ['oh']
  assert words.tokenizer('words_and_marks')(['Oh,']) == ['oh', ',']
  with pytest.raises(ValueError, match="'letters'; there are: words, words_and_marks"):
    words.tokenizer('letters')
  with pytest.raises(ValueError, match='split'):
    words.tokenize_with_marks('a b')
