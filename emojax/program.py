"""What the programs share: how they start, and how they say that something is wrong."""

import ctypes
import os
import pathlib
import platform
import sys
import zlib
from collections.abc import Callable, Sequence

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import app, flags
from ml_collections import config_flags

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of malloc.h


def run(main: Callable[[Sequence[str]], None]) -> None:
  """Runs `main`; what a user or a disk can cause is printed as a paragraph, not a trace.

  Compiled programs are kept from one run to the next, see `_compiled`.
  """
  os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', str(_compiled()))
  os.environ.setdefault('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0')
  os.environ.setdefault('JAX_CPU_ENABLE_ASYNC_DISPATCH', '0')
  keep_memory()

  def guarded(argv):
    try:
      main(argv)
    except (ValueError, OSError) as error:
      if os.environ.get('EMOJAX_TRACEBACK'):
        raise
      print(f'\nerror: {error}\n(EMOJAX_TRACEBACK=1 shows where.)', file=sys.stderr)
      from emojax.train import processes  # here, since it imports jax

      processes.leave(1)

  app.run(guarded)


def keep_memory() -> None:
  """Keeps freed memory for the next step, where the C library is glibc; elsewhere it does nothing.

  XLA takes what a step needs from the heap and frees it at the end. What is large glibc returns to
  the system, and gets it back page by page, each filled with zeros: on CPUs up to a third of a
  step. It keeps memory of the main thread alone, hence JAX_CPU_ENABLE_ASYNC_DISPATCH=0, which
  makes jax compute in the thread that asks.
  """
  mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
  if mallopt:
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, -1)


def default_workdir() -> str:
  """runs/NAME for --config=configs/NAME.py:words, with the words joined to the name."""
  path, _, words = config_flags.get_config_filename(flags.FLAGS['config']).partition(':')
  name = pathlib.Path(path).stem
  return os.path.join('runs', '_'.join([name, *filter(None, words.split(','))]))


def _compiled() -> pathlib.Path:
  """Where compiled programs are kept: a folder for each kind of processor that shares the home."""
  try:
    lines = pathlib.Path('/proc/cpuinfo').read_text().splitlines()
    features = next(line for line in lines if line.startswith(('flags', 'Features')))
  except (OSError, StopIteration):
    features = platform.processor()
  home = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser()
  return home / 'emojax' / 'compiled' / f'{platform.machine()}-{zlib.crc32(features.encode()):08x}'
