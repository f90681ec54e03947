"""Pickles and PyTorch checkpoints put together by hand, well-formed or not: bytes of operations."""

import io
import struct
import zipfile

MAGIC = 0x1950A86A20F9469CFC6C
STOP = b'.'


def pickled(*parts, protocol=2):
  return b'\x80' + bytes([protocol]) + b''.join(parts) + STOP


def text(value):
  encoded = value.encode('utf-8')
  return b'X' + struct.pack('<I', len(encoded)) + encoded


def raw(value):
  return b'B' + struct.pack('<I', len(value)) + value


def number(value):
  encoded = value.to_bytes(value.bit_length() // 8 + 1, 'little', signed=True)
  return b'\x8b' + struct.pack('<I', len(encoded)) + encoded


def true_or_false(value):
  return b'\x88' if value else b'\x89'


def tuple_of(*parts):
  return b'(' + b''.join(parts) + b't'


def list_of(*parts):
  return b'](' + b''.join(parts) + b'e'


def dict_of(**parts):
  return b'}(' + b''.join(text(name) + part for name, part in parts.items()) + b'u'


def name(dotted):
  module, _, last = dotted.rpartition('.')
  return f'c{module}\n{last}\n'.encode()


def call(dotted, *arguments):
  return name(dotted) + tuple_of(*arguments) + b'R'


def numbers(values):
  return tuple_of(*map(number, values))


def dtype(code, order='<'):
  state = [number(3), text(order), b'NNN', number(-1), number(-1), number(0)]
  return call('numpy.dtype', text(code), true_or_false(False), true_or_false(True)) + (
    tuple_of(*state) + b'b')


def empty_array(shape=(0,)):
  arguments = name('numpy.ndarray'), numbers(shape), raw(b'b')
  return call('numpy.core.multiarray._reconstruct', *arguments)


def array(shape, code, content, *, version=1):
  """An array; `content` is an operation."""
  state = tuple_of(number(version), numbers(shape), dtype(code), true_or_false(False), content)
  return empty_array() + state + b'b'


def storage(key='0', count=6, kind='torch.FloatStorage', location='cpu', rest=b''):
  return tuple_of(
    text('storage'), name(kind), text(key), text(location), number(count), rest) + b'Q'


def tensor(content, offset=0, size=(2, 3), stride=(3, 1)):
  """A tensor; `content` is the operation that gives its storage."""
  return call('torch._utils._rebuild_tensor_v2', content, number(offset), numbers(size),
              numbers(stride), true_or_false(False), call('collections.OrderedDict'))


def zip_file(pickle, storages, *, folder='archive', byteorder=b'little', **options):
  """A container of PyTorch 1.6 and later. `storages`: key -> bytes."""
  file = io.BytesIO()
  with zipfile.ZipFile(file, 'w', **options) as archive:
    archive.writestr(f'{folder}/data.pkl', pickle)
    archive.writestr(f'{folder}/byteorder', byteorder)
    for key, content in storages.items():
      archive.writestr(f'{folder}/data/{key}', content)
    archive.writestr(f'{folder}/version', b'3\n')
  return file.getvalue()


def stream(pickle, storages, itemsize=4, *, version=1001, little=True):
  """A container of the PyTorch versions before. `storages`: key -> bytes."""
  head = b'\x80\x02\x8a\x0a' + MAGIC.to_bytes(10, 'little') + STOP
  system = dict_of(protocol_version=number(1001), little_endian=true_or_false(little))
  content = b''.join(struct.pack('<q', len(c) // itemsize) + c for c in storages.values())
  return (head + pickled(number(version)) + pickled(system) + pickle
          + pickled(list_of(*map(text, storages))) + content)
