"""The picture of attention: its size, its labels, and what it refuses."""

import io

import numpy as np
import pytest
from matplotlib import image

from emojax.metrics import attention_picture
from emojax.metrics.attention_picture import Axis, Panel

WORDS = ['i', "don't", '$5', 'and', '$6', '<unbelievable>']


def words(count):
  return Axis('text', [WORDS[i % len(WORDS)] for i in range(count)])


def drawn(*panels, title='x (test of session1-seed0)\nemotion: label sad, predicted sad (0.50)'):
  """[H, W, 3] in 0 .. 1, 100 dots to an inch."""
  return image.imread(io.BytesIO(attention_picture.draw(panels, title)))[..., :3]


def over_time(count, steps=40):
  weights = np.random.default_rng(0).dirichlet(np.ones(steps), count)
  return Panel('attention', weights, Axis('audio (s)', step=0.15), words(count))


@pytest.mark.parametrize('count, least, most', [(1, 100, 250), (5, 150, 300), (60, 1200, 1500)])
def test_a_picture_of_words_against_time_has_a_line_for_each_word(count, least, most):
  height, width, _ = drawn(over_time(count)).shape
  assert least < height < most and 500 < width < 1000


@pytest.mark.parametrize('count, least, most', [(5, 500, 800), (60, 1400, 1700)])
def test_a_row_over_words_has_a_place_for_each_word(count, least, most):
  height, width, _ = drawn(Panel('attention', np.full(count, 1 / count), words(count))).shape
  assert least < width < most and height < 350


def test_several_maps_stand_one_below_the_other():
  text = Panel('text_weights', np.full(12, 1 / 12), words(12))
  audio = Panel('audio_weights', np.full(140, 1 / 140), Axis('audio (s)', step=0.2))
  both = drawn(text, audio)
  assert both.shape[0] > 1.3 * max(drawn(text).shape[0], drawn(audio).shape[0])
  assert both.shape[1] == drawn(audio).shape[1]


def test_what_looks_for_nothing_is_grey_and_zeros_elsewhere_are_not():
  weights = np.array([[0, 0, 0], [0, 1, 0]], float)
  picture = drawn(Panel('attention', weights, Axis('audio (s)'), words(2)))
  shades, counts = np.unique(picture.reshape(-1, 3).round(2), axis=0, return_counts=True)
  share = {tuple(map(float, shade)): count / counts.sum() for shade, count in zip(shades, counts)}
  # half of the map is grey, a third violet (viridis at 0), a sixth yellow (at 1)
  grey, violet, yellow = (max(share[s] for s in share if np.allclose(s, shade, atol=0.02))
                          for shade in ((0.85,) * 3, (0.27, 0.0, 0.33), (0.99, 0.91, 0.14)))
  assert grey / violet == pytest.approx(1.5, rel=0.05)
  assert violet / yellow == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize('shape, columns, rows', [
  ((3,), words(2), None), ((3, 2), words(2), words(2)), ((2, 2), words(2), None),
  ((2,), words(2), words(2)), ((2, 0), Axis('audio (s)'), words(2))])
def test_names_that_are_not_those_of_the_positions_are_refused(shape, columns, rows):
  with pytest.raises(ValueError, match=r'attention: weights \(.*expected'):
    Panel('attention', np.ones(shape), columns, rows)
