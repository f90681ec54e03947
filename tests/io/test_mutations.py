"""A sample of damaged files; `python -m tests.io.mutations` runs as many as one likes."""

import subprocess
import sys

from tests.io import mutations


def test_damaged_files_are_read_or_refused_and_do_nothing(request):
  # in a process of its own: it limits its memory
  command = [sys.executable, '-m', 'tests.io.mutations', '--count', '300', '--seed', '1']
  done = subprocess.run(command, cwd=request.config.rootpath, capture_output=True, text=True,
                        timeout=100)
  assert done.returncode == 0, done.stdout + done.stderr
  assert done.stdout.startswith('300 mutations of ') and ' 0 faults;' in done.stdout


def test_a_reader_with_a_fault_is_caught(tmp_path, monkeypatch):
  def careless(path):
    if 'test_mels' in path.name and path.parent == tmp_path:
      path.with_name('log').open('w').close()
      raise KeyError(path.name)

  monkeypatch.setattr(mutations, 'read', careless)
  monkeypatch.setattr(mutations, 'MEMORY', 2**40)  # of this process, which holds more than a reader
  counts, faults = mutations.run(100, 0, tmp_path)
  text = '\n'.join(faults)
  assert 0 < counts['failed'] < counts['read'] and counts['refused'] == 0
  assert "KeyError('test_mels.p')" in text and "('open'" in text
  assert 'a member was changed' in text, 'it should have been refused'
