"""Renaming, transposing and filling, with every fault named."""

import jax
import numpy as np
import pytest

from emojax.io import parameters

TREE = {'encoder': {0: {'kernel': 'a', 'bias': 'b'}, 1: {'kernel': 'c'}}, 'embedding': 'd',
        'none': {}}
FLAT = {'encoder.0.kernel': 'a', 'encoder.0.bias': 'b', 'encoder.1.kernel': 'c', 'embedding': 'd'}


def test_flatten_and_unflatten_are_inverse():
  assert parameters.flatten(TREE) == FLAT
  assert parameters.unflatten(FLAT, TREE) == TREE
  assert parameters.flatten(parameters.unflatten(FLAT, TREE)) == FLAT
  assert parameters.flatten(5) == {'': 5} and parameters.unflatten({'': 5}, 0) == 5


def test_flatten_agrees_with_jax_on_what_a_leaf_is():
  tree = {'a': {'b': np.zeros(1), 'c': {0: np.ones(2)}}, 'd': np.zeros(3)}
  assert [leaf.shape for leaf in parameters.flatten(tree).values()] == [
    leaf.shape for leaf in jax.tree.leaves(tree)]


TABLE = (
  (r'^layers\.(\d+)\.', r'encoder.\1.'),
  (r'\.weight_hh_l0$', '.weight_recurrent'),
  (r'^proj\.', 'heads.{head}.'),
  (r'\.weight$', '.kernel'),
  (r'^embedding\.kernel$', 'embedding'),
)


def test_rename_applies_the_table_from_the_top_and_turns_matrices():
  matrix = np.arange(6).reshape(2, 3)
  state_dict = {'layers.11.weight': matrix, 'layers.11.bias': np.arange(2), 'proj.weight': matrix,
                'embedding.weight': matrix, 'rnn.weight_hh_l0': matrix}
  found = parameters.rename(state_dict, TABLE, head='valence')
  assert {path: value.tolist() for path, value in found.items()} == {
    'encoder.11.kernel': matrix.T.tolist(),
    'encoder.11.bias': [0, 1],
    'embedding': matrix.tolist(),  # rows are words on both sides
    'heads.valence.kernel': matrix.T.tolist(),
    'rnn.weight_recurrent': matrix.tolist(),  # an LSTM's stay as they are
  }
  assert list(parameters.rename({'proj.bias': [1]}, TABLE)) == ['heads.emotion.bias']
  left = parameters.rename(state_dict, TABLE, transposed=False)
  assert all(value.tolist() == state_dict[name].tolist()
             for name, value in zip(state_dict, left.values(), strict=True))


def shape(*sizes):
  return jax.ShapeDtypeStruct(sizes, np.float32)


ABSTRACT = {'encoder': {0: {'kernel': shape(2, 3), 'bias': shape(3)}}, 'embedding': shape(4, 2)}


def values(**changes):
  found = {'encoder.0.kernel': np.ones((2, 3)), 'encoder.0.bias': np.zeros(3),
           'embedding': np.full((4, 2), 7.0)}
  found |= {path.replace('__', '.'): value for path, value in changes.items()}
  return {path: value for path, value in found.items() if value is not None}


def test_fill_gives_the_nesting_of_the_model():
  found = parameters.fill(ABSTRACT, values(), 'best.pkl')
  assert jax.tree.structure(found) == jax.tree.structure(ABSTRACT)
  assert found['encoder'][0]['kernel'].shape == (2, 3) and found['embedding'][3, 1] == 7


def test_fill_names_every_fault_at_once():
  faulty = values(encoder__0__kernel=np.ones((3, 2)), embedding=None, encoder__1__bias=np.ones(5),
                  extra=np.float32(1))
  with pytest.raises(ValueError) as caught:
    parameters.fill(ABSTRACT, faulty, 'best.pkl')
  first, *faults = str(caught.value).splitlines()
  assert first.startswith('best.pkl does not fit the model in 4 ')
  assert faults == [
    '  ! encoder.0.kernel is (3, 2), expected (2, 3)',
    '  + encoder.1.bias (5,) is unknown',
    '  + extra () is unknown',
    '  - embedding (4, 2) is missing',
  ]


@pytest.mark.parametrize('fault, message', [
  (dict(embedding=None), r'in 1 of 3 .*\n  - embedding \(4, 2\) is missing'),
  (dict(more=np.ones(2)), r'in 1 of 3 .*\n  \+ more \(2,\) is unknown'),
  (dict(embedding=np.ones((5, 2))), r'! embedding is \(5, 2\), expected \(4, 2\)'),
])
def test_fill_refuses_a_single_fault(fault, message):
  with pytest.raises(ValueError, match=message):
    parameters.fill(ABSTRACT, values(**fault), 'best.pkl')


def test_two_names_of_the_original_do_not_become_one():
  table = ((r'^(enc|dec)_', 'block_'),)
  with pytest.raises(ValueError, match='block_bias'):
    parameters.rename({'enc_bias': np.zeros(1), 'dec_bias': np.ones(1)}, table)
