"""Files that are whole or absent, also when the disk is full or the process is told to stop."""

import errno
import json
import os
import stat

import pytest

from emojax.io import files


@pytest.fixture
def path(tmp_path):
  return tmp_path / 'deep' / 'result.json'


def names(path):
  return sorted(p.name for p in path.parent.iterdir())


def test_what_is_written_is_read(path):
  value = {'wa': 0.1 + 0.2, 'häppy': [1, None, True, 'süß'], 'deep': {'2': -1e-300}}
  files.write_json(path, value)
  assert files.read_json(path) == value
  assert path.read_text('utf-8').endswith('}\n') and names(path) == ['result.json']
  files.write_text(path, 'süß\n')
  assert path.read_bytes() == b's\xc3\xbc\xc3\x9f\n'
  files.write_bytes(path, b'\x00\xff')
  assert path.read_bytes() == b'\x00\xff' and names(path) == ['result.json']


def test_names_may_be_strings(tmp_path):
  files.write_text(str(tmp_path / 'a.txt'), 'x')
  files.write_json(os.path.join(tmp_path, 'b.json'), [])
  assert files.read_json(str(tmp_path / 'b.json')) == []


@pytest.mark.parametrize('call', ['fsync', 'chmod', 'replace'])
@pytest.mark.parametrize('error', [OSError(errno.ENOSPC, 'No space left'), KeyboardInterrupt()])
@pytest.mark.parametrize('old', ['{"old": 1}\n', None])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(path, monkeypatch, call, error, old):
  path.parent.mkdir()
  if old:
    path.write_text(old)

  def fail(*args, **kwargs):
    raise error

  monkeypatch.setattr(files.os, call, fail)
  with pytest.raises(type(error)):
    files.write_json(path, {'new': 2})
  assert names(path) == (['result.json'] if old else [])
  assert old is None or path.read_text() == old


@pytest.mark.parametrize(
  'value', [float('nan'), [float('inf')], {'a': -float('inf')}, {'a': object()}])
def test_what_json_has_no_word_for_is_refused_before_anything_is_touched(path, value):
  files.write_json(path, {'old': 1})
  with pytest.raises((ValueError, TypeError)):
    files.write_json(path, value)
  assert files.read_json(path) == {'old': 1} and names(path) == ['result.json']


def test_a_reader_never_sees_a_part(path, monkeypatch):
  files.write_text(path, 'old')
  seen = []
  replace = os.replace

  def watched(*args):
    seen.append(path.read_text())
    replace(*args)
    seen.append(path.read_text())

  monkeypatch.setattr(files.os, 'replace', watched)
  files.write_text(path, 'new')
  assert seen == ['old', 'new']


@pytest.mark.parametrize('umask', [0o022, 0o077])
def test_files_have_the_rights_that_the_user_asks_for(path, umask):
  before = os.umask(umask)
  try:
    files.write_text(path, 'x')
    assert os.umask(umask) == umask, 'the umask is as it was'
  finally:
    os.umask(before)
  assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize('content', [b'', b'{"a": 1', b'{"a": nope}', b'\xff\xfe'])
def test_damage_is_named_with_the_file(path, content):
  files.write_bytes(path, content)
  with pytest.raises(ValueError, match=r'result\.json is not readable JSON .*restore or delete it'):
    files.read_json(path)


def test_json_is_for_people_too(path):
  files.write_json(path, {'b': 1, 'a': [2]})
  assert path.read_text() == '{\n  "b": 1,\n  "a": [\n    2\n  ]\n}\n'
  assert list(json.loads(path.read_text())) == ['b', 'a'], 'in the order given'
