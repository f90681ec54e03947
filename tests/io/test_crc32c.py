"""CRC-32C against published values and its definition, bit by bit."""

import numpy as np
import pytest

from emojax.io import crc32c
from tests.io import assembled_bundle


@pytest.mark.parametrize('content, expected', [
  (bytes(32), 0x8A9136AA),  # these four: RFC 3720, B.4
  (b'\xff' * 32, 0x62A8AB43),
  (bytes(range(32)), 0x46DD794E),
  (bytes(range(31, -1, -1)), 0x113FDB5C),
  (b'123456789', 0xE3069283),  # the check value of the catalogues
  (b'', 0),
], ids=repr)
def test_published_values(content, expected):
  assert crc32c.of_bytes(content) == assembled_bundle.crc32c(content) == expected


@pytest.mark.parametrize('size', [*range(1, 20), 255, 256, 257, 1023, 4100])
def test_every_length(size):
  content = np.random.default_rng(size).bytes(size)
  assert crc32c.of_bytes(content) == assembled_bundle.crc32c(content)


@pytest.mark.parametrize('more', [-5, -4, -1, 0, 1, 3, 4, 40])
def test_blocks_are_joined(monkeypatch, more):
  monkeypatch.setattr(crc32c, 'BLOCK', 64)
  content = np.random.default_rng(0).bytes(64 * 3 + more)
  assert crc32c.of_bytes(content) == assembled_bundle.crc32c(content)


def test_any_contiguous_bytes():
  content = np.arange(100, dtype='<f4')
  raw = content.tobytes()
  assert crc32c.of_bytes(content) == crc32c.of_bytes(memoryview(raw)) == crc32c.of_bytes(raw)


def test_a_masked_one_is_the_one_of_the_file():
  # the header's block of a table without metadata, as LevelDB writes it
  assert crc32c.masked(bytes.fromhex('000000000100000000')) == 0xB0A1F2C0
