"""PyTorch checkpoints of every container and dtype, and the ways in which one can be wrong."""

import io
import pathlib
import pickle
import re
import struct
import tracemalloc
import zipfile

import ml_dtypes
import numpy as np
import pytest

from emojax.io import torch_files
from emojax.io.pickle_machine import Record
from tests.io import assembled, watch
from tests.io.assembled import call, name, number, pickled, storage, tensor, text, tuple_of

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mat'
FORMS = ('legacy_', 'cuda_legacy_', 'cuda_zip_')
SIX = np.arange(6, dtype='<f4').tobytes()


@pytest.fixture
def load(tmp_path):
  def load(content):
    path = tmp_path / 'best.pkl'
    path.write_bytes(content)
    with watch.events() as events:
      try:
        return torch_files.load(path)
      finally:
        assert not events, 'something was run'
  return load


def refused(load, content, message):
  with pytest.raises(ValueError, match=message) as caught:
    load(content)
  assert 'best.pkl' in str(caught.value) and len(str(caught.value)) < 1000


def containers(pickle, storages, itemsize=4):
  return (assembled.zip_file(pickle, storages), assembled.stream(pickle, storages, itemsize))


def same(found, expected):
  assert type(found) is type(expected)
  if isinstance(expected, np.ndarray):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()
  elif isinstance(expected, dict):
    assert list(found) == list(expected)
    for key in expected:
      same(found[key], expected[key])
  elif isinstance(expected, list):
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
      same(one, other)
  elif isinstance(expected, Record):
    assert found.name == expected.name
    same(found.state, expected.state)
  else:
    assert found == expected


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('path', [
  GOLDEN / 'ckpt_tiny_mat/best44.44444444444444_2.pkl',
  GOLDEN / 'ckpt_tiny_mnt/best11.11111111111111_4.pkl'], ids=['mat', 'mnt'])
def test_all_forms_of_a_checkpoint_agree(path, form):
  same(torch_files.load(path.with_name(form + path.name)), torch_files.load(path))


def test_what_a_checkpoint_holds():
  found = torch_files.load(GOLDEN / 'ckpt_tiny_mat/best44.44444444444444_1.pkl')
  assert list(found) == ['state_dict', 'optimizer', 'args']
  vectors = np.load(GOLDEN / 'ckpt_tiny_mat/train_glove.npy')
  assert found['state_dict']['embedding.weight'].shape == vectors.shape
  assert all(value.dtype == np.float32 and np.isfinite(value).all() and value.flags.owndata
             and value.flags.writeable for value in found['state_dict'].values())
  moments = found['optimizer']['state'][0]
  assert moments['step'].shape == () and moments['exp_avg'].shape == vectors.shape
  assert found['optimizer']['param_groups'][0]['betas'] == (0.9, 0.999)
  settings = found['args']
  assert settings.name == 'argparse.Namespace' and settings.state['model'] == 'Model_MAT'
  loss = settings.state['loss_fn']
  assert loss.name == 'torch.nn.modules.loss.CrossEntropyLoss'
  assert loss.state['reduction'] == 'sum' and loss.state['_buffers'] == {'weight': None}


DTYPES = {
  'Float': '<f4', 'Double': '<f8', 'Half': '<f2', 'BFloat16': ml_dtypes.bfloat16,
  'Long': '<i8', 'Int': '<i4', 'Short': '<i2', 'Char': 'i1', 'Byte': 'u1', 'Bool': '?',
  'ComplexFloat': '<c8', 'ComplexDouble': '<c16',
}


@pytest.mark.parametrize('device', ['torch', 'torch.cuda'])
@pytest.mark.parametrize('kind, dtype', DTYPES.items())
def test_every_dtype(load, device, kind, dtype):
  expected = np.array([[0, 1, 1], [1, 0, 1]] if kind == 'Bool' else [[0, 1, 2], [3, 4, 100]], dtype)
  content = pickled(tensor(storage(kind=f'{device}.{kind}Storage', location='cuda:0')))
  for file in containers(content, {'0': expected.tobytes()}, expected.itemsize):
    same(load(file), expected)


@pytest.mark.parametrize('offset, size, stride, expected', [
  (0, (2, 3), (3, 1), [[0, 1, 2], [3, 4, 5]]),
  (0, (3, 2), (1, 3), [[0, 3], [1, 4], [2, 5]]),  # transposed
  (1, (2, 2), (3, 1), [[1, 2], [4, 5]]),  # columns
  (4, (), (), 4),
  (5, (1, 1), (999, 7), [[5]]),  # of one step none is made
  (2, (2,), (2,), [2, 4]),
  (0, (0, 3), (3, 1), np.zeros((0, 3))),
  (6, (0,), (1,), []),
  (3, (2, 4), (1, 0), [[3] * 4, [4] * 4]),  # expanded
  (0, (100, 200), (0, 0), np.zeros((100, 200))),
])
def test_views(load, offset, size, stride, expected):
  for file in containers(pickled(tensor(storage(), offset, size, stride)), {'0': SIX}):
    same(load(file), np.array(expected, np.float32))


@pytest.mark.parametrize('offset, size, stride', [
  (0, (2, 4), (4, 1)),
  (1, (2, 3), (3, 1)),
  (6, (), ()),
  (7, (0,), (1,)),
  (0, (2, 3), (4, 1)),
  (0, (2,), (2**40,)),
  (0, (2, 3), (1, 1, 1)),
  (0, (2, 3), (-3, 1)),
  (-1, (1,), (1,)),
  (2**80, (1,), (1,)),
  (0, (-1,), (1,)),
  (0, (2**60,), (0,)),
  (0, (2**27,), (0,)),  # no memory here, but where it is copied
  (0, (2**20, 2**20, 2**20), (0, 0, 0)),
  (0, (3, 3), (1, 1)),  # more elements than there are, without being expanded
])
def test_views_beyond_their_storage_are_refused(load, offset, size, stride):
  for file in containers(pickled(tensor(storage(), offset, size, stride)), {'0': SIX}):
    refused(load, file, 'goes beyond its storage of 6|do not fit its size|few and reasonable')


def test_tensors_own_their_memory(load):
  large = bytes(4 * 10**6)
  content = pickled(tuple_of(
    tensor(storage(count=10**6) + b'q\x07', 5, (2,), (1,)), tensor(b'h\x07', 5, (2,), (1,)),
    tensor(b'h\x07', 0, (10**6,), (0,))))
  for file in containers(content, {'0': large}):
    tracemalloc.start()
    first, second, expanded = load(file)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 10**5 and peak < 2.5 * len(large)
    first[0] = 3
    assert second[0] == 0, 'tensors of one storage are apart'
    with pytest.raises(ValueError, match='read-only'):
      expanded[0] = 3


def test_objects(load):
  parameter = call('torch._utils._rebuild_parameter', tensor(storage()), b'\x88',
                   call('collections.OrderedDict'))
  loss = name('torch.nn.modules.loss.BCEWithLogitsLoss') + b')\x81' + (
    assembled.dict_of(pos_weight=parameter, hooks=call('__builtin__.set', b']')) + b'b')
  settings = name('argparse.Namespace') + b')\x81' + assembled.dict_of(
    loss_fn=loss, names=call('builtins.set', assembled.list_of(text('a'), text('b')))) + b'b'
  weights = call('collections.OrderedDict') + text('w') + tensor(storage()) + b's' + (
    assembled.dict_of(_metadata=b'}') + b'b')
  expected = np.arange(6, dtype=np.float32).reshape(2, 3)
  for file in containers(pickled(tuple_of(settings, weights)), {'0': SIX}):
    settings, weights = load(file)
    assert settings.name == 'argparse.Namespace' and settings.state['names'] == {'a', 'b'}
    loss = settings.state['loss_fn']
    assert loss.name == 'torch.nn.modules.loss.BCEWithLogitsLoss' and loss.state['hooks'] == set()
    same(loss.state['pos_weight'], expected)
    assert list(weights) == ['w']
    same(weights['w'], expected)


def test_streams_keep_the_source_of_a_loss(load):
  loss = 'torch.nn.modules.loss.CrossEntropyLoss'
  identity = tuple_of(text('module'), name(loss), text('loss.py'), text('import os')) + b'Q'
  assert load(assembled.stream(pickled(identity + b')\x81}b'), {})) == Record(loss, {})
  refused(load, assembled.zip_file(pickled(identity + b')\x81}b'), {}), 'does not name a storage')
  other = identity.replace(b'CrossEntropyLoss', b'CTCLoss')
  refused(load, assembled.stream(pickled(other + b')\x81}b'), {}), "CTCLoss', which is not allowed")


START = tuple_of(text('storage'), name('torch.FloatStorage'))
ATTACKS = {
  'os.system': (call('os.system', text('touch /tmp/x')), "'os.system', which is not allowed"),
  'torch.load': (call('torch.load', text('x')), "'torch.load'"),
  'numpy': (name('numpy.ndarray'), "'numpy.ndarray'"),
  'a network': (name('torch.nn.modules.linear.Linear') + b')\x81', 'modules.linear.Linear'),
  'a quantised tensor': (call('torch._utils._rebuild_qtensor'), '_rebuild_qtensor'),
  'state that is a tuple': (
    name('argparse.Namespace') + b')\x81' + tuple_of(b'N', assembled.dict_of(x=b'N')) + b'b',
    'sets the state of a Record to a tuple'),
  'state with a key that is no text': (
    name('argparse.Namespace') + b')\x81}K\x01NsbN0', 'state of a Record to a dict'),
  'state of a tensor': (tensor(storage()) + b'}b', 'sets the state of a ndarray'),
  'a class with arguments': (call('argparse.Namespace', number(1)), 'called with arguments'),
  'calling a storage': (call('torch.FloatStorage', number(2**40)), 'only allowed as a name'),
  'a bare storage': (storage(), '_Storage is left'),
  'a tensor of none': (tensor(b'N'), 'not made of a storage'),
  'a tensor of text': (tensor(text('0')), 'not made of a storage'),
  'a parameter of none': (
    call('torch._utils._rebuild_parameter', b'N', b'\x88', b'}'), 'not made of a tensor'),
  'an ordered dict of pairs': (call('collections.OrderedDict', b']'), 'does not start empty'),
  'a set of a number': (call('builtins.set', number(9)), 'not made of a list'),
  'a set of lists': (call('builtins.set', assembled.list_of(b']')), 'a key is a list'),
  'an identity that is text': (text('0') + b'Q', 'does not name a storage'),
  'an identity of other parts': (START + b'Q', 'does not name a storage'),
  'a storage without end': (tensor(storage(count=2**62)), 'does not name a storage'),
  'a negative storage': (tensor(storage(count=-1)), 'does not name a storage'),
  'a storage of no dtype': (
    tensor(storage(kind='argparse.Namespace')), 'does not name a storage'),
}


@pytest.mark.parametrize('attack, message', ATTACKS.values(), ids=ATTACKS)
def test_nothing_is_run(load, attack, message):
  message += '.*Nothing in it was run'
  refused(load, assembled.zip_file(pickled(attack), {'0': SIX}), message)
  stream = assembled.stream(pickled(attack), {'0': SIX})
  refused(load, stream, message + '|storages that are listed are not the ones')


def forged(content, at, old, new):
  """`content` with one number of a zip file's list of members changed, of the last one."""
  place = content.rindex(b'PK\x01\x02') + at
  assert content[place:place + len(old)] == old, content[place:place + 8]
  return content[:place] + new + content[place + len(new):]


def test_zip_files_that_are_wrong(load):
  content = pickled(tensor(storage()))
  whole = assembled.zip_file(content, {'0': SIX})
  same(load(whole), np.arange(6, dtype=np.float32).reshape(2, 3))
  for file, message in (
    (assembled.zip_file(content, {}), "elements of storage '0' are absent"),
    (assembled.zip_file(content, {'0': SIX[:-1]}), '23 bytes are given for 6'),
    (assembled.zip_file(content, {'0': SIX + b'x'}), '25 bytes are given for 6'),
    (assembled.zip_file(content, {'0': SIX}, byteorder=b'big'), 'not little-endian'),
    (assembled.zip_file(content, {'0': SIX}, byteorder=b''), 'not little-endian'),
    (assembled.zip_file(content, {'0': SIX}, compression=zipfile.ZIP_DEFLATED), 'not stored'),
    (whole.replace(b'data.pkl', b'data.pig'), 'without data.pkl'),
    (whole.replace(b'archive/data/0', b'another/data/0'), 'not in one folder'),
    (forged(whole, 20, b'\x02\0\0\0', b'\xff\xff\xff\x7f'), 'is not stored as it is'),
    (forged(whole, 20, b'\x02\0\0\0\x02\0\0\0', b'\xff\xff\xff\x7f' * 2), 'larger than the file'),
    (forged(whole, 16, whole[whole.rindex(b'PK\x01\x02') + 16:][:4], bytes(4)), 'CRC'),
    (forged(whole, 42, b'', b'\0\0\0\0'), 'intact'),
    (forged(whole, 42, b'', b'\xff\xff\0\0'), 'intact'),
    (forged(whole, 8, b'\0\0', b'\x01\0'), 'is not stored as it is'),
    (whole[:-22] + bytes(22), 'intact PyTorch checkpoint: File is not a zip file'),
  ):
    refused(load, file, message)


def test_two_members_of_one_name(load):
  file = io.BytesIO()
  with zipfile.ZipFile(file, 'w') as archive, pytest.warns(UserWarning, match='Duplicate name'):
    archive.writestr('a/data.pkl', pickled(number(1)))
    archive.writestr('a/data.pkl', pickled(number(2)))
  refused(load, file.getvalue(), 'two members have the same name')


def test_every_top_folder(load):
  for folder in ('archive', 'best72.5_3', 'sü ß'):
    assert load(assembled.zip_file(pickled(number(1)), {}, folder=folder)) == 1


def test_streams_that_are_wrong(load):
  content = pickled(tensor(storage()))
  whole = assembled.stream(content, {'0': SIX})
  size = struct.pack('<q', 6)
  for file, message in (
    (assembled.stream(content, {}), 'listed are not the ones'),
    (assembled.stream(content, {'0': SIX, '1': SIX}), 'listed are not the ones'),
    (assembled.stream(content, {'0': SIX[:-4]}), 'has 5 elements, expected 6'),
    (assembled.stream(content, {'0': SIX}, little=False), 'not little-endian'),
    (assembled.stream(content, {'0': SIX}, version=1002), 'another version'),
    (whole + b'x', 'goes on for 1 bytes after its last storage'),
    (whole.replace(size, struct.pack('<q', 2**62)), "'0' does not fit"),
    (whole.replace(size, struct.pack('<q', -6)), "'0' does not fit"),
    (whole.replace(text('0') + b'e', text('0') * 2 + b'e'), 'listed are not the ones'),
    (whole.replace(b'](' + text('0') + b'e', b'](Ne'), 'are not listed'),
    (assembled.stream(pickled(tuple_of(
      tensor(storage()), tensor(storage(kind='torch.IntStorage')))), {'0': SIX}), 'two dtypes'),
    (assembled.stream(pickled(tensor(storage(rest=tuple_of(text('v'), number(0), number(6))))),
                      {'0': SIX}), 'does not name a storage'),
  ):
    refused(load, file, message)


@pytest.mark.parametrize('content', [
  b'', b'\x80', b'PK\x03\x04', b'PK\x05\x06' + bytes(18), b'loss 0.3', pickle.dumps({'w': 1})])
def test_other_files(load, content):
  refused(load, content, 'no (intact )?PyTorch checkpoint')


def test_files_that_are_absent(tmp_path):
  with pytest.raises(FileNotFoundError):
    torch_files.load(str(tmp_path / 'best.pkl'))


def test_every_truncation_is_refused(load):
  for whole in containers(pickled(tensor(storage(), 0, (2,), (1,)), b''), {'0': SIX}):
    for length in range(len(whole)):
      refused(load, whole[:length], 'best.pkl')


def test_every_byte_of_every_member_counts(load):
  whole = assembled.zip_file(pickled(tensor(storage())), {'0': SIX, 'unused': b'12'})
  with zipfile.ZipFile(io.BytesIO(whole)) as archive:
    members = [archive.read(info) for info in archive.infolist()]
  for member in members:
    start = whole.index(member)
    for at in range(start, start + len(member)):
      file = whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:]
      refused(load, file, 'no intact PyTorch checkpoint: Bad CRC-32')


def test_the_list_of_what_is_read():
  """Whoever makes it longer thinks about what the new name does with arguments of an attacker."""
  listed = set(torch_files.ALLOW) - set(torch_files.STORAGES)
  assert listed == {
    'torch._utils._rebuild_tensor_v2', 'torch._utils._rebuild_parameter', 'collections.OrderedDict',
    'argparse.Namespace', 'torch.nn.modules.loss.CrossEntropyLoss',
    'torch.nn.modules.loss.BCEWithLogitsLoss', 'builtins.set', '__builtin__.set'}
  pattern = re.compile(r'torch(\.cuda)?\.[A-Za-z0-9]+Storage')
  assert len(torch_files.STORAGES) == 24 and all(map(pattern.fullmatch, torch_files.STORAGES))
