"""The recurrence against a plain loop; its own backward pass against automatic differentiation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.ops import lstm

T, B, H = 4, 3, 2


def plain(projected, recurrent, bias):
  """The textbook recurrence, differentiated by jax."""
  hidden = recurrent.shape[0]

  def step(carry, x):
    h, c = carry
    i, f, g, o = jnp.split(x + h @ recurrent + bias[None], 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h

  zero = jnp.zeros((projected.shape[1], hidden), projected.dtype)
  return jax.lax.scan(step, (zero, zero), projected)[1]


def in_numpy(projected, recurrent, bias):
  """One gate of one unit of one row at a time."""
  steps, rows, hidden = projected.shape[0], projected.shape[1], recurrent.shape[0]
  states = np.zeros((steps, rows, hidden))
  for row in range(rows):
    h, c = [0.0] * hidden, [0.0] * hidden
    for t in range(steps):
      gate = [projected[t, row, k] + bias[k] + sum(h[j] * recurrent[j, k] for j in range(hidden))
              for k in range(4 * hidden)]
      sigmoid = [1 / (1 + np.exp(-value)) for value in gate]
      for k in range(hidden):
        c[k] = sigmoid[hidden + k] * c[k] + sigmoid[k] * np.tanh(gate[2 * hidden + k])
        h[k] = sigmoid[3 * hidden + k] * np.tanh(c[k])
      states[t, row] = h
  return states


def with_gradients(run):
  """(projected, recurrent, bias, weights [T, B, H]) -> (states, gradients of their sum)."""

  def total(projected, recurrent, bias, weights):
    states = run(projected, recurrent, bias)
    return (states * weights).sum(), states

  def swapped(*args):
    (_, states), gradients = jax.value_and_grad(total, argnums=(0, 1, 2), has_aux=True)(*args)
    return states, gradients

  return swapped


ours, expected = jax.jit(with_gradients(lstm.lstm)), jax.jit(with_gradients(plain))
grouped = jax.jit(jax.vmap(with_gradients(lstm.lstm)))


@pytest.fixture
def arguments():
  random = np.random.default_rng(0)
  shapes = (T, B, 4 * H), (H, 4 * H), (4 * H,), (T, B, H)
  with jax.enable_x64(True):
    yield [2 * random.normal(size=shape) for shape in shapes]


def test_values_are_those_of_a_loop(arguments):
  states, _ = ours(*arguments)
  np.testing.assert_allclose(states, in_numpy(*arguments[:3]), rtol=1e-13, atol=1e-15)


def test_by_hand(arguments):
  # One unit without recurrence: the gates i, f, g, o = 0, 0, x, 0 leave c = c / 2 + tanh(x) / 2.
  x = np.array([1, -2, 0.5, 3])
  projected = np.zeros((T, B, 4 * H))
  projected[:, 0, 2 * H] = x
  states = np.asarray(ours(projected, np.zeros((H, 4 * H)), np.zeros(4 * H), arguments[3])[0])
  c = 0.0
  for t in range(T):
    c = c / 2 + np.tanh(x[t]) / 2
    assert states[t, 0, 0] == pytest.approx(np.tanh(c) / 2, rel=1e-14)
  assert not states[:, 0, 1].any() and not states[:, 1:].any()


def test_gradients_are_those_of_the_plain_scan(arguments):
  for one, other in zip(ours(*arguments)[1], expected(*arguments)[1]):
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_members_of_a_vmap_are_solo_runs(arguments):
  group = [np.stack([a, -0.5 * a]) for a in arguments]
  states, gradients = grouped(*group)
  for member in range(2):
    solo = expected(*(a[member] for a in group))
    np.testing.assert_allclose(states[member], solo[0], rtol=1e-12, atol=1e-14)
    for one, other in zip(gradients, solo[1]):
      np.testing.assert_allclose(one[member], other, rtol=1e-12, atol=1e-14)


def test_time_runs_forward_only(arguments):
  projected, recurrent, bias, weights = arguments
  states = np.asarray(ours(*arguments)[0])
  later = (np.arange(T) >= 2)[:, None, None]
  changed = np.asarray(ours(np.where(later, 9.0, projected), recurrent, bias, weights)[0])
  np.testing.assert_array_equal(changed[:2], states[:2])
  assert (changed[2:] != states[2:]).all()
  # a sum that only asks for the first two states
  of_projected = np.asarray(
    ours(projected, recurrent, bias, np.where(later, 0.0, weights))[1][0])
  assert of_projected[:2].any((1, 2)).all() and not of_projected[2:].any()


def test_single_precision_stays_single():
  shape = jax.eval_shape(lstm.lstm, jax.ShapeDtypeStruct((T, B, 4 * H), jnp.float32),
                         jax.ShapeDtypeStruct((H, 4 * H), jnp.float32),
                         jax.ShapeDtypeStruct((4 * H,), jnp.float32))
  assert (shape.shape, shape.dtype) == ((T, B, H), jnp.float32)
