"""What the programs share: how they start, and how they say that something is wrong."""

import os
import pathlib
import sys
from collections.abc import Callable, Sequence

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import app, flags
from ml_collections import config_flags


def run(main: Callable[[Sequence[str]], None]) -> None:
  """Runs `main`; a ValueError, which a user can cause, is printed as a paragraph, not a trace."""

  def guarded(argv):
    try:
      main(argv)
    except ValueError as error:
      if os.environ.get('EMOJAX_TRACEBACK'):
        raise
      print(f'\nerror: {error}\n(EMOJAX_TRACEBACK=1 shows where.)', file=sys.stderr)
      sys.exit(1)

  app.run(guarded)


def default_workdir() -> str:
  """runs/NAME for --config=configs/NAME.py:words, with the words joined to the name."""
  path, _, words = config_flags.get_config_filename(flags.FLAGS['config']).partition(':')
  name = pathlib.Path(path).stem
  return os.path.join('runs', '_'.join([name, *filter(None, words.split(','))]))
