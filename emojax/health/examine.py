"""What lies at a path, and whether it is as it was written: every checksum, little else is read.

What needs JAX is imported where a run or its checkpoints are met; datasets are verified without.
"""

import fcntl
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from emojax.io import (
  bundle_files,
  checksums,
  files,
  findings,
  pickles,
  prepared,
  tensor_bundle,
  torch_files,
)
from emojax.io.findings import Finding
from emojax.io.pickle_machine import Record

DEPTH = 5  # folders below a path in which something of ours is looked for
CONFIG = 'config.json'  # of a run, beside one of the next
RUN_MARKS = (checksums.SEAL, 'run.json', 'imported.json')
MEMBERS = 'members'
CHECKPOINTS = 'checkpoints_*'  # of a member, or of members together
INCOMPLETE = 'incomplete.*'  # a dataset that is being built
LOCK = '.lock'  # of a run, of the builds of a dataset
PICKLES = ('.pkl', '.pt', '.pth', '.p')

Steps = Mapping[int, str]  # step -> what is wrong with its checkpoint, '' if nothing; ascending


_AGAIN = 'delete the run and give its command again'


def examine(path: pathlib.Path) -> Iterator[Finding]:
  """What there is to say of a path, a line for each thing that is found."""
  path = pathlib.Path(os.path.abspath(path.expanduser()))  # '.' says nothing of what it is
  if not path.exists():
    yield findings.wrong(path, 'does not exist', 'Look for a slip in the path')
    return
  if path.is_file():
    yield _file(path)
    return
  found = False
  for finding in _folder(path, DEPTH):
    found = True
    yield finding
  if not found:
    there = ', '.join(sorted(child.name for child in path.iterdir())[:8])
    yield findings.wrong(path, f'nothing of emojax is here; it holds: {there or "nothing"}',
                         'Name a data folder, a dataset, a run, members or checkpoints')


def _folder(path: pathlib.Path, depth: int) -> Iterator[Finding]:
  """What is found in a folder, down to `depth` levels of folders that are nothing themselves."""
  try:
    yield from _recognised(path, depth)
  except OSError as error:
    yield findings.wrong(path, f'cannot be read ({error.strerror})',
                         'Look who may read it, and whether the disk is well')


def _recognised(path: pathlib.Path, depth: int) -> Iterator[Finding]:
  if (path / CONFIG).is_file() and any((path / name).is_file() for name in RUN_MARKS):
    yield from _run(path)
  elif prepared.is_dataset(path):
    yield from _dataset(path)
  elif path.match(INCOMPLETE):
    yield _incomplete(path)
  elif path.name == MEMBERS or path.match(CHECKPOINTS) or any(path.glob(CHECKPOINTS)) or (
      path / checksums.SEAL).is_file():
    yield from _part(path)
  elif depth:
    for child in sorted(path.iterdir()):
      if child.is_dir():
        yield from _folder(child, depth - 1)


def _file(path: pathlib.Path) -> Finding:
  """A file that a seal beside it names, or a checkpoint of an original."""
  try:
    sums = checksums.sealed(path.parent)
    if path.name in sums:
      wrong = ''.join(checksums.damage(path.parent, {path.name: sums[path.name]}).values())
      return (findings.wrong(path, wrong, f'python -m emojax.doctor {path.parent} says what to do')
              if wrong else findings.ok(path, 'as it was written'))
    if path.suffix == bundle_files.INDEX:
      return _bundle(path)
    if path.suffix not in PICKLES:
      return findings.wrong(path, 'is no file of emojax', 'Name a folder of it, or a checkpoint')
    return _original(path)
  except ValueError as error:
    return findings.wrong(path, str(error).removeprefix(f'{path} '), 'Restore it from a copy')


def _original(path: pathlib.Path) -> Finding:
  """A file that an original wrote.

  Raises:
    ValueError: if it cannot be read.
  """
  with open(path, 'rb') as file:
    is_torch = file.read(len(torch_files.STREAM_START)).startswith(
      (torch_files.ZIP_START, torch_files.STREAM_START))
  if not is_torch:
    pickles.load(path)
    return findings.note(path, 'a pickle that can be read; where it is of the authors\' data, name '
                         'their folder: --config.data.source=processed --config.data.path=FOLDER')
  from emojax.train import mat_checkpoint

  content = torch_files.load(path)
  args = content.get('args') if isinstance(content, dict) else None
  said = args.state.get('model') if isinstance(args, Record) else None
  for model, original in mat_checkpoint.MODELS.items():
    if said == original:
      return _convertible(path, model, original)
  return findings.note(path, 'a PyTorch file that can be read, but no checkpoint of MAT or MNT')


def _bundle(path: pathlib.Path) -> Finding:
  """A TensorFlow checkpoint, whose every tensor is read.

  Raises:
    ValueError: if it is damaged.
  """
  from emojax.train import tf_checkpoint

  tensors = tensor_bundle.read(path)
  model = tf_checkpoint.model_of(tensor_bundle.without_optimizer(tensors)[0])
  if model:
    return _convertible(path, model, tf_checkpoint.MODELS[model])
  return findings.note(path, 'a TensorFlow checkpoint that can be read, but none of FME or MSE')


def _convertible(path: pathlib.Path, model: str, original: str) -> Finding:
  return findings.ok(path, f'a checkpoint of {original}; python -m emojax.convert --model={model} '
                     f'{path} --out=runs/imported makes a run of it')


def _dataset(folder: pathlib.Path) -> Iterator[Finding]:
  mend = f'Build it again: {prepared.build_command(folder)}'
  if not (folder / checksums.SEAL).is_file():
    yield findings.wrong(folder, f'has no {checksums.SEAL}, so nobody can tell whether it is whole',
                         mend)
    return
  try:
    damage = prepared.damage(folder)
  except ValueError:
    yield findings.wrong(folder / checksums.SEAL, 'is not as it was written', mend)
    return
  for name, wrong in damage.files.items():
    said = f'{wrong}. {damage.loss(name)}' if damage.in_shards_alone else wrong
    yield findings.wrong(folder / name, said, f'{mend}; or restore it from a copy')
  if damage:
    return
  about, counts = (files.read_json(folder / name) for name in (prepared.METADATA, prepared.COUNTS))
  if _is_of_its_base(folder, about):
    yield findings.ok(folder, f'{counts["kept"]:,} utterances, {counts["excluded"]:,} excluded; as '
                      'it was built')
  else:
    yield findings.wrong(folder, 'was computed from another build of base', mend)


def _is_of_its_base(folder: pathlib.Path, about: Mapping[str, Any]) -> bool:
  """Whether a feature config belongs to the `base` beside it; if there is one that can be read."""
  try:
    base = prepared.find(folder.parents[2], folder.parts[-3])
    fingerprint = files.read_json(base / prepared.METADATA).get('fingerprint')
  except (ValueError, OSError):
    return True  # what is wrong is said of `base`
  return about.get('base_fingerprint', fingerprint) == fingerprint


def _incomplete(folder: pathlib.Path) -> Finding:
  if _user(folder.parent) is not None:
    return findings.note(folder, 'is being built')
  return findings.note(folder, 'is left of a build that was killed; the next one of '
                       f'{"/".join(folder.parts[-3:-1])} clears it away')


def _run(run: pathlib.Path) -> Iterator[Finding]:
  """A run: whether it is whole, and how far it has come."""
  if (user := _user(run)) is not None:
    yield findings.note(run, f'is in use by {user or "a process"}; ask again when it has ended')
    return
  if not (run / checksums.SEAL).is_file():
    yield findings.wrong(
      run, f'has no {checksums.SEAL}, so nobody can tell whether it is whole: another version of '
      'emojax made it, or part of it was deleted', f'Restore it from a copy; without one, {_AGAIN}')
    return
  steps = _checkpoints(run)
  damaged, said = _verified(run, steps)
  yield from damaged
  try:
    is_over, how_far = _progress(run, steps)
  except ValueError:  # of a damaged file, which was named above
    return
  yield (findings.ok if is_over else findings.note)(run, f'{how_far}; {said}')


def _part(folder: pathlib.Path) -> Iterator[Finding]:
  """A part of a run."""
  damaged, said = _verified(folder, _checkpoints(folder))
  yield from damaged
  if not damaged:
    yield findings.ok(folder, said)


def _verified(path: pathlib.Path, checkpoints: Mapping[pathlib.Path, Steps],
              ) -> tuple[list[Finding], str]:
  """What is damaged of all that a run wrote below a folder, and what was looked at."""
  found, num_files = [], 0
  for folder in sorted({path, *(seal.parent for seal in path.rglob(checksums.SEAL))}):
    try:
      num_files += len(checksums.sealed(folder))
      damage = checksums.damage(folder)
    except ValueError:
      damage = {checksums.SEAL: 'is not as it was written'}
    found += [findings.wrong(folder / name, wrong, f'Restore it from a copy; without one, {_AGAIN}')
              for name, wrong in damage.items()]
  for folder, steps in checkpoints.items():
    newest = _newest(steps)
    mend = ('None there is whole: restore one from a copy, or delete that folder to begin again'
            if newest is None else f'The run goes on from step {newest} instead')
    found += [findings.wrong(folder / str(step), damage, mend)
              for step, damage in steps.items() if damage]
  state = 'damaged in part' if found else 'as written'
  return found, (f'{_counted(num_files, "file")} and '
                 f'{_counted(sum(map(len, checkpoints.values())), "checkpoint")}, {state}')


def _checkpoints(path: pathlib.Path) -> dict[pathlib.Path, Steps]:
  """What is wrong with the checkpoints of each folder of them."""
  folders = [path] if path.match(CHECKPOINTS) else sorted(path.rglob(CHECKPOINTS))
  if not folders:
    return {}
  from emojax.train import checkpoint

  opened = {folder: checkpoint.Checkpoints(folder, keep=1) for folder in folders}
  return {folder: {step: there.damage(step) for step in there.steps()}
          for folder, there in opened.items()}


def _newest(steps: Steps) -> int | None:
  """The last step whose checkpoint is whole."""
  return max((step for step, wrong in steps.items() if not wrong), default=None)


def _progress(run: pathlib.Path, checkpoints: Mapping[pathlib.Path, Steps]) -> tuple[bool, str]:
  """Whether a run needs no further command, and how far it has come.

  Raises:
    ValueError: if a file that says so is damaged.
  """
  from emojax.train import outcome, run_folder

  folder = run_folder.RunFolder(run)
  begun = (run / run_folder.RUN).is_file()
  names = folder.sealed.read_json(run_folder.RUN)['members'] if begun else list(folder.imported)
  sealed = {name: checksums.Sealed(folder.member(name)) for name in names}
  done = [name for name in names if sealed[name].holds(outcome.MEMBER)]
  failed = [name for name in done if sealed[name].read_json(outcome.MEMBER).get('failed')]
  given_up = f', given up: {", ".join(failed)}' if failed else ''
  members = _counted(len(names), 'member')
  if begun and len(done) == len(names) and folder.sealed.holds(run_folder.RESULT):
    return True, f'finished, {members}{given_up}'
  if folder.imported and not done:
    return True, f'imported, {members}'
  homes = [run, *(folder.member(name) for name in names if name not in done)]
  after = [_newest(steps) for home in homes for phase, steps in checkpoints.items()
           if phase.parent == home and _newest(steps) is not None]  # 'refit' stands before 'select'
  where = f'it goes on after step {after[0]}' if after else 'it begins anew'
  return False, (f'not finished, {len(done)} of {members} are{given_up}; run its command again: '
                 f'{where}')


def _user(folder: pathlib.Path) -> str | None:
  """Who holds the lock of a folder, as far as it says; None: nobody."""
  if not (folder / LOCK).is_file():
    return None
  with open(folder / LOCK, encoding='utf-8') as lock:
    try:
      fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
      return lock.read()
  return None


def _counted(number: int, what: str) -> str:
  return f'{number:,} {what}{"" if number == 1 else "s"}'
