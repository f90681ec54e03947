"""The files of a TensorFlow checkpoint: which there are, which bundle a path stands for.

A bundle NAME is NAME.index, NAME.data-00000-of-00002, NAME.data-00001-of-00002. A file `checkpoint`
beside them, text, says which bundle is the newest.
"""

import contextlib
import pathlib
import re
from collections.abc import Iterator

from emojax import near

INDEX, NEWEST = '.index', 'checkpoint'
_ANY = re.compile(r'\.(index|meta|data-\d{5}-of-\d{5})$')
_LINE = re.compile(
  rb'(?:(model_checkpoint_path|all_model_checkpoint_paths): '
  rb'"((?:[^"\\]|\\[0-3][0-7]{2}|\\["\'\\])+)"|'
  rb'(?:all_model_checkpoint_timestamps|last_preserved_timestamp): [-+.e\d]+)?')


def locate(path: str | pathlib.Path) -> pathlib.Path:
  """The bundle that `path` stands for, without an ending.

  Args:
    path: that itself; or any of its files; or a folder, which stands for the bundle that the file
      `checkpoint` in it names.

  Raises:
    ValueError: if there is no such bundle; those that are there are named.
  """
  path = pathlib.Path(path)
  stem = path.with_name(_ANY.sub('', path.name) or path.name) if path.name else path
  for prefix in (path, stem):
    if _has_index(prefix):
      return prefix
  if path.is_dir():
    return _newest(path)
  raise ValueError(f'{path} is no TensorFlow checkpoint: there is no {stem.name}{INDEX} in '
                   f'{path.parent}; {_others(path.parent, stem.name)}.')


def of_elements(prefix: pathlib.Path, count: int) -> list[pathlib.Path]:
  """The files that hold the elements of a bundle's tensors, `count` of them.

  Raises:
    ValueError: if one is not there.
  """
  found = []
  for number in range(count):
    found.append(beside(prefix, f'.data-{number:05d}-of-{count:05d}'))
    if not found[-1].is_file():  # at once, so that a count without sense ends soon
      there = [name for name in _listed(prefix.parent) if name.startswith(f'{prefix.name}.data-')]
      raise ValueError(f'it needs {count:,} file(s) of elements, and {found[-1].name} is not '
                       f'there; there are: {", ".join(there[:12]) or "none"}')
  return found


def beside(prefix: pathlib.Path, ending: str) -> pathlib.Path:
  """A file of a bundle."""
  return prefix.with_name(prefix.name + ending)


@contextlib.contextmanager
def named(path: pathlib.Path) -> Iterator[None]:
  """Where a ValueError gets the name of the file that is read."""
  try:
    yield
  except ValueError as error:
    raise ValueError(f'{path} cannot be read as part of a TensorFlow checkpoint: {error}. If it '
                     'is damaged, copy it again from where it was written.') from error


def _newest(folder: pathlib.Path) -> pathlib.Path:
  """The bundle that a folder's file `checkpoint` names."""
  path = folder / NEWEST
  if not path.is_file():
    raise ValueError(f'{folder} has no file {NEWEST}, which would name the newest bundle; name one '
                     f'yourself, {_others(folder)}.')
  with named(path):
    names = {b'model_checkpoint_path': [], b'all_model_checkpoint_paths': []}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
      match = _LINE.fullmatch(line)
      if not match:
        raise ValueError(f'its line {number} is {line!a:.100}, expected model_checkpoint_path: '
                         '"NAME"')
      if match[1]:
        names[match[1]].append(_unescaped(match[2]).decode('utf-8'))
    newest, listed = names.values()
    if len(newest) != 1:
      raise ValueError(f'it has {len(newest)} lines model_checkpoint_path: "NAME", expected one')
    if listed and newest[0] not in listed:
      raise ValueError(f'it names {newest[0]!a:.200} as the newest, which is none of those that it '
                       'lists as kept')
    prefix = folder / newest[0]  # in another folder, if that is absolute
    if not _has_index(prefix):
      raise ValueError(f'it names {newest[0]!a:.200}, but there is no such {INDEX}; name the '
                       f'bundle yourself, {_others(folder, prefix.name)}')
  return prefix


def _has_index(prefix: pathlib.Path) -> bool:
  return bool(prefix.name) and beside(prefix, INDEX).is_file()


def _unescaped(text: bytes) -> bytes:
  return re.sub(rb'\\([0-7]{3}|.)', lambda match: (
    match[1] if len(match[1]) == 1 else int(match[1], 8).to_bytes()), text)


def _others(folder: pathlib.Path, name: str = '') -> str:
  """What there is to name instead of `name`."""
  there = [name.removesuffix(INDEX) for name in _listed(folder) if name.endswith(INDEX)]
  return f'bundles there: {", ".join(there[:12]) or "none"}{near.hint(name, there)}'


def _listed(folder: pathlib.Path) -> list[str]:
  return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
