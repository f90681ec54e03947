"""The recurrence against a plain loop; its own backward pass against automatic differentiation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.ops import lstm

B, T, D, H = 3, 4, 5, 2
SHAPES = (B, T, D), (4 * H, D), (4 * H, H), (4 * H,)


def plain(x, weight_input, weight_recurrent, bias):
  """The textbook recurrence, differentiated by jax."""

  def step(carry, x):
    h, c = carry
    gates = x @ weight_input.T + h @ weight_recurrent.T + bias[None]
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h

  zero = jnp.zeros((len(x), weight_recurrent.shape[1]), x.dtype)
  return jax.lax.scan(step, (zero, zero), x.swapaxes(0, 1))[1].swapaxes(0, 1)


def in_numpy(x, weight_input, weight_recurrent, bias):
  """One gate of one unit of one row at a time."""
  states = np.zeros((B, T, H))
  for row in range(B):
    h, c = [0.0] * H, [0.0] * H
    for t in range(T):
      gate = [bias[k] + sum(x[row, t, d] * weight_input[k, d] for d in range(D))
              + sum(h[j] * weight_recurrent[k, j] for j in range(H)) for k in range(4 * H)]
      sigmoid = [1 / (1 + np.exp(-value)) for value in gate]
      for k in range(H):
        c[k] = sigmoid[H + k] * c[k] + sigmoid[k] * np.tanh(gate[2 * H + k])
        h[k] = sigmoid[3 * H + k] * np.tanh(c[k])
      states[row, t] = h
  return states


def with_gradients(run):
  """(arguments of `run`, weights [B, T, H]) -> (states, gradients of their weighted sum)."""

  def total(weights, *args):
    states = run(*args)
    return (states * weights).sum(), states

  def swapped(*args):
    *args, weights = args
    (_, states), gradients = jax.value_and_grad(
      total, argnums=(1, 2, 3, 4), has_aux=True)(weights, *args)
    return states, gradients

  return swapped


ours, expected = jax.jit(with_gradients(lstm.lstm)), jax.jit(with_gradients(plain))
grouped = jax.jit(jax.vmap(with_gradients(lstm.lstm)))


@pytest.fixture
def arguments():
  random = np.random.default_rng(0)
  with jax.enable_x64(True):
    yield [random.normal(size=shape) for shape in (*SHAPES, (B, T, H))]


def test_values_are_those_of_a_loop(arguments):
  states, _ = ours(*arguments)
  np.testing.assert_allclose(states, in_numpy(*arguments[:4]), rtol=1e-13, atol=1e-15)


def test_by_hand(arguments):
  # One unit without recurrence: the gates i, f, g, o = 0, 0, x, 0 leave c = c / 2 + tanh(x) / 2.
  values = np.array([1, -2, 0.5, 3])
  x, weight_input = np.zeros((B, T, D)), np.zeros((4 * H, D))
  x[0, :, 1], weight_input[2 * H, 1] = values, 1
  states = np.asarray(
    ours(x, weight_input, np.zeros((4 * H, H)), np.zeros(4 * H), arguments[4])[0])
  c = 0.0
  for t in range(T):
    c = c / 2 + np.tanh(values[t]) / 2
    assert states[0, t, 0] == pytest.approx(np.tanh(c) / 2, rel=1e-14)
  assert not states[0, :, 1].any() and not states[1:].any()


def test_gradients_are_those_of_the_plain_scan(arguments):
  for one, other in zip(ours(*arguments)[1], expected(*arguments)[1], strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_members_of_a_vmap_are_solo_runs(arguments):
  group = [np.stack([a, -0.5 * a]) for a in arguments]
  states, gradients = grouped(*group)
  for member in range(2):
    solo = expected(*(a[member] for a in group))
    np.testing.assert_allclose(states[member], solo[0], rtol=1e-12, atol=1e-14)
    for one, other in zip(gradients, solo[1], strict=True):
      np.testing.assert_allclose(one[member], other, rtol=1e-12, atol=1e-14)


def test_time_runs_forward_only(arguments):
  x, *weights, of_states = arguments
  states = np.asarray(ours(*arguments)[0])
  later = (np.arange(T) >= 2)[None, :, None]
  changed = np.asarray(ours(np.where(later, 9.0, x), *weights, of_states)[0])
  np.testing.assert_array_equal(changed[:, :2], states[:, :2])
  assert (changed[:, 2:] != states[:, 2:]).all()
  # a sum that only asks for the first two states
  of_x = np.asarray(ours(x, *weights, np.where(later, 0.0, of_states))[1][0])
  assert of_x[:, :2].any((0, 2)).all() and not of_x[:, 2:].any()


MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]], bool)


def last_of_plain(x, weight_input, weight_recurrent, bias, mask):
  """Row by row, without the steps that are not real."""
  rows = [plain(x[row:row + 1, real], weight_input, weight_recurrent, bias)[0, -1] if real.any()
          else jnp.zeros(H) for row, real in enumerate(mask)]
  return jnp.stack(rows)


@pytest.mark.parametrize('mask', [MASK, np.ones_like(MASK), ~MASK], ids=['some', 'all', 'others'])
def test_the_last_state_and_its_gradients_pass_over_what_is_not_real(arguments, mask):
  *args, weights = arguments
  total = lambda run: lambda *args: (run(*args, mask) * weights[:, 0]).sum()
  np.testing.assert_allclose(jax.jit(lstm.last)(*args, mask), last_of_plain(*args, mask),
                             rtol=1e-12, atol=1e-14)
  found, wanted = (jax.grad(total(run), argnums=(0, 1, 2, 3))(*args)
                   for run in (lstm.last, last_of_plain))
  for one, other in zip(found, wanted, strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14)
  noise = np.where(mask[..., None], args[0], np.nan)
  np.testing.assert_array_equal(lstm.last(noise, *args[1:], mask), lstm.last(*args, mask))


def test_single_precision_stays_single():
  shape = jax.eval_shape(lstm.lstm, *(jax.ShapeDtypeStruct(s, jnp.float32) for s in SHAPES))
  assert (shape.shape, shape.dtype) == ((B, T, H), jnp.float32)
