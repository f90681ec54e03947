"""The steered recurrence against a plain loop; its backward pass against automatic differentiation.
"""

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.ops import attentive_gru

B, L, D, H, T, C = 3, 5, 4, 2, 3, 6
SHAPES = ((B, L, D), (B, H), (B, T, C), (B, T, H), (H, H), (H,), (H,), (C + H, H),
          (D + H, 2 * H), (2 * H,), (D + H, H), (H,))
# a hole; a first step that is not real; nothing real
MASK = np.array([[1, 0, 1, 1, 0], [0, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)
MEMORY_MASK = np.array([[0, 0, 0], [1, 0, 1], [1, 1, 1]], bool)
WHOLE = np.ones((B, L), bool), np.ones((B, T), bool)


def plain(x, s, memory, keys, query_kernel, query_bias, score, project, gates_kernel, gates_bias,
          candidate_kernel, candidate_bias, mask, memory_mask):
  """Every step as the formulas say it, differentiated by jax."""
  started, states, attention = jnp.zeros(len(x), bool), [], []
  for t in range(x.shape[1]):
    scores = jnp.tanh(keys + (s @ query_kernel + query_bias[None])[:, None]) @ score
    weights = jnp.where(memory_mask, jnp.exp(scores), 0)
    weights = weights / jnp.where(memory_mask.any(1), weights.sum(1), 1)[:, None]
    replaced = (started & mask[:, t])[:, None]
    weights = jnp.where(replaced, weights, 0)
    found = (weights[..., None] * memory).sum(1)
    h = jnp.where(replaced, jnp.tanh(jnp.concatenate([found, s], 1) @ project), s)
    gates = jax.nn.sigmoid(jnp.concatenate([x[:, t], h], 1) @ gates_kernel + gates_bias[None])
    r, u = gates[:, :H], gates[:, H:]
    c = jnp.tanh(jnp.concatenate([x[:, t], r * h], 1) @ candidate_kernel + candidate_bias[None])
    s = jnp.where(mask[:, t, None], u * h + (1 - u) * c, s)
    started = started | mask[:, t]
    states.append(s)
    attention.append(weights)
  return jnp.stack(states, 1), jnp.stack(attention, 1)


def in_numpy(x, initial, memory, keys, query_kernel, query_bias, score, project, gates_kernel,
             gates_bias, candidate_kernel, candidate_bias):
  """One row and one step at a time, all of them real."""
  sigmoid = lambda z: 1 / (1 + np.exp(-z))
  states, attention = np.zeros((B, L, H)), np.zeros((B, L, T))
  for row in range(B):
    s = initial[row]
    for t in range(L):
      h = s
      if t > 0:
        scores = np.array([np.tanh(keys[row, j] + s @ query_kernel + query_bias) @ score
                           for j in range(T)])
        attention[row, t] = np.exp(scores) / np.exp(scores).sum()
        found = sum(attention[row, t, j] * memory[row, j] for j in range(T))
        h = np.tanh(np.append(found, s) @ project)
      gates = sigmoid(np.append(x[row, t], h) @ gates_kernel + gates_bias)
      r, u = gates[:H], gates[H:]
      c = np.tanh(np.append(x[row, t], r * h) @ candidate_kernel + candidate_bias)
      states[row, t] = s = u * h + (1 - u) * c
  return states, attention


def with_gradients(run):
  """(arguments, masks, weights of both results) -> (results, gradients of their weighted sum)."""

  def total(arguments, masks, weights):
    results = run(*arguments, *masks)
    return sum((result * weight).sum() for result, weight in zip(results, weights)), results

  def swapped(*args):
    (_, results), gradients = jax.value_and_grad(total, has_aux=True)(*args)
    return results, gradients

  return swapped


ours, expected = (jax.jit(with_gradients(run)) for run in (attentive_gru.attentive_gru, plain))
grouped = jax.jit(jax.vmap(with_gradients(attentive_gru.attentive_gru), in_axes=(0, None, 0)))


def assert_close(found, wanted):
  for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@pytest.fixture
def arguments():
  random = np.random.default_rng(0)
  with jax.enable_x64(True):
    yield ([random.normal(size=shape) for shape in SHAPES],
           [random.normal(size=(B, L, H)), random.normal(size=(B, L, T))])


def test_values_are_those_of_a_loop(arguments):
  args, weights = arguments
  assert_close(ours(args, WHOLE, weights)[0], in_numpy(*args))
  assert_close(attentive_gru.attentive_gru(*args), in_numpy(*args))


@pytest.mark.parametrize('masks', [WHOLE, (MASK, MEMORY_MASK)], ids=['whole', 'masked'])
def test_values_and_gradients_are_those_of_the_formulas(arguments, masks):
  args, weights = arguments
  assert_close(ours(args, masks, weights), expected(args, masks, weights))


def test_members_of_a_vmap_are_solo_runs(arguments):
  args, weights = jax.tree.map(lambda a: np.stack([a, -0.5 * a]), arguments)
  found = grouped(args, (MASK, MEMORY_MASK), weights)
  for member in range(2):
    args_, weights_, found_ = jax.tree.map(operator.itemgetter(member), (args, weights, found))
    assert_close(found_, expected(args_, (MASK, MEMORY_MASK), weights_))


def test_what_is_not_real_is_not_read(arguments):
  args, weights = arguments
  x, initial, memory, keys, *rest = args
  clean = ours(args, (MASK, MEMORY_MASK), weights)
  x = np.where(MASK[..., None], x, np.nan)
  memory, keys = (np.where(MEMORY_MASK[..., None], a, np.inf) for a in (memory, keys))
  jax.tree.map(np.testing.assert_array_equal,
               ours([x, initial, memory, keys, *rest], (MASK, MEMORY_MASK), weights), clean)
  states, attention = clean[0]
  np.testing.assert_array_equal(states[2], np.broadcast_to(initial[2], (L, H)))
  assert not np.asarray(attention)[~MASK].any()
  assert not np.asarray(attention)[1, 1].any() and np.asarray(attention)[1, 2].any()


def test_single_precision_stays_single():
  found = jax.eval_shape(attentive_gru.attentive_gru,
                         *(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in SHAPES))
  assert [(a.shape, a.dtype) for a in found] == [
    ((B, L, H), jnp.float32), ((B, L, T), jnp.float32)]
