"""The order of the house: who imports whom, what lies on top, what is never called.

The walls between the rooms stand here as tables; a test lists what breaks them, file and line.
"""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]

# A room imports itself and the rooms of lower levels. The programs are the files right in emojax/.
LEVELS = {
  'types': 0, 'near': 0, 'phrase': 0,
  'ops': 1, 'metrics': 1, 'features': 1, 'io': 1,
  'encoders': 2,
  'models': 3, 'tasks': 3, 'data': 3, 'protocols': 3,
  'train': 4,
  'performance': 5, 'health': 5,  # what bench and doctor are made of
  'programs': 6,
}
OPEN_TO_BUILDERS = ('types', 'near', 'io', 'features', 'protocols')
# what corpora of protocols share: labels, parts and draws, and on top of them protocol
OPEN_TO_PROTOCOLS = ('emojax.near', 'emojax.protocols.protocol.', 'emojax.protocols.labels',
                     'emojax.protocols.parts', 'emojax.protocols.draws')
TOP = {'emojax', 'configs', 'data_builders', 'tests', 'launch', 'setup.py', 'README.md',
       'pyproject.toml', 'LICENSE'}
ARTEFACTS = re.compile(r'\..*|runs|build|dist|__pycache__|.*\.egg-info')
FORBIDDEN_CALLS = ('pickle.load', 'pickle.loads', 'torch.load', 'eval', 'exec')


def sources(*folders):
  """(path below the root, text) of every Python file in `folders`."""
  paths = [path for folder in folders for path in sorted((ROOT / folder).rglob('*.py'))]
  assert paths, folders
  return [(path.relative_to(ROOT).as_posix(), path.read_text('utf-8')) for path in paths]


def imports(path, text):
  """(line, dotted name) of everything a file imports, inside functions too."""
  for node in ast.walk(ast.parse(text, path)):
    if isinstance(node, ast.Import):
      yield from ((node.lineno, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      module = '.' * node.level + (node.module or '')
      yield from ((node.lineno, f'{module}.{alias.name}') for alias in node.names)


def room(name):
  """The room of emojax that a dotted name or path belongs to; None: the package itself."""
  parts = re.split(r'[./]', name.removesuffix('.py'))[1:]
  if not parts or parts[0] == '__init__':
    return None
  is_folder = (ROOT / 'emojax' / parts[0]).is_dir() or parts[0] in LEVELS
  return parts[0] if is_folder else 'programs'


def wrong_imports(path, text):
  """What is wrong with the imports of one file, a line each."""
  found = []
  for line, name in sorted(imports(path, text)):
    here, top = path.split('/')[0], name.split('.')[0]
    fault = None
    if name.startswith('.'):
      fault = 'imports are absolute'
    elif top == 'tensorflow':
      fault = 'tensorflow is no dependency'
    elif here == 'configs':
      if top not in ('ml_collections', 'configs'):
        fault = 'configs import ml_collections and configs alone'
    elif top in ('tests', 'configs') or top == 'data_builders' != here:
      fault = f'{here} does not import {top}'
    elif top == 'emojax' and here == 'data_builders':
      if room(name) not in OPEN_TO_BUILDERS:
        fault = f'data_builders import of emojax only {", ".join(OPEN_TO_BUILDERS)}'
    elif top == 'emojax':
      mine, other = room(path), room(name)
      if mine == 'protocols' and not name.startswith(OPEN_TO_PROTOCOLS):
        fault = 'a corpus of protocols imports what all corpora share alone'
      elif other not in LEVELS:
        fault = f'{other} is no room'
      elif mine != other and LEVELS[other] >= LEVELS[mine]:
        level = 'its' if LEVELS[other] == LEVELS[mine] else 'a higher'
        fault = f'{mine} does not import {other}, which is on {level} level'
    if fault:
      found.append(f'{path}:{line}: {name}: {fault}')
  return found


def calls(path, text):
  """(line, dotted name) of every call, with `import x as y` and `from x import y` seen through."""
  tree = ast.parse(text, path)
  names = {}
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      names |= {a.asname: a.name for a in node.names if a.asname}
    elif isinstance(node, ast.ImportFrom):
      names |= {a.asname or a.name: f'{node.module}.{a.name}' for a in node.names}
  for node in ast.walk(tree):
    if isinstance(node, ast.Call):
      head, _, rest = ast.unparse(node.func).partition('.')
      head = names.get(head, head)
      yield node.lineno, f'{head}.{rest}' if rest else head


def test_imports_go_one_way():
  wrong = [fault for path, text in sources('emojax', 'configs', 'data_builders')
           for fault in wrong_imports(path, text)]
  assert not wrong, '\n'.join(['', *wrong])


def test_every_room_is_known():
  rooms = {room(path) for path, _ in sources('emojax')} - {None}
  assert rooms <= set(LEVELS), 'give the new room a level in design.md 2 and in this file'


@pytest.mark.parametrize('path, text, expected', [
  ('emojax/ops/a.py', 'import jax\nfrom emojax.encoders import dropout',
   ['emojax/ops/a.py:2: emojax.encoders.dropout: ops does not import encoders']),
  ('emojax/ops/a.py', 'import emojax.metrics.classification', ['its level']),
  ('emojax/models/a.py', 'def f():\n  from emojax.tasks.single_label import Head', ['a.py:2: ']),
  ('emojax/tasks/a.py', 'from emojax import program', ['programs']),
  ('emojax/train/a.py', 'from emojax import data, main, models\n', ['emojax.main']),
  ('emojax/io/a.py', 'import data_builders.corpora.base\nfrom configs import common',
   ['io/a.py:1', 'io/a.py:2']),
  ('emojax/data/a.py', 'from . import plan\nimport tensorflow.io', ['absolute', 'no dependency']),
  ('emojax/protocols/a.py', 'from emojax.io import files\n'
   'from emojax.protocols.protocol import Fold\nfrom emojax.protocols import iemocap',
   ['a.py:1', 'a.py:3']),
  ('data_builders/a.py', 'from emojax.io import files\nfrom emojax.ops import lstm\n'
   'from emojax.types import Stream\nfrom emojax import data', ['a.py:2', 'a.py:4']),
  ('configs/a.py', 'import ml_collections\nfrom configs import common\nimport os', ['a.py:3: os']),
  ('emojax/main.py', 'from emojax import program\nfrom emojax.train import loop', []),
  ('emojax/encoders/a.py', 'from emojax.ops import lstm\nfrom emojax.types import Array', []),
  ('emojax/tasks/a.py', 'from emojax.metrics import results', []),
  ('emojax/data/a.py', 'from emojax.features import words\nfrom emojax.io import files', []),
])
def test_a_planted_import_is_caught(path, text, expected):
  found = wrong_imports(path, text)
  assert len(found) == len(expected), found
  assert all(part in fault for part, fault in zip(expected, found)), found


def test_nothing_is_unpickled_or_evaluated():
  wrong = [f'{path}:{line}: {name}' for path, text in sources('emojax', 'data_builders')
           for line, name in calls(path, text) if name in FORBIDDEN_CALLS]
  assert not wrong, '\n'.join(['', *wrong])


def test_a_planted_call_is_caught():
  text = ('import pickle\nimport torch as t\nfrom pickle import loads as read\n'
          'pickle.load(file)\nt.load(path)\nread(raw)\neval(word)\nmodel.eval()\nnumpy.load(path)\n')
  found = [(line, name) for line, name in calls('a.py', text) if name in FORBIDDEN_CALLS]
  assert sorted(found) == [(4, 'pickle.load'), (5, 'torch.load'), (6, 'pickle.loads'), (7, 'eval')]


def test_the_top_level_is_what_the_design_says():
  there = {path.name for path in ROOT.iterdir() if not ARTEFACTS.fullmatch(path.name)}
  assert there == TOP


def test_no_file_is_a_drawer():
  folders = ('emojax', 'configs', 'data_builders', 'tests', 'launch')
  drawers = [path.relative_to(ROOT).as_posix() for folder in folders
             for path in (ROOT / folder).rglob('*')
             if re.fullmatch(r'_*(.+_)?(utils?|helpers?)(_.+)?', path.stem)]
  assert not drawers, 'what is in there has a name of its own'


def test_no_file_knows_the_world_around_the_project():
  outside = re.compile(rb'(?<![\w.])/wor' + rb'k/|\.\./shar' + rb'ed')
  wrong = []
  for path in _committed():
    content = path.read_bytes()
    wrong += [f'{path.relative_to(ROOT)}:{content.count(10, 0, match.start()) + 1}: {match[0]}'
              for match in outside.finditer(content)]
  assert not wrong, wrong


def _committed():
  """Files that git has or would take; all that are no artefacts where there is no git."""
  listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                          cwd=ROOT, capture_output=True, check=False)
  if listed.returncode == 0:
    paths = [ROOT / name for name in listed.stdout.decode().split('\0') if name]
  else:
    paths = [path for folder in TOP for path in (ROOT / folder, *(ROOT / folder).rglob('*'))
             if '__pycache__' not in path.parts]
  return [path for path in paths if path.is_file()]


def test_no_module_imports_tensorflow(tmp_path):
  # An empty one is there to be found, so that a library that would only try to import it shows too.
  (tmp_path / 'tensorflow').mkdir()
  (tmp_path / 'tensorflow/__init__.py').write_text('')
  modules = [re.sub(r'(/__init__)?\.py$', '', path).replace('/', '.')
             for path, _ in sources('emojax', 'data_builders')]
  program = f'''
import importlib, importlib.util, sys
sys.path.append({str(tmp_path)!r})
assert importlib.util.find_spec('tensorflow')
for name in {modules!r}:
  importlib.import_module(name)
  assert 'tensorflow' not in sys.modules, name
'''
  subprocess.run([sys.executable, '-c', program], cwd=ROOT, check=True)
