"""Times members of MAT that train together in one program against one after the other.

    python -m tests.benchmarks.members_together --hidden 32,64,128,256,512 --members 10 --steps 20

The published depth at several widths H (feed-forward 2 H, 2 layers, 4 heads), batches of 32 padded
to 15 words and 40 frames, 3,000 words; members share the utterances and differ in their seed. They
train in turns, on the device that JAX takes: all of them in one vmapped step, and one alone, whose
time is multiplied by their number, since the others would run the same compiled step. A ratio below
1 says that together is faster. A step's compilation is what its first run takes longer than its
second.
"""

import argparse
import functools
import json
import os
from collections.abc import Mapping
from typing import Any

import jax

from configs import iemocap_mat
from tests.benchmarks import jax_side, mat_jax_worker, timing

COLUMNS = {'hidden': 'H', 'together_ms': 'together ms', 'in_turn_ms': 'in turn ms',
           'ratio': 'ratio', 'spread': 'spread', 'compile_together_s': 'compile s',
           'compile_alone_s': '(alone)'}


def main() -> None:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--hidden', type=widths, default='32,64,128,256,512',
                      help='values of H, with commas between')
  parser.add_argument('--members', type=at_least(2), default=10)
  parser.add_argument('--steps', type=at_least(1), default=20, help='timed steps in one turn')
  parser.add_argument('--rounds', type=at_least(1), default=3, help='turns of each mode')
  parser.add_argument('--batch', type=at_least(1), default=32)
  parser.add_argument('--examples', type=at_least(1), default=4446,
                      help='utterances on the device')
  parser.add_argument('--json', action='store_true', help='ends with everything in one JSON line')
  arguments = parser.parse_args()
  jax.config.update('jax_enable_compilation_cache', False)  # or there is nothing to time

  corpus = mat_jax_worker.corpus(arguments.examples)
  print(f'{arguments.members} members, ms per step of all of them; {jax_side.about()["device"]}')
  print(line(COLUMNS))
  found = []
  for hidden in arguments.hidden:
    options = dict(hidden=hidden, feed_forward=2 * hidden)
    found.append(compare(corpus, options, members=arguments.members, steps=arguments.steps,
                         rounds=arguments.rounds, batch_size=arguments.batch))
    print(line(found[-1]), flush=True)
  if arguments.json:
    settings = {name: getattr(arguments, name)
                for name in ('members', 'steps', 'rounds', 'batch', 'examples')}
    where = timing.machine(len(os.sched_getaffinity(0)))
    print(json.dumps({'widths': found} | settings | where | {'versions': jax_side.about()}))


def compare(corpus: jax_side.Corpus, options: Mapping[str, Any], *, members: int, steps: int,
            rounds: int, batch_size: int) -> dict[str, Any]:
  """One row of the table; times are in ms per step of all members, compilations in s."""
  config = iemocap_mat.get_config()
  config.model.update(options)
  side = functools.partial(jax_side.Side, corpus, config, batch_size=batch_size)
  together, alone = (Mode(side(seeds=range(number)), members, steps) for number in (members, 1))
  times = timing.alternate(together, alone, 'train', rounds=rounds, count=1, warm='warm')
  return {
    'hidden': options['hidden'],
    'together_ms': times['ours_ms'], 'in_turn_ms': times['twin_ms'],
    'together_best_ms': times['ours_best_ms'], 'in_turn_best_ms': times['twin_best_ms'],
    'ratio': times['ratio'], 'spread': times['spread'],
    'compile_together_s': round(together.compile_s, 2),
    'compile_alone_s': round(alone.compile_s, 2),
  }


class Mode:
  """Members that train together, or one that stands for all; timed as a `timing.Worker` is."""

  def __init__(self, side: jax_side.Side, members: int, steps: int):
    """Compiles, and takes the time of it. `steps` are timed at once, of `members` in all."""
    self._side, self._done = side, 0
    self._runs = {'train': steps, 'warm': 1}
    self._times = members / side.size
    first, second = (timing.seconds(functools.partial(self.train, 1)) for _ in range(2))
    self.compile_s = first - second

  def train(self, steps: int) -> None:
    """The next steps, finished."""
    for feed, lengths in self._side.feeds(self._done, self._done + steps):
      self._side.train(feed, lengths)
    jax.block_until_ready(self._side.state)
    self._done += steps

  def time(self, step: str, count: int) -> list[float]:
    """Seconds per step of all members, `count` times, over a run of 'train' or 'warm'."""
    steps = self._runs[step]
    run = functools.partial(self.train, steps)
    return [timing.seconds(run) / steps * self._times for _ in range(count)]


def line(row: Mapping[str, Any]) -> str:
  """A row as the table prints it."""
  cells = (row[name] for name in COLUMNS)
  return ''.join(
    f'{" .. ".join(map(str, cell)) if isinstance(cell, list) else cell:>18}' for cell in cells)


def widths(text: str) -> list[int]:
  """'32,64' -> [32, 64]."""
  heads = iemocap_mat.get_config().model.num_heads
  found = [int(part) if part.strip().isdecimal() else 0 for part in text.split(',')]
  if any(hidden < 1 or hidden % heads for hidden in found):
    raise argparse.ArgumentTypeError(
      f'{text!r}: expected multiples of {heads}, the number of heads, such as 32,64.')
  return found


def at_least(least: int):
  """The type of a flag that takes whole numbers from `least`."""

  def number(text: str) -> int:
    if not text.isdecimal() or int(text) < least:
      raise argparse.ArgumentTypeError(f'{text!r}: expected a whole number from {least}.')
    return int(text)

  return number


if __name__ == '__main__':
  main()
