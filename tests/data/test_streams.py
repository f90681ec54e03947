"""Readers and padding: what is cut, what is filled, what is said about it."""

import numpy as np
import pytest

from emojax.data import fitted, streams
from emojax.types import StreamSpec

VOCABULARY = {'UNK': 1, 'good': 2, 'day': 3, 'night': 4}
TOKENS = [['good', 'day'], [], ['good', 'grief', 'night', 'day'], ['night']]
LENGTHS = np.array([3, 0, 5, 1])


def words(length=3, **options):
  return streams.Words(TOKENS, VOCABULARY, StreamSpec(6, length, vocabulary_size=5), **options)


def read(row):
  """[T, 2], the first feature counts frames, the second names the row."""
  return np.stack([np.arange(LENGTHS[row]), np.full(LENGTHS[row], 10 * row)], -1).astype(np.float32)


def frames(length=4, moments=None, **options):
  return streams.Frames(read, LENGTHS, StreamSpec(2, length), moments, **options)


def test_words_are_cut_to_the_first():
  reader = words()
  assert reader.lengths.tolist() == [2, 0, 3, 1]
  assert reader.truncated.tolist() == [False, False, True, False]
  assert [reader.example(row).tolist() for row in range(4)] == [[2, 3], [], [2, 1, 4], [4]]


def test_frames_are_cut_to_the_first():
  reader = frames()
  assert reader.lengths.tolist() == [3, 0, 4, 1]
  assert reader.truncated.tolist() == [False, False, True, False]
  np.testing.assert_array_equal(reader.example(2), [[0, 20], [1, 20], [2, 20], [3, 20]])


def test_the_last_are_kept_where_asked_for():
  last = words(keep='last')
  assert last.lengths.tolist() == words().lengths.tolist()
  assert last.truncated.tolist() == words().truncated.tolist()
  assert [last.example(row).tolist() for row in range(4)] == [[2, 3], [], [1, 4, 3], [4]]
  last = frames(keep='last')
  np.testing.assert_array_equal(last.example(2), [[1, 20], [2, 20], [3, 20], [4, 20]])
  np.testing.assert_array_equal(last.example(0), frames().example(0))
  assert last.example(1).shape == (0, 2)
  for reader in words, frames:
    with pytest.raises(ValueError, match="keep='middle'; there are: 'first', 'last'"):
      reader(keep='middle')


def test_what_just_fits_is_not_cut():
  assert words(2).truncated.tolist() == frames(3).truncated.tolist() == [False, False, True, False]


def test_what_is_exactly_as_long_is_lost_where_asked_for_alone():
  reader = frames(3, exact='lost')
  assert reader.lengths.tolist() == [0, 0, 3, 1]
  assert reader.truncated.tolist() == [False, False, True, False]
  stream = streams.pad(reader, np.array([0, 2]), 3)
  assert stream.mask.tolist() == [[False] * 3, [True] * 3]
  assert not stream.values[0].any() and stream.values[1].any()
  with pytest.raises(ValueError, match="exact='zeros'; there are: 'kept', 'lost'"):
    frames(exact='zeros')


def test_frames_are_normalised_with_their_rows_moments():
  def moments(row):
    return np.array([1.0, 10 * row], np.float32), np.array([2.0, 5.0], np.float32)

  found = frames(moments=moments).example(2)
  np.testing.assert_array_equal(found, [[-0.5, 0], [0, 0], [0.5, 0], [1, 0]])
  assert found.dtype == np.float32


def test_an_utterance_without_frames_stays_without_whatever_normalises_the_others():
  reader = frames(moments=lambda row: fitted.fit_moments(read, np.array([row])))  # 'utterance'
  stream = streams.pad(reader, np.array([1, 2]), 4)
  assert stream.mask.tolist() == [[False] * 4, [True] * 4]
  assert not stream.values[0].any() and np.isfinite(stream.values).all()


def test_pad_fills_on_the_right_and_leaves_filler_rows_empty():
  stream = streams.pad(words(), np.array([2, -1, 1, 0]), 3)
  np.testing.assert_array_equal(stream.values, [[2, 1, 4], [0, 0, 0], [0, 0, 0], [2, 3, 0]])
  np.testing.assert_array_equal(
    stream.mask, np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 0]], bool))
  assert (stream.values.dtype, stream.mask.dtype) == (np.int32, np.bool_)


@pytest.mark.parametrize('length', [2, 4, 6])
def test_pad_to_any_length(length):
  stream = streams.pad(frames(), np.array([2, 3, -1]), length)
  kept = min(length, 4)
  assert stream.values.shape == (3, length, 2) and stream.values.dtype == np.float32
  assert stream.mask.sum(1).tolist() == [kept, 1, 0]
  np.testing.assert_array_equal(stream.values[0, :kept], read(2)[:kept])
  np.testing.assert_array_equal(stream.values[1, 0], [0, 30])
  assert not stream.values[~stream.mask].any()


def test_readers_agree_with_what_they_say_of_themselves():
  for reader in (words(), frames(), words(10), frames(10)):
    for row in range(4):
      assert len(reader.example(row)) == reader.lengths[row] <= reader.spec.length
    assert reader.truncated.dtype == np.bool_
