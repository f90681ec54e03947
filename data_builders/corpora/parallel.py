"""Work spread over processes or threads, results in the order of the items.

Nothing heavy is imported here: every spawned worker imports this file.
"""

import collections
import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import Any

CHUNK = 16  # items per message: keeps the cost of sending one below that of computing one
AHEAD = 3  # chunks per worker on their way: hides an uneven one, holds little memory


def workers_available() -> int:
  """The cores this process may use."""
  return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def map_processes(
  function: Callable[[Any], Any], items: Iterable[Any], workers: int) -> Iterator[Any]:
  """`function` of every item, in order; `function` must be found by name in its module.

  Workers are spawned, not forked (threads of JAX or TFDS may run here), and use one thread each.
  With `workers=0` this process does the work itself.
  """
  if not workers:
    yield from map(function, items)
    return
  context = multiprocessing.get_context('spawn')
  with _one_thread_each(), futures.ProcessPoolExecutor(workers, context, _begin_worker) as pool:
    yield from _in_order(pool, function, items, workers)


def map_threads(
  function: Callable[[Any], Any], items: Iterable[Any], workers: int) -> Iterator[Any]:
  """The same for work that waits for files rather than computes; an item may be a whole film."""
  with futures.ThreadPoolExecutor(workers) as pool:
    yield from _in_order(pool, function, items, workers, chunk=1)


def _in_order(pool, function, items, workers, chunk=CHUNK) -> Iterator[Any]:
  """`pool.map` takes all items at once, and with them all sound into memory; this takes a few."""
  items = iter(items)
  pending = collections.deque()
  try:
    while some := list(itertools.islice(items, chunk)):
      pending.append(pool.submit(_apply, function, some))
      if len(pending) >= AHEAD * workers:
        yield from pending.popleft().result()
    while pending:
      yield from pending.popleft().result()
  finally:
    for future in pending:  # after an error nobody waits for the rest
      future.cancel()


def _begin_worker() -> None:
  """Leaves Ctrl-C to the parent, and ends the worker with it: a killed one cannot tell."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
  multiprocessing.parent_process().join()
  os._exit(1)


def _apply(function: Callable[[Any], Any], chunk: list[Any]) -> list[Any]:
  return [function(item) for item in chunk]


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
  """Numerical libraries read these when a worker loads them; here they are loaded already."""
  names = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMBA_NUM_THREADS')
  before = {name: os.environ.get(name) for name in names}
  os.environ.update(dict.fromkeys(names, '1'))
  try:
    yield
  finally:
    for name, value in before.items():
      if value is None:
        del os.environ[name]
      else:
        os.environ[name] = value
