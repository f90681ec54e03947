"""TensorFlow checkpoints put together by hand, well-formed or not: protocol buffers and blocks."""

import functools
import struct

import ml_dtypes
import numpy as np

MAGIC = bytes.fromhex('57fb808b247547db')
DTYPES = {np.dtype(dtype): number for number, dtype in {
  1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8, 5: np.int16, 6: np.int8, 9: np.int64,
  10: np.bool_, 14: ml_dtypes.bfloat16, 19: np.float16}.items()}


@functools.cache
def _of_byte(value):
  for _ in range(8):
    value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
  return value


def crc32c(content):
  register = 0xFFFFFFFF
  for byte in content:
    register = register >> 8 ^ _of_byte(register & 255 ^ byte)
  return register ^ 0xFFFFFFFF


def masked(content):
  found = crc32c(content)
  return ((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value):
  value %= 2**64
  found = b''
  while value > 127:
    found += bytes([value & 127 | 128])
    value >>= 7
  return found + bytes([value])


def number(field, value):
  return varint(field << 3) + varint(value) if value else b''


def raw(field, content):
  return varint(field << 3 | 2) + varint(len(content)) + content


def header(shards=1, endianness=0, version=b'\x08\x01', rest=b''):
  return number(1, shards) + number(2, endianness) + raw(3, version) + rest


def entry(dtype=1, shape=(2,), shard=0, offset=0, size=8, checksum=0, rest=b''):
  """What an index says of a tensor; `checksum` masked."""
  dimensions = b''.join(raw(2, number(1, n)) for n in shape)
  checksum = varint(6 << 3 | 5) + struct.pack('<I', checksum)
  return (number(1, dtype) + raw(2, dimensions) + number(3, shard) + number(4, offset)
          + number(5, size) + checksum + rest)


def item(shared, key, value):
  """A key of which `shared` bytes are those of the key before."""
  return varint(shared) + varint(len(key)) + varint(len(value)) + key + value


def block(pairs, interval=16):
  """(key, value) pairs with a restart point each `interval` of them."""
  content, restarts, before = b'', [], b''
  for place, (key, value) in enumerate(pairs):
    shared = 0
    if place % interval == 0:
      restarts.append(len(content))
    else:
      while shared < min(len(key), len(before)) and key[shared] == before[shared]:
        shared += 1
    content += item(shared, key[shared:], value)
    before = key
  return with_restarts(content, restarts or [0])


def with_restarts(content, restarts):
  return content + struct.pack(f'<{len(restarts) + 1}I', *restarts, len(restarts))


def sealed(content, compression=0):
  """A block with its trailer."""
  content += bytes([compression])
  return content + struct.pack('<I', masked(content))


def table(blocks, *, seal=sealed, meta=None, filled=b'', separators=None):
  """Blocks of data with all that comes behind them.

  Args:
    blocks: contents. separators: a key of the index for each, by default ones above all others.
    seal: makes a content a block.
  """
  separators = separators or [b'\xff' * (place + 1) for place in range(len(blocks))]
  whole, places = b'', []

  def add(content, seal):
    nonlocal whole
    done = seal(content)
    place = varint(len(whole)) + varint(len(done) - 5)
    whole += done
    return place

  for content in blocks:
    places.append(add(content, seal))
  last = add(block([]) if meta is None else meta, sealed)
  last += add(block(list(zip(separators, places)), 1), sealed)
  return whole + (last + filled).ljust(40, b'\0') + MAGIC


def bundle(tensors, *, num_shards=1, per_block=100, interval=16, first=None, seal=sealed, **fields):
  """Ending -> content of the files of a checkpoint.

  Args:
    tensors: name -> array; they are dealt out to the files of elements in turn.
    per_block: entries in a block of the index. interval: between its restart points.
    first: the header, None: one as it should be.
    fields: what the entry of the last tensor says instead of what is so.
  """
  shards, pairs = [b''] * num_shards, {b'': header(num_shards) if first is None else first}
  for place, name in enumerate(sorted(tensors)):
    array, shard = tensors[name], place % num_shards
    content = np.ascontiguousarray(array).tobytes()
    said = dict(dtype=DTYPES[array.dtype], shape=array.shape, shard=shard, size=len(content),
                offset=len(shards[shard]), checksum=masked(content))
    pairs[name.encode()] = entry(**said | (fields if place == len(tensors) - 1 else {}))
    shards[shard] += content
  return index(pairs, per_block=per_block, interval=interval, seal=seal) | {
    f'.data-{number:05d}-of-{num_shards:05d}': content for number, content in enumerate(shards)}


def index(pairs, *, per_block=100, interval=16, seal=sealed):
  """'.index' -> a table of `pairs`, key -> value, in order; separators are the last keys."""
  pairs = sorted(pairs.items())
  parts = [pairs[at:at + per_block] for at in range(0, len(pairs), per_block)]
  return {'.index': table([block(part, interval) for part in parts], seal=seal,
                          separators=[part[-1][0] for part in parts])}


def write(folder, files, name='model'):
  """Writes the files of a checkpoint; returns its path without an ending."""
  for ending, content in files.items():
    (folder / f'{name}{ending}').write_bytes(content)
  return folder / name
