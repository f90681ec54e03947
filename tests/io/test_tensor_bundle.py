"""TensorFlow checkpoints of every dtype and division, and the ways in which one can be wrong."""

import pathlib
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from emojax.io import bundle_files, crc32c, sorted_table, tensor_bundle
from tests.io import assembled_bundle as assembled
from tests.io import watch

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mdre/ckpt'
DTYPES = [*assembled.DTYPES]
PAIR = {'a/b': np.array([1.5, -2], np.float32), 'a/c': np.array([[3], [4], [5]], np.int32)}


def some(dtype, shape):
  values = np.arange(np.prod(shape, dtype=int)).reshape(shape) * 37 - 20
  return (values % 2 if dtype == np.bool_ else values).astype(dtype)


def read(path):
  with watch.events() as events:
    try:
      return tensor_bundle.read(path)
    finally:
      assert {event for event, *_ in events} <= {'os.listdir'}, 'more was done than to read'


def assert_same(found, expected):
  assert list(found) == sorted(expected)
  for name, tensor in expected.items():
    assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape, name
    assert found[name].tobytes() == tensor.tobytes(), name


def refused(path, message, part='.index'):
  """The error names the file, and says `message`."""
  with pytest.raises(ValueError, match=message) as caught:
    read(path)
  assert f'{path.name}{part}' in str(caught.value) and len(str(caught.value)) < 1000


@pytest.mark.parametrize('path', ['pt_audio_model', 'pt_text_model'])
def test_entries_are_those_of_the_tensors(path):
  entries = tensor_bundle.entries(GOLDEN / path)
  tensors = read(GOLDEN / path)
  assert {name: (entry.dtype, entry.shape) for name, entry in entries.items()} == {
    name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}


def test_tensors_are_ours_to_write_to():
  tensor = read(GOLDEN / 'pt_audio_model')['output_layer/W']
  tensor += 1
  assert tensor.flags.c_contiguous


@pytest.mark.parametrize('shape', [(), (0,), (3, 0, 2), (1,), (5, 3), (2, 1, 3, 1, 2)], ids=str)
@pytest.mark.parametrize('dtype', DTYPES, ids=str)
def test_every_dtype_and_shape(tmp_path, dtype, shape):
  tensors = {'before': some(np.dtype(np.int8), (3,)), 'x': some(dtype, shape),
             'y': some(dtype, (2,))}
  assert_same(read(assembled.write(tmp_path, assembled.bundle(tensors))), tensors)


@pytest.mark.parametrize('num_shards, per_block, interval', [
  (1, 1, 1), (1, 5, 2), (2, 7, 3), (3, 100, 16), (50, 4, 4)])
def test_every_division(tmp_path, num_shards, per_block, interval):
  tensors = {f'scope_{number % 3}/ä{number}': some(DTYPES[number % len(DTYPES)], (number % 4, 2))
             for number in range(40)}
  files = assembled.bundle(tensors, num_shards=num_shards, per_block=per_block, interval=interval)
  path = assembled.write(tmp_path, files)
  assert_same(read(path), tensors)
  files = {entry.file for entry in tensor_bundle.entries(path).values()}
  assert len(files) == min(num_shards, 40)


def test_separators_may_be_any_between_two_blocks(tmp_path):
  first, second = (assembled.block([(key, key)]) for key in (b'abc', b'bcd'))
  for middle in (b'abc', b'abcd', b'b'):
    content = assembled.table([first, second], separators=[middle, b'c'])
    assert sorted_table.read(content) == {b'abc': b'abc', b'bcd': b'bcd'}
  for middle, last in ((b'abb', b'c'), (b'bcd', b'c'), (b'b', b'bcc')):
    with pytest.raises(ValueError, match='out of order'):
      sorted_table.read(assembled.table([first, second], separators=[middle, last]))


def test_blocks_that_snappy_shrank(tmp_path):
  def packed(content):
    return assembled.sealed(pa.compress(content, 'snappy', asbytes=True), 1)

  tensors = {f'{"layer" * 8}/{number:03d}': some(DTYPES[0], (2,)) for number in range(40)}
  files = assembled.bundle(tensors, per_block=15, seal=packed)
  assert len(files['.index']) < len(assembled.bundle(tensors, per_block=15)['.index'])
  assert_same(read(assembled.write(tmp_path, files)), tensors)


@pytest.mark.parametrize('packed, message', [
  (b'', 'cut off'), (b'\x05\x10ab', 'not what Snappy writes'), (b'\x80' * 9 + b'\x01', 'claims'),
  (b'\x02\x10abcde', 'not what Snappy writes'), (b'\xff\xff\x03\x04ab', 'claims 65535 bytes'),
])
def test_what_snappy_does_not_write(tmp_path, packed, message):
  content = assembled.table([packed], seal=lambda packed: assembled.sealed(packed, 1))
  refused(assembled.write(tmp_path, {'.index': content}), message)


# Which bundle a path stands for.

def test_a_path_is_the_name_or_any_file_or_the_folder():
  expected = GOLDEN / 'pt_text_model'
  for path in (expected, str(expected), GOLDEN / 'pt_text_model.index', GOLDEN,
               GOLDEN / 'pt_text_model.data-00000-of-00001', GOLDEN / 'pt_text_model.meta'):
    assert bundle_files.locate(path) == expected


def test_a_name_may_end_as_a_file_does(tmp_path):
  for name in ('model.index', 'model.ckpt-100', 'a b*'):
    path = assembled.write(tmp_path, assembled.bundle(PAIR), name)
    assert_same(read(path), PAIR)


@pytest.mark.parametrize('path, message', [
  ('pt_audo_model', r'no pt_audo_model.index in .*there: pt_audio_model, pt_text_model \(did you '
   r"mean 'pt_audio_model'\?\)"),
  ('other/model', 'there: none'),
  ('pt_audio_model.npz', "did you mean 'pt_audio_model'"),
])
def test_a_path_without_a_bundle(path, message):
  with pytest.raises(ValueError, match=message) as caught:
    read(GOLDEN / path)
  assert str(GOLDEN / path) in str(caught.value)


@pytest.mark.parametrize('content, expected', [
  ('model_checkpoint_path: "model"\nall_model_checkpoint_paths: "model"\n', None),
  ('model_checkpoint_path: "model"', None),
  ('model_checkpoint_path: "model"\nall_model_checkpoint_paths: "other"\n'
   'all_model_checkpoint_paths: "model"\nall_model_checkpoint_timestamps: 1.5e+09\n'
   'last_preserved_timestamp: 1577836800.25\n', None),
  (r'model_checkpoint_path: "mod\145l"', None),
  ('', 'has 0 lines'), ('\n', 'has 0 lines'),
  ('model_checkpoint_path: "modal"\n', r"names 'modal'.*did you mean 'model'\?"),
  ('model_checkpoint_path: ""\n', 'its line 1'),
  ('model_checkpoint_path: "."\n', 'no such .index'),
  ('model_checkpoint_path: "mod\0el"\n', 'no such .index'),
  ('model_checkpoint_path: "model"\nmodel_checkpoint_path: "other"\n', 'has 2 lines'),
  ('model_checkpoint_path: "model"\nall_model_checkpoint_paths: "other"\n', 'none of those'),
  ('model_checkpoint_path: "model"\nall_model_checkpoint_pat', 'its line 2'),
  (r'model_checkpoint_path: "mod\xe5l"', 'its line 1'),
  (r'model_checkpoint_path: "mod\345l"', 'utf-8'),
])
def test_the_file_checkpoint(tmp_path, content, expected):
  for name in ('model', 'other'):
    assembled.write(tmp_path, assembled.bundle(PAIR), name)
  (tmp_path / 'checkpoint').write_text(content)
  if expected is None:
    assert bundle_files.locate(tmp_path) == tmp_path / 'model'
  else:
    with pytest.raises(ValueError, match=expected) as caught:
      read(tmp_path)
    assert str(tmp_path / 'checkpoint') in str(caught.value)


def test_a_file_checkpoint_with_the_place_it_was_written_at(tmp_path):
  path = assembled.write(tmp_path, assembled.bundle(PAIR))
  (tmp_path / 'run').mkdir()
  (tmp_path / 'run/checkpoint').write_text(f'model_checkpoint_path: "{path}"\n')
  assert_same(read(tmp_path / 'run'), PAIR)
  (tmp_path / 'run/checkpoint').write_text('model_checkpoint_path: "/gone/model"\n')
  assembled.write(tmp_path / 'run', assembled.bundle(PAIR))
  with pytest.raises(ValueError, match=r"names '/gone/model'.*did you mean 'model'\?"):
    read(tmp_path / 'run')


def test_a_folder_without_a_file_checkpoint(tmp_path):
  assembled.write(tmp_path, assembled.bundle(PAIR))
  with pytest.raises(ValueError, match='has no file checkpoint.*bundles there: model'):
    read(tmp_path)


# Files of elements that are not as the index says.

def test_a_file_of_elements_is_missing(tmp_path):
  files = assembled.bundle(PAIR, num_shards=3)
  del files['.data-00001-of-00003']
  path = assembled.write(tmp_path, files)
  refused(path, r'needs 3 file.*model.data-00001-of-00003 is not there; there are: '
          r'model.data-00000-of-00003, model.data-00002-of-00003')


@pytest.mark.parametrize('change, message', [
  (lambda whole: whole[:-1], r'has 19 bytes, but a/c ends at byte 20'),
  (lambda whole: whole[:7], r'has 7 bytes, but a/b ends at byte 8'),
  (lambda whole: b'', r'has 0 bytes'),
  (lambda whole: whole + b'\0', 'goes on for 1 bytes'),
  (lambda whole: whole[:9] + b'\1' + whole[10:], 'a/c: does not have the bytes .* checksum'),
])
def test_a_file_of_elements_is_another(tmp_path, change, message):
  files = assembled.bundle(PAIR)
  files['.data-00000-of-00001'] = change(files['.data-00000-of-00001'])
  refused(assembled.write(tmp_path, files), message, '.data-00000-of-00001')


def test_a_file_of_elements_that_no_tensor_needs_is_empty(tmp_path):
  files = assembled.bundle(PAIR, num_shards=3)
  assert files['.data-00002-of-00003'] == b''
  assert_same(read(assembled.write(tmp_path, files)), PAIR)
  files['.data-00002-of-00003'] = b'\0'
  refused(assembled.write(tmp_path, files), 'goes on for 1 bytes', '.data-00002-of-00003')


def test_a_truth_value_is_0_or_1(tmp_path):
  two = assembled.bundle({'x': np.array([0, 2], np.uint8)}, dtype=10)
  refused(assembled.write(tmp_path, two), 'x: a truth value', '.data-00000-of-00001')


# Entries, their checksums right.

@pytest.mark.parametrize('fields, message', [
  (dict(dtype=7), r'a/c: is of dtype 7 \(string\); these are read: float32, '),
  (dict(dtype=20), r'dtype 20 \(resource\)'),
  (dict(dtype=0), r'dtype 0 \(none\)'),
  (dict(dtype=101), r'dtype 101 \(another\)'),
  (dict(rest=assembled.raw(7, b'')), 'a/c: is kept in slices'),
  (dict(shape=(3, 2)), r'a/c: has 12 bytes, expected 24 of int32 \[3, 2\]'),
  (dict(shape=(3,), size=13), 'has 13 bytes, expected 12'),
  (dict(shape=(-3, -1)), 'a/c: the shape'),
  (dict(shape=(2**47, 2), size=2**50), 'a/c: the shape'),
  (dict(shape=(1,) * 33 + (3,)), 'a/c: the shape'),
  (dict(size=-12), 'has -12 bytes'),
  (dict(shard=1), r'of file 1 \(of 1\)'),
  (dict(shard=-1), 'of file -1'),
  (dict(offset=-8), 'begins at byte -8'),
  (dict(rest=assembled.number(8, 1)), 'a field 8, which is not known'),
  (dict(rest=assembled.number(1, 3)), 'dtype is given twice'),
  (dict(rest=assembled.number(7, 1)), 'slices is not written as bytes'),
  (dict(rest=b'\x3a\x05abc'), 'a/c: a message ends within a field'),
  (dict(rest=b'\x80'), 'a number is cut off, has more'),
  (dict(rest=b'\x80\0'), 'is longer than need be'),
  (dict(rest=b'\x80' * 10 + b'\1'), 'a number is cut off, has more'),
])
def test_an_entry_is_wrong(tmp_path, fields, message):
  refused(assembled.write(tmp_path, assembled.bundle(PAIR, **fields)), message)


@pytest.mark.parametrize('fields, message', [
  (dict(offset=2**62), 'has 20 bytes, but a/c ends at'),
  (dict(shape=(2**40,), size=2**42), 'has 20 bytes, but a/c ends at'),
  (dict(offset=4), 'a/c begins at byte 4, expected 8'),
  (dict(offset=0), 'a/c begins at byte 0, expected 8'),
  (dict(shape=(0, 5), size=0, offset=9), 'begins at byte 9, expected 8'),
  (dict(checksum=0), 'a/c: does not have the bytes'),
])
def test_an_entry_does_not_fit_the_elements(tmp_path, fields, message):
  path = assembled.write(tmp_path, assembled.bundle(PAIR, **fields))
  refused(path, message, '.data-00000-of-00001')


def test_a_shape_that_is_unknown(tmp_path):
  wrong = assembled.entry(shape=()).replace(b'\x12\0', b'\x12\2\x18\1')
  path = assembled.write(tmp_path, assembled.index({b'': assembled.header(), b'x': wrong}))
  path.with_name('model.data-00000-of-00001').write_bytes(bytes(8))
  refused(path, 'x: has no shape')


def test_a_sliced_tensor_is_named(tmp_path):
  files = assembled.bundle({'x': PAIR['a/b']})
  pairs = {b'': assembled.header(), b'\0x\0\1': assembled.entry(),
           b'x': assembled.entry(rest=assembled.raw(7, b'\x0a\0'))}
  refused(assembled.write(tmp_path, files | assembled.index(pairs)), 'x: is kept in slices')
  del pairs[b'x']
  refused(assembled.write(tmp_path, files | assembled.index(pairs)), 'not listed')


@pytest.mark.parametrize('first, message', [
  (assembled.header(endianness=1), 'not little-endian'),
  (assembled.header(version=b'\x08\x02\x10\x02'), 'version 2 of the format, expected 1'),
  (assembled.header(shards=0), 'claims 0 files'),
  (assembled.header(shards=-1), 'claims -1 files'),
  (assembled.header(shards=2**31), r'needs 2,147,483,648 file.*model.data-00000-of-2147483648'),
  (assembled.header(rest=assembled.number(4, 1)), 'a field 4'),
])
def test_a_header_is_wrong(tmp_path, first, message):
  refused(assembled.write(tmp_path, assembled.bundle(PAIR, first=first)), message)


def test_names(tmp_path):
  files = assembled.bundle(PAIR)
  path = assembled.write(tmp_path, files | assembled.index({b'x': assembled.entry()}))
  refused(path, 'lacks the header')
  pairs = {b'': assembled.header(), b'\xff': assembled.entry()}
  refused(assembled.write(tmp_path, files | assembled.index(pairs)), 'is not UTF-8')
  assert read(assembled.write(tmp_path, assembled.bundle({}))) == {}


# Tables, their checksums right.

ONE, TWO = (b'a', b'1'), (b'b', b'2')
ITEM = assembled.item(0, *ONE)


@pytest.mark.parametrize('content, message', [
  (b'', 'magic number'),
  (assembled.table([assembled.block([ONE])])[:-1], 'was cut off'),
  (assembled.MAGIC, 'its 8 bytes'),
  (assembled.table([assembled.block([ONE])], filled=b'\1'), 'footer is filled up'),
  (assembled.table([assembled.block([TWO, ONE])]), r"the key b'a' is out of order"),
  (assembled.table([assembled.block([ONE, ONE])]), r"the key b'a' stands in it twice"),
  (assembled.table([assembled.block([ONE]), assembled.block([ONE])]), 'twice'),
  (assembled.table([assembled.block([TWO]), assembled.block([ONE])]), 'out of order'),
  (assembled.table([assembled.block([ONE])], meta=assembled.block([TWO])), 'metadata'),
  (assembled.table([b'\0\0\0\0']), 'no restart points'),
  (assembled.table([ITEM + bytes(4)]), 'claims 0 restart points'),
  (assembled.table([ITEM + b'\xff\xff\xff\xff']), 'claims 4294967295 restart points'),
  (assembled.table([assembled.with_restarts(ITEM, [1])]), 'do not ascend from 0'),
  (assembled.table([assembled.with_restarts(ITEM * 2, [0, 5, 5])]), 'do not ascend from 0'),
  (assembled.table([assembled.with_restarts(ITEM, [0, 3])]), 'restarts at byte 3'),
  (assembled.table([assembled.with_restarts(ITEM, [0, 5])]), 'restarts at byte 5'),
  (assembled.table([assembled.with_restarts(assembled.item(1, b'a', b''), [0])]), 'share 1 bytes'),
  (assembled.table([assembled.with_restarts(ITEM + assembled.item(2, b'b', b''), [0])]),
   'share 2 bytes with one of 1'),
  (assembled.table([assembled.with_restarts(ITEM + assembled.item(1, b'b', b''), [0, 5])]),
   'share 1 bytes with one of 0'),
  (assembled.table([assembled.with_restarts(b'\0\1\x7fa1', [0])]), 'goes beyond its block'),
  (assembled.table([assembled.with_restarts(b'\0', [0])]), 'goes beyond its block'),
  (assembled.table([assembled.block([ONE])], seal=lambda content: assembled.sealed(content, 2)),
   r'compressed in a way \(2\) that is not known'),
])
def test_a_table_is_wrong(tmp_path, content, message):
  refused(assembled.write(tmp_path, {'.index': content}), message)


def test_blocks_that_do_not_follow_one_another():
  data, meta = (assembled.sealed(assembled.block(pairs)) for pairs in ([ONE], []))

  def table(parts, data_at, meta_at, rest=b''):
    places = [assembled.varint(at) + assembled.varint(size - 5)
              for at, size in ((data_at, len(data)), (meta_at, len(meta)))]
    index = assembled.sealed(assembled.block([(b'b', places[0])], 1))
    footer = places[1] + assembled.varint(len(parts)) + assembled.varint(len(index) - 5)
    return parts + index + rest + footer.ljust(40, b'\0') + assembled.MAGIC

  assert sorted_table.read(table(data + meta, 0, len(data))) == dict([ONE])
  for content, message in (
      (table(b'.' + data + meta, 1, 1 + len(data)), 'begin at byte 0'),
      (table(meta + data, len(meta), 0), 'begin at byte 0'),
      (table(data + b'.' + meta, 0, len(data) + 1), 'up to its footer'),
      (table(data + meta + b'.', 0, len(data)), 'up to its footer'),
      (table(data + meta, 0, len(data), b'.'), 'up to its footer'),
      (table(data + meta, 0, 2**63), 'up to its footer')):
    with pytest.raises(ValueError, match=message):
      sorted_table.read(content)


def test_a_block_beyond_the_file():
  whole = assembled.table([assembled.block([ONE])])
  at = len(whole) - 48
  for place in (b'\0\0\xff\xff\xff\xff\x0f\1', b'\0\0' + b'\xff' * 9 + b'\1\1', b'\0\0\0\xff\x7f'):
    with pytest.raises(ValueError, match='beyond its'):
      sorted_table.read(whole[:at] + place.ljust(40, b'\0') + assembled.MAGIC)


# Damage: there is no byte that is not checked.

SMALL = {'w': np.array([1, 2], np.float32), 'w/Adam': np.array([3, 0], np.float32),
         'z': np.array(7, np.int64)}


def _damaged(whole, values):
  for at in range(len(whole)):
    yield whole[:at]
    for value in values(whole[at]):
      if value != whole[at]:
        yield whole[:at] + bytes([value]) + whole[at + 1:]
  for more in (b'\0', b'\xff', whole[-48:], whole):
    yield whole + more
    yield more + whole


def _assert_no_damage_is_missed(folder, values):
  files = assembled.bundle(SMALL, per_block=2, interval=2)
  path = assembled.write(folder, files)
  count = 0
  for ending, whole in files.items():
    file = path.with_name(path.name + ending)
    for content in _damaged(whole, values):
      file.write_bytes(content)
      count += 1
      with pytest.raises(ValueError) as caught:
        tensor_bundle.read(path)
      assert str(path) in str(caught.value)
    file.write_bytes(whole)
  assert_same(tensor_bundle.read(path), SMALL)
  return count


def test_every_changed_bit_and_every_length(tmp_path):
  count = _assert_no_damage_is_missed(
    tmp_path, lambda byte: [*(byte ^ 1 << bit for bit in range(8)), 0, 255, byte + 1 & 255])
  assert count > 2000


@pytest.mark.slow
def test_every_changed_byte(tmp_path):
  assert _assert_no_damage_is_missed(tmp_path, lambda byte: range(256)) > 50_000


def test_a_damaged_file_checkpoint_names_no_other_bundle(tmp_path):
  for name in ('model-1', 'model-2'):
    assembled.write(tmp_path, assembled.bundle(SMALL), name)
  whole = (b'model_checkpoint_path: "model-2"\nall_model_checkpoint_paths: "model-2"\n'
           b'all_model_checkpoint_timestamps: 1577836800.25\n')
  found = set()
  for content in _damaged(whole, lambda byte: [*(byte ^ 1 << bit for bit in range(8)), ord('1')]):
    (tmp_path / 'checkpoint').write_bytes(content)
    try:
      found.add(bundle_files.locate(tmp_path).name)
    except ValueError as error:
      assert str(tmp_path / 'checkpoint') in str(error)
      found.add('refused')
  assert found == {'model-2', 'refused'}


def test_a_reader_that_misses_damage_is_caught(tmp_path, monkeypatch):
  monkeypatch.setattr(crc32c, 'masked', lambda content: 0)
  monkeypatch.setattr(assembled, 'masked', lambda content: 0)
  with pytest.raises(pytest.fail.Exception, match='DID NOT RAISE'):
    _assert_no_damage_is_missed(tmp_path, lambda byte: [byte ^ 128])


# Memory and time: what a file claims costs nothing.

def test_keys_that_share_much_are_refused_early():
  long = b'k' * 2**16
  items = assembled.item(0, long, b'') + b''.join(
    assembled.item(2**16 + place, b'k', b'') for place in range(2000))
  content = assembled.table([assembled.with_restarts(items, [0])])
  tracemalloc.start()
  try:
    with pytest.raises(ValueError, match='keys have more than 16,777,216 bytes'):
      sorted_table.read(content)
    assert tracemalloc.get_traced_memory()[1] < 2**25
  finally:
    tracemalloc.stop()


@pytest.mark.parametrize('fields', [
  dict(shape=(2**40,), size=2**42), dict(offset=2**62), dict(shape=(2**20, 2**20), size=2**42)])
def test_a_claimed_size_takes_no_memory(tmp_path, fields):
  path = assembled.write(tmp_path, assembled.bundle(PAIR, **fields))
  read(assembled.write(tmp_path, assembled.bundle(PAIR), 'whole'))  # what is kept from now on
  tracemalloc.start()
  try:
    with pytest.raises(ValueError):
      tensor_bundle.read(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
  finally:
    tracemalloc.stop()


def test_the_same_bytes_are_not_given_to_two(tmp_path):
  data = some(DTYPES[0], (2**10,)).tobytes()
  said = assembled.entry(shape=(2**10,), size=2**12, checksum=assembled.masked(data))
  pairs = {b'': assembled.header()} | {f'{number:04d}'.encode(): said for number in range(1000)}
  files = assembled.index(pairs) | {'.data-00000-of-00001': data}
  refused(assembled.write(tmp_path, files), '0001 begins at byte 0, expected 4096',
          '.data-00000-of-00001')


# What belongs to a model.

def test_what_the_optimizer_kept_is_told_apart():
  own, left_out = tensor_bundle.without_optimizer(tensor_bundle.read(GOLDEN / 'pt_text_model'))
  assert sorted(own) == [
    'embedding_layer/embed_matrix', 'output_layer/W', 'output_layer/b',
    *(f'rnn/multi_rnn_cell/cell_0/gru_cell/{name}'
      for name in ('candidate/bias', 'candidate/kernel', 'gates/bias', 'gates/kernel'))]
  assert len(left_out) == 2 * len(own) + 3 and {
    'audio_optimizer/beta1_power', 'audio_optimizer/beta2_power', 'global_step',
    'output_layer/W/Adam', 'output_layer/W/Adam_1'} <= {*left_out}


def test_a_variable_may_be_called_as_the_optimizers_are():
  shaped = {name: np.empty(shape) for name, shape in {
    'w': (2,), 'w/Adam': (2,), 'w/Adam_1': (3,), 'v/Adam': (2,), 'Adam': (), 'beta1_power': (),
    'text/beta2_power_1': (), 'beta1_power_of': (), 'global_step': (1,),
    'x/global_step': ()}.items()}
  own, left_out = tensor_bundle.without_optimizer(shaped)
  assert left_out == ['w/Adam', 'beta1_power', 'text/beta2_power_1', 'x/global_step']
  assert list(own) == ['w', 'w/Adam_1', 'v/Adam', 'Adam', 'beta1_power_of', 'global_step']
