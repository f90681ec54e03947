"""The protocol between driver and workers, the arithmetic of rounds, and the lengths drawn."""

import sys

import numpy as np
import pytest

from tests.benchmarks import mat_data, timing

WORKER = """
import sys, time
from tests.benchmarks import timing
def talk():
  print('a library that prints')
def fail():
  raise KeyError('broken step')
timing.serve({'nap': lambda: time.sleep(0.01), 'talk': talk, 'fail': fail}, about={'torch': '0'})
"""


@pytest.fixture
def worker():
  with timing.Worker([sys.executable, '-c', WORKER]) as worker:
    yield worker


def test_a_worker_says_hello_and_times_its_steps(worker):
  assert worker.about == {'torch': '0'}
  seconds = worker.time('nap', 3)
  assert len(seconds) == 3 and all(0.01 <= second < 1 for second in seconds)


def test_what_a_step_prints_is_no_answer(worker):
  assert len(worker.time('talk', 2)) == 2
  assert len(worker.time('nap', 1)) == 1


@pytest.mark.parametrize('step', ['fail', 'absent'])
def test_a_worker_that_ends_is_named(worker, step):
  with pytest.raises(RuntimeError, match='ended with status 1'):
    worker.time(step, 1)
  with pytest.raises(RuntimeError, match='ended with status 1'):
    worker.time('nap', 1)


def test_a_worker_that_does_not_start_is_named():
  with pytest.raises(RuntimeError, match='exit.* ended with status 3'):
    timing.Worker([sys.executable, '-c', 'exit(3)'])


class Scripted:
  """A worker whose times are known, and which remembers what it was asked."""

  def __init__(self, asked, *seconds):
    self.asked, self.seconds = asked, list(seconds)

  def time(self, step, count):
    self.asked.append((self, step, count))
    return [self.seconds.pop(0) for _ in range(count)] if step == 'train' else [0.0]


def test_rounds_alternate_and_compare_neighbouring_turns():
  asked = []
  ours = Scripted(asked, 1.0, 1.0, 10.0, 10.0, 3.0, 3.0)
  twin = Scripted(asked, 2.0, 2.0, 16.0, 16.0, 8.0, 8.0)  # the machine was slow in round two
  report = timing.alternate(ours, twin, 'train', rounds=3, count=2, warm='wake')
  assert report == {'ours_ms': 3000, 'twin_ms': 8000, 'ours_best_ms': 1000, 'twin_best_ms': 2000,
                    'ratio': 0.5, 'rounds': 3, 'spread': [0.375, 0.625]}
  turns = [worker for worker, step, _ in asked if step == 'train']
  assert turns == [ours, twin, twin, ours, ours, twin]
  assert [step for _, step, _ in asked] == ['wake', 'train'] * 6


def test_utterances_are_as_long_as_iemocaps():
  lasting = mat_data.seconds(100_000, np.random.default_rng(0))
  assert np.median(lasting) == pytest.approx(3.6, abs=0.1)
  assert np.quantile(lasting, 0.9) == pytest.approx(8.6, abs=0.2)
  assert lasting.mean() == pytest.approx(4.6, abs=0.15)


def test_batches_pad_as_iemocaps_do():
  """On the real corpus, random batches of 32 pad to 39.9 of 40 frames, sorted ones to 21.5."""
  lengths = mat_data.utterances(4448).num_frames
  padded = lengths.reshape(-1, 32).max(1).mean()
  assert padded == pytest.approx(39.9, abs=0.3)
  assert np.sort(lengths).reshape(-1, 32).max(1).mean() == pytest.approx(21.5, abs=1.5)


def test_padding_is_zero_and_nothing_else_is():
  data = mat_data.utterances(50)
  np.testing.assert_array_equal((data.ids != 0).sum(1), data.num_words)
  np.testing.assert_array_equal(data.frames.any(-1).sum(1), data.num_frames)
  assert data.frames.dtype == np.float32 and data.ids.dtype == np.int64
