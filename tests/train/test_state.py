"""A group of members: padded, stacked, saved and set back one by one, each as if it were alone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.train import functional, optim
from emojax.train import state as state_lib
from tests.train import test_functional as solo

TX = optim.build('adam')
VOCABULARIES, SEEDS = (4, 7), (3, 8)


def make(vocabulary):
  return lambda rngs: solo.Net(vocabulary, rngs=rngs)


@functools.cache
def group(restores=True):
  return state_lib.init([make(v) for v in VOCABULARIES], TX, SEEDS, restores=restores)


def member(tree, number):
  return jax.tree.map(lambda x: x[number], tree)


def assert_equal(one, other):
  assert jax.tree.structure(one) == jax.tree.structure(other)
  for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other)):
    if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
      a, b = jax.random.key_data(a), jax.random.key_data(b)
    np.testing.assert_array_equal(a, b)


def numbered(tree, start):
  """Every number in `tree` another one, counted from `start`; keys as they are."""
  leaves, structure = jax.tree.flatten(tree)
  sizes = np.cumsum([0, *(leaf.size for leaf in leaves)])
  return jax.tree.unflatten(structure, [
    leaf if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else
    jnp.asarray(start + size + np.arange(leaf.size).reshape(leaf.shape), leaf.dtype)
    for size, leaf in zip(sizes, leaves)])


def test_a_group_of_two_is_two_solo_states():
  for number, (vocabulary, seed) in enumerate(zip(VOCABULARIES, SEEDS)):
    alone = member(state_lib.init([make(vocabulary)], TX, [seed], restores=True), 0)
    mine = member(group(), number)
    assert_equal(state_lib.strip(mine, jax.eval_shape(lambda x: x, alone)), alone)
    assert_equal(alone.params, functional.init(
      make(vocabulary), jax.random.fold_in(jax.random.key(seed), 2**31))[0])


def test_padding_is_zeros():
  embedding = np.asarray(group().params['embedding'])
  assert embedding.shape == (2, 7, 30)
  assert not embedding[0, 4:].any() and embedding[0, :4].all() and embedding[1].all()


def test_a_fresh_state():
  state = group()
  assert state.step.tolist() == [0, 0] and state.step.dtype == jnp.int32
  assert jax.random.key_data(state.key).tolist() == [
    jax.random.key_data(jax.random.key(seed)).tolist() for seed in SEEDS]
  assert_equal(state.best, {'params': state.params, 'model_state': state.model_state,
                            'opt_state': state.opt_state})
  assert set(group(restores=False).best) == {'params', 'model_state'}


def test_members_may_be_padded_to_what_is_outside_the_group():
  shapes = state_lib.largest([functional.shapes(make(v))[0] for v in (*VOCABULARIES, 11)])
  state = state_lib.init([make(4)], TX, [3], restores=False, shapes=shapes)
  assert state.params['embedding'].shape == (1, 11, 30)
  np.testing.assert_array_equal(state.params['embedding'][0, :4],
                                group().params['embedding'][0, :4])
  assert {leaf.shape for leaf in jax.tree.leaves(state.opt_state)} == {(1, 11, 30), (1, 30), (1,)}


def test_largest_is_taken_along_each_axis():
  found = state_lib.largest([{'a': np.zeros((2, 5)), 'b': np.zeros(3, np.int32)},
                             {'a': np.zeros((4, 1)), 'b': np.zeros(3, np.int32)}])
  assert found['a'].shape == (4, 5) and (found['b'].shape, found['b'].dtype) == ((3,), np.int32)


def test_pad_and_strip_are_inverse():
  random = np.random.default_rng(0)
  small = {'a': random.normal(size=(2, 3)), 'b': [random.normal(size=4), np.float64(7)]}
  large = {'a': np.zeros((5, 3)), 'b': [np.zeros(6), np.float64(0)]}
  with jax.enable_x64(True):
    padded = state_lib.pad(small, large)
  assert jax.tree.map(np.shape, padded) == jax.tree.map(np.shape, large)
  assert not padded['a'][2:].any() and not padded['b'][0][4:].any()
  assert_equal(state_lib.strip(padded, small), small)


@pytest.mark.parametrize('chosen', [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize('restores', [True, False])
def test_saving_touches_only_the_best_of_the_chosen(chosen, restores):
  state = numbered(group(restores), 1)
  after = state_lib.save_best(state, jnp.array(chosen))
  assert_equal(after.replace(best=state.best), state)
  for number, mine in enumerate(chosen):
    now = {name: getattr(state, name) for name in state.best}
    assert_equal(member(after.best, number), member(now if mine else state.best, number))


@pytest.mark.parametrize('chosen', [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize('restores', [True, False])
def test_restoring_touches_only_what_is_trained_of_the_chosen(chosen, restores):
  state = numbered(group(restores), 1)
  after = state_lib.restore_best(state, jnp.array(chosen))
  assert_equal((after.best, after.step, after.key), (state.best, state.step, state.key))
  for number, mine in enumerate(chosen):
    for name in ('params', 'model_state', 'opt_state'):
      expected = getattr(state, name)
      if mine and (restores or name != 'opt_state'):
        expected = state.best[name]
      assert_equal(member(getattr(after, name), number), member(expected, number))


def test_saved_then_changed_then_restored_is_saved():
  state = state_lib.save_best(numbered(group(), 1), jnp.array([True, True]))
  changed = numbered(state, 10_000).replace(best=state.best, step=state.step + 5)
  after = state_lib.restore_best(changed, jnp.array([True, True]))
  assert_equal(after.replace(step=state.step), state)


def test_a_function_of_one_member_is_applied_to_each():
  def one(state, shared, own):
    output, _ = functional.apply(solo.GRAPH, state.params, state.model_state, shared, key=state.key)
    return output.heads['emotion'] + own

  both = state_lib.init([make(9), make(9)], TX, SEEDS, restores=False)
  own = np.array([1.0, 2.0], np.float32)
  together = jax.jit(state_lib.over_members(one, 2, in_axes=(0, None, 0)))(both, solo.INPUTS, own)
  alone = jax.jit(state_lib.over_members(one, 1, in_axes=(0, None, 0)))
  for number in range(2):
    only = slice(number, number + 1)
    found = alone(member(both, only), solo.INPUTS, own[only])
    assert found.shape == (1, 2, 30)
    np.testing.assert_allclose(together[number], found[0], rtol=1e-6)
  assert ((together[0] == 1) != (together[1] == 2)).any(), 'members share a mask'


@pytest.mark.parametrize('members', [1, 3])
def test_one_axis_stands_for_all_arguments(members):
  added = state_lib.over_members(lambda a, b: a + b['x'], members)(
    np.arange(3.0)[:members], {'x': 10 * np.arange(3.0)[:members]})
  np.testing.assert_array_equal(added, 11 * np.arange(3.0)[:members])
