"""The project's programs, each in a process of its own that is forked where all is imported.

Imports take longer than a tiny run. They are done once here; no device is touched before the fork,
so a fork begins as a program that was started by hand does after its imports, and `kill -9` does
the same to both.
"""

import gc
import importlib
import multiprocessing
import os
import pathlib
import pkgutil
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

FORK = multiprocessing.get_context('fork')
ROOT = pathlib.Path(__file__).parents[2]
TICKS = os.sysconf('SC_CLK_TCK')

# Imported by programs when they first need them.
LATE = ('tensorflow_datasets', 'matplotlib.backends.backend_agg', 'scipy.special', 'tensorboardX',
        'pyarrow.dataset', 'PIL.Image')


class Hang(Exception):
  """A program did not end in time."""


def preload() -> None:
  """Imports what programs import: all of the project but the programs, which define flags."""
  for package in ('emojax', 'data_builders'):
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f'{package}.'):
      if module.ispkg or module.name.count('.') > 1:
        importlib.import_module(module.name)
  for name in LATE:
    importlib.import_module(name)
  from jax._src import xla_bridge

  assert threading.active_count() == 1 and not xla_bridge.backends_are_initialized()
  gc.collect()
  gc.freeze()  # what is here stays: the collector of a fork need not look at it


class Program:
  """`python -m NAME ARGUMENTS`, begun.

  What it prints goes to the end of `log`, its errors to that of a file beside it.
  """

  def __init__(self, command: Sequence[Any], log: pathlib.Path, *,
               prepare: Callable[[], None] | None = None):
    """`command`: name and arguments. `prepare` is called in the new process before it begins."""
    self.log, self._begins = log, log.stat().st_size if log.exists() else 0
    self._process = FORK.Process(target=_run, args=([*map(str, command)], log, prepare))
    self._process.start()
    self.pid, self._started = self._process.pid, time.monotonic()

  @property
  def is_running(self) -> bool:
    return self._process.exitcode is None

  @property
  def age(self) -> float:
    """Seconds since it was begun."""
    return time.monotonic() - self._started

  @property
  def cpu_seconds(self) -> float:
    """What it has computed so far, all threads together: a clock that others do not slow down."""
    try:
      fields = pathlib.Path(f'/proc/{self.pid}/stat').read_text().rpartition(')')[2].split()
    except FileNotFoundError:  # it has ended
      return float('inf')
    return (int(fields[11]) + int(fields[12])) / TICKS

  @property
  def printed(self) -> str:
    """What it has printed so far, without errors."""
    return self.log.read_bytes()[self._begins:].decode() if self.log.exists() else ''

  def signal(self, number: int) -> None:
    if self.is_running:
      os.kill(self.pid, number)

  def wait(self, seconds: float) -> int:
    """The exit code, negative for a signal. `seconds` count from its beginning.

    Raises:
      Hang: if it has not ended in time; it is killed then.
    """
    self._process.join(max(0, seconds - self.age))
    if self.is_running:
      self.signal(signal.SIGABRT)  # the traces of all threads go to the log
      self._process.join(5)
      self.signal(signal.SIGKILL)
      self._process.join()
      raise Hang(f'it had not ended after {seconds:.0f} s; {errors(self.log)} says where it was')
    return self._process.exitcode


def errors(log: pathlib.Path) -> pathlib.Path:
  """Where the errors of a program stand that prints to `log`."""
  return log.with_suffix('.errors')


def _run(command: Sequence[str], log: pathlib.Path, prepare: Callable[[], None] | None) -> None:
  import faulthandler

  for number, path in ((1, log), (2, errors(log))):
    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666), number)
  faulthandler.enable()
  sys.argv = list(command)
  os.chdir(ROOT)
  if prepare:
    prepare()
  runpy.run_module(command[0], run_name='__main__', alter_sys=True)
