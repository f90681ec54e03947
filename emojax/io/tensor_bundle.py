"""TensorFlow checkpoints (of Saver, version 2: 'tensor bundles') without TensorFlow.

NAME.index is a sorted table from the names of tensors to their dtype, shape, place and checksum,
with a header under the empty name; NAME.data-00000-of-00001 and so on hold their elements and
nothing else.
"""

import contextlib
import math
import pathlib
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from emojax.io import bundle_files, crc32c, pickles, protobuf_wire, sorted_table

VERSION = 1  # of the format
DTYPES = types.MappingProxyType({number: np.dtype(dtype) for number, dtype in {
  1: '<f4', 2: '<f8', 3: '<i4', 4: 'u1', 5: '<i2', 6: 'i1', 9: '<i8', 10: '?',
  14: ml_dtypes.bfloat16, 19: '<f2'}.items()})
OTHERS = {0: 'none', 7: 'string', 8: 'complex64', 18: 'complex128', 20: 'resource', 21: 'variant'}

HEADER = {1: ('shards', 'int'), 2: ('big_endian', 'int'), 3: ('version', 'bytes')}
VERSIONS = {1: ('producer', 'int'), 2: ('min_consumer', 'int')}
ENTRY = {1: ('dtype', 'int'), 2: ('shape', 'bytes'), 3: ('shard', 'int'), 4: ('offset', 'int'),
         5: ('size', 'int'), 6: ('checksum', 'fixed32'), 7: ('slices', 'repeated')}
SHAPE = {2: ('dimensions', 'repeated'), 3: ('unknown_rank', 'int')}
DIMENSION = {1: ('size', 'int'), 2: ('name', 'bytes')}


class Entry(NamedTuple):
  """What an index says of a tensor: its `size` bytes stand at byte `offset` of `file`."""

  dtype: np.dtype
  shape: tuple[int, ...]
  file: pathlib.Path
  offset: int
  size: int
  checksum: int


def read(path: str | pathlib.Path) -> dict[str, np.ndarray]:
  """Name -> tensor of all that a bundle holds, in the order of the names.

  Args:
    path: the bundle's name without an ending, `.../pt_audio_model`; or any of its files; or a
      folder, see `bundle_files.locate`.

  Raises:
    ValueError: if there is none, if a byte of it is not as it was written, or if a tensor is kept
      in slices or is of a dtype that is not in `DTYPES`.
  """
  files, found = _index(bundle_files.locate(path))
  tensors = {}
  for file in files:
    tensors |= _read_file(file, {name: entry for name, entry in found.items()
                                 if entry.file == file})
  return {name: tensors[name] for name in found}


def entries(path: str | pathlib.Path) -> dict[str, Entry]:
  """Name -> dtype, shape and place of every tensor; `path` and errors as in `read`.

  No tensor is read, so damage to one is not seen.
  """
  return _index(bundle_files.locate(path))[1]


def without_optimizer(tensors: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
  """(the model's own tensors by name, the names of those that only its training needed).

  The latter are Adam's: the slots `<variable>/Adam` and `<variable>/Adam_1` of a variable that is
  there in the same shape, numbers `<scope>/beta1_power` and `<scope>/beta2_power`; and the count
  of steps `global_step`.

  Args:
    tensors: by name, anything with a `shape`.
  """
  own, left_out = {}, []
  for name, tensor in tensors.items():
    slot = re.fullmatch(r'(.+)/Adam(_1)?', name)
    if slot and slot[1] in tensors and tensors[slot[1]].shape == tensor.shape or (
        re.fullmatch(r'(.+/)?(beta[12]_power|global_step)(_\d+)?', name) and not tensor.shape):
      left_out.append(name)
    else:
      own[name] = tensor
  return own, left_out


def _index(prefix: pathlib.Path) -> tuple[list[pathlib.Path], dict[str, Entry]]:
  """(files of elements, entry by name); all these files are there."""
  path = bundle_files.beside(prefix, bundle_files.INDEX)
  with bundle_files.named(path):
    table = sorted_table.read(path.read_bytes())
    if b'' not in table:
      raise ValueError('it is a table, but lacks the header of a checkpoint')
    files = bundle_files.of_elements(prefix, _count(table.pop(b'')))
    # the slices of a tensor last, so that its own entry, which has its name, is met before
    order = sorted(table.items(), key=lambda item: item[0].startswith(b'\0'))
    return files, dict(_entry(key, value, files) for key, value in order)


def _count(content: bytes) -> int:
  """The number of files of elements that a header tells."""
  header = protobuf_wire.message(content, HEADER)
  needed = protobuf_wire.message(header['version'], VERSIONS)['min_consumer']
  if header['big_endian']:
    raise ValueError('it is not little-endian; load it with TensorFlow and save it again on '
                     'another machine')
  if needed > VERSION:
    raise ValueError(f'it is of version {needed} of the format, expected {VERSION}')
  if header['shards'] < 1:
    raise ValueError(f'it claims {header["shards"]} files of elements')
  return header['shards']


def _entry(key: bytes, content: bytes, files: list[pathlib.Path]) -> tuple[str, Entry]:
  if key.startswith(b'\0'):
    raise ValueError(f'{key!a:.100} is a slice of a tensor that is not listed')
  try:
    name = key.decode('utf-8')
  except UnicodeDecodeError as error:
    raise ValueError(f'the name {key!a:.100} is not UTF-8') from error
  with _named_tensor(name):
    said = protobuf_wire.message(content, ENTRY)
    if said['slices']:
      raise ValueError('is kept in slices; save the checkpoint again without a partitioner')
    if said['dtype'] not in DTYPES:
      raise ValueError(f'is of dtype {said["dtype"]} ({OTHERS.get(said["dtype"], "another")}); '
                       f'these are read: {", ".join(map(str, DTYPES.values()))}')
    dtype, shape = DTYPES[said['dtype']], _shape(said['shape'])
    needed = math.prod(shape) * dtype.itemsize
    if said['size'] != needed:
      raise ValueError(f'has {said["size"]} bytes, expected {needed} of {dtype} {list(shape)}')
    if said['offset'] < 0 or not 0 <= said['shard'] < len(files):
      raise ValueError(f'begins at byte {said["offset"]} of file {said["shard"]} (of '
                       f'{len(files)}), which cannot be')
    return name, Entry(dtype, shape, files[said['shard']], said['offset'], needed,
                       said['checksum'])


def _shape(content: bytes) -> tuple[int, ...]:
  said = protobuf_wire.message(content, SHAPE)
  if said['unknown_rank']:
    raise ValueError('has no shape')
  return pickles.dimensions(tuple(
    protobuf_wire.message(dimension, DIMENSION)['size'] for dimension in said['dimensions']))


def _read_file(path: pathlib.Path, found: Mapping[str, Entry]) -> dict[str, np.ndarray]:
  """The tensors of one file, which must fill it: none is read before that is known."""
  order = sorted(found, key=lambda name: (found[name].offset, found[name].size))
  with bundle_files.named(path):
    size, at = path.stat().st_size, 0
    for name in order:
      offset, end = found[name].offset, found[name].offset + found[name].size
      if end > size:
        raise ValueError(f'it has {size} bytes, but {_shown(name)} ends at byte {end}, so it was '
                         'cut off')
      if offset != at:
        raise ValueError(f'{_shown(name)} begins at byte {offset}, expected {at}, where the '
                         'tensor before it ends')
      at = end
    if at < size:
      raise ValueError(f'it goes on for {size - at} bytes after its last tensor')
    tensors = {}
    with path.open('rb') as file:
      for name in order:
        with _named_tensor(name):
          tensors[name] = _tensor(file, found[name])
    return tensors


def _tensor(file: Any, entry: Entry) -> np.ndarray:
  raw = np.fromfile(file, np.uint8, entry.size)
  if crc32c.masked(raw) != entry.checksum:
    raise ValueError('does not have the bytes that it was written with: their checksum is wrong')
  flat = pickles.elements(raw, entry.dtype, math.prod(entry.shape))
  return flat.reshape(entry.shape).astype(entry.dtype.newbyteorder('='), copy=False)


def _shown(name: str) -> str:
  return name if len(name) <= 200 and name.isprintable() else f'{name!a:.200}'


@contextlib.contextmanager
def _named_tensor(name: str) -> Iterator[None]:
  """Errors that name the tensor."""
  try:
    yield
  except ValueError as error:
    raise ValueError(f'{_shown(name)}: {error}') from error
