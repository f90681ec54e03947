"""Checksums of files, and folders that know what was written into them.

A sealed folder holds `checksums.json` beside its files: {"files": {name: xxh3}, "self": xxh3}. A
file is written first and sealed then, so what is not sealed was not finished. A changed bit in a
sealed file, or in the seal, is found when the file is read through here.
"""

import functools
import json
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import xxhash

from emojax.io import files

SEAL = 'checksums.json'


def of_bytes(content: bytes) -> str:
  """The xxh3 (128 bits) of `content`, in hexadecimal digits."""
  return xxhash.xxh3_128_hexdigest(content)


def of_file(path: str | os.PathLike) -> str:
  """The xxh3 of a file, read in pieces."""
  found = xxhash.xxh3_128()
  with open(path, 'rb') as file:
    for piece in iter(functools.partial(file.read, 2**20), b''):
      found.update(piece)
  return found.hexdigest()


def of_folder(folder: str | os.PathLike) -> dict[str, str]:
  """Relative path -> xxh3 of every file below `folder`, but for its seal."""
  folder = pathlib.Path(folder)
  return {str(path.relative_to(folder)): of_file(path) for path in sorted(folder.rglob('*'))
          if path.is_file() and path != folder / SEAL}


def write(path: str | os.PathLike, sums: Mapping[str, str]) -> None:
  """Writes a seal: checksums by relative path."""
  files.write_json(path, {'files': dict(sorted(sums.items())), 'self': _self(sums)})


def read(path: str | os.PathLike) -> dict[str, str]:
  """Reads a seal.

  Raises:
    ValueError: if it is damaged itself.
  """
  said = files.read_json(path)
  if (not isinstance(said, dict) or set(said) != {'files', 'self'}
      or not isinstance(said['files'], dict) or said['self'] != _self(said['files'])):
    raise ValueError(f'{path} is not as it was written; restore the folder from a copy, or delete '
                     'it and make it again.')
  return said['files']


def seal(folder: str | os.PathLike, sums: Mapping[str, str]) -> None:
  """Writes the seal of a folder anew: `sums` are its files' checksums by relative path."""
  write(pathlib.Path(folder) / SEAL, sums)


def sealed(folder: str | os.PathLike) -> dict[str, str]:
  """The checksums that a folder's seal holds; nothing if it has none.

  Raises:
    ValueError: if the seal itself is damaged.
  """
  path = pathlib.Path(folder) / SEAL
  return read(path) if path.is_file() else {}


def damage(folder: str | os.PathLike, sums: Mapping[str, str] | None = None) -> dict[str, str]:
  """Relative path -> what is wrong with a file: it is missing, or was changed.

  `sums`: the checksums as written; None: those of the folder's own seal.

  Raises:
    ValueError: if that seal itself is damaged.
  """
  sums = sealed(folder) if sums is None else sums
  return {name: wrong for name, value in sums.items()
          if (wrong := _wrong(pathlib.Path(folder) / name, value))}


class Sealed:
  """A folder whose small files are written whole, sealed one by one, and checked when read."""

  def __init__(self, folder: str | os.PathLike):
    self.folder = pathlib.Path(folder)

  def write_bytes(self, name: str, content: bytes) -> None:
    """Writes and seals a file. Killed at any moment, this leaves no seal that is wrong."""
    path, sums, value = self.folder / name, sealed(self.folder), of_bytes(content)
    if sums.get(name) == value and not _wrong(path, value):
      return
    if name in sums:
      del sums[name]
      seal(self.folder, sums)
    files.write_bytes(path, content)
    seal(self.folder, {**sums, name: value})

  def write_text(self, name: str, content: str) -> None:
    """Writes and seals a UTF-8 file."""
    self.write_bytes(name, content.encode('utf-8'))

  def write_json(self, name: str, value: Any) -> None:
    """Writes and seals a JSON file."""
    self.write_text(name, files.to_json(value))

  def seal(self, name: str) -> None:
    """Seals a file that was written elsewhere and will not change any more."""
    seal(self.folder, {**sealed(self.folder), name: of_file(self.folder / name)})

  def holds(self, name: str) -> bool:
    """Whether a file was finished: written and sealed.

    Raises:
      ValueError: if it was and is not there any more; or if it was not, and the seal lists what is
        not there, so that it must be another folder's.
    """
    sums = sealed(self.folder)
    asked = [name] if name in sums else sums
    absent = [other for other in asked if not (self.folder / other).is_file()]
    if absent:
      raise ValueError(
        f'{self.folder / SEAL} lists {absent[0]}, which is not there; restore the folder from a '
        'copy, or delete it and run the command that made it again.')
    return name in sums

  def forget(self, names: Iterable[str]) -> None:
    """Deletes files, the seal first."""
    names = set(names)
    sums = sealed(self.folder)
    if names & set(sums):
      seal(self.folder, {name: value for name, value in sums.items() if name not in names})
    for name in names:
      (self.folder / name).unlink(missing_ok=True)

  def check(self, name: str) -> pathlib.Path:
    """The path of a file that is as it was written; one that is not sealed yet may pass.

    Raises:
      ValueError: if it was changed, or is missing though it was finished.
    """
    path, value = self.folder / name, sealed(self.folder).get(name)
    if value is not None and (wrong := _wrong(path, value)):
      raise ValueError(f'{path} {wrong}; restore it from a copy, or delete {self.folder} and run '
                       'the command that made it again.')
    return path

  def read_json(self, name: str) -> Any:
    """Reads a JSON file after `check`."""
    return files.read_json(self.check(name))


def _wrong(path: pathlib.Path, value: str) -> str:
  if not path.is_file():
    return 'is missing'
  return '' if of_file(path) == value else 'is not as it was written'


def _self(sums: Mapping[str, str]) -> str:
  return of_bytes(json.dumps(sums, sort_keys=True).encode())
