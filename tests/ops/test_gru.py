"""The recurrence against a plain loop; its backward pass against two other ways to gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.ops import gru

D, H = 4, 3
MASK = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 0], [0, 0, 1, 1, 1], [0] * 5, [1] * 5], bool)
B, T = MASK.shape


def plain(x, h, gates_kernel, gates_bias, candidate_kernel, candidate_bias, mask):
  """TensorFlow 1's cell as its documentation has it, differentiated by jax."""

  def step(h, here):
    x, real = here
    gates = jax.nn.sigmoid(jnp.concatenate([x, h], 1) @ gates_kernel + gates_bias[None])
    r, u = jnp.split(gates, 2, axis=1)
    c = jnp.tanh(jnp.concatenate([x, r * h], 1) @ candidate_kernel + candidate_bias[None])
    h = jnp.where(real[:, None], u * h + (1 - u) * c, h)
    return h, h

  return jax.lax.scan(step, h, (x.swapaxes(0, 1), mask.T))[1].swapaxes(0, 1)


def in_numpy(x, initial, gates_kernel, gates_bias, candidate_kernel, candidate_bias, mask):
  """One unit of one row at a time."""
  sigmoid = lambda value: 1 / (1 + np.exp(-value))
  states = np.zeros((*x.shape[:2], H))
  for row in range(len(x)):
    h = list(initial[row])
    for t in range(x.shape[1]):
      if mask[row, t]:
        both = [*x[row, t], *h]
        gates = [sigmoid(gates_bias[k] + sum(v * gates_kernel[i, k] for i, v in enumerate(both)))
                 for k in range(2 * H)]
        both = [*x[row, t], *(gates[k] * h[k] for k in range(H))]
        c = [np.tanh(candidate_bias[k] + sum(v * candidate_kernel[i, k]
                                             for i, v in enumerate(both))) for k in range(H)]
        h = [gates[H + k] * h[k] + (1 - gates[H + k]) * c[k] for k in range(H)]
      states[row, t] = h
  return states


def drawn(batch=B, time=T, seed=0):
  """Random arguments of `gru` but the mask, then weights for a sum of its states."""
  random = np.random.default_rng(seed)
  return [random.normal(size=shape) for shape in (
    (batch, time, D), (batch, H), (D + H, 2 * H), (2 * H,), (D + H, H), (H,), (batch, time, H))]


def with_gradients(run, mask):
  """(arguments, weights) -> (what `run` returns, gradients of its weighted sum)."""

  def total(*args):
    *args, weights = args
    found = run(*args, mask)
    return (found * weights).sum(), found

  def both(*args):
    (_, found), gradients = jax.value_and_grad(total, argnums=range(6), has_aux=True)(*args)
    return found, gradients

  return jax.jit(both)


def assert_same(found, expected):
  for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


@pytest.mark.parametrize('mask', [MASK, None], ids=['masked', 'all real'])
def test_values_are_those_of_a_loop(mask):
  *args, _ = drawn()
  expected = in_numpy(*args, np.ones_like(MASK) if mask is None else mask)
  np.testing.assert_allclose(jax.jit(gru.gru)(*args, mask), expected, rtol=1e-12, atol=1e-14)
  np.testing.assert_allclose(jax.jit(gru.last)(*args, mask), expected[:, -1], rtol=1e-12,
                             atol=1e-14)


@pytest.mark.parametrize('batch, time', [(5, 5), (1, 1), (1, 7), (6, 1), (2, 33)])
@pytest.mark.parametrize('masked', [True, False])
def test_gradients_are_those_of_the_plain_scan(batch, time, masked):
  mask = np.random.default_rng(1).random((batch, time)) < (0.6 if masked else 2)
  given = mask if masked else None
  *args, weights = drawn(batch, time)
  assert_same(with_gradients(gru.gru, given)(*args, weights),
              with_gradients(plain, mask)(*args, weights))
  at_the_end = weights[:, -1]
  assert_same(with_gradients(gru.last, given)(*args, at_the_end),
              with_gradients(lambda *a: plain(*a)[:, -1], mask)(*args, at_the_end))


def test_gradients_are_finite_differences():
  *args, weights = drawn()
  _, gradients = with_gradients(gru.gru, MASK)(*args, weights)
  random = np.random.default_rng(2)
  for i, gradient in enumerate(gradients):
    direction = random.normal(size=args[i].shape)
    above, below = (
      (in_numpy(*args[:i], args[i] + step * direction, *args[i + 1:], MASK) * weights).sum()
      for step in (1e-6, -1e-6))
    assert (gradient * direction).sum() == pytest.approx((above - below) / 2e-6, rel=1e-6)


def test_by_hand():
  # Zero kernels: r is 1/2, u = sigmoid(ln 3) = 3/4, c = tanh(1); from 8, every step keeps 3/4.
  zeros = np.zeros((D + H, 2 * H)), np.repeat([0.0, np.log(3)], H), np.zeros((D + H, H))
  states = gru.gru(np.ones((1, 2, D)), np.full((1, H), 8.0), *zeros, np.ones(H))
  c = np.tanh(1)
  np.testing.assert_allclose(states[0, 0], 6 + c / 4, rtol=1e-14)
  np.testing.assert_allclose(states[0, 1], 4.5 + 3 * c / 16 + c / 4, rtol=1e-14)


def test_a_mask_copies_the_state_and_hides_what_stands_there():
  *args, weights = drawn()
  states = np.asarray(gru.gru(*args, MASK))
  assert (states[0, 3:] == states[0, 2]).all() and (states[1, 1] == states[1, 0]).all()
  assert (states[3] == args[1][3]).all() and (states[2, :2] == args[1][2]).all()
  hidden = [np.where(MASK[..., None], args[0], np.nan), *args[1:], weights]
  for one, other in zip(jax.tree.leaves(with_gradients(gru.gru, MASK)(*hidden)),
                        jax.tree.leaves(with_gradients(gru.gru, MASK)(*args, weights)),
                        strict=True):
    np.testing.assert_array_equal(one, other)


def test_padding_is_as_good_as_absence():
  *args, _ = drawn()
  whole = np.asarray(gru.last(*args, MASK))
  for row, real in enumerate(MASK):
    alone = [args[0][row:row + 1, real], args[1][row:row + 1], *args[2:]]
    expected = gru.last(*alone, None) if real.any() else alone[1]
    np.testing.assert_allclose(whole[row:row + 1], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize('run', [gru.gru, gru.last])
def test_members_of_a_vmap_are_solo_runs(run):
  *args, weights = drawn()
  weights = weights if run is gru.gru else weights[:, 0]
  group = [np.stack([a, -0.5 * a]) for a in (*args, weights)]
  solo = with_gradients(run, MASK)
  found = jax.jit(jax.vmap(solo))(*group)
  for member in range(2):
    assert_same(jax.tree.map(lambda x, m=member: x[m], found), solo(*(a[member] for a in group)))
  masks = np.stack([MASK, ~MASK])
  found = jax.vmap(run)(*group[:-1], masks)
  for member in range(2):
    assert_same(found[member], run(*(a[member] for a in group[:-1]), masks[member]))


def test_single_precision_stays_single_and_is_close():
  *args, weights = drawn()
  single = [np.float32(a) for a in (*args, weights)]
  found = with_gradients(gru.gru, MASK)(*single)
  assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {jnp.dtype('float32')}
  for one, other in zip(jax.tree.leaves(found),
                        jax.tree.leaves(with_gradients(plain, MASK)(*args, weights)), strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
