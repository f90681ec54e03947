"""Whether two folders hold the same, bit for bit, and what differs."""

import json
import pathlib
import re

from emojax.io import checksums

# What says when and how fast, not what.
IGNORED = re.compile(r'(.*/)?(timing\.jsonl|events/.*|\.lock)')
CHECKPOINT = re.compile(r'(.*/)?checkpoints_\w+/.*')
SHARD = re.compile(r'.*\.array_record-.*')


def runs(expected: pathlib.Path, found: pathlib.Path) -> list[str]:
  """What differs in the second of two run folders, a line each: files, and arrays restored last."""
  lines = _files(expected, found, CHECKPOINT)
  for folder in sorted(expected.rglob('checkpoints_*')):
    name = folder.relative_to(expected)
    lines += [f'{name}: {line}' for line in _checkpoints(folder, found / name)]
  return lines


def datasets(expected: pathlib.Path, found: pathlib.Path) -> list[str]:
  """What differs in the second of two data folders: files, and record after record."""
  lines = _files(expected, found, SHARD)
  for path in sorted(path for path in expected.rglob('*') if SHARD.fullmatch(path.name)):
    name = path.relative_to(expected)
    if not (found / name).is_file():
      lines.append(f'{name} is missing')
    elif _records(path) != _records(found / name):
      lines.append(f'{name} holds other records')
  for seal in sorted(found.rglob(checksums.SEAL)):
    lines += [f'{seal.parent.relative_to(found)}/{name} {wrong}'
              for name, wrong in checksums.damage(seal.parent).items()]
  return lines


def _files(expected: pathlib.Path, found: pathlib.Path, looked_at_elsewhere: re.Pattern,
           ) -> list[str]:
  def listed(root):
    names = (path.relative_to(root).as_posix() for path in root.rglob('*') if path.is_file())
    return {name for name in names
            if not IGNORED.fullmatch(name) and not looked_at_elsewhere.fullmatch(name)}

  wanted, there = listed(expected), listed(found)
  lines = [f'{name} is missing' for name in sorted(wanted - there)]
  lines += [f'{name} is left over' for name in sorted(there - wanted)]
  return lines + [f'{name} differs' for name in sorted(wanted & there)
                  if not _is_same(expected / name, found / name, looked_at_elsewhere)]


def _is_same(expected: pathlib.Path, found: pathlib.Path, looked_at_elsewhere: re.Pattern) -> bool:
  one, other = expected.read_bytes(), found.read_bytes()
  if one != other and expected.name == checksums.SEAL:
    one, other = ({name: value for name, value in json.loads(content)['files'].items()
                   if not looked_at_elsewhere.fullmatch(name)} for content in (one, other))
  return one == other


def _checkpoints(expected: pathlib.Path, found: pathlib.Path) -> list[str]:
  def steps(folder):
    return sorted(int(path.stem) for path in folder.glob('*.json') if path.stem.isdigit())

  if not found.is_dir():
    return ['is missing']
  known = {str(step) for step in steps(found)} | {f'{step}.json' for step in steps(found)}
  lines = [f'{name} is left over' for name in sorted({p.name for p in found.iterdir()} - known)]
  if steps(expected)[-1:] != steps(found)[-1:]:
    return [*lines, f'ends with step {steps(found)[-1:]}, expected {steps(expected)[-1:]}']
  if len(steps(found)) > max(2, len(steps(expected))):
    lines.append(f'keeps {len(steps(found))} steps')
  last = str(steps(expected)[-1])
  one, other = content(expected / last), content(found / last)
  return lines + [f'{last}/{name} differs' for name in sorted({*one, *other})
                  if one.get(name) != other.get(name)]


def content(step: pathlib.Path) -> dict[str, bytes]:
  """Name -> value of everything that a checkpoint holds, whatever files it is spread over."""
  import tensorstore

  found = {}
  for item in sorted(path for path in step.iterdir() if path.is_dir()):
    if not (item / 'manifest.ocdbt').is_file():  # a JSON value
      found[item.name] = (item / 'metadata').read_bytes()
      continue
    store = tensorstore.KvStore.open({'driver': 'ocdbt', 'base': f'file://{item}/'}).result()
    for key in store.list().result():
      found[f'{item.name}/{key.decode()}'] = store.read(key).result().value
  return found


def _records(path: pathlib.Path) -> list[bytes]:
  from array_record.python import array_record_module

  reader = array_record_module.ArrayRecordReader(str(path))
  try:
    return reader.read_all()
  finally:
    reader.close()
