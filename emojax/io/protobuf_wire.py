"""Protocol buffers without their classes: the fields of a message, by numbers that one knows."""

import struct
from collections.abc import Mapping
from typing import Any

KINDS = {'int': (0, 0), 'fixed32': (5, 0), 'bytes': (2, b'')}  # kind -> (wire type, when absent)


def varint(content: bytes, at: int) -> tuple[int, int]:
  """(a number from 0 to 2**64 - 1 that begins at byte `at`, where it ends).

  Raises:
    ValueError: if none stands there.
  """
  value = 0
  for place, byte in enumerate(content[at:at + 10]):
    value |= (byte & 127) << 7 * place
    if byte < 128:
      if value >= 2**64 or place and not byte:
        break
      return value, at + place + 1
  raise ValueError('a number is cut off, has more than 64 bits or is longer than need be')


def message(content: bytes, fields: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
  """Name -> value of every field: an int (signed, 64 bits), bytes, or a list of bytes.

  Args:
    fields: number -> (name, kind); kind: 'int', 'fixed32', 'bytes', or 'repeated' for bytes.

  Raises:
    ValueError: if the message is damaged, has a field twice that is not repeated, or another one.
  """
  found, at = {}, 0
  while at < len(content):
    tag, at = varint(content, at)
    number, wire = tag >> 3, tag & 7
    if number not in fields:
      raise ValueError(f'a message has a field {number}, which is not known')
    name, kind = fields[number]
    single = 'bytes' if kind == 'repeated' else kind
    if wire != KINDS[single][0]:
      raise ValueError(f'{name} is not written as {single}')
    if name in found and kind != 'repeated':
      raise ValueError(f'{name} is given twice')
    value, at = _value(content, at, single)
    if kind == 'repeated':
      found.setdefault(name, []).append(value)
    else:
      found[name] = value
  absent = {name: [] if kind == 'repeated' else KINDS[kind][1] for name, kind in fields.values()}
  return absent | found


def _value(content: bytes, at: int, kind: str) -> tuple[int | bytes, int]:
  """(value, where it ends)."""
  if kind == 'int':
    value, at = varint(content, at)
    return value - (value >> 63 << 64), at
  size, at = (4, at) if kind == 'fixed32' else varint(content, at)
  if size > len(content) - at:
    raise ValueError('a message ends within a field')
  raw = content[at:at + size]
  return struct.unpack('<I', raw)[0] if kind == 'fixed32' else raw, at + size
