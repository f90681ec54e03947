"""What is timed trains, together as alone; the arithmetic of a turn; table and flags."""

import argparse

import jax
import numpy as np
import pytest

from tests.benchmarks import jax_side, mat_jax_worker, members_together, timing

TINY = dict(hidden=8, feed_forward=16, num_layers=1)


class Counting:
  """A side of `size` members that remembers which steps it was given."""

  state = None

  def __init__(self, size):
    self.size, self.trained = size, []

  def feeds(self, first, last):
    return ((number, ()) for number in range(first, last))

  def train(self, feed, lengths):
    self.trained.append(feed)


@pytest.mark.parametrize('size, expected', [(3, 3.0), (1, 9.0)])
def test_a_mode_times_all_members(monkeypatch, size, expected):
  """Six seconds for two steps: 3 each; of one member that stands for three, 9."""
  clock = iter([30.0, 6.0, 6.0, 6.0, 6.0])

  def seconds(run):
    run()
    return next(clock)

  monkeypatch.setattr(timing, 'seconds', seconds)
  side = Counting(size)
  mode = members_together.Mode(side, members=3, steps=2)
  assert mode.compile_s == 24
  assert mode.time('train', 2) == [expected] * 2 and mode.time('warm', 1) == [2 * expected]
  assert side.trained == list(range(7))


@pytest.mark.slow
def test_a_row_of_the_table(monkeypatch):
  """Both modes make the same steps, and the first member is the same in either."""
  sides, build = [], jax_side.Side

  def keep(*args, **options):
    sides.append(build(*args, **options))
    return sides[-1]

  monkeypatch.setattr(jax_side, 'Side', keep)
  row = members_together.compare(mat_jax_worker.corpus(10), TINY, members=3, steps=1,
                                 rounds=1, batch_size=4)
  assert row['hidden'] == 8 and row['together_ms'] > 0 and row['in_turn_ms'] > 0
  assert row['ratio'] == pytest.approx(row['together_ms'] / row['in_turn_ms'], rel=1e-2)
  cells = members_together.line(row).split()
  assert cells[:4] == ['8', *(str(row[key]) for key in ('together_ms', 'in_turn_ms', 'ratio'))]

  together, alone = (jax.device_get(side.state) for side in sides)
  np.testing.assert_array_equal(together.step, [4, 4, 4])  # two to compile, one to warm, one timed
  np.testing.assert_array_equal(alone.step, [4])
  # not all parameters: where a gradient is only rounding, Adam may go anywhere
  ours, single = (state.params['heads']['emotion']['kernel'] for state in (together, alone))
  np.testing.assert_allclose(ours[0], single[0], rtol=0, atol=1e-6)
  assert np.abs(ours[0] - ours[1]).max() > 0.01


@pytest.mark.parametrize('text', ['', '32,', '32;64', '30', '0', '-4'])
def test_wrong_widths_are_named(text):
  with pytest.raises(argparse.ArgumentTypeError, match='expected multiples of 4'):
    members_together.widths(text)


def test_flags():
  assert members_together.widths('32,64') == [32, 64]
  with pytest.raises(argparse.ArgumentTypeError, match="'1': expected a whole number from 2"):
    members_together.at_least(2)('1')
