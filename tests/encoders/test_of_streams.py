"""Encoders of a stream into one vector, against loops over real positions in numpy."""

import jax
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import convolution, project, readout, recurrent_mean
from emojax.types import Stream, StreamSpec

FRAMES = StreamSpec(3, length=6)
WORDS = StreamSpec(3, length=6, vocabulary_size=9)
# a hole, padding in front, one position, none, and all
MASK = np.array([[1, 0, 1, 1, 0], [0, 0, 1, 1, 1], [0, 1, 0, 0, 0], [0] * 5, [1] * 5], bool)

MAKES = {
  'mean': lambda spec: project.MeanEncoder(spec, 4, 0.0, rngs=nnx.Rngs(0)),
  'recurrent mean': lambda spec: recurrent_mean.RecurrentEncoder(
    spec, 4, 0.0, 'mean', rngs=nnx.Rngs(0)),
  'recurrent last': lambda spec: recurrent_mean.RecurrentEncoder(
    spec, 4, 0.0, 'last', rngs=nnx.Rngs(0)),
  'windows': lambda spec: convolution.WindowEncoder(spec, (1, 2, 4), 2, 0.0, rngs=nnx.Rngs(0)),
}


def stream(spec, seed=0):
  random = np.random.default_rng(seed)
  if spec.vocabulary_size:
    return Stream(random.integers(1, spec.vocabulary_size, MASK.shape).astype(np.int32), MASK)
  return Stream(random.normal(size=(*MASK.shape, spec.width)).astype(np.float32), MASK)


def vectors(encoder, given):
  """[B, T, D], words looked up."""
  table = encoder.vectors.embedding
  return given.values if table is None else np.asarray(table[...])[given.values]


def numbers(parameter):
  return np.asarray(parameter[...], np.float64)


def mean(encoder, frames):
  kernel, bias = numbers(encoder.project.kernel), numbers(encoder.project.bias)
  answers = [np.maximum(frame @ kernel + bias, 0) for frame in frames]
  return np.mean(answers, 0) if answers else np.zeros(4)


def states(encoder, frames):
  lstm, sigmoid = encoder.lstm, lambda x: 1 / (1 + np.exp(-x))
  h = c = np.zeros(4)
  found = []
  for frame in frames:
    i, f, g, o = np.split(
      numbers(lstm.weight_input) @ frame + numbers(lstm.weight_recurrent) @ h
      + numbers(lstm.bias_input) + numbers(lstm.bias_recurrent), 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    found.append(h)
  return found or [np.zeros(4)]


def windows(encoder, frames, mask):
  """Every window that touches something real, zeros beyond the ends and where nothing is real."""
  found = []
  for width, kernel, bias in zip(encoder.windows, encoder.kernels, encoder.biases):
    filters = numbers(kernel).reshape(3, width, -1)  # for each place in the window
    answers = []
    for start in range(1 - width, len(mask)):
      inside = [(place, start + place) for place in range(width)
                if 0 <= start + place < len(mask) and mask[start + place]]
      if inside:
        answers.append(np.maximum(
          sum(frames[t] @ filters[:, place] for place, t in inside) + numbers(bias), 0))
    found.append(np.max(answers, 0) if answers else np.zeros(2))
  return np.concatenate(found)


EXPECTED = {
  'mean': lambda encoder, frames, mask: mean(encoder, frames[mask]),
  'recurrent mean': lambda encoder, frames, mask: np.mean(states(encoder, frames[mask]), 0),
  'recurrent last': lambda encoder, frames, mask: states(encoder, frames[mask])[-1],
  'windows': windows,
}


@pytest.mark.parametrize('spec', [FRAMES, WORDS], ids=['frames', 'words'])
@pytest.mark.parametrize('kind', MAKES)
def test_agrees_with_a_loop_over_real_positions(kind, spec):
  encoder, given = MAKES[kind](spec), stream(spec)
  found = np.asarray(jax.jit(lambda given: encoder(given))(given))
  expected = [EXPECTED[kind](encoder, frames, mask)
              for frames, mask in zip(vectors(encoder, given), MASK)]
  np.testing.assert_allclose(found, np.stack(expected), rtol=1e-5, atol=1e-6)
  assert not found[3].any() and found[[0, 1, 4]].any(1).all()


@pytest.mark.parametrize('front, end', [(0, 3), (2, 0), (4, 1)])
@pytest.mark.parametrize('kind', MAKES)
def test_padding_on_either_side_changes_nothing(kind, front, end):
  encoder, given = MAKES[kind](FRAMES), stream(FRAMES)
  padding = [(0, 0), (front, end)]
  padded = Stream(np.pad(given.values, [*padding, (0, 0)], constant_values=np.nan),
                  np.pad(given.mask, padding))
  np.testing.assert_allclose(encoder(padded), encoder(given), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('kind', MAKES)
def test_order_counts_unless_it_is_a_mean(kind):
  encoder, given = MAKES[kind](FRAMES), stream(FRAMES)
  turned = Stream(given.values[4:, ::-1], given.mask[4:])  # the row without padding
  agree = np.allclose(encoder(turned), encoder(given)[4:], rtol=1e-5, atol=1e-6)
  assert agree == (kind == 'mean')


def test_what_cannot_be_built_is_refused():
  rngs = nnx.Rngs(0)
  with pytest.raises(ValueError, match="pool='max'; there are: mean, last"):
    recurrent_mean.RecurrentEncoder(FRAMES, 4, 0.0, 'max', rngs=rngs)
  for wrong in ((), (3, 0)):
    with pytest.raises(ValueError, match='windows=.*expected widths of one position or more'):
      convolution.WindowEncoder(FRAMES, wrong, 4, 0.0, rngs=rngs)
  with pytest.raises(ValueError, match="fusion='product'; there are: sum, concatenate"):
    readout.Readout(('text',), 4, {'emotion': 2}, 'product', 0.0, rngs=rngs)
  with pytest.raises(ValueError, match='at least one stream'):
    readout.Readout((), 4, {'emotion': 2}, 'sum', 0.0, rngs=rngs)
