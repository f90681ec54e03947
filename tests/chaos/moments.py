"""When a program is killed: by its own clock, or when a file of a kind appears."""

import dataclasses
import os
import pathlib
import re
import time

from tests.chaos import programs

POLL = 0.001  # seconds
# Names in a run folder, new whenever something is written.
SAVING = r'/checkpoints_\w+/\.?\d+[^/]*$'
FINISHING = r'/\.?(predictions_|member\.json|result\.json|checksums\.json)[^/]*$'
BUILDING = r'/incomplete\.|/\d+\.\d+\.\d+'
_NOT_ENTERED = re.compile(r'\.?\d+[.\w-]*|events')  # checkpoints are many files


@dataclasses.dataclass(frozen=True)
class Moment:
  """One of: `clock` seconds of the program's CPU time; or the `count`-th new name like `pattern`.

  `delay`: seconds after the name was seen.
  """

  clock: float = 0.0
  pattern: str = ''
  count: int = 1
  delay: float = 0.0

  def __str__(self) -> str:
    if not self.pattern:
      return f'after {self.clock:.2f} s of CPU time'
    return f'{self.delay * 1000:.1f} ms after new name {self.count} like {self.pattern}'


class Names:
  """The names like a pattern that have appeared below a folder since this was made."""

  def __init__(self, folder: pathlib.Path, pattern: str):
    self._folder, self._pattern = str(folder), re.compile(pattern)
    self._before = set(self._there())
    self._seen = set()

  def count(self) -> int:
    """How many have been seen by now, those that are gone again included."""
    self._seen |= set(self._there()) - self._before
    return len(self._seen)

  def _there(self):
    folders = [self._folder]
    while folders:
      try:
        entries = list(os.scandir(folders.pop()))
      except FileNotFoundError:
        continue
      for entry in entries:
        if self._pattern.search(entry.path):
          yield entry.path, entry.inode()
        if entry.is_dir() and not _NOT_ENTERED.fullmatch(entry.name):
          folders.append(entry.path)


def reached(
    program: programs.Program, moment: Moment, folder: pathlib.Path, seconds: float) -> bool:
  """Waits for the moment; False if the program ended before it, or `seconds` after its start."""
  names = Names(folder, moment.pattern) if moment.pattern else None
  while program.is_running and program.age < seconds:
    if names and names.count() >= moment.count:
      time.sleep(moment.delay)
      return True
    if not names and program.cpu_seconds >= moment.clock:
      return program.is_running
    time.sleep(POLL)
  return False
