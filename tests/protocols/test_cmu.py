"""CMU-MOSI and CMU-MOSEI: lists of videos, and every way to read a sentiment, typed by hand."""

import numpy as np
import pytest

from emojax.protocols import mosei, mosi, protocol

SCORES = [-3, -2.5, -1.4, -0.5, -1 / 3, 0, 1 / 3, 0.5, 1.5, 2.4, 3]


def index(scores=SCORES, **columns):
  scores = np.array(scores, np.float64)
  return {'id': np.array([f'x/{k}' for k in range(len(scores))]), 'sentiment': scores,
          'split': np.full(len(scores), 'train')} | columns


def test_lists_of_videos_are_the_published_ones():
  assert [len(part) for part in (mosi.TRAIN, mosi.VALID, mosi.TEST)] == [52, 10, 31]
  assert (len(mosi.TRAIN_BCLSTM), len(mosi.TEST_BCLSTM)) == (62, 31)
  everyone = {*mosi.TRAIN, *mosi.VALID, *mosi.TEST}
  assert len(everyone) == 93 == len({*mosi.TRAIN_BCLSTM, *mosi.TEST_BCLSTM} & everyone)


@pytest.mark.parametrize('labels, expected', [
  (mosi.TWO, [0, 0, 0, 0, 0, -1, 1, 1, 1, 1, 1]),  # zeros are left out
  (mosi.NONNEG, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]),
  (mosei.TWO, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]),
  # classes -3..3 as 0..6: to the nearest, halves to the even one; and away from zero
  (mosi.SEVEN, [0, 1, 2, 3, 3, 3, 3, 3, 5, 5, 6]),
  (mosei.SEVEN, [0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6]),
])
def test_classes_of_a_sentiment(labels, expected):
  assert labels.ids(index()).tolist() == expected


def test_the_number_itself():
  for labels in (mosi.REAL, mosei.REAL):
    np.testing.assert_allclose(labels.ids(index())[:, 0], SCORES, rtol=1e-6)
    with pytest.raises(ValueError, match='sentiment should lie in'):
      labels.ids(index([3.1]))


def test_bclstm_validates_on_videos_of_its_own_training_part():
  videos = np.array([*mosi.TRAIN_BCLSTM, *mosi.TEST_BCLSTM] * 2)
  scores = np.repeat([-1.0, 0.0], 93)
  split = protocol.resolve(
    protocol.load('mosi/bclstm_sentiment2'), 0, index(scores, video=videos))
  assert {part: len(rows) // 2 for part, rows in split.rows.items()} == {
    'train': 56, 'valid': 6, 'test': 31, 'unlabelled': 0}
  assert set(videos[split.rows['test']]) == set(mosi.TEST_BCLSTM)
