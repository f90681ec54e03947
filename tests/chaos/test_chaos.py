"""A sample; `python -m tests.chaos` kills and damages as often as one likes, and prints a table."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from absl import logging

from emojax.io import checksums
from tests.chaos import compare, mutations


def test_a_sample_is_as_promised(request, tmp_path):
  # in a process of its own: it forks, so nothing may have started a thread in it
  command = [sys.executable, '-m', 'tests.chaos', '--sample', '--kills', '1', '--mutations', '30',
             '--jobs', '1', f'--folder={tmp_path / "chaos"}']
  done = subprocess.run(command, cwd=request.config.rootpath, capture_output=True, text=True,
                        timeout=900)
  assert done.returncode == 0, done.stdout + done.stderr
  assert done.stdout.startswith('kills 1: 1 bit-identical') and 'mutations 30 of ' in done.stdout


def test_work_that_hangs_or_dies_is_named(request):
  program = '''
import os, time
from tests.chaos import workers

def one(item):
  if item == 1:
    time.sleep(60)
  if item == 2:
    os.abort()
  return 1 / (item - 3)

found = dict(workers.run(lambda job: one, range(6), 2, 1))
assert [found[0], found[4], found[5]] == [-1 / 3, 1, 1 / 2]
assert [found[n].how for n in (1, 2, 3)] == ['hang', 'crash', 'error'], found
assert 'ZeroDivisionError' in found[3].why and '-6' in found[2].why
'''
  subprocess.run([sys.executable, '-c', program], cwd=request.config.rootpath, check=True,
                 timeout=60)


@pytest.fixture
def pair(tmp_path):
  """Two run folders that hold the same, but for the time it took."""
  for name in 'ab':
    sealed = checksums.Sealed(tmp_path / name)
    for file in ('x.json', 'y.csv'):
      sealed.write_text(file, file)
    (sealed.folder / 'timing.jsonl').write_text(name)
  return tmp_path / 'a', tmp_path / 'b'


def test_what_differs_is_found(pair):
  a, b = pair
  assert compare.runs(a, b) == []
  (b / 'y.csv').write_text('y.csw')
  (b / '.y.csv.1234').write_text('')
  (b / 'x.json').unlink()
  assert compare.runs(a, b) == ['x.json is missing', '.y.csv.1234 is left over', 'y.csv differs']
  shutil.copytree(a, b, dirs_exist_ok=True)
  seal = json.loads((b / checksums.SEAL).read_text())
  seal['files']['y.csv'] = '0'
  (b / checksums.SEAL).write_text(json.dumps(seal))
  assert compare.runs(a, b) == ['.y.csv.1234 is left over', 'checksums.json differs']


def _raising(error):
  def ask(folder):
    raise error

  return ask


def _warning(answer, text):
  def ask(folder):
    logging.warning(text)
    return answer

  return ask


@pytest.mark.parametrize('ask, expected', [
  (lambda folder: 'whole', 'harmless'),
  (lambda folder: 'other', 'silently wrong'),
  (lambda folder: 'before', 'silently wrong'),  # without a word
  (_warning('before', '/run/checkpoints_select/8 is damaged'), 'passed over'),
  (_warning('before', '/run is damaged'), 'silently wrong'),
  (_warning('other', '/run/checkpoints_select/8 is damaged'), 'silently wrong'),
  (_raising(ValueError('/run/checkpoints_select is damaged')), 'refused'),
  (_raising(ValueError('_METADATA is damaged')), 'refused'),
  (_raising(ValueError('something is damaged')), 'unnamed'),
  (_raising(KeyError('_METADATA')), 'unnamed'),
])
def test_what_comes_of_a_damaged_file(ask, expected):
  folder = pathlib.Path('/run')
  path = folder / 'checkpoints_select/8/params/_METADATA'
  found, _ = mutations.verdict(ask, path, folder, 'whole', {'before'})
  assert found == expected
