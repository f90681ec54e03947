"""CRC-32C (Castagnoli), the checksum in TensorFlow's files, by numpy's table look-ups.

A register that reads bytes is linear in them over bits. So all words of a block are taken at once:
two neighbours become one, the first moved past the second, until one is left.
"""

import functools

import numpy as np

POLYNOMIAL = 0x82F63B78  # bits reversed
# The word that, read into an empty register, sets all of its bits: it is to start with these.
BEFORE = np.frombuffer(b'\x54\x64\x1f\x64', np.uint8)
BLOCK = 2**20  # bytes at a time: little memory is taken beside the content
MASK = 0xA282EAD8  # of TensorFlow and LevelDB, for checksums that stand among checked bytes


def of_bytes(content: bytes | memoryview | np.ndarray) -> int:
  """The CRC-32C of contiguous bytes."""
  content = np.frombuffer(content, np.uint8)
  first = len(content) % BLOCK
  register = _folded(np.concatenate([BEFORE, content[:first]]))
  for at in range(first, len(content), BLOCK):
    register = _moved(register, BLOCK) ^ _folded(content[at:at + BLOCK])
  return int(register[0]) ^ 0xFFFFFFFF


def masked(content: bytes | memoryview | np.ndarray) -> int:
  """The CRC-32C of contiguous bytes as it is written into a file."""
  found = of_bytes(content)
  return ((found >> 15 | found << 17) + MASK) % 2**32


def _folded(block: np.ndarray) -> np.ndarray:
  """[1] register that was empty before it read `block`, at least one byte."""
  words = np.concatenate([np.zeros(-len(block) % 4, np.uint8), block]).view('<u4')
  size = 4  # bytes that one of `words` stands for
  while len(words) > 1:
    if len(words) % 2:
      words = np.concatenate([np.zeros(1, '<u4'), words])  # an empty register stays so
    words = _moved(words[::2], size) ^ words[1::2]
    size *= 2
  return _moved(words, 4)


def _moved(registers: np.ndarray, size: int) -> np.ndarray:
  """[N] registers after `size` bytes of zero; `size` is a power of two."""
  parts = np.ascontiguousarray(registers).view(np.uint8).reshape(-1, 4)
  first, *others = (table[parts[:, place]] for place, table in enumerate(_tables(size)))
  return functools.reduce(np.bitwise_xor, others, first)


@functools.cache
def _tables(size: int) -> np.ndarray:
  """[4, 256]: what each byte of a register becomes."""
  if size > 1:
    return _moved(_tables(size // 2).reshape(-1), size // 2).reshape(4, 256)
  byte = np.arange(256, dtype='<u4')
  lowest = byte
  for _ in range(8):
    lowest = lowest >> 1 ^ (lowest & 1) * np.uint32(POLYNOMIAL)
  return np.stack([lowest, byte, byte << 8, byte << 16])
