"""PyTorch checkpoints without PyTorch: zip containers (since 1.6) and the streams before them.

Tensors become numpy arrays of their own memory (expanded ones repeat it and cannot be written to),
settings and losses become `Record`s, which hold a name and attributes. Devices, gradients and hooks
are left out.
"""

import collections
import dataclasses
import io
import math
import pathlib
import struct
import types
import zipfile
from typing import Any

import ml_dtypes
import numpy as np

from emojax.io import pickle_machine, pickles
from emojax.io.pickle_machine import Global, Record

ZIP_START = b'PK\x03\x04'
STREAM_START = b'\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.'  # torch's magic number, pickled
STREAM_VERSION = 1001
MAX_REPEATED = 2**26  # elements that strides of 0 may make of fewer; the view takes no memory

STORAGES = types.MappingProxyType({
  f'{module}.{name}Storage': np.dtype(dtype)
  for module in ('torch', 'torch.cuda')
  for name, dtype in {
    'Float': np.float32, 'Double': np.float64, 'Half': np.float16, 'BFloat16': ml_dtypes.bfloat16,
    'Long': np.int64, 'Int': np.int32, 'Short': np.int16, 'Char': np.int8, 'Byte': np.uint8,
    'Bool': np.bool_, 'ComplexFloat': np.complex64, 'ComplexDouble': np.complex128,
  }.items()
})
TENSOR = 'torch._utils._rebuild_tensor_v2'
OBJECTS = (
  'argparse.Namespace',
  'torch.nn.modules.loss.CrossEntropyLoss',
  'torch.nn.modules.loss.BCEWithLogitsLoss',
)


def load(path: str | pathlib.Path) -> Any:
  """What `torch.save` wrote to `path`; nothing in the file is run.

  Raises:
    ValueError: if the file is damaged, or holds anything but plain values, tensors of the dtypes
      in `STORAGES` and the classes in `OBJECTS`.
  """
  path = pathlib.Path(path)
  with path.open('rb') as file:
    start = file.read(len(STREAM_START))
    if start.startswith(ZIP_START):
      return _load_zip(path, file)
  if start == STREAM_START:
    return _load_stream(path)
  raise ValueError(f'{path} is no PyTorch checkpoint: it starts neither like a zip file nor with '
                   "PyTorch's number. Lone pickles are read by emojax/io/pickles.py.")


@dataclasses.dataclass(frozen=True)
class _Storage:
  """The memory that tensors are views of: `elements` [N]."""
  elements: np.ndarray


def _load_zip(path, file):
  members = _members(path, file)
  if 'data.pkl' not in members:
    raise ValueError(f'{path} is a zip file without data.pkl, so no PyTorch checkpoint.')
  if members.get('byteorder', b'little') != b'little':
    raise ValueError(f'{path} is not little-endian; load it with PyTorch and save it again on '
                     'another machine.')
  known = {}

  def resolve(identity):
    dtype, key, count = _storage_identity(identity)
    if f'data/{key}' not in members:
      raise ValueError(f'the elements of storage {key!a:.50} are absent')
    if (key, dtype) not in known:
      known[key, dtype] = _Storage(pickles.elements(members[f'data/{key}'], dtype, count))
    return known[key, dtype]

  return pickle_machine.read(
    io.BytesIO(members['data.pkl']), f'{path} (data.pkl)', allow=ALLOW, persistent=resolve,
    size=sum(map(len, members.values())))


def _members(path, file):
  """Name below the top folder -> content, of every member, so that each checksum is verified."""
  size = path.stat().st_size
  try:
    with zipfile.ZipFile(file) as archive:
      infos = archive.infolist()
      faults = [f'{info.filename!a:.50} is not stored as it is' for info in infos
                if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x61
                or info.compress_size != info.file_size]
      if len({info.filename for info in infos}) < len(infos):
        faults.append('two members have the same name')
      if len({info.filename.split('/')[0] for info in infos}) != 1:
        faults.append('its members are not in one folder')
      if sum(info.file_size for info in infos) > size:
        faults.append('its members are larger than the file')
      if faults:
        raise ValueError('; '.join(faults[:3]))
      return {info.filename.partition('/')[2]: archive.read(info) for info in infos}
  except (zipfile.BadZipFile, ValueError, EOFError, OSError, RuntimeError, struct.error) as error:
    raise ValueError(f'{path} is no intact PyTorch checkpoint: {error}. Nothing in it was run. '
                     'Fetch it again, or save it again with torch.save.') from error


def _load_stream(path):
  """Three small pickles, the object, the keys of its storages, then (count, elements) of each."""
  content = path.read_bytes()
  file = io.BytesIO(content)
  where = str(path)
  _, version, system = (pickle_machine.read(file, where, allow={}) for _ in range(3))
  if version != STREAM_VERSION or type(system) is not dict or (
      system.get('little_endian') is not True):
    raise ValueError(f'{path} is of another version of PyTorch streams than {STREAM_VERSION}, or '
                     'not little-endian; load it with PyTorch and save it again.')
  # The elements come last but their dtypes stand in the object: it is read for these first.
  start = file.tell()
  dtypes = {}

  def note(identity):
    if _is_class(identity):
      return identity[1]
    dtype, key, _ = _storage_identity(identity)
    if dtypes.setdefault(key, dtype) != dtype:
      raise ValueError(f'storage {key!a:.50} has two dtypes')
    return _Storage(np.empty(0))

  no_tensors = {**ALLOW, TENSOR: lambda *_: np.empty(0)}
  pickle_machine.read(file, where, allow=no_tensors, persistent=note)
  keys = pickle_machine.read(file, where, allow={})
  try:
    storages = _storages(content, file.tell(), keys, dtypes)
  except ValueError as error:
    raise ValueError(f'{path} is damaged: {error}. Fetch it again.') from error

  def resolve(identity):
    if _is_class(identity):
      return identity[1]
    dtype, key, count = _storage_identity(identity)
    if len(storages[key].elements) != count:
      raise ValueError(f'storage {key!a:.50} has {len(storages[key].elements)} elements, expected '
                       f'{count}')
    return storages[key]

  file.seek(start)
  return pickle_machine.read(file, where, allow=ALLOW, persistent=resolve)


def _storages(content, position, keys, dtypes):
  """Key -> storage; their elements are views of `content`."""
  if type(keys) is not list or not all(type(key) is str for key in keys):
    raise ValueError('the storages are not listed')
  if len(set(keys)) < len(keys) or set(keys) != set(dtypes):
    raise ValueError('the storages that are listed are not the ones that tensors need')
  found = {}
  for key in keys:
    if position + 8 > len(content):
      raise ValueError('it ends before its elements do')
    count, = struct.unpack_from('<q', content, position)
    end = position + 8 + count * dtypes[key].itemsize
    if count < 0 or end > len(content):
      raise ValueError(f'storage {key!a:.50} does not fit into the file')
    raw = memoryview(content)[position + 8:end]
    found[key] = _Storage(pickles.elements(raw, dtypes[key], count))
    position = end
  if position < len(content):
    raise ValueError(f'it goes on for {len(content) - position} bytes after its last storage')
  return found


def _storage_identity(identity):
  """(dtype, key, count of elements) of a persistent id; a stream's has a view, never used, too."""
  match identity:
    case (str('storage'), Global(name), str(key), str(), int(count)) | (
        str('storage'), Global(name), str(key), str(), int(count), None) if (
          name in STORAGES and 0 <= count < pickles.MAX_ELEMENTS):
      return STORAGES[name], key, count
  raise ValueError('a persistent id does not name a storage')


def _is_class(identity):
  """Streams keep the source text of module classes beside them, which we have no use for."""
  match identity:
    case (str('module'), Global(name), None | str(), None | str()):
      return name in OBJECTS
  return False


def _tensor(*arguments):
  """`torch._utils._rebuild_tensor_v2`: a view of a storage; copied, [*size]."""
  match arguments:
    case (_Storage(elements), int(offset), tuple(size), tuple(stride), bool(),
          collections.OrderedDict()):
      pass
    case _:
      raise ValueError('a tensor is not made of a storage, offset, size and stride')
  count = math.prod(pickles.dimensions(size))
  if len(stride) != len(size) or not all(
      type(step) is int and 0 <= step < pickles.MAX_ELEMENTS for step in stride):
    raise ValueError('the strides of a tensor do not fit its size')
  end = offset + 1 + sum((n - 1) * step for n, step in zip(size, stride)) if count else offset
  distinct = [n if step else 1 for n, step in zip(size, stride)]
  if offset < 0 or end > len(elements) or math.prod(distinct) > len(elements) or (
      count > max(len(elements), MAX_REPEATED)):
    raise ValueError(f'a tensor goes beyond its storage of {len(elements)} elements')
  if not count:
    return np.empty(size, elements.dtype)
  view = np.lib.stride_tricks.as_strided(
    elements[offset:], distinct, [step * elements.itemsize for step in stride])
  own = view.copy('C')
  return own if own.shape == size else np.broadcast_to(own, size)


def _parameter(*arguments):
  match arguments:
    case (np.ndarray() as tensor, bool(), collections.OrderedDict()):
      return tensor
  raise ValueError('a parameter is not made of a tensor')


def _ordered(*arguments):
  if arguments:
    raise ValueError('an OrderedDict does not start empty')
  return collections.OrderedDict()


def _set(*arguments):
  match arguments:
    case () | ([],):
      return set()
    case (list(items),):
      return set(map(pickle_machine.key, items))
  raise ValueError('a set is not made of a list')


def _record(name):
  def start(*arguments):
    if arguments:
      raise ValueError(f'{name} is called with arguments, expected its attributes later')
    return Record(name, {})
  return start


ALLOW = types.MappingProxyType({
  TENSOR: _tensor,
  'torch._utils._rebuild_parameter': _parameter,
  **dict.fromkeys(STORAGES, pickles.uncallable),
  **{name: _record(name) for name in OBJECTS},
  'collections.OrderedDict': _ordered,
  '__builtin__.set': _set,
  'builtins.set': _set,
})
