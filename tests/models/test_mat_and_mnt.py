"""What MAT and MNT have of their own: quirks with the better value beside them, published sizes."""

import functools

import jax
import numpy as np
import pytest
from flax import nnx

from emojax.io import parameters
from emojax.models import mat, mnt
from emojax.train import functional
from emojax.types import StreamSpec
from tests.models import test_contract as contract

STREAMS = {'text': StreamSpec(300, 15, vocabulary_size=3000), 'audio': StreamSpec(80, 40)}


BOTH = pytest.mark.parametrize('module', [mat, mnt], ids=['mat', 'mnt'])


def name(module):
  return module.__name__.split('.')[-1]


@pytest.fixture
def double():
  with jax.enable_x64(True):
    yield


@BOTH
@pytest.mark.parametrize('clean', [True, False])
def test_padding_changes_utterances_without_words_in_the_original_alone(module, clean, double):
  short = contract.outputs(name(module), clean=clean)['emotion']
  long = contract.outputs(name(module), contract.padded(contract.batch()), clean=clean)['emotion']
  with_both, without = [0, 1], [2, 3]  # row 2 has no words, row 3 no audio
  np.testing.assert_allclose(long[with_both], short[with_both], rtol=1e-12, atol=1e-14)
  assert (abs(long - short)[without].max(-1) > 1e-6).tolist() == [not clean] * 2


@BOTH
@pytest.mark.parametrize('clean', [True, False])
def test_a_frame_of_zeros_counts_as_padding_in_the_original_alone(module, clean, double):
  inputs = contract.batch()
  zero = np.zeros((4, 5), bool)
  zero[0, 2] = True
  silent = inputs['audio'].replace(values=np.where(zero[..., None], 0, contract.FRAMES))
  masked = silent.replace(mask=silent.mask & ~zero)
  by_value, by_mask = (
    contract.outputs(name(module), inputs | {'audio': audio}, clean=clean)['emotion']
    for audio in (silent, masked))
  assert (by_value[0] == by_mask[0]).all() == (not clean)


@pytest.mark.parametrize('module, count', [(mat, 16_407_462), (mnt, 15_877_030)])
def test_published_size_has_the_originals_parameters(module, count):
  def make(rngs):
    return module.Model(STREAMS, {'emotion': 4}, **module.PRESETS['published'], rngs=rngs)

  params, _ = functional.shapes(make)
  assert sum(leaf.size for leaf in jax.tree.leaves(params)) == count


@pytest.mark.parametrize('module, attentions, residuals', [(mat, 3, 5), (mnt, 2, 4)])
def test_each_rate_goes_to_its_layers(module, attentions, residuals):
  def make(rngs):
    sizes = module.PRESETS['tiny'] | dict(dropout_input=0.125, dropout=0.25, dropout_output=0.5)
    return module.Model(contract.STREAMS, {'emotion': 4}, **sizes, rngs=rngs)

  _, state = functional.init(make, jax.random.key(0))
  rates = {path: float(rate) for path, rate in parameters.flatten(state).items()}
  assert rates.pop('front.text_dropout.rate') == rates.pop('front.audio_dropout.rate') == 0.125
  assert rates.pop('dropout.rate') == 0.5
  # one encoder and one decoder block with an mlp each, and two pools with one each
  assert len(rates) == attentions + residuals + 4 and set(rates.values()) == {0.25}
  assert any('attention.dropout' in path for path in rates)


def test_text_can_lower_a_norm_only_through_a_linear_condition(double):
  inputs = contract.batch()
  found = {}
  for condition in ('relu', 'linear'):
    make = functools.partial(mnt.Model, contract.STREAMS, {'emotion': 4}, **mnt.PRESETS['tiny'],
                             condition=condition)
    make = lambda rngs, make=make: make(rngs=rngs)
    params, state = functional.init(make, jax.random.key(0))
    for bias, raised in ((-9.0, False), (0.5, True)):  # of every offset, whatever the text says
      params['condition'] = {'kernel': 0 * params['condition']['kernel'],
                             'bias': np.full(64, bias)}
      output, _ = functional.apply(functional.graph(make), params, state, inputs)
      found[condition, raised] = np.asarray(output.heads['emotion'])
  np.testing.assert_array_equal(found['relu', True], found['linear', True])
  assert (found['relu', False] != found['linear', False]).all()


def test_word_vectors_are_taken_as_given_or_drawn():
  given = np.arange(72, dtype=np.float64).reshape(12, 6)
  spec = StreamSpec(6, 5, vocabulary_size=12, vectors=given)

  def make(text):
    return mat.Model({'text': text, 'audio': contract.STREAMS['audio']}, {'emotion': 4},
                     **mat.PRESETS['tiny'], rngs=nnx.Rngs(0))

  np.testing.assert_array_equal(make(spec).front.embedding[...], given)
  drawn = np.asarray(make(StreamSpec(6, 5, vocabulary_size=2000)).front.embedding[...])
  assert drawn.shape == (2000, 6) and drawn.std() == pytest.approx(0.3, rel=0.05)
