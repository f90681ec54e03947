"""Values fitted outside the network: against numpy, by hand, and there and back through files."""

import json

import numpy as np
import pytest

from emojax.data import fitted

NAMES = ('neutral', 'happy', 'sad')


def test_moments_are_those_of_all_frames_together():
  random = np.random.default_rng(0)
  frames = [random.normal(3, 2, (length, 4)).astype(np.float32) for length in (5, 0, 1, 30, 7)]
  mean, deviation = fitted.fit_moments(frames.__getitem__, np.array([0, 1, 3]))
  together = np.concatenate([frames[0], frames[1], frames[3]]).astype(np.float64)
  np.testing.assert_allclose(mean, together.mean(0), rtol=1e-6)
  np.testing.assert_allclose(deviation, together.std(0), rtol=1e-6)
  assert mean.dtype == deviation.dtype == np.float32


@pytest.mark.parametrize('value', [0.0, 0.1, 1.0, 100.1, -3000.3, 1e6 + 0.5])
def test_a_constant_feature_gets_deviation_one(value):
  frames = np.full((37, 2), value, np.float32)
  frames[:, 1] = np.arange(37)
  mean, deviation = fitted.fit_moments(lambda row: frames, np.arange(11))
  assert mean[0] == np.float32(value)
  np.testing.assert_allclose(deviation, [1, np.arange(37).std()], rtol=1e-6)


def test_the_largest_value_of_each_feature():
  frames = [np.array([[1.0, -7], [-2, 0]]), np.zeros((0, 2)), np.array([[1.5, 6]]),
            np.array([[9.0, 9]])]
  for rows, expected in (([0, 1, 2], [2, 7]), ([3], [9, 9])):
    subtracted, divided = fitted.fit_largest(lambda row: frames[row], np.array(rows))
    assert subtracted.tolist() == [0, 0] and divided.tolist() == expected
  _, divided = fitted.fit_largest(lambda row: np.array([[0.0, 3]]), np.array([0]))
  assert divided.tolist() == [1, 3]
  with pytest.raises(ValueError, match='not one frame'):
    fitted.fit_largest(lambda row: frames[1], np.array([0]))


def test_no_frame_has_no_mean():
  with pytest.raises(ValueError, match='not one frame'):
    fitted.fit_moments(lambda row: np.zeros((0, 3)), np.array([0, 1]))


@pytest.mark.parametrize('setting, expected', [
  ('none', (1, 1, 1)),
  ('balanced', (6 / (3 * 3), 6 / (3 * 2), 6 / (3 * 1))),
  ((1, 2.5, 0), (1, 2.5, 0)),
])
def test_class_weights(setting, expected):
  found = fitted.class_weights(setting, np.array([0, 1, 0, 2, 1, 0]), NAMES)
  assert found == pytest.approx(expected)
  assert all(type(weight) is float for weight in found)


def test_balanced_weights_make_every_class_weigh_the_same_and_all_as_much_as_before():
  ids = np.random.default_rng(0).choice(3, 200, p=[0.7, 0.2, 0.1])
  weights = np.array(fitted.class_weights('balanced', ids, NAMES))
  per_class = np.bincount(ids, weights[ids])
  np.testing.assert_allclose(per_class, 200 / 3)


@pytest.mark.parametrize('setting, message', [
  ('balanced', r"every class in the training part; it has \{'neutral': 2, 'happy': 0, 'sad': 1\}"),
  ('balance', r"class_weights='balance': expected 'none', 'balanced' or 3 numbers"),
  ((1.0, 2.0), r"class_weights=\(1.0, 2.0\): expected .* 3 numbers for \('neutral', "),
])
def test_wrong_class_weights_are_answered(setting, message):
  with pytest.raises(ValueError, match=message):
    fitted.class_weights(setting, np.array([0, 0, 2]), NAMES)


def test_of_several_labels_the_loss_of_positives_is_weighed():
  ids = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1]], np.int32)  # the third has none
  assert fitted.class_weights('none', ids, NAMES) == (1, 1, 1)
  found = fitted.class_weights('balanced', ids, NAMES)
  assert found == (3 / 1, 2 / 2, 3 / 1) and all(type(weight) is float for weight in found)
  assert fitted.class_weights((1, 2.5, 0.5), ids, NAMES) == (1, 2.5, 0.5)
  for setting, rows, message in (
      ('balanced', ids[:3], r"every class in the training part; it has .*'happy': 2, 'sad': 0\}"),
      ('balanced', ids[:2], r"it has \{'neutral': 1, 'happy': 2, 'sad': 0\}"),
      ('balanced', np.maximum(ids, [[0, 1, 0]]), r"without each label .* of 4 it has .*'happy': 4"),
      ('balance', ids, "expected 'none', 'balanced' or 3 numbers"),
      ((1.0, 0.0, 2.0), ids, 'on the loss of positives lies above 0')):
    with pytest.raises(ValueError, match=message):
      fitted.class_weights(setting, rows, NAMES)


def test_numbers_weigh_the_same():
  numbers = np.array([[0.5, 1, 0], [1, 1, 0]], np.float32)
  assert fitted.class_weights('none', numbers, NAMES) == (1, 1, 1)
  for setting in ('balanced', (1.0, 2.0, 3.0)):
    with pytest.raises(ValueError, match="a head of numbers knows 'none' alone"):
      fitted.class_weights(setting, numbers, NAMES)


@pytest.mark.parametrize('vectors', [None, np.arange(12, dtype=np.float32).reshape(4, 3) / 7])
def test_saved_values_come_back(tmp_path, vectors):
  moments = {'audio': (np.array([1.5, -2], np.float32), np.array([0.1, 3], np.float32)),
             'video': (np.zeros(1, np.float32), np.ones(1, np.float32))}
  before = fitted.Fitted(
    'iemocap/loso5 session1 train', {'UNK': 1, 'süß': 1, 'well known': 2, ' ': 3}, 'shared_unk',
    vectors, moments, {'emotion': (1.0, 0.1 + 0.2)})
  before.save(tmp_path)
  after = fitted.load(tmp_path)
  assert (after.source, after.scheme) == (before.source, before.scheme)
  assert after.vocabulary == before.vocabulary
  assert list(after.vocabulary) == list(before.vocabulary)
  assert after.class_weights == before.class_weights
  assert after.moments.keys() == before.moments.keys()
  for name, pair in moments.items():
    for one, other in zip(pair, after.moments[name]):
      np.testing.assert_array_equal(one, other)
      assert one.dtype == other.dtype
  if vectors is None:
    assert after.vectors is None
  else:
    np.testing.assert_array_equal(after.vectors, vectors)
  about = json.loads((tmp_path / 'fitted.json').read_text())
  assert about['source'] == 'iemocap/loso5 session1 train'
  assert sorted(path.name for path in tmp_path.iterdir()) == [
    'checksums.json', 'fitted.json', 'fitted.npz']


def test_bytes_depend_on_values_alone(tmp_path):
  """A run that goes on reads what it was fitted with, and may write it again in another order."""
  pair = np.zeros(2, np.float32), np.ones(2, np.float32)
  written = []
  for order in ('abc', 'cab'):
    fitted.Fitted('source', {}, '', None, dict.fromkeys(order, pair), {}).save(tmp_path / order)
    written.append((tmp_path / order / 'fitted.npz').read_bytes())
  assert written[0] == written[1]
  assert list(fitted.load(tmp_path / 'cab').moments) == ['a', 'b', 'c']


def test_saving_nothing_fitted(tmp_path):
  fitted.Fitted('x', {}, '', None, {}, {}).save(tmp_path)
  assert fitted.load(tmp_path) == fitted.Fitted('x', {}, '', None, {}, {})


def test_word_vectors_must_be_chosen():
  with pytest.raises(ValueError, match=r"streams\.text\.vectors is empty.*or choose 'random'"):
    fitted.word_vectors_of([{'UNK': 1}], 'clean', '', 3)
  assert fitted.word_vectors_of([{'UNK': 1}, {'UNK': 1}], 'clean', 'random', 3) == [None, None]


def test_word_vectors_of_several_folds_come_from_one_file(tmp_path):
  path = tmp_path / 'glove.txt'
  path.write_text('good 1 2\nday 3 4\nnight 5 6\nUNK 7 8\n')
  first, second = fitted.word_vectors_of(
    [{'UNK': 1, 'good': 2, 'day': 3}, {'UNK': 1, 'night': 2}], 'clean', str(path), 2)
  np.testing.assert_array_equal(first, [[0, 0], [7, 8], [1, 2], [3, 4]])
  np.testing.assert_array_equal(second, [[0, 0], [7, 8], [5, 6]])
  [shared] = fitted.word_vectors_of([{'UNK': 1, 'good': 1, 'day': 2}], 'shared_unk', str(path), 2)
  np.testing.assert_array_equal(shared, [[7, 8], [1, 2], [3, 4]])


def test_the_originals_word_cache_must_be_what_the_config_says():
  ids, table = {'UNK': 1, 'good': 1, 'day': 2}, np.zeros((3, 5), np.float32)
  assert fitted.checked_word_cache(ids, table, 'shared_unk', 5) == (ids, table)
  with pytest.raises(ValueError, match=r"vocabulary='clean', but .* as 'shared_unk'"):
    fitted.checked_word_cache(ids, table, 'clean', 5)
  own = {'UNK': 1, 'good': 2, 'day': 3}
  assert fitted.checked_word_cache(own, table, 'clean', 5) == (own, table)
  with pytest.raises(ValueError, match=r"vocabulary='shared_unk', but .* as 'clean'"):
    fitted.checked_word_cache(own, table, 'shared_unk', 5)
  with pytest.raises(ValueError, match=r'width=300, but .* are 5 wide'):
    fitted.checked_word_cache(ids, table, 'shared_unk', 300)
