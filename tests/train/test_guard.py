"""What counts as a bad batch, and which one was the first."""

import jax.numpy as jnp
import pytest

from emojax.train import guard


@pytest.mark.parametrize('settings, loss, gradient, bad', [
  ({}, 1.0, 1.0, False), ({}, float('nan'), 1.0, True), ({}, float('-inf'), 1.0, True),
  ({}, 1e30, 1.0, False), ({'largest_loss': 10.0}, 11.0, 1.0, True),
  ({'largest_loss': 10.0}, 9.0, 1.0, False),
  # to stop, the next loss says it soon enough; to skip, the batch itself has to be known
  ({}, 1.0, float('nan'), False), ({'action': 'skip'}, 1.0, float('nan'), True),
  ({'action': 'skip'}, 1.0, float('inf'), True), ({'action': 'skip'}, 1.0, 1.0, False)])
def test_what_is_bad(settings, loss, gradient, bad):
  gradients = {'a': jnp.zeros(3), 'b': jnp.array([1.0, gradient])}
  assert bool(guard.Guard(**settings).is_bad(jnp.float32(loss), gradients)) is bad


def test_the_first_is_kept():
  sums = guard.FirstBad.empty()
  assert int(sums.compute()) == guard.NEVER
  for updates, bad in enumerate([False, False, True, False, True]):
    sums = sums.merge(guard.FirstBad.from_model_output(jnp.array(bad), jnp.int32(updates)))
  assert int(sums.compute()) == 2


def test_skipped_steps_make_no_update():
  # planned: 0 1 (2) 3 (4) (5) 6; updates made before each of the others: 0 1 2 3
  assert [guard.planned_step(n, (2, 4, 5)) for n in range(4)] == [0, 1, 3, 6]


def test_another_action_is_refused():
  with pytest.raises(ValueError, match="config.guard.action='halt'; there are: 'stop', 'skip'"):
    guard.Guard(action='halt')
