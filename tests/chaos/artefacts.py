"""Everything that the project writes, as it is whole: folders, and what is asked of them."""

import dataclasses
import json
import pathlib
import re
import shutil
import signal
from collections.abc import Callable, Iterable

import ml_collections

from tests.chaos import moments, programs, world

# What a file is, by its place; the first that fits.
KINDS = {
  'events and timing': r'/events/|/timing\.jsonl$|/\.lock$|/\.config/',
  'checkpoint': r'/checkpoints_\w+/',
  'fitted values': r'/fitted_\w+/',
  'seal': r'/checksums\.json$',
  'shard': r'\.array_record-',
  'index': r'/index\.parquet$',
  'of a dataset': r'/(metadata|counts|dataset_info|features)\.json$|/exclusions\.jsonl$|/LICENSE$',
  'config': r'/config\.json$',
  'of a run': r'/(run|imported|result)\.json$',
  'of a member': r'/(member|skipped_\w+|thresholds)\.json$',
  'predictions': r'/predictions_\w+\.csv$',
  'metrics': r'/metrics\.jsonl$',
  'other': '',  # what a killed program left over
}
_NAME = re.compile(r'[0-9a-f]{32}')  # of Orbax's files, drawn anew for each
# Runs that are damaged when they are finished, when they were interrupted, and as an ensemble.
FINISHED = (world.SIMPLEST, 'two members', 'refit')
INTERRUPTED = ('batches left out', 'two members')
TOGETHER = (world.SIMPLEST, 'two members')
GOLDEN = programs.ROOT / 'tests/golden/mat'
IMPORTED = GOLDEN / 'ckpt_tiny_mat/best44.44444444444444_2.pkl'

Reader = Callable[[pathlib.Path], str]


@dataclasses.dataclass(frozen=True)
class Artefact:
  """A folder, and the names of the readers that are asked about it."""

  name: str
  folder: pathlib.Path
  readers: tuple[str, ...]

  @property
  def parts(self) -> list[str]:
    """The parts of which a run has predictions."""
    return [part for part in ('test', 'valid') if list(self.folder.rglob(f'*_{part}.csv'))]

  @property
  def config(self) -> ml_collections.ConfigDict:
    """That of the command which wrote the run."""
    return ml_collections.ConfigDict(json.loads((self.folder / 'config.json').read_text()))


@dataclasses.dataclass(frozen=True)
class File:
  """A file of an artefact, by its place below the artefact's folder."""

  artefact: str
  name: str
  kind: str


def make(made: world.World, jobs: int) -> list[Artefact]:
  """Makes one of each that a world's runs allow for; what is finished are the references."""
  made.prepare(set(made.runs) & {*FINISHED, *INTERRUPTED}, jobs)
  home = made.folder / 'artefacts'
  home.mkdir()
  readers = ('report', 'command_again', 'predicting')
  listed = [Artefact('dataset', made.data, ('dataset',))]
  listed += [Artefact(f'finished, {name}', made.references[name].folder, readers)
             for name in FINISHED if name in made.runs]
  listed += [Artefact(f'interrupted, {name}', interrupted(made, name, home / name), ('going_on',))
             for name in INTERRUPTED if name in made.runs]
  if set(TOGETHER) <= set(made.runs):
    for name in TOGETHER:
      shutil.copytree(made.references[name].folder, home / 'ensemble' / name)
    listed += [Artefact('ensemble', home / 'ensemble', ('ensemble',)),
               Artefact('imported', _imported(home), ('report', 'predicting'))]
  return listed


def _imported(home: pathlib.Path) -> pathlib.Path:
  """A run of another program's checkpoint, scored."""
  for name, *options in (('convert', '--model=mat', IMPORTED, f'--out={home / "imported"}'),
                         ('evaluate', home / 'imported', f'--data_path={GOLDEN / "fixture/data"}')):
    world.ended(programs.Program([f'emojax.{name}', *options], home / f'{name}.log'))
  return home / 'imported'


def interrupted(made: world.World, name: str, folder: pathlib.Path) -> pathlib.Path:
  """A run that was killed while it wrote its last checkpoint but one or so."""
  program = programs.Program(made.command(name, folder), folder.with_suffix('.log'))
  count = made.references[name].names[moments.SAVING] * 4 // 5
  if not moments.reached(
      program, moments.Moment(pattern=moments.SAVING, count=count), folder, world.SECONDS):
    raise world.Broken(f'{name} ended before it was killed')
  program.signal(signal.SIGKILL)
  program.wait(world.SECONDS)
  if len(list(folder.rglob('checkpoints_*/*.json'))) < 2:
    raise world.Broken(f'{name} was killed before it had two checkpoints')
  return folder


def files(listed: Iterable[Artefact]) -> list[File]:
  """All their files, in an order that does not depend on names drawn at random."""
  found = []
  for artefact in listed:
    paths = [path for path in artefact.folder.rglob('*') if path.is_file()]
    for path in sorted(paths, key=lambda p: (_NAME.sub('', str(p)), p.stat().st_size, str(p))):
      name = path.relative_to(artefact.folder).as_posix()
      found.append(File(artefact.name, name, kind(name)))
  return found


def kind(name: str) -> str:
  """What a file is."""
  return next(kind for kind, pattern in KINDS.items() if re.search(pattern, f'/{name}'))


class Copy:
  """A copy of an artefact that is damaged and mended again."""

  def __init__(self, artefact: Artefact, folder: pathlib.Path):
    self.artefact, self.folder = artefact, folder
    shutil.copytree(artefact.folder, folder)
    self._whole = self._states()

  def mend(self) -> None:
    """Makes every file again what it was, also where a reader wrote."""
    now = self._states()
    for name in {*now, *self._whole}:
      if now.get(name) != self._whole.get(name):
        path = self.folder / name
        if name in self._whole:
          path.parent.mkdir(parents=True, exist_ok=True)
          shutil.copy2(self.artefact.folder / name, path)
        else:
          path.unlink()
    self._whole = {name: self._state(self.folder / name) for name in self._whole}

  def _states(self) -> dict[str, tuple]:
    return {str(path.relative_to(self.folder)): self._state(path)
            for path in self.folder.rglob('*') if path.is_file()}

  @staticmethod
  def _state(path: pathlib.Path) -> tuple:
    about = path.stat()
    return about.st_ino, about.st_size, about.st_mtime_ns
