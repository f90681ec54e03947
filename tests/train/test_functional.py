"""A module as a pure function: what is split off, what comes back, where it is random."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import dropout, initial
from emojax.train import functional
from emojax.types import ModelOutput, Stream


class Seen(nnx.Variable):
  """State that is tracked, not trained, as batch statistics are."""


class Net(nnx.Module):
  """The mean vector of an utterance's words, dropped out."""

  requires = ('text',)

  def __init__(self, vocabulary: int, *, rngs: nnx.Rngs):
    self.embedding = nnx.Param(initial.normal(1.0)(rngs.params(), (vocabulary, 30)))
    self.shift = nnx.Param(jnp.zeros(30))
    self.dropout = dropout.Dropout(0.5)
    self.seen = Seen(jnp.int32(0))
    self.deterministic = True  # what `train()` and `eval()` set, as in flax' own layers

  def __call__(self, inputs):
    text = inputs['text']
    self.seen[...] = self.seen[...] + text.mask.sum()
    mean = (self.embedding[...][text.values] * text.mask[..., None]).mean(1) + self.shift[...][None]
    return ModelOutput({'emotion': self.dropout(mean, time=0)}, {}, {
      'deterministic': jnp.float32(self.deterministic)})


def make(rngs):
  return Net(9, rngs=rngs)


INPUTS = {'text': Stream(np.array([[1, 8, 3], [2, 5, 0]], np.int32),
                         np.array([[True, True, True], [True, True, False]]))}
GRAPH = functional.graph(make)


@functools.cache
def start():
  return functional.init(make, jax.random.key(0))


TRACES = []  # one entry for each time that `train` is compiled


@jax.jit
def train(params, state, key):
  TRACES.append(None)
  return functional.apply(GRAPH, params, state, INPUTS, key=key)


@jax.jit
def evaluate(params, state):
  return functional.apply(GRAPH, params, state, INPUTS)


def mean_by_hand():
  table = np.asarray(start()[0]['embedding'])
  return np.stack([(table[1] + table[8] + table[3]) / 3, (table[2] + table[5]) / 3])


def test_parameters_and_state_are_told_apart():
  params, state = start()
  assert jax.tree.map(jnp.shape, params) == {'embedding': (9, 30), 'shift': (30,)}
  assert jax.tree.map(jnp.shape, state) == {'dropout': {'rate': ()}, 'seen': ()}
  assert float(state['dropout']['rate']) == 0.5


def test_shapes_are_those_of_the_values():
  shapes = functional.shapes(make)
  assert jax.tree.map(lambda x: (x.shape, x.dtype), shapes) == jax.tree.map(
    lambda x: (x.shape, x.dtype), start())
  assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(shapes))


def test_values_depend_on_the_key_alone():
  again, other = functional.init(make, jax.random.key(0)), functional.init(make, jax.random.key(1))
  np.testing.assert_array_equal(again[0]['embedding'], start()[0]['embedding'])
  assert (other[0]['embedding'] != start()[0]['embedding']).all()


def test_graphs_of_equal_models_are_one_to_jit():
  assert functional.graph(make) == GRAPH and hash(functional.graph(make)) == hash(GRAPH)


def test_evaluation_has_no_randomness():
  output, _ = evaluate(*start())
  np.testing.assert_allclose(output.heads['emotion'], mean_by_hand(), rtol=1e-6)
  assert output.aux_loss['deterministic'] == 1


def test_training_draws_from_its_key_and_from_nothing_else():
  keys = [jax.random.fold_in(jax.random.key(3), step) for step in range(2)]
  first, again, other = (
    np.asarray(train(*start(), key)[0].heads['emotion']) for key in (keys[0], keys[0], keys[1]))
  np.testing.assert_array_equal(first, again)
  assert 0.2 < ((first == 0) != (other == 0)).mean() < 0.8
  mean = mean_by_hand()
  for found in (first, other):
    assert 0.2 < (found == 0).mean() < 0.8
    np.testing.assert_allclose(found[found != 0], 2 * mean[found != 0], rtol=1e-6)


def test_training_and_evaluation_are_told_to_the_layers():
  assert train(*start(), jax.random.key(0))[0].aux_loss['deterministic'] == 0
  assert evaluate(*start())[0].aux_loss['deterministic'] == 1


def test_state_that_is_tracked_comes_back_counted_once():
  params, state = start()
  for run in (lambda state: train(params, state, jax.random.key(0)), lambda s: evaluate(params, s)):
    _, after = run(state)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert (int(after['seen']), int(run(after)[1]['seen'])) == (5, 10)
    assert float(after['dropout']['rate']) == 0.5
  assert int(state['seen']) == 0, 'what came in is as it was'


def test_another_rate_in_the_state_is_another_rate():
  params, state = start()
  rare = state | {'dropout': {'rate': np.float32(1 / 16)}}
  usual = np.asarray(train(params, state, jax.random.key(0))[0].heads['emotion']) == 0
  compiled = len(TRACES)
  rarely = np.asarray(train(params, rare, jax.random.key(0))[0].heads['emotion']) == 0
  assert rarely.sum() < usual.sum() and (rarely <= usual).all()
  assert len(TRACES) == compiled, 'compiled again for a rate'


def test_a_missing_stream_is_named_with_what_is_there():
  with pytest.raises(ValueError, match=r"test_functional requires \('text',\); the batch lacks "
                                       r"\['text'\], it has \['audio'\]"):
    functional.apply(GRAPH, *start(), {'audio': INPUTS['text']})
