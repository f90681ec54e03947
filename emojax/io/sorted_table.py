"""Sorted tables: files of keys and values in the format of LevelDB, as TensorFlow writes them.

Blocks follow one another without a gap: of data, an empty one of metadata, an index of the blocks
of data by a key that is not below their last, then a footer with the places of these two.
Each block ends with a byte for its compression and a masked CRC-32C. In a block a key is written as
the number of bytes that it shares with the one before, and the rest; at restart points as a whole.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from emojax.io import crc32c, protobuf_wire

MAGIC = 0xDB4775248B80FB57.to_bytes(8, 'little')
FOOTER = 48  # bytes, the magic number among them
TRAILER = 5
PLAIN, SNAPPY = 0, 1
MAX_SHRINKAGE = 22  # of Snappy: 3 bytes stand for 64 at most
MAX_KEYS = 2**24  # bytes of all keys together: where beginnings are shared, few become many


class Handle(NamedTuple):
  """The place of a block, without its trailer."""

  offset: int
  size: int

  @property
  def end(self) -> int:
    return self.offset + self.size + TRAILER


def read(content: bytes) -> dict[bytes, bytes]:
  """Key -> value of a whole file, in the order of the keys.

  Raises:
    ValueError: if any byte is not as a table has it.
  """
  if len(content) < FOOTER or not content.endswith(MAGIC):
    raise ValueError(f'its {len(content)} bytes do not end with the magic number of a table, so it '
                     'was cut off or is another kind of file')
  footer = content[-FOOTER:-len(MAGIC)]
  meta, at = _handle(footer, 0)
  index, at = _handle(footer, at)
  if any(footer[at:]):
    raise ValueError('its footer is filled up with something')
  found, last, end, size = {}, None, 0, 0
  for separator, place in _entries(_block(content, index)):
    handle, rest = _handle(place, 0)
    if rest != len(place) or handle.offset != end:
      raise ValueError(f'a block is not said to begin at byte {end}, where the one before ends')
    end = handle.end
    for key, value in _entries(_block(content, handle)):
      if key in found:
        raise ValueError(f'the key {key!a:.100} stands in it twice')
      if last is not None and key <= last or key > separator:
        raise ValueError(f'the key {key!a:.100} is out of order')
      found[key] = value
      last = key
      size += len(key)
      _check_size(size)
    last = separator
    size += len(separator)
    _check_size(size)
  if (meta.offset, index.offset, len(content) - FOOTER) != (end, meta.end, index.end):
    raise ValueError('its blocks do not follow one another up to its footer')
  if next(_entries(_block(content, meta)), None):
    raise ValueError('it has metadata, so it is a table of another program')
  return found


def _check_size(size: int) -> None:
  if size > MAX_KEYS:
    raise ValueError(f'its keys have more than {MAX_KEYS:,} bytes')


def _handle(content: bytes, at: int) -> tuple[Handle, int]:
  """(the handle that begins at byte `at`, where it ends)."""
  offset, at = protobuf_wire.varint(content, at)
  size, at = protobuf_wire.varint(content, at)
  return Handle(offset, size), at


def _block(content: bytes, handle: Handle) -> bytes:
  """A block's content, unpacked, after its checksum was found right."""
  if handle.end > len(content) - FOOTER:
    raise ValueError(f'a block is said to end at byte {handle.end}, beyond its '
                     f'{len(content)} bytes')
  raw = memoryview(content)[handle.offset:handle.end]
  if crc32c.masked(raw[:-4]) != struct.unpack('<I', raw[-4:])[0]:
    raise ValueError(f'the checksum of the block at byte {handle.offset} is wrong')
  packed, compression = bytes(raw[:-TRAILER]), raw[-TRAILER]
  if compression == PLAIN:
    return packed
  if compression != SNAPPY:
    raise ValueError(f'the block at byte {handle.offset} is compressed in a way ({compression}) '
                     f'that is not known; known are none ({PLAIN}) and Snappy ({SNAPPY})')
  size, _ = protobuf_wire.varint(packed, 0)
  if size > MAX_SHRINKAGE * len(packed):
    raise ValueError(f'the block at byte {handle.offset} claims {size} bytes, more than Snappy '
                     f'makes of its {len(packed)}')
  try:
    return pa.decompress(packed, size, 'snappy', asbytes=True)
  except OSError as error:
    raise ValueError(f'the block at byte {handle.offset} is not what Snappy writes') from error


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
  """(key, value) as they come."""
  if len(block) < 8:
    raise ValueError('a block has no restart points')
  count = struct.unpack('<I', block[-4:])[0]
  end = len(block) - 4 - 4 * count
  if end < 0 or not count:
    raise ValueError(f'a block claims {count} restart points, which do not fit into it')
  restarts = struct.unpack(f'<{count}I', block[end:-4])
  if restarts[0] or any(after <= before for before, after in zip(restarts, restarts[1:])):
    raise ValueError('the restart points of a block do not ascend from 0')
  key, at, expected = b'', 0, iter(restarts)
  restart = next(expected)
  while at < end:
    is_restart = at == restart
    if is_restart:
      restart = next(expected, None)
    shared, at = protobuf_wire.varint(block, at)
    own, at = protobuf_wire.varint(block, at)
    size, at = protobuf_wire.varint(block, at)
    if shared > len(key) or is_restart and shared:
      raise ValueError(f'a key claims to share {shared} bytes with one of '
                       f'{0 if is_restart else len(key)}')
    if own + size > end - at:
      raise ValueError('an entry goes beyond its block')
    key = key[:shared] + block[at:at + own]
    yield key, block[at + own:at + own + size]
    at += own + size
  if restart is not None and end:
    raise ValueError(f'a block restarts at byte {restart}, where no entry begins')
