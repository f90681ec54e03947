"""Pickles of plain values and arrays are read as Python reads them; everything else is refused."""

import itertools
import math
import os
import pathlib
import pickle
import tracemalloc

import numpy as np
import pytest

from emojax.io import pickle_machine, pickles
from emojax.io.pickle_machine import Record
from tests.io import assembled, watch
from tests.io.assembled import call, name, number, numbers, pickled, raw, text, tuple_of

PROTOCOLS = range(6)
FIXTURE = pathlib.Path(__file__).parents[1] / 'golden/mat/fixture/data'

VALUES = {
  'none': None,
  'truth': [True, False],
  'integers': [0, -1, 255, 256, 65535, 65536, 2**31 - 1, -2**31, 2**63, -2**63, 3**2000],
  'floats': [0.1, -0.0, 1e-300, math.inf],
  'text': ['', 'why', 'süß', '\n\\', '\U0001f600', '\ud800', 'x' * 300, 'y' * 70000],
  'bytes': [b'', b'a', bytes(range(256)), bytes(70000)],
  'tuples': [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((),)],
  'lists': [[], [1], [[2], [[3]]], list(range(2000))],
  'dicts': [{}, {'a': 1}, {0: 'x', None: {b'y': (1.5, [])}, True: 2}],
  'a long dict': {str(n): n for n in range(1500)},
}
ARRAYS = {
  **{code: np.arange(6).reshape(2, 3).astype(code) for code in (
    'b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8', 'c8', 'c16',
    '>i4', '>f8', '>c8', 'S5', 'U5', '>U2', 'O')},
  'fortran': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
  'axes turned': np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
  'every other': np.arange(8.0)[::2],
  'point': np.array(2.5),
  'empty': np.zeros((0, 80), np.float32),
  'large': np.arange(5000, dtype=np.float32).reshape(-1, 80 // 16),
  'words': np.array(['why', 'is', 'süß', '']),
  'objects': np.array(['why', None, 1, 2.5, b'x', np.float32(3)], object),
  'fortran objects': np.asfortranarray(np.array([['a', 'b'], ['c', 'd']], object)),
  'ragged': np.fromiter([np.arange(2), np.arange(3.0)], object, 2),
}


def refused(content, message):
  with watch.events() as events, pytest.raises(ValueError, match=message) as caught:
    pickles.load(content)
  assert not events, 'something was run'
  assert len(str(caught.value)) < 1000


def same(found, expected):
  assert type(found) is type(expected)
  if isinstance(expected, np.ndarray):
    expected = expected.astype(expected.dtype.newbyteorder('='), order='K')
    assert found.dtype == expected.dtype and found.shape == expected.shape
    assert found.flags.owndata and found.flags.writeable and found.strides == expected.strides
    if expected.dtype == object:
      for one, other in zip(found.flat, expected.flat):
        same(one, other)
    else:
      assert found.tobytes() == expected.tobytes()
  elif isinstance(expected, dict):
    assert list(found) == list(expected)
    for key, value in expected.items():
      same(found[key], value)
  else:
    assert found == expected and repr(found) == repr(expected)


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('value', VALUES.values(), ids=VALUES)
def test_plain_values_in_every_protocol(protocol, value):
  same(pickles.load(pickle.dumps(value, protocol)), value)


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('array', ARRAYS.values(), ids=ARRAYS)
def test_arrays_in_every_protocol(protocol, array):
  content = pickle.dumps({'a': array, 'b': array}, protocol)
  found = pickles.load(content)
  same(found, pickle.loads(content))
  assert found['a'] is found['b'], 'one array stays one'


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_scalars_and_dtypes_in_every_protocol(protocol):
  scalars = [np.array([1], code)[0] for code in ARRAYS if len(code) < 4 and code != 'O']
  same(pickles.load(pickle.dumps(scalars, protocol)), scalars)
  dtypes = [np.dtype(code) for code in ('b1', 'f4', '>f4', 'U7', 'S3', 'O')]
  assert pickles.load(pickle.dumps(dtypes, protocol)) == dtypes


def test_what_newer_protocols_add():
  value = [{1, 'a'}, frozenset({b'x', None}), set(), frozenset()]
  assert pickles.load(pickle.dumps(value, 4)) == value
  assert pickles.load(pickle.dumps(bytearray(b'ab'), 5)) == bytearray(b'ab')


def test_both_spellings_of_numpy():
  array = np.arange(3.0)
  for scalar_or_array in (array, array[1]):
    new = pickle.dumps(scalar_or_array, 2)
    assert new.count(b'numpy._core') == 1
    old = new.replace(b'numpy._core', b'numpy.core')
    same(pickles.load(old), scalar_or_array)
    same(pickles.load(new), scalar_or_array)


def test_pickles_of_python_2():
  # {'k': u'ü', 'text': 'caf\xc3\xa9'} in protocols 0 and 2: bytes and text were one type
  assert pickles.load(b"(dp0\nS'k'\np1\nV\\u00fc\np2\nsS'plain'\nI01\ns.") == {
    'k': 'ü', 'plain': True}
  assert pickles.load(b'\x80\x02}q\x00(U\x01kX\x02\x00\x00\x00\xc3\xbc'
                      b'U\x04textU\x05caf\xc3\xa9u.') == {'k': 'ü', 'text': b'caf\xc3\xa9'}
  code = (b'cnumpy\ndtype\n(U\x02f4K\x00K\x01tR'
          b'(K\x03U\x01<NNN' + b'J\xff\xff\xff\xff' * 2 + b'K\x00tb')
  head = b'\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR'
  for content in (b'\x00\x00\x80?', b'abcd'):
    array = head + b'(K\x01(K\x01t' + code + b'\x89U\x04' + content + b'tb.'
    assert pickles.load(array).tobytes() == content


@pytest.mark.parametrize('path', sorted(FIXTURE.rglob('*.p')), ids=lambda path: path.stem)
def test_processed_files(path):
  same(pickles.load(path), pickle.loads(path.read_bytes()))


def test_word_list_of_a_checkpoint():
  words = pickles.load(FIXTURE.parents[1] / 'ckpt_tiny_mnt/token_to_ix.pkl')
  assert words['UNK'] == 1 and len(words) == 47


class Ours:
  """What an attacker pickles: `__reduce__` says what is to be run."""

  def __init__(self, *reduced):
    self.reduced = reduced

  def __reduce__(self):
    return self.reduced


ATTACKS = {
  'os.system': (call('os.system', text('touch /tmp/x')), "'os.system'"),
  'posix.system': (call('posix.system', text('touch /tmp/x')), "'posix.system'"),
  'eval': (call('builtins.eval', text('1')), "'builtins.eval'"),
  'eval of Python 2': (call('__builtin__.eval', text('1')), "'__builtin__.eval'"),
  'getattr': (call('builtins.getattr', name('os.path'), text('os')), "'builtins.getattr'"),
  'attributes': (text('numpy') + text('load.__globals__') + b'\x93', r"'numpy.load.__globals__'"),
  'a name that is no text': (text('os') + number(1) + b'\x93', 'a name is no text'),
  'operator': (call('operator.attrgetter', text('system')), "'operator.attrgetter'"),
  'a class with arguments': (b'(' + name('subprocess.Popen') + text('id') + b'o', 'subprocess'),
  'instance': (b'(' + text('id') + b'ios\nsystem\n', "'os.system'"),
  'new object': (name('os.popen') + tuple_of(text('id')) + b'\x81', "'os.popen'"),
  'new object by name': (name('numpy.dtype') + b')}\x92', 'operation NEWOBJ_EX is not for data'),
  'import': (call('importlib.import_module', text('antigravity')), "'importlib.import_module'"),
  'reconstructor': (call('copyreg._reconstructor', name('os.system')), "'copyreg._reconstructor'"),
  'numpy.load': (call('numpy.load', text('x.npy')), "'numpy.load'"),
  'a name within a name': (call('numpy.ndarray.tofile', text('x')), "'numpy.ndarray.tofile'"),
  'a name with spaces': (b'cnumpy dtype\nos\n', "'numpy.dtype os'"),
  'terminal codes': (b'cos\n\x1b[2J\n', r"'os\.\\x1b\[2J'"),
  'extension': (b'\x82\x01', 'operation EXT1 is not for data'),
  'buffer from elsewhere': (b'\x97', 'operation NEXT_BUFFER is not for data'),
  'persistent id': (text('x') + b'Q', 'persistent id'),
  'persistent id of protocol 0': (b'Px\n', 'persistent id'),
  'calling text': (text('os.system') + b')R', 'calls a str'),
  'calling without a tuple': (name('numpy.dtype') + b']R', 'with a list'),
  'calling ndarray': (call('numpy.ndarray', numbers([2**40])), 'only allowed as a name'),
  'a bare name': (name('numpy.ndarray'), 'numpy.ndarray is left'),
  'a name in a dict': (b'}' + text('x') + name('numpy.dtype') + b's', 'numpy.dtype is left'),
  'state of a list': (b']}b', 'sets the state of a list'),
  'state of a dict': (b'}}b', 'sets the state of a dict'),
  'state of a name': (name('numpy.dtype') + b'}b', 'sets the state of numpy.dtype'),
  'state of an array': (assembled.array((1,), 'f4', raw(bytes(4))) + b'}b', 'state of a ndarray'),
  'state of bytes': (raw(b'') + tuple_of(b'N', b'}') + b'b', 'sets the state of a bytes'),
  'items of a name': (name('numpy.dtype') + b'(' + text('x') + b'e', 'added to numpy.dtype'),
  'items of a tuple': (b')(' + text('x') + b'e', 'added to a tuple'),
  'items of a list by key': (b']NNs', 'added to a list'),
  'encode with another codec': (call('_codecs.encode', text('x'), text('zlib')), '_codecs.encode'),
  'encode far letters': (call('_codecs.encode', text('ł'), text('latin1')), 'latin-1'),
  'bytes of a size': (call('builtins.bytes', number(2**40)), 'bytes is called with an argument'),
}


@pytest.mark.parametrize('attack, message', ATTACKS.values(), ids=ATTACKS)
def test_nothing_is_run(attack, message):
  refused(pickled(attack), message + r'[^.]*.*Nothing in it was run')


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_python_s_own_attacks_are_refused(tmp_path, protocol):
  victim = tmp_path / 'victim'
  attack = pickle.dumps([1, {'x': Ours(os.system, (f'touch {victim}',))}], protocol)
  refused(attack, "'(posix|nt).system'.*not allowed.*Nothing in it was run")
  assert not victim.exists()
  refused(pickle.dumps(Ours(eval, ('1',)), protocol), "'(__builtin__|builtins).eval'")
  refused(pickle.dumps(Ours(print, ('1',)), protocol), "'(__builtin__|builtins).print'")


HOSTILE = {
  'shape of a start': (assembled.empty_array((2**40,)), 'does not start as an empty'),
  'shape of a start, many': (assembled.empty_array((1,) * 40), 'few and reasonable'),
  'start of another class': (call('numpy.core.multiarray._reconstruct', name('numpy.dtype'),
                                  numbers([0]), raw(b'b')), 'does not start as an empty'),
  'array without content': (assembled.empty_array(), '_Array is left'),
  'dtype without state': (call('numpy.dtype', text('f4'), b'\x89', b'\x88'), '_DType is left'),
  'huge': (assembled.array((2**40,), 'f4', raw(bytes(4))), '4 bytes are given for 1099511627776'),
  'huge product': (assembled.array((2**30, 2**30), 'f4', raw(bytes(4))), 'few and reasonable'),
  'huge beside none': (assembled.array((0, 2**62), 'f4', raw(b'')), 'few and reasonable'),
  'endless integer': (assembled.array((8**9999,), 'f4', raw(b'')), 'few and reasonable'),
  'negative': (assembled.array((-1,), 'f4', raw(bytes(4))), 'few and reasonable'),
  'too many bytes': (assembled.array((1,), 'f4', raw(bytes(5))), '5 bytes are given for 1'),
  'another version': (assembled.array((1,), 'f4', raw(bytes(4)), version=2), 'does not fit'),
  'content of one number': (assembled.array((1,), 'f4', number(7)), 'a int is given'),
  'objects as bytes': (assembled.array((1,), 'O', raw(bytes(8))), 'does not fit'),
  'too few objects': (assembled.array((2**40,), 'O', b']N' + b'a'), 'does not fit'),
  'containers as objects': (assembled.array((1,), 'O', b'](]e'), 'a list is in an array'),
  'arrays of objects as objects': (
    assembled.array((1,), 'O', assembled.list_of(assembled.array((0,), 'O', b']'))),
    'a ndarray is in an array'),
  'truth of 2': (assembled.array((1,), 'b1', raw(b'\x02')), 'neither 0 nor 1'),
  'text beyond Unicode': (assembled.array((1,), 'U1', raw(b'\xff' * 4)), 'not Unicode'),
  'pointers': (call('numpy.core.multiarray.scalar', assembled.dtype('O'), raw(bytes(8))), 'object'),
  'scalar of another size': (
    call('numpy.core.multiarray.scalar', assembled.dtype('f8'), raw(bytes(4))),
    '4 bytes are given for 1'),
  'buffer of another size': (
    call('numpy.core.numeric._frombuffer', raw(bytes(4)), assembled.dtype('f4'), numbers([2**40]),
         text('C')), '4 bytes are given'),
  'axes that are none': (
    call('numpy.core.numeric._frombuffer', raw(bytes(4)), assembled.dtype('f4'), numbers([1]),
         text('K'), numbers([7])), 'another form'),
  'no dtype': (call('numpy.dtype', number(1)), 'lacks its code'),
  'dtype by name': (assembled.dtype('float32'), "dtype 'float32' is not read"),
  'structured dtype': (assembled.dtype('V8'), "dtype 'V8' is not read"),
  'date': (assembled.dtype('M8[us]'), 'is not read'),
  'empty text': (assembled.dtype('U0'), 'is not read'),
  'long text': (assembled.dtype('U99999999'), 'is not read'),
  'byte order': (assembled.dtype('f4', '!'), 'another form'),
}


@pytest.mark.parametrize('attack, message', HOSTILE.values(), ids=HOSTILE)
def test_hostile_arrays_are_refused_before_memory_is_asked_for(attack, message):
  content = pickled(attack)
  tracemalloc.start()
  try:
    refused(content, message)
    assert tracemalloc.get_traced_memory()[1] < 2**20
  finally:
    tracemalloc.stop()


def doubled(times):
  """A list in a list twice, that twice in the next, ..."""
  return b']q\x00' + b''.join(b'0](h' + bytes([n]) + b'h' + bytes([n]) + b'eq' + bytes([n + 1])
                              for n in range(times))


COLLIDING = b''.join(number((2**61 - 1) * n) + b'N' for n in range(2**9, 2**13))
DEEP = 20_000  # a recursion would end at 1,000
BOMBS = {
  'deep lists': (b']' * DEEP + b'a' * (DEEP - 1), 'deeper than 100'),
  'deep tuples': (b')' + b'\x85' * DEEP, 'deeper than 100'),
  'deep dicts': (b'}N' * DEEP + b'N' + b's' * DEEP, 'deeper than 100'),
  'deep marks': (b'(' * DEEP, 'an operation lacks a value'),
  'a deep key': (b'})' + b'\x85' * DEEP + b'Ns', 'a key is a tuple'),
  'keys that collide': (b'}(' + COLLIDING + b'u', 'a key is a int'),
  'doubling': (doubled(100), 'holds more than'),
  'itself': (b']q\x00h\x00a', 'contains itself'),
  'itself in a tuple': (b']q\x00h\x00h\x00\x86a', 'contains itself'),
  'array many times': (
    raw(bytes(10_000)) + b'q\x00' + b'(' + (
      assembled.array((2500,), 'f4', b'h\x00')) * 100 + b'l\x86', 'repeat the same bytes'),
  'text encoded many times': (
    text('x' * 10_000) + b'q\x00' + b'(' + (
      name('_codecs.encode') + b'h\x00' + text('latin1') + b'\x86R') * 100 + b'l\x86',
    'repeat the same bytes'),
  'scalar many times': (
    raw(b'a\0\0\0' * 10_000) + b'q\x00' + assembled.dtype('U10000') + b'q\x01(' + (
      name('numpy.core.multiarray.scalar') + b'h\x01h\x00\x86R') * 100 + b'l\x87',
    'repeat the same bytes'),
  'a place in the memo': (b'N' + b'p' + b'9' * 4000 + b'\n', 'impossible place'),
  'a place below none': (b'Np-1\n', 'impossible place'),
  'a place never filled': (b'h\x07', 'never remembered'),
  'long bytes': (b'\x8e' + b'\xff' * 7 + b'\x7fabc', 'expected 9223372036854775807 bytes'),
  'longer bytes': (b'\x8e' + b'\xff' * 8 + b'abc', 'bytes8 byte count'),
  'long text': (b'\x8d' + b'\xff' * 7 + b'\x7fabc', 'string'),
  'long array of bytes': (b'\x96' + b'\xff' * 7 + b'\x7fabc', 'bytearray8'),
  'long integer': (b'\x8b\xff\xff\xff\x7fabc', 'long4'),
  'negative integer': (b'\x8b\xff\xff\xff\xffabc', 'long4 byte count < 0'),
  'digits': (b'L' + b'9' * 5000 + b'L\n', 'limit'),
  'frame': (b'\x95' + b'\xff' * 8 + b'N', 'goes beyond the end'),
  'protocol': (b'\x80\x06N', 'protocol 6, the largest known is 5'),
  'left over': (b'NN', 'left over'),
  'left over below a mark': (b'N(N', 'left over'),
  'a key alone': (b'}(Nu', 'lacks its value'),
  'an escape that is none': (rb"S'\q'" + b'\n', 'invalid escape sequence'),
}


@pytest.mark.parametrize('attack, message', BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused(attack, message):
  content = pickled(attack)
  tracemalloc.start()
  try:
    refused(content, message)
    assert tracemalloc.get_traced_memory()[1] < 2**20 + 250 * len(content)
  finally:
    tracemalloc.stop()


def test_too_many_operations(monkeypatch):
  monkeypatch.setattr(pickle_machine, 'MAX_STEPS', 1000)
  assert pickles.load(pickled(b'N0' * 490, b'N')) is None
  refused(pickled(b'N0' * 500, b'N'), 'more than 1,000 operations')


def test_memory_stays_near_the_size_of_the_file():
  content = pickle.dumps({'a': np.zeros(10**6), 'b': np.zeros(10**6)}, 4)
  tracemalloc.start()
  found = pickles.load(content)
  peak = tracemalloc.get_traced_memory()[1]
  tracemalloc.stop()
  assert found['b'].nbytes == 8 * 10**6 and peak < 2.2 * len(content), 'the bytes and the arrays'


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_every_truncation_is_refused(protocol):
  value = {'Ses01': np.arange(2, dtype=np.float32), 'word': np.array(['a', 'bc'], object),
           'x': [1, 2**70, 0.5, b'bytes', (None, True)]}
  whole = pickle.dumps(value, protocol)
  for length in range(len(whole)):
    with pytest.raises(ValueError, match=r'pickle is refused near byte \d+: .*fetch it again'):
      pickles.load(whole[:length])


def test_messages_name_the_file(tmp_path):
  path = tmp_path / 'mels.p'
  path.write_bytes(pickle.dumps('x')[:-1])
  with pytest.raises(ValueError, match=r'mels\.p is refused near byte 2: a frame of 5 bytes'):
    pickles.load(path)


def test_what_follows_the_end_is_refused(tmp_path):
  path = tmp_path / 'two.p'
  path.write_bytes(pickle.dumps(1) + pickle.dumps(2))
  with pytest.raises(ValueError, match=r'two\.p goes on for 5 bytes .* ends at byte 5'):
    pickles.load(path)
  with pytest.raises(FileNotFoundError):
    pickles.load(tmp_path / 'absent.p')


def test_every_byte_may_be_any_other():
  """Whatever the byte, the answer is a value or a ValueError."""
  whole = pickle.dumps({'a': np.arange(2, dtype=np.float16), 'b': [np.str_('x'), (1, 'y')]}, 4)
  outcomes = {'read': 0, 'refused': 0}
  with watch.events() as events:
    for at, byte in itertools.product(range(len(whole)), range(0, 256, 9)):
      try:
        pickles.load(whole[:at] + bytes([byte]) + whole[at + 1:])
        outcomes['read'] += 1
      except ValueError as error:
        assert 'the pickle' in str(error)
        outcomes['refused'] += 1
  assert not events and min(outcomes.values()) > 100


def test_stand_ins_of_the_caller():
  def point(*arguments):
    if arguments:
      raise ValueError('a point starts without arguments')
    return Record('ours.Point', {})

  content = pickled(name('ours.Point') + b')\x81q\x00' + assembled.dict_of(x=number(1)) + b'b',
                    b'q\x01h\x00\x86')
  first, second = pickles.load(content, allow={'ours.Point': point})
  assert first is second and first == Record('ours.Point', {'x': 1})
  refused(content, "'ours.Point', which is not allowed")
  with pytest.raises(ValueError, match='a point starts without arguments'):
    pickles.load(pickled(call('ours.Point', number(1))), allow={'ours.Point': point})
  with pytest.raises(ValueError, match='sets the state of a Record to a tuple'):
    slots = tuple_of(b'N', assembled.dict_of(x=number(1)))
    pickles.load(pickled(name('ours.Point') + b')\x81' + slots + b'b'),
                 allow={'ours.Point': point})
  with pytest.raises(ValueError, match='sets the state of a Record to a dict'):
    pickles.load(pickled(name('ours.Point') + b')\x81}NNsb'), allow={'ours.Point': point})
