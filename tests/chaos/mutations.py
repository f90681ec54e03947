"""Every file that the project writes, damaged in thousands of ways.

What comes of one damaged file:
  refused        a ValueError that names the file or its folder
  passed over    the newest checkpoint is named in a warning; the state is that of the one before
  harmless       the same answer as of the whole file
and what is a fault: 'silently wrong' (another answer), 'unnamed' (another error, or one that names
nothing), 'hang', 'crash'.

Seals are damaged too, but not removed: what has none counts as not finished, as it should.
"""

import collections
import contextlib
import dataclasses
import functools
import logging
import pathlib
import random
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence

from tests.chaos import artefacts, damage, workers, world

GOOD = ('refused', 'passed over', 'harmless')
FAULTS = ('silently wrong', 'unnamed', 'hang', 'crash', 'error')  # an error of the harness
SECONDS = 60  # for all questions about one damaged file
WAYS = (damage.flip, damage.flip, damage.overwrite, damage.truncate, damage.swap, damage.splice,
        damage.delete, damage.insert, damage.zeros, damage.duplicate, damage.exchange)
REMOVED = 'removed'
SEAL = re.compile(r'(^|/)checksums\.json$|checkpoints_\w+/\d+\.json$')
ORDER = ('harmless', 'passed over', 'refused', *FAULTS)  # of several answers, the last counts
# What takes long is not asked about files that it does not open.
UNREAD = {'predicting': ('predictions', 'metrics', 'events and timing')}


@dataclasses.dataclass(frozen=True)
class Mutation:
  """One damaged file; `content` None: it is removed."""

  number: int
  file: artefacts.File
  way: str
  content: bytes | None

  def do(self, folder: pathlib.Path) -> pathlib.Path:
    """Damages the file in a copy of its artefact."""
    path = folder / self.file.name
    if self.content is None:
      path.unlink()
    else:
      path.write_bytes(self.content)
    return path

  def __str__(self) -> str:
    return f'{self.way} of {self.file.name} ({self.file.artefact})'


def draw(seed: int, number: int, listed: Sequence[artefacts.Artefact],
         files: Sequence[artefacts.File]) -> Mutation:
  """Mutation `number` of a seed: each kind of artefact and file as often as each other."""
  rng = random.Random(f'{seed} {number}')
  folders = {artefact.name: artefact.folder for artefact in listed}
  while True:
    artefact = rng.choice(listed).name
    kind = rng.choice(sorted({file.kind for file in files if file.artefact == artefact}))
    same = [file for file in files if file.kind == kind]
    file = rng.choice([file for file in same if file.artefact == artefact])
    other = rng.choice(same)
    whole, others = ((folders[f.artefact] / f.name).read_bytes() for f in (file, other))
    if rng.random() < 0.05 and not SEAL.search(file.name):
      return Mutation(number, file, REMOVED, None)
    if not whole:
      return Mutation(number, file, 'insert', rng.randbytes(8))
    way = rng.choice(WAYS)
    content = way(rng, whole, others or whole)
    if content != whole:
      return Mutation(number, file, way.__name__, content)


class Judge:
  """Damages copies of the artefacts, asks, and mends them; called with the number of a mutation."""

  def __init__(self, listed: Sequence[artefacts.Artefact], files: Sequence[artefacts.File],
               seed: int, folder: pathlib.Path):
    from tests.chaos import readers  # with it, devices: in a process of its own

    self._seed, self._listed, self._files = seed, listed, files
    experiments = readers.Experiments()
    self._copies, self._readers = {}, {}
    for artefact in listed:
      self._copies[artefact.name] = artefacts.Copy(artefact, folder / artefact.name)
      known = {
        'dataset': readers.dataset, 'ensemble': readers.ensemble,
        'predicting': experiments.predicting,
        'report': functools.partial(readers.report, parts=artefact.parts)}
      if {'command_again', 'going_on'} & set(artefact.readers):
        known |= {name: functools.partial(getattr(experiments, name), config=artefact.config)
                  for name in ('command_again', 'going_on')}
      self._readers[artefact.name] = {name: known[name] for name in artefact.readers}
    self._whole, self._older = {}, collections.defaultdict(set)
    for name, copy in self._copies.items():
      self._learn(name, copy)

  def _learn(self, name: str, copy: artefacts.Copy) -> None:
    """What readers answer of what is whole, and of each folder without its newest checkpoint."""
    for reader in self._readers[name].values():
      self._whole[name, reader] = reader(copy.folder)
      copy.mend()
      for checkpoints in sorted(copy.folder.rglob('checkpoints_*')):
        seals = sorted((int(path.stem), path) for path in checkpoints.glob('*.json'))
        if len(seals) > 1:
          seals[-1][1].unlink()
          self._older[name, reader].add(reader(copy.folder))
          copy.mend()

  def __call__(self, number: int) -> tuple[str, str]:
    """(what came of it, why)."""
    mutation = draw(self._seed, number, self._listed, self._files)
    name = mutation.file.artefact
    copy = self._copies[name]
    path = mutation.do(copy.folder)
    found = [verdict(reader, path, copy.folder, self._whole[name, reader],
                     self._older[name, reader])
             for kind, reader in self._readers[name].items()
             if mutation.file.kind not in UNREAD.get(kind, ())]
    copy.mend()
    return max(found, key=lambda one: ORDER.index(one[0]))


def verdict(ask: Callable[[pathlib.Path], str], path: pathlib.Path, folder: pathlib.Path,
            whole: str, older: Collection[str]) -> tuple[str, str]:
  """(what comes of a damaged file, why).

  Args:
    ask: gives the answer of a folder.
    whole: the answer without damage. older: those without the newest checkpoint.
  """
  names = _names(path, folder)
  with _warnings() as told:
    try:
      answer = ask(folder)
    except ValueError as error:
      is_named = any(name in str(error) for name in names)
      return ('refused', str(error)) if is_named else ('unnamed', f'ValueError: {error}')
    except Exception as error:
      return 'unnamed', repr(error)
  if answer == whole:
    return 'harmless', ''
  if answer in older and any(name in line for name in names for line in told):
    return 'passed over', '; '.join(told)
  return 'silently wrong', f'another answer; warnings: {told}'


def _names(path: pathlib.Path, folder: pathlib.Path) -> list[str]:
  """What a message may call a file: its own name, its folder's, or those of its checkpoint."""
  above = [parent for parent in path.parents if parent.is_relative_to(folder)]
  inside = [str(parent) for parent in above if 'checkpoints_' in str(parent.relative_to(folder))]
  return [path.name, *(inside or [path.parent.name])]


@contextlib.contextmanager
def _warnings() -> Iterator[list[str]]:
  """What is warned of, in place of being printed."""
  kept, logger = [], logging.getLogger('absl')
  handler = logging.Handler(logging.WARNING)
  handler.emit = lambda record: kept.append(record.getMessage())
  before = list(logger.handlers), logger.propagate
  logger.handlers[:], logger.propagate = [handler], False
  try:
    yield kept
  finally:
    logger.handlers[:], logger.propagate = before


def run_all(made: world.World, numbers: Sequence[int], seed: int, jobs: int,
            ) -> tuple[str, list[str]]:
  """Judges mutations; returns lines of the table, and what is not as promised."""
  listed = artefacts.make(made, jobs)
  files = artefacts.files(listed)
  folders = {artefact.name: artefact.folder for artefact in listed}
  counts, faults = collections.defaultdict(collections.Counter), []

  def begin(job):
    home = made.folder / f'job_{job}'
    shutil.rmtree(home, ignore_errors=True)
    return Judge(listed, files, seed, home)

  for number, found in workers.run(begin, numbers, jobs, SECONDS):
    what, why = (found.how, found.why) if isinstance(found, workers.Lost) else found
    mutation = draw(seed, number, listed, files)
    counts[mutation.file.kind][what] += 1
    if what not in GOOD:
      kept = made.folder / f'mutation_{number}'
      shutil.copytree(folders[mutation.file.artefact], kept)
      mutation.do(kept)
      faults.append(f'mutation {number} of seed {seed}, {mutation}; kept in {kept}: {what}: {why}')
      print(faults[-1], flush=True)
  total = sum(counts.values(), collections.Counter())
  lines = [f'mutations {len(numbers)} of {len(files)} files: '
           + ', '.join(f'{what} {total[what]}' for what in (*GOOD, *FAULTS))]
  lines += [f'  {kind:<18}' + ', '.join(f'{what} {n}' for what, n in counts[kind].items())
            for kind in artefacts.KINDS if kind in counts]
  return '\n'.join(lines), faults
