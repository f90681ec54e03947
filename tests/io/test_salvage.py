"""Records of damaged array_record files, held against what `array_record` itself wrote and read."""

import random

import numpy as np
import pytest
from array_record.python import array_record_module

from emojax.io import salvage


def written(path, records):
  writer = array_record_module.ArrayRecordWriter(str(path), 'group_size:1')  # as TFDS writes
  for record in records:
    writer.write(record)
  writer.close()
  return path


def wanted(records):
  return {salvage.checksum(record) for record in records}


@pytest.fixture
def records():
  """Short and long ones, which lie in one block or over several; compressible, or not, or empty."""
  rng = random.Random(0)
  sizes = [0, 1, 127, 128, 5000, 65536, 200_000, 3, 70_000]
  return [rng.randbytes(size) for size in sizes] + [b'word ' * size for size in sizes[1:]]


def test_a_checksum_is_xxh3_of_64_bits():
  # from the test vectors of xxHash: no input, seed 0
  assert salvage.checksum(b'') == 0x2D06800538D394C2


def test_all_records_of_a_whole_file_are_found(tmp_path, records):
  path = written(tmp_path / 'whole', records)
  assert salvage.records(path, wanted(records)) == {salvage.checksum(r): r for r in records}


def test_only_what_is_wanted_is_found(tmp_path, records):
  path = written(tmp_path / 'whole', records)
  assert list(salvage.records(path, wanted(records[4:6])).values()) == records[4:6]


def test_what_stands_before_the_cut_is_found(tmp_path, records):
  """`array_record` takes a file without its end for empty."""
  content = written(tmp_path / 'whole', records).read_bytes()
  cut, before = tmp_path / 'cut', 0
  for length in range(0, len(content), 4999):
    cut.write_bytes(content[:length])
    found = list(salvage.records(cut, wanted(records)).values())
    assert found == records[:len(found)] and len(found) >= before
    before = len(found)
  assert before == len(records)


def test_a_changed_bit_costs_no_more_than_its_record(tmp_path, records):
  path = written(tmp_path / 'changed', records)
  content, rng = path.read_bytes(), random.Random(1)
  for _ in range(60):
    at = rng.randrange(len(content))
    path.write_bytes(content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1:])
    found = salvage.records(path, wanted(records))
    reader = array_record_module.ArrayRecordReader(str(path))
    for row, record in enumerate(records):
      try:
        read = reader.num_records() and bytes(reader.read([row])[0])
      except RuntimeError:
        read = None
      assert read in (None, 0, record)
      if read:  # what array_record still reads is never lost
        assert found[salvage.checksum(record)] == record
    assert len(found) >= len(records) - 1 and set(found.values()) <= set(records)


def test_a_hole_of_zeros_costs_what_lay_in_it(tmp_path):
  rng = np.random.default_rng(0)
  records = [rng.bytes(10_000) for _ in range(30)]
  path = written(tmp_path / 'hole', records)
  content = path.read_bytes()
  path.write_bytes(content[:65536] + bytes(65536) + content[131072:])
  found = set(salvage.records(path, wanted(records)).values())
  lost = [row for row, record in enumerate(records) if record not in found]
  assert lost == list(range(lost[0], lost[-1] + 1))  # neighbours of each other, of nobody else
  assert 7 <= len(lost) <= 8  # 65,536 bytes hold six of 10,040 and touch two more at most


def test_a_block_that_the_disk_does_not_give_back_is_a_hole(tmp_path, monkeypatch):
  records = [np.random.default_rng(row).bytes(10_000) for row in range(30)]
  path = written(tmp_path / 'bad', records)
  pread = salvage.os.pread

  def broken(file, length, at):
    if at == 65536:
      raise OSError(5, 'Input/output error')
    return pread(file, length, at)

  monkeypatch.setattr(salvage.os, 'pread', broken)
  assert 22 <= len(salvage.records(path, wanted(records))) <= 23


@pytest.mark.parametrize('content', [b'', b'r\1\0\0\0\0\0\0', bytes(70_000), b'r\1' * 70_000,
                                     bytes(64) + b'r\1\0\0\0\0\0\0' + b'\xff' * 100_000])
def test_nonsense_holds_nothing(tmp_path, content):
  (tmp_path / 'nonsense').write_bytes(content)
  assert salvage.records(tmp_path / 'nonsense', {0, 1}) == {}
  assert salvage.records(tmp_path / 'absent', {0, 1}) == {}
