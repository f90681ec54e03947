"""What the programs share: how they start, and how they say that something is wrong."""

import os
import pathlib
import platform
import sys
import zlib
from collections.abc import Callable, Sequence

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import app, flags
from ml_collections import config_flags


def run(main: Callable[[Sequence[str]], None]) -> None:
  """Runs `main`; what a user or a disk can cause is printed as a paragraph, not a trace.

  Compiled programs are kept from one run to the next, see `_compiled`.
  """
  os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', str(_compiled()))
  os.environ.setdefault('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0')

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
