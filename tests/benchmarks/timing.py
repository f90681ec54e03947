"""Times two programs against each other on a machine that others use too.

Two frameworks in one process contend for threads, so each has its own, a *worker*: it prepares and
warms up its steps, says hello, and then only computes when asked. Both are asked in turn, many
times; what is compared is always two neighbouring turns.

A worker reads lines such as `train 5` from standard input and answers each with one JSON line, the
seconds each of the five runs of its step `train` took. Its first line, unasked, says what it is.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def worker_flags() -> argparse.ArgumentParser:
  """What a driver tells a worker on its command line, as a parent of either's parser."""
  parser = argparse.ArgumentParser(add_help=False)
  parser.add_argument('--model', default='mat', choices=['mat', 'mnt'])
  parser.add_argument('--batch', type=int, default=32)
  parser.add_argument('--examples', type=int, default=4446, help='utterances in an epoch')
  parser.add_argument('--device', default='cpu', choices=['cpu', 'cuda'])
  return parser


def worker_arguments(description: str) -> argparse.Namespace:
  return argparse.ArgumentParser(description=description, parents=[worker_flags()]).parse_args()


def serve(steps: Mapping[str, Callable[[], Any]], about: Mapping[str, Any]) -> None:
  """Answers requests until standard input ends; a step must return only when it is finished.

  What steps and libraries print goes to standard error.
  """
  with os.fdopen(os.dup(sys.stdout.fileno()), 'w', buffering=1) as answers:
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    print(json.dumps(about), file=answers)
    for line in sys.stdin:
      name, count = line.split()
      print(json.dumps([seconds(steps[name]) for _ in range(int(count))]), file=answers)


def seconds(step: Callable[[], Any]) -> float:
  """How long one run of `step` takes."""
  start = time.perf_counter()
  step()
  return time.perf_counter() - start


class Worker:
  """A running worker; `about` is what it said of itself."""

  def __init__(self, command: Sequence[str], cores: Sequence[int] | None = None):
    """Starts `command` on these `cores` (None: on ours) and waits until it is warm."""
    self.command = list(command)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)  # inherited; thread pools are made to measure
    try:
      self._process = subprocess.Popen(
        self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    finally:
      os.sched_setaffinity(0, before)
    try:
      self.about = self._answer()
    except RuntimeError:
      self.close()
      raise

  def time(self, step: str, count: int) -> list[float]:
    """Seconds of `count` runs of `step`."""
    try:
      print(step, count, file=self._process.stdin, flush=True)
    except BrokenPipeError:
      pass  # it has ended; so will the answer say
    return self._answer()

  def close(self) -> None:
    self._process.communicate()  # ends its input, waits, closes the pipes

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self.close()

  def _answer(self) -> Any:
    line = self._process.stdout.readline()
    if not line:
      raise RuntimeError(f'the worker `{" ".join(self.command)}` ended with status '
                         f'{self._process.wait()}; its reason stands above.')
    return json.loads(line)


def machine(cores: int) -> dict[str, Any]:
  """Where figures were taken, on so many of its cores, and how busy it was."""
  return {'processor': platform.processor() or platform.machine(), 'cores': cores,
          'load': os.getloadavg()[0]}


def alternate(ours: Worker, twin: Worker, step: str, *, rounds: int, count: int,
              warm: str | None = None) -> dict[str, Any]:
  """Times `step` in `rounds` rounds, each of one turn of `count` runs per worker.

  Every turn begins with an untimed run of `warm` (None: of `step`), which wakes the threads and
  fills the caches that the other's turn has emptied. The order changes from round to round.

  Returns:
    `ours_ms`, `twin_ms`: medians over all runs; `ours_best_ms`, `twin_best_ms`: the shortest, which
    on a busy machine says most; `ratio`: ours / twin (below 1: ours is faster), the median over
    rounds of the ratio of the two turns' medians; `spread`: least and largest of those.
  """
  times, ratios = {ours: [], twin: []}, []
  for round_ in range(rounds):
    turns = {}
    for worker in (ours, twin) if round_ % 2 == 0 else (twin, ours):
      worker.time(warm or step, 1)
      turns[worker] = worker.time(step, count)
      times[worker] += turns[worker]
    ratios.append(statistics.median(turns[ours]) / statistics.median(turns[twin]))
  return {
    'ours_ms': round(1e3 * statistics.median(times[ours]), 3),
    'twin_ms': round(1e3 * statistics.median(times[twin]), 3),
    'ours_best_ms': round(1e3 * min(times[ours]), 3),
    'twin_best_ms': round(1e3 * min(times[twin]), 3),
    'ratio': round(statistics.median(ratios), 4),
    'rounds': rounds,
    'spread': [round(min(ratios), 4), round(max(ratios), 4)],
  }
