"""Messages as the format's documentation spells them out, and damaged ones."""

import pytest

from emojax.io import protobuf_wire

FIELDS = {1: ('a', 'int'), 2: ('b', 'bytes'), 3: ('c', 'repeated'), 4: ('d', 'fixed32')}
ABSENT = {'a': 0, 'b': b'', 'c': [], 'd': 0}


@pytest.mark.parametrize('content, expected', [
  ('', {}),
  ('089601', {'a': 150}),
  ('120774657374696e67', {'b': b'testing'}),
  ('1a0308960108ffffffffffffffffff01', {'c': [b'\x08\x96\x01'], 'a': -1}),
  ('1a00250100000008011a0131', {'c': [b'', b'1'], 'd': 1, 'a': 1}),
  ('08808080808080808080' + '01', {'a': -2**63}),
  ('08ffffffffffffffff7f', {'a': 2**63 - 1}),
])
def test_messages(content, expected):
  assert protobuf_wire.message(bytes.fromhex(content), FIELDS) == ABSENT | expected


@pytest.mark.parametrize('content, message', [
  ('08', 'a number is cut off'), ('0896', 'a number is cut off'), ('089600', 'longer than need be'),
  ('0880808080808080808002', '64 bits'), ('08' + '80' * 10 + '01', '64 bits'),
  ('12', 'a number is cut off'), ('120561', 'ends within a field'), ('2501', 'within a field'),
  ('12ffffffffffffffffff0161', 'ends within a field'),
  ('2a00', 'a field 5, which is not known'), ('0001', 'a field 0'),
  ('0d00000000', 'a is not written as int'), ('1801', 'c is not written as bytes'),
  ('0b', 'a is not written as int'), ('08010801', 'a is given twice'),
])
def test_what_is_no_message(content, message):
  with pytest.raises(ValueError, match=message):
    protobuf_wire.message(bytes.fromhex(content), FIELDS)
