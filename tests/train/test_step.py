"""The compiled step: as many devices as you like, one compilation per shape, members apart."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.data import loader as loader_lib
from emojax.data import plan as plan_lib
from emojax.models import mat
from emojax.tasks import single_label
from emojax.train import functional, optim, sharding, step
from emojax.train import state as state_lib
from emojax.types import StreamSpec

N, LENGTHS = 70, {'text': 6, 'audio': 9}
SPECS = {'text': StreamSpec(8, 6, vocabulary_size=30), 'audio': StreamSpec(5, 9)}
CLEAN = dict(mat.PRESETS['tiny'], norm='standard', empty='zero', mask_zero_frames=False)
HEAD = single_label.Head('emotion', ('a', 'b', 'c'))


def make(rngs):
  return mat.Model(SPECS, {'emotion': 3}, **CLEAN, rngs=rngs)


class _Random:
  """A stream of random examples of random length."""

  def __init__(self, name, seed):
    self.spec = SPECS[name]
    random = np.random.default_rng(seed)
    self.lengths = random.integers(1, self.spec.length + 1, N)
    self._examples = [
      random.integers(1, 30, n) if self.spec.vocabulary_size else
      random.normal(size=(n, self.spec.width)).astype(np.float32) for n in self.lengths]

  def example(self, row):
    return self._examples[row]


def _loader(devices, buckets=None):
  placement = sharding.Placement(jax.sharding.Mesh(
    np.array(devices).reshape(1, -1, 1), sharding.AXES,
    axis_types=(jax.sharding.AxisType.Auto,) * 3))
  readers = {name: _Random(name, seed) for seed, name in enumerate(SPECS)}
  rows = np.arange(N)
  targets = {'emotion': np.random.default_rng(7).integers(0, 3, N).astype(np.int32)}
  placed = {name: loader_lib.place(reader, rows, placement.replicate)
            for name, reader in readers.items()}
  resident = loader_lib.Resident(placed, targets, np.ones(N, np.float32), rows, put=placement.feed,
                                 replicate=placement.replicate, local=placement.local)
  plan = plan_lib.Plan(rows, {n: r.lengths for n, r in readers.items()}, LENGTHS, batch_size=16,
                       sampler='reshuffle', seed=3, buckets=buckets,
                       shards=placement.shards)
  return placement, resident, plan


def _settings(*rates):
  return step.Settings(jnp.array(rates), {'emotion': jnp.ones(len(rates))})


def _train(devices, steps, buckets=None):
  placement, resident, plan = _loader(devices, buckets)
  tx = optim.build('sgd')
  train_step = step.make_train_step(
    functional.graph(make), [HEAD], tx, resident.read, in_axes=(None, 0))
  state = placement.replicate(state_lib.init([make], tx, [0], restores=False))
  settings, active = placement.spread((_settings(0.1), jnp.array([True])))
  losses = []
  for feed, lengths in resident.feeds(plan, 0, steps):
    sums = placement.replicate(step.zero_sums([HEAD], members=1))
    state, sums = train_step(state, sums, resident.data, feed, settings, active, lengths)
    losses.append(float(sums.batch_loss.compute()[0]))
  return losses, train_step


def test_one_compilation_per_padded_shape():
  losses, train_step = _train(jax.devices()[:1], 12, {'audio': (5, 9)})
  assert len(set(losses)) == 12 and train_step._cache_size() == 2


def test_one_two_and_eight_devices_agree_on_the_first_20_losses():
  alone = _train(jax.devices()[:1], 20)[0]
  assert len(set(alone)) == 20  # it learns, and dropout differs
  for count in (2, 8):
    assert _train(jax.devices()[:count], 20)[0] == pytest.approx(alone, rel=1e-5)


def _one_step(seeds, settings, active):
  """Parameters before and after one step of members on the same batch, and what it counted."""
  placement, resident, plan = _loader(jax.devices()[:1])
  tx, count = optim.build('sgd'), len(seeds)
  train_step = step.make_train_step(
    functional.graph(make), [HEAD], tx, resident.read, members=count, in_axes=(None, 0))
  state = placement.replicate(state_lib.init([make] * count, tx, seeds, restores=False))
  before = jax.tree.map(np.asarray, state.params)
  feed, lengths = next(resident.feeds(plan, 0, 1))
  feed = jax.tree.map(lambda x: jnp.concatenate([x] * count), feed)
  after, sums = train_step(state, step.zero_sums([HEAD], count), resident.data, feed, settings,
                           jnp.array(active), lengths)
  return before, after, sums


def test_a_member_that_is_not_active_keeps_its_state_and_counts_nothing():
  before, after, sums = _one_step([0, 1], _settings(0.1, 0.1), [False, True])
  assert after.step.tolist() == [0, 1] and sums.loss.count.tolist() == [0, 16]
  for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(after.params), strict=True):
    np.testing.assert_array_equal(old[0], new[0])
  assert not np.array_equal(before['front']['embedding'][1], after.params['front']['embedding'][1])


def test_members_differ_in_loss_weight_and_weight_decay():
  """Of two twins, one with twice the loss and a decay: p - rate (2 g + decay p)."""
  settings = step.Settings(jnp.full(2, 0.1), {'emotion': jnp.array([1.0, 2.0])},
                           weight_decay=jnp.array([0.0, 0.5]))
  before, after, _ = _one_step([5, 5], settings, [True, True])
  for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(after.params), strict=True):
    expected = old[1] + 2 * (new[0] - old[0]) - 0.1 * 0.5 * old[1]
    np.testing.assert_allclose(new[1], expected, rtol=1e-4, atol=1e-6)
