"""Work in forked processes: one that hangs or dies costs its own piece of work, which is named."""

import collections
import dataclasses
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import connection
from typing import Any

from tests.chaos.programs import FORK

_READY = '_Worker is ready'
_SECONDS_TO_BEGIN = 600
Make = Callable[[int], Callable[[Any], Any]]


@dataclasses.dataclass(frozen=True)
class Lost:
  """What came of a piece of work that gave no answer; `how`: 'hang', 'crash' or 'error'."""

  how: str
  why: str


def run(make: Make, items: Iterable[Any], jobs: int, seconds: float) -> Iterator[tuple[Any, Any]]:
  """Yields (item, what came of it) as they are done.

  Args:
    make: called in every process with the number of the job; gives what is applied to items.
    seconds: the longest time for one item.
  """
  waiting = collections.deque(items)
  workers = []
  try:
    for number in range(min(jobs, len(waiting))):
      workers.append(_Worker(make, number, waiting.popleft(), seconds))
    while workers:
      connection.wait([worker.pipe for worker in workers], timeout=1)
      for worker in list(workers):
        found = worker.answer()
        if found is None:
          continue
        yield worker.item, found
        workers.remove(worker)
        if waiting and not isinstance(found, Lost):
          worker.hand(waiting.popleft())
          workers.append(worker)
          continue
        worker.end()
        if waiting:
          workers.append(_Worker(make, worker.number, waiting.popleft(), seconds))
  finally:
    for worker in workers:
      worker.end()


def apart(function: Callable[..., Any], *arguments: Any, seconds: float = 120) -> Any:
  """What a function gives, called in a process of its own: it may start threads there."""
  (_, found), = run(lambda _: lambda given: function(*given), [arguments], 1, seconds)
  if isinstance(found, Lost):
    raise RuntimeError(f'{function.__name__}: {found.why}')
  return found


class _Worker:
  """A process and what it is at."""

  def __init__(self, make: Make, number: int, item: Any, seconds: float):
    self.number, self._seconds, self._limit = number, seconds, _SECONDS_TO_BEGIN
    self.pipe, its = FORK.Pipe()
    self._process = FORK.Process(target=_work, args=(make, number, its))
    self._process.start()
    its.close()
    self.hand(item)

  def hand(self, item: Any) -> None:
    self.item, self._since = item, time.monotonic()
    self.pipe.send(item)

  def answer(self) -> Any:
    """What came of the item; None: nothing yet."""
    if self.pipe.poll():
      try:
        found = self.pipe.recv()
        if found != _READY:
          return found
        self._limit, self._since = self._seconds, time.monotonic()
      except EOFError:
        self._process.join()
    if not self._process.is_alive():
      return Lost('crash', f'the process died, exit code {self._process.exitcode}')
    if time.monotonic() - self._since > self._limit:
      self.end()
      return Lost('hang', f'no answer after {self._limit:.0f} s')
    return None

  def end(self) -> None:
    self._process.kill()
    self._process.join()
    self.pipe.close()


def _work(make: Make, number: int, pipe: connection.Connection) -> None:
  try:
    function = make(number)
  except Exception:
    function, broken = None, Lost('error', traceback.format_exc())
  pipe.send(_READY)
  while True:
    item = pipe.recv()
    try:
      pipe.send(function(item) if function else broken)
    except Exception:
      pipe.send(Lost('error', traceback.format_exc()))
