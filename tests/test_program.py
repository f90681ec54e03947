"""How programs start."""

import ctypes
import subprocess
import sys
import types

import pytest

from emojax import program

ASK_AGAIN = '''
import resource
import numpy as np
from emojax import program

program.keep_memory()
np.ones(2**23)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2**23)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
'''


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), 'mallopt'), reason='the C library is not glibc')
def test_memory_that_was_freed_comes_back_without_new_pages():
  said = subprocess.run(
    [sys.executable, '-c', ASK_AGAIN], check=True, capture_output=True, text=True)
  assert int(said.stdout) < 100  # 64 MiB are 16384 pages


def test_without_glibc_memory_is_left_as_it_is(monkeypatch):
  monkeypatch.setattr(ctypes, 'CDLL', lambda name: types.SimpleNamespace())
  program.keep_memory()
