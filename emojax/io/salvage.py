"""What can still be read of a damaged array_record file.

`array_record` keeps every record in a chunk of its own, and at the end one index of them: a file
that has lost its end, or a byte of that index, it takes for empty. Here chunks are looked for
instead. A record counts if its checksum is a wanted one, wherever in the file it was found.

The format is riegeli's: blocks of 64 KiB that begin with 24 bytes of their own, and between these
chunks, 40 bytes of header and the data. In the header stand the length of the data (bytes 8 to 16),
and what finds a chunk with one record (bytes 24 to 32). Data are 'z', a list of sizes, the record,
each of the two after its length, both compressed with zstd.
"""

import os
import pathlib
from collections.abc import Container, Iterator

import pyarrow as pa
import xxhash

_BLOCK, _BLOCK_HEADER = 1 << 16, 24
_ONE_RECORD = b'r' + (1).to_bytes(7, 'little')  # the kind of a chunk, its number of records


def checksum(record: bytes) -> int:
  """The xxh3 (64 bits) of a serialized record, as the index of a dataset states it."""
  return xxhash.xxh3_64_intdigest(record)


def records(path: pathlib.Path, wanted: Container[int]) -> dict[int, bytes]:
  """Checksum -> record, of those records in the file whose checksum is wanted."""
  found = {}
  chunks = b''.join(block[_BLOCK_HEADER:] for block in _blocks(path))
  at = chunks.find(_ONE_RECORD)
  while at >= 0:
    length = int.from_bytes(chunks[at - 16:at - 8], 'little')
    record = _record(memoryview(chunks)[at + 16:at + 16 + length])
    if record is not None and (value := checksum(record)) in wanted:
      found[value] = record
    at = chunks.find(_ONE_RECORD, at + 1)
  return found


def _blocks(path: pathlib.Path) -> Iterator[bytes]:
  """The blocks of a file; one that the disk does not give back is zeros. Without a file: none."""
  if not path.is_file():
    return
  with open(path, 'rb', buffering=0) as file:
    for at in range(0, os.fstat(file.fileno()).st_size, _BLOCK):
      try:
        yield os.pread(file.fileno(), _BLOCK, at)
      except OSError:
        yield bytes(_BLOCK)


def _record(data: memoryview) -> bytes | None:
  """The record of a chunk; None if the data make no sense."""
  try:
    sizes, at = _varint(data, 1)
    _, at = _varint(data, at + sizes)
    with pa.input_stream(pa.py_buffer(data[at:]), compression='zstd') as stream:
      return stream.read()
  except (IndexError, OSError):
    return None


def _varint(data: memoryview, at: int) -> tuple[int, int]:
  """The number that begins at `at`, seven bits a byte, the lowest first; and where it ends."""
  value = shift = 0
  while data[at] >= 128 and shift < 63:
    value |= (data[at] & 127) << shift
    shift, at = shift + 7, at + 1
  return value | data[at] << shift, at + 1
