"""What scenarios stand in: a generated release, its dataset, and runs that nobody disturbed."""

import dataclasses
import os
import pathlib
import re
import shutil
import time
from collections.abc import Iterable, Sequence

from tests.chaos import moments, programs, workers

# Every program of a tiny run ends in seconds; loaded machines are given time.
SECONDS = 180
# Several epochs of few batches, with control that saves the best, goes back and stops.
_SHRUNK = ('--config.train.num_epochs=4', '--config.batch.size=16',
           '--config.optim.learning_rate=0.01', '--config.mesh.data=1')
# How a run is made, by the name of what is special about it.
RUNS = {
  'one member': ('--config.checkpoint.every_seconds=0',),
  'saved in mid-epoch': ('--config.checkpoint.every_steps=3',),
  'two members': ('--config.members.seeds=2', '--config.members.mode=vmap',
                  '--config.checkpoint.every_seconds=0'),
  'two members, in mid-epoch': ('--config.members.seeds=2', '--config.members.mode=vmap',
                                '--config.checkpoint.every_steps=3'),
  'one after the other': ('--config.members.seeds=2', '--config.members.mode=sequential',
                          '--config.checkpoint.every_seconds=0'),
  'batches left out': ('--config.guard.action=skip', '--config.guard.largest_loss=27',
                       '--config.guard.most_skips=9', '--config.checkpoint.every_steps=3'),
  'refit': ('--config.refit=true', '--config.checkpoint.every_seconds=0'),
}
SIMPLEST = 'one member'
BUILD, EVALUATE = 'build', 'evaluate, '  # names of commands; after the comma that of a run


class Broken(Exception):
  """The program does not do what it should when nobody disturbs it."""


@dataclasses.dataclass(frozen=True)
class Reference:
  """What a command leaves behind undisturbed.

  Attributes:
    folder: what it wrote. report: what it printed of it.
    clock: CPU seconds when its first file appeared, and at its end.
    names: pattern -> how many names like it appeared.
  """

  folder: pathlib.Path
  report: str
  clock: tuple[float, float]
  names: dict[str, int]


class World:
  """A folder with all of it, made when first asked for; `runs`: the names of those it may have."""

  def __init__(self, folder: pathlib.Path, runs: Sequence[str] = tuple(RUNS)):
    self.folder, self.runs = folder, sorted(runs)
    self.release, self.data = folder / 'release', folder / 'data'
    self.references: dict[str, Reference] = {}

  def command(self, name: str, folder: pathlib.Path) -> list[str]:
    """The command of a name, writing to `folder`; that of EVALUATE reads a finished run there."""
    if name == BUILD:
      return ['data_builders.build', 'iemocap', f'--manual_dir={self.release}',
              f'--data_dir={folder}', '--num_shards=2', '--workers=1']
    if name.startswith(EVALUATE):
      return ['emojax.evaluate', str(folder), '--split=train,valid']
    return ['emojax.main', f'--config={programs.ROOT}/configs/iemocap_mat.py:tiny',
            f'--config.data.path={self.data}', f'--workdir={folder}', *_SHRUNK, *RUNS[name]]

  def begin(self, name: str, folder: pathlib.Path) -> None:
    """Makes `folder` what it is before the command runs for the first time."""
    if name.startswith(EVALUATE):
      shutil.copytree(self.references[name.removeprefix(EVALUATE)].folder, folder)

  def build(self) -> None:
    """Writes the release and the dataset that runs read; the latter is the reference of BUILD."""
    self.folder.mkdir(parents=True, exist_ok=True)
    ended(programs.Program(
      ['data_builders.synthetic', 'iemocap', f'--out={self.release}', '--size=tiny'],
      self.folder / 'release.log'))
    self.references[BUILD] = self.undisturbed(BUILD, self.data)

  def prepare(self, names: Iterable[str], jobs: int) -> None:
    """Makes the references of commands that have none."""
    names = set(names)
    for wanted in ({name.removeprefix(EVALUATE) for name in names}, names):
      lacking = sorted(wanted - set(self.references))
      for name, found in workers.run(lambda _: self.undisturbed, lacking, jobs, 2 * SECONDS):
        if isinstance(found, workers.Lost):
          raise Broken(f'{name}: {found.why}')
        self.references[name] = found

  def undisturbed(self, name: str, folder: pathlib.Path | None = None) -> Reference:
    """Runs a command and looks on; again, if programs had to be compiled: that takes long."""
    folder = folder or self.folder / 'references' / re.sub(r'\W+', '_', name)
    folder.parent.mkdir(exist_ok=True)
    compiled = _compiled()
    self.begin(name, folder)
    log = folder.with_suffix('.log')
    patterns = (moments.SAVING, moments.FINISHING, moments.BUILDING)
    names = {pattern: moments.Names(folder, pattern) for pattern in patterns}
    program = programs.Program(self.command(name, folder), log)
    first = last = 0.0
    while program.is_running and program.age < SECONDS:
      now = program.cpu_seconds
      last = now if now < float('inf') else last
      first = first or (last if folder.is_dir() else 0)
      counts = {pattern: names[pattern].count() for pattern in patterns}
      time.sleep(0.005)
    ended(program)
    if _compiled() > compiled and name != BUILD:
      shutil.rmtree(folder)
      return self.undisturbed(name, folder)
    return Reference(folder, self.report(program, folder), (first, last), counts)

  @staticmethod
  def report(program: programs.Program, folder: pathlib.Path) -> str:
    """What a program said of its result, without what it said on the way."""
    said = program.printed.replace(str(folder), 'FOLDER')
    begins = re.search(r'^.* on (train|valid|test)$', said, re.MULTILINE)
    return said[begins.start():] if begins else ''


def _compiled() -> int:
  """How many programs have been compiled and kept."""
  return len(list(pathlib.Path(os.environ['JAX_COMPILATION_CACHE_DIR']).glob('*-cache')))


def ended(program: programs.Program) -> None:
  """Waits for the end of a program that nothing hinders.

  Raises:
    Broken: if it ends with an error.
  """
  if code := program.wait(SECONDS):
    raise Broken(f'undisturbed, it ends with {code}: \n{programs.errors(program.log).read_text()}')
