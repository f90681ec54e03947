"""The compiled step: as many devices as you like, one compilation per shape, members apart."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.tasks import multi_label
from emojax.train import sharding, step
from tests.train import on_mesh


def _train(devices, steps, buckets=None):
  run = on_mesh.Run(sharding.Placement(sharding.make_mesh(1, devices, 1)), optimizer='sgd',
                    buckets=buckets)
  return run.train(0, steps)['batch_loss'][:, 0].tolist(), run.train_step


def test_one_compilation_per_padded_shape():
  losses, train_step = _train(1, 12, {'audio': (5, 9)})
  assert len(set(losses)) == 12 and train_step._cache_size() == 2


def test_one_two_and_eight_devices_agree_on_the_first_20_losses():
  alone = _train(1, 20)[0]
  assert len(set(alone)) == 20  # it learns, and dropout differs
  for count in (2, 8):
    assert _train(count, 20)[0] == pytest.approx(alone, rel=1e-5)


def _settings(*rates):
  return step.Settings(jnp.array(rates), {'emotion': jnp.ones(len(rates))})


def _one_step(seeds, settings, active, **options):
  """Parameters before and after one step of members, and what it counted."""
  run = on_mesh.Run(sharding.Placement(sharding.make_mesh(1, 1, 1)), seeds=seeds, optimizer='sgd',
                    **options)
  before = jax.tree.map(np.asarray, run.state.params)
  state, sums, data, feed, _, _, lengths = run.arguments(*next(run.feeds(0, 1)))
  after, sums = run.train_step(state, sums, data, feed, settings, jnp.array(active), lengths)
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


class OneOfSeveral(multi_label.Head):
  """Of several labels that is there which the class id names."""

  watched = 'wa'

  def loss(self, logits, target, positive_weight=None):
    return super().loss(logits, jax.nn.one_hot(target, self.width), positive_weight)

  def watch(self, outputs, target):
    return outputs.argmax(-1) == target


def test_members_differ_in_the_weights_of_positives():
  """What each weight adds to the loss and to the update of twins adds up to what all add."""
  weights = jnp.array([[1.0, 1, 1], [3, 1, 1], [1, 3, 1], [1, 1, 3], [3, 3, 3]])
  settings = _settings(*[0.1] * 5).replace(positive_weight={'emotion': weights})
  head = OneOfSeveral('emotion', ('a', 'b', 'c'))
  before, after, sums = _one_step([5] * 5, settings, [True] * 5, head=head)
  changes = [np.asarray(sums.loss.total / sums.loss.count), *(
    new - old for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(after.params)))]
  for change in changes:
    single, together = change[1:4] - change[:1], change[4] - change[0]
    np.testing.assert_allclose(single.sum(0), together, rtol=1e-3, atol=1e-6)
  assert (changes[0][1:4] > changes[0][0]).all() and len(set(changes[0].tolist())) == 5
