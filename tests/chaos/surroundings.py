"""A full disk, folders that cannot be written, a second process, a clock that jumps, data gone.

Each ends with a clear error and without anything half-written: when the obstacle is gone, the same
command comes to what it would have come to. Here no two things happen at once.
"""

import contextlib
import functools
import os
import pathlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence

from tests.chaos import artefacts, compare, moments, programs, workers, world

DAY = 86400


def full_disk(made: world.World, home: pathlib.Path) -> list[str]:
  """The disk is full in the middle of a run, and of a build."""
  faults = []
  for name, words in ((world.SIMPLEST, ['error: ']), (world.BUILD, ['build: '])):
    reference = made.references[name].folder
    with _small_disk(home / 'disk', _size(reference) * 2 // 3) as (grow, prepare):
      folder = home / 'disk/folder'
      faults += _refused(made, name, folder, home / 'log', words, prepare)
      grow()
      faults += _completes(made, name, folder, home / 'log')
  return faults


def read_only_run_folder(made: world.World, home: pathlib.Path) -> list[str]:
  """An interrupted run cannot be written to."""
  folder = artefacts.interrupted(made, world.SIMPLEST, home / 'folder')
  before = _content(folder)
  with _read_only(folder):
    faults = _refused(made, world.SIMPLEST, folder, home / 'log', ['error: ', str(folder)])
  faults += _changes(before, folder)
  return faults + _completes(made, world.SIMPLEST, folder, home / 'log')


def read_only_data_folder(made: world.World, home: pathlib.Path) -> list[str]:
  """A run that only reads it is not disturbed; a build says what it cannot do."""
  before = _content(made.data)
  with _read_only(made.data):
    faults = _completes(made, world.SIMPLEST, home / 'folder', home / 'log')
    faults += _refused(
      made, world.BUILD, made.data, home / 'log', ['build: ', str(made.data)], more=['--overwrite'])
  faults += _changes(before, made.data)
  return faults


def two_runs_on_one_folder(made: world.World, home: pathlib.Path) -> list[str]:
  """The second is refused by the name and the number of the first, which goes on undisturbed."""
  folder = home / 'folder'
  first = programs.Program(made.command(world.SIMPLEST, folder), home / 'log')
  moments.reached(first, moments.Moment(pattern=r'/run\.json$'), folder, world.SECONDS)
  faults = _refused(made, world.SIMPLEST, folder, home / 'second.log',
                    ['error: ', str(folder), 'emojax.main', f'process {first.pid} '])
  world.ended(first)
  return faults + _same(made, world.SIMPLEST, folder, first)


def clock_that_jumps(made: world.World, home: pathlib.Path) -> list[str]:
  """Back a day in the middle of a run, and of one whose files are of tomorrow."""
  faults = _completes(made, world.SIMPLEST, home / 'folder', home / 'log', _jump_back)
  folder = artefacts.interrupted(made, world.SIMPLEST, home / 'interrupted')
  for path in folder.rglob('*'):
    os.utime(path, (time.time() + DAY,) * 2)
  return faults + _completes(made, world.SIMPLEST, folder, home / 'log', _jump_back)


def data_gone_at_resume(made: world.World, home: pathlib.Path) -> list[str]:
  """The dataset is not where it was when the run began."""
  folder = artefacts.interrupted(made, world.SIMPLEST, home / 'folder')
  before = _content(folder)
  made.data.rename(home / 'elsewhere')
  faults = _refused(made, world.SIMPLEST, folder, home / 'log',
                    ['error: ', str(made.data), 'python -m data_builders.build iemocap'])
  (home / 'elsewhere').rename(made.data)
  faults += _changes(before, folder)
  return faults + _completes(made, world.SIMPLEST, folder, home / 'log')


ALL = (full_disk, read_only_run_folder, read_only_data_folder, two_runs_on_one_folder,
       clock_that_jumps, data_gone_at_resume)


def _refused(made: world.World, name: str, folder: pathlib.Path, log: pathlib.Path,
             words: Sequence[str], prepare=None, more: Sequence[str] = ()) -> list[str]:
  """What is wrong with how a command is refused: it has to exit with 1 and to say `words`."""
  begins = programs.errors(log).stat().st_size if programs.errors(log).exists() else 0
  program = programs.Program([*made.command(name, folder), *more], log, prepare=prepare)
  code = program.wait(world.SECONDS)
  said = programs.errors(log).read_text()[begins:]
  faults = [] if code == 1 else [f'{name} ends with {code}, expected 1']
  faults += [f'{name} does not say {word!r}' for word in words if word not in said]
  return faults and [*faults, f'it says: {said[-3000:]}']


def _completes(made: world.World, name: str, folder: pathlib.Path, log: pathlib.Path,
               prepare=None) -> list[str]:
  """What is wrong once a command has ended that nothing hinders any more."""
  program = programs.Program(made.command(name, folder), log, prepare=prepare)
  if code := program.wait(world.SECONDS):
    return [f'{name} ends with {code}: {programs.errors(log).read_text()[-3000:]}']
  return _same(made, name, folder, program)


def _same(made: world.World, name: str, folder: pathlib.Path, program: programs.Program,
          ) -> list[str]:
  """How a folder, and what was printed, differ from the reference of the command."""
  reference = made.references[name]
  look = compare.datasets if name == world.BUILD else compare.runs
  faults = workers.apart(look, reference.folder, folder)
  if made.report(program, folder) != reference.report:
    faults.append('what it printed differs')
  return [f'{name}: {fault}' for fault in faults]


def _jump_back() -> None:
  """From its first second of work on, the clock of this process is a day behind."""
  now, now_ns, cpu = time.time, time.time_ns, time.process_time
  begun = cpu()
  time.time = lambda: now() - DAY * (cpu() - begun > 1)
  time.time_ns = lambda: now_ns() - DAY * 10**9 * (cpu() - begun > 1)


@functools.cache
def can_mount() -> bool:
  """Whether this process may mount file systems."""
  folder = pathlib.Path(os.environ['JAX_COMPILATION_CACHE_DIR']) / 'mount'
  folder.mkdir(parents=True, exist_ok=True)
  done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder],
                        capture_output=True, check=False)
  if done.returncode == 0:
    _run('umount', folder)
  return done.returncode == 0


def _run(*words) -> None:
  subprocess.run([*map(str, words)], check=True)


@contextlib.contextmanager
def _small_disk(folder: pathlib.Path, size: int) -> Iterator[tuple]:
  """A folder that takes `size` bytes until the first value is called; the second prepares programs.
  """
  folder.mkdir()
  if not can_mount():  # no file may be long then
    import resource

    yield lambda: None, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 20,) * 2)
    return
  _run('mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', folder)
  try:
    yield lambda: _run('mount', '-o', 'remount,size=1g', folder), None
  finally:
    _run('umount', '-l', folder)
    folder.rmdir()


@contextlib.contextmanager
def _read_only(folder: pathlib.Path) -> Iterator[None]:
  """Nobody can write below the folder."""
  if not can_mount():
    paths = [folder, *(path for path in folder.rglob('*') if path.is_dir())]
    for path in paths:
      path.chmod(0o555)
    try:
      yield
    finally:
      for path in paths:
        path.chmod(0o755)
    return
  _run('mount', '--bind', folder, folder)
  try:
    _run('mount', '-o', 'remount,ro,bind', folder)
    yield
  finally:
    _run('umount', '-l', folder)


def _size(folder: pathlib.Path) -> int:
  return sum(path.stat().st_blocks * 512 for path in folder.rglob('*'))


def _content(folder: pathlib.Path) -> dict[str, bytes]:
  found = {str(path.relative_to(folder)): path.read_bytes()
           for path in folder.rglob('*') if path.is_file()}
  return {name: value for name, value in found.items() if not compare.IGNORED.fullmatch(name)}


def _changes(before: dict[str, bytes], folder: pathlib.Path) -> list[str]:
  now = _content(folder)
  return [f'{name} was changed' for name in {*before, *now} if before.get(name) != now.get(name)]


def run_all(made: world.World) -> tuple[str, list[str]]:
  """Goes through all of them; returns a line of the table, and what is not as promised."""
  made.prepare([world.SIMPLEST], 1)
  faults = []
  for one in ALL:
    name = one.__name__.replace('_', ' ')
    home = made.folder / f'surroundings_{one.__name__}'
    home.mkdir()
    if os.getuid() == 0 and not can_mount() and 'read_only' in one.__name__:
      found = ['not possible here: root writes everywhere, and nothing can be mounted']
    else:
      try:
        found = one(made, home)
      except (programs.Hang, world.Broken) as error:
        found = [str(error)]
    if found:
      faults.append('\n  '.join([f'{name}; kept in {home}:', *found]))
      print(faults[-1], flush=True)
    else:
      shutil.rmtree(home)
  how = ('a small tmpfs, read-only mounts' if can_mount()
         else 'a limit on the size of files, permission bits')
  return f'surroundings {len(ALL)}: {len(ALL) - len(faults)} as promised ({how})', faults
