"""Files that are either whole or absent: written beside their place, then renamed into it."""

import json
import os
import pathlib
import re
import tempfile
from typing import Any

_UNFINISHED = re.compile(r'\..+\.unfinished-\w{8}')  # as `write_bytes` names it


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
  """Writes `content` to `path` atomically: a reader sees the old file or the new, never a part."""
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.unfinished-')
  try:
    with os.fdopen(handle, 'wb') as file:
      file.write(content)
      file.flush()
      os.fsync(file.fileno())
    os.chmod(temporary, 0o666 & ~_umask())
    os.replace(temporary, path)
  except BaseException:
    os.unlink(temporary)
    raise


def clear_unfinished(folder: str | os.PathLike) -> None:
  """Deletes what writers that were killed left below `folder`, where nobody else writes now."""
  for path in pathlib.Path(folder).rglob('.*'):
    if _UNFINISHED.fullmatch(path.name) and path.is_file():
      path.unlink()


def write_text(path: str | os.PathLike, content: str) -> None:
  """Writes UTF-8 text atomically."""
  write_bytes(path, content.encode('utf-8'))


def to_json(value: Any) -> str:
  """Indented JSON; NaN and infinity are refused, JSON has neither."""
  return json.dumps(value, indent=2, allow_nan=False) + '\n'


def write_json(path: str | os.PathLike, value: Any) -> None:
  """Writes `value` as `to_json` has it, atomically."""
  write_text(path, to_json(value))


def read_json(path: str | os.PathLike) -> Any:
  """Reads a JSON file; damage is named with the file."""
  try:
    return json.loads(pathlib.Path(path).read_text('utf-8'))
  except ValueError as error:
    raise ValueError(f'{path} is not readable JSON ({error}); restore or delete it.') from error


def _umask() -> int:
  current = os.umask(0)
  os.umask(current)
  return current
