"""Reading word vectors, and averaging them over pieces as the original did."""

import gzip
import zipfile

import numpy as np
import pytest

from emojax.features import word_vectors

LINES = """, 0.5 -1 2e-1
do 1 2 3
nt -1 0 1
. . . 9 9 9
well 0.25 0.5 0.75
7 7 7 7
caf\u00e9 4 5 6
no\u0085break 8 8 8
do 0 0 0
UNK -2 -2 -2
"""
VECTORS = {'do': [1, 2, 3], 'nt': [-1, 0, 1], 'well': [0.25, 0.5, 0.75], 'UNK': [-2, -2, -2]}


@pytest.fixture
def vectors():
  return {word: np.array(vector, np.float32) for word, vector in VECTORS.items()}


@pytest.fixture
def file(tmp_path):
  path = tmp_path / 'vectors.txt'
  path.write_bytes(LINES.encode())
  return path


def check(found, expected):
  assert {word: vector.tolist() for word, vector in found.items()} == expected
  assert all(vector.dtype == np.float32 for vector in found.values())


def test_only_wanted_words_are_read(file):
  found = word_vectors.read_glove(file, {*VECTORS, 'absent'})
  check(found, VECTORS)


def test_words_may_hold_spaces_digits_and_any_letter(file):
  found = word_vectors.read_glove(file, {'. . .', '7', 'caf\u00e9', 'no\u0085break'})
  check(found, {'. . .': [9, 9, 9], '7': [7, 7, 7], 'caf\u00e9': [4, 5, 6],
                'no\u0085break': [8, 8, 8]})


def test_gzip_and_zip_are_read_whatever_their_name(tmp_path):
  packed = tmp_path / 'a.txt'
  packed.write_bytes(gzip.compress(LINES.encode()))
  archive = tmp_path / 'b.txt'
  with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED) as file:
    file.writestr('glove.txt', LINES)
  check(word_vectors.read_glove(packed, VECTORS), VECTORS)
  check(word_vectors.read_glove(archive, VECTORS), VECTORS)


def test_word2vec_header_line_ends_and_blank_lines_are_passed_over(file):
  file.write_bytes(b'2 3\r\ndo 1 2 3 \r\n\r\nnt -1 0 1 \r\n')
  check(word_vectors.read_glove(file, VECTORS), {'do': [1, 2, 3], 'nt': [-1, 0, 1]})


def test_a_first_word_that_is_a_number_is_a_word(file):
  file.write_text('5 1 2 3\ndo 1 2 3\n')
  check(word_vectors.read_glove(file, {'5', 'do'}), {'5': [1, 2, 3], 'do': [1, 2, 3]})


@pytest.mark.parametrize('content, message', [
  ('do 1 2 3\nnt 1 2\n', "line 2: b'nt 1 2' is not a word and 3 numbers"),
  ('do 1 2 3\nnt 1 2 3 4\n', 'line 2.*not a word and 3 numbers'),
  ('do 1 2 3\nnt\n', 'line 2.*not a word and 3 numbers'),
  ('do 1 2 3\nnt 1 x 3\n', 'line 2.*not a finite number'),
  ('do 1 2 3\nnt 1 nan 3\n', 'line 2.*not a finite number'),
  ('<html> <body>\n', 'line 1.*is this a file of word vectors'),
  ('', 'holds no word vectors'),
  ('4 3\n', 'holds no word vectors'),
])
def test_what_is_no_vector_file_is_named_with_its_line(file, content, message):
  file.write_text(content)
  with pytest.raises(ValueError, match=message):
    word_vectors.read_glove(file, VECTORS)


def test_a_packed_file_cut_off_is_named(tmp_path):
  path = tmp_path / 'vectors.gz'
  path.write_bytes(gzip.compress(LINES.encode() * 100)[:-20])
  with pytest.raises(ValueError, match='vectors.gz is damaged after line'):
    word_vectors.read_glove(path, VECTORS)
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('glove.txt', LINES)
  path.write_bytes(path.read_bytes()[:-20])
  with pytest.raises(ValueError, match='vectors.gz is damaged after line 0'):
    word_vectors.read_glove(path, VECTORS)


def test_an_archive_of_several_files_is_not_guessed_from(tmp_path):
  path = tmp_path / 'glove.6B.zip'
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('50d.txt', LINES)
    archive.writestr('100d.txt', LINES)
  with pytest.raises(ValueError, match='2 files; unpack one of: 50d.txt, 100d.txt'):
    word_vectors.read_glove(path, VECTORS)


def test_wanted_are_the_pieces():
  assert word_vectors.wanted([None, 'UNK', 'dont', 'well known']) == {
    'UNK', 'do', 'nt', 'well', 'known'}


def test_a_row_is_the_mean_over_pieces_and_unknown_pieces_count(vectors):
  tokens = ['UNK', 'do', 'dont', 'well known', 'a well  do', 'zebra', None]
  rows = word_vectors.embed(tokens, vectors, 3)
  assert rows.dtype == np.float32
  np.testing.assert_array_equal(rows, [
    [-2, -2, -2],
    [1, 2, 3],
    [0, 1, 2],
    [0.125, 0.25, 0.375],
    [0.3125, 0.625, 0.9375],  # a, well, a space, do: four pieces, two of them unknown
    [0, 0, 0],
    [0, 0, 0],
  ])


def test_coverage_counts_tokens(vectors):
  tokens = ['UNK', 'dont', 'well known', 'zebra', ' ', None]
  assert word_vectors.coverage(tokens, vectors) == (2, 1, 2)


def test_vectors_of_another_language_are_refused(vectors):
  with pytest.raises(ValueError, match=r"none of 2 tokens \('zebra', 'gnu'"):
    word_vectors.embed([None, 'zebra', 'gnu'], vectors, 3)


def test_vectors_of_another_width_are_refused(vectors):
  with pytest.raises(ValueError, match=r'shape \(3,\), expected \(300,\)'):
    word_vectors.embed(['do'], vectors, 300)


def test_words_without_a_vector_may_start_at_random_the_same_everywhere(vectors):
  tokens = [None, 'do', 'xyzzy', 'do xyzzy', 'plugh']
  zeros, found = (word_vectors.embed(tokens, vectors, 3, missing) for missing in
                  ('zeros', 'uniform'))
  assert not zeros[[0, 2, 4]].any() and not found[0].any()
  np.testing.assert_array_equal(found[[1, 3]], zeros[[1, 3]])
  assert found[[2, 4]].all() and np.abs(found).max(1)[[2, 4]].max() <= 0.25
  np.testing.assert_array_equal(
    word_vectors.embed(['plugh', 'do'], vectors, 3, 'uniform')[0], found[4])
  with pytest.raises(ValueError, match="missing='zero'; there are: zeros, uniform"):
    word_vectors.embed(tokens, vectors, 3, 'zero')
