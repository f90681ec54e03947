"""Sealed folders: what is not as it was written is named; a kill leaves no wrong seal."""

import itertools
import os
import pathlib

import numpy as np
import pytest

from emojax.io import checksums


def test_the_checksum_is_the_published_one():
  # xxHash's own specification: XXH3 (128 bits) of nothing, seed 0
  assert checksums.of_bytes(b'') == '99aa06d3014798d86001c324468d497f'


def test_a_file_in_pieces_has_the_checksum_of_the_whole(tmp_path):
  content = np.random.default_rng(0).bytes(3 * 2**20 + 17)
  (tmp_path / 'a').write_bytes(content)
  assert checksums.of_file(tmp_path / 'a') == checksums.of_bytes(content)


def test_every_changed_bit_of_files_and_seal_is_named(tmp_path):
  folder = checksums.Sealed(tmp_path)
  folder.write_json('a.json', {'score': 0.5})
  folder.write_text('b.csv', 'id,label\nx,happy\n')
  rng = np.random.default_rng(0)
  for path in sorted(tmp_path.iterdir()):
    whole = path.read_bytes()
    for bit in rng.integers(8 * len(whole), size=100).tolist():
      changed = bytearray(whole)
      changed[bit // 8] ^= 1 << bit % 8
      path.write_bytes(changed)
      with pytest.raises(ValueError, match=rf'{path.name}.* is not'):
        for name in ('a.json', 'b.csv'):
          folder.check(name)
      path.write_bytes(whole)
  assert folder.read_json('a.json') == {'score': 0.5} and not checksums.damage(tmp_path)


def test_what_is_missing_is_named(tmp_path):
  folder = checksums.Sealed(tmp_path)
  folder.write_text('a.txt', 'said')
  (tmp_path / 'a.txt').unlink()
  with pytest.raises(ValueError, match='a.txt is missing'):
    folder.check('a.txt')
  assert checksums.damage(tmp_path) == {'a.txt': 'is missing'}


def test_what_was_forgotten_is_no_damage(tmp_path):
  folder = checksums.Sealed(tmp_path)
  for name in ('a.txt', 'b.txt'):
    folder.write_text(name, name)
  folder.forget(['a.txt', 'never there'])
  assert not folder.holds('a.txt') and folder.holds('b.txt') and not checksums.damage(tmp_path)


@pytest.mark.parametrize('act', [
  lambda folder: folder.write_text('a.txt', 'new'),
  lambda folder: folder.write_text('b.txt', 'new'),
  lambda folder: folder.forget(['a.txt'])])
def test_killed_at_any_moment_no_seal_is_wrong(tmp_path, monkeypatch, act):
  """Every call that changes the folder is once the last one that comes to pass."""
  class Killed(BaseException):
    pass

  real = {(place, name): getattr(place, name)
          for place, name in ((os, 'replace'), (pathlib.Path, 'unlink'))}
  for allowed in itertools.count():
    folder = checksums.Sealed(tmp_path / str(allowed))
    folder.write_text('a.txt', 'old')
    left = itertools.count(allowed, -1)

    def until_killed(*args, call, left=left, **kwargs):
      if next(left) == 0:
        raise Killed
      return call(*args, **kwargs)

    with monkeypatch.context() as patched:
      for (place, name), call in real.items():
        patched.setattr(place, name, lambda *a, call=call, **k: until_killed(*a, call=call, **k))
      try:
        act(folder)
        break
      except Killed:
        pass
    assert not checksums.damage(folder.folder)
    if folder.holds('a.txt'):
      assert (folder.folder / 'a.txt').read_text() in ('old', 'new')
  assert allowed > 0


def test_the_seal_of_another_folder_is_no_answer(tmp_path):
  one, other = (checksums.Sealed(tmp_path / name) for name in ('one', 'other'))
  for folder, name in ((one, 'first.txt'), (other, 'second.txt')):
    folder.write_text(name, name)
  assert one.holds('first.txt') and not one.holds('later.txt')
  (other.folder / checksums.SEAL).replace(one.folder / checksums.SEAL)
  for name in ('first.txt', 'second.txt'):
    with pytest.raises(ValueError, match='one/checksums.json lists second.txt, which is not there'):
      one.holds(name)
