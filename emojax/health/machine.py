"""Whether this machine is fit to run emojax: interpreter, packages, devices, room.

Only the standard library is imported at the top: this must run where packages are absent.
"""

import functools
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

from emojax.io import findings
from emojax.io.findings import Finding

SOURCE = pathlib.Path(__file__).resolve().parents[2]  # with a launch folder, if it is a source tree
PYTHON = (3, 11), (3, 14)  # from, below
SETUP = f'Run bash {SOURCE}/launch/setup.sh'
EXTRAS = {
  'cuda': 'NVIDIA GPUs', 'tpu': "Google's TPUs", 'dev': 'tests, linting, TensorBoard',
  'parity': 'comparing with PyTorch', 'opensmile': 'eGeMAPS and ComParE features',
  'beam': 'features made by a Beam runner, in an environment of its own'}
# What says that a process is one of several.
OWN = ('EMOJAX_COORDINATOR', 'EMOJAX_NUM_PROCESSES', 'EMOJAX_PROCESS_ID')
CLUSTERS = {'Slurm': 'SLURM_', 'Open MPI': 'OMPI_', 'TPU': 'TPU_'}
ACCELERATORS = {'cuda': 'nvidia[0-9]*', 'tpu': 'accel[0-9]*'}  # extra -> its files in /dev
PATIENCE = 120  # s for jax to find the devices
LITTLE = 2 << 30  # bytes of memory or disk

_PROBE = '''
import json, jax
def limit(device):
  try: return (device.memory_stats() or {}).get('bytes_limit')
  except Exception: return None
print(json.dumps([[d.platform, d.device_kind, limit(d)] for d in jax.local_devices()]))
'''


def examine() -> Iterator[Finding]:
  """All of it, a line each."""
  yield python()
  yield from packages()
  yield from extras()
  yield devices()
  yield processes()
  yield memory()
  yield disk()
  yield from datasets()


def python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
  """Whether the interpreter is one that emojax is made for."""
  said = f'{".".join(map(str, version))}, {sys.executable}'
  if PYTHON[0] <= version < PYTHON[1]:
    return findings.ok('python', said)
  return findings.wrong(
    'python', said, f'emojax needs {_dotted(PYTHON[0])} to 3.{PYTHON[1][1] - 1}: set PYTHON to one '
    f'and run bash {SOURCE}/launch/setup.sh')


def packages() -> Iterator[Finding]:
  """What is installed, against what emojax requires and, in a source tree, against the lock."""
  try:
    from packaging import requirements
    required = importlib.metadata.requires('emojax') or []
  except ImportError as error:  # PackageNotFoundError is one
    yield findings.wrong('packages', f'{error.name or error} is not installed', SETUP)
    return
  needed = [requirements.Requirement(line) for line in required]
  needed = [need for need in needed if not need.marker or need.marker.evaluate({'extra': ''})]
  bad = [f'{need.name} is {installed(need.name) or "absent"}, needed {need.specifier}'
         for need in needed if not _fits(need)]
  if bad:
    yield findings.wrong('packages', '; '.join(bad), SETUP)
  else:
    yield findings.ok('packages', f'all {len(needed)} that emojax needs')
  lock = SOURCE / 'launch/lock.txt'
  if not lock.is_file():
    return
  locked = [requirements.Requirement(line) for line in lock.read_text('utf-8').splitlines() if line]
  locked = [need for need in locked if not need.marker or need.marker.evaluate()]
  other = [f'{need.name} {installed(need.name) or "absent"} (lock: {_version_of(need)})'
           for need in locked if not _fits(need)]
  if not other:
    yield findings.ok('lock', f'all {len(locked)} packages as in launch/lock.txt')
  else:
    yield findings.note(
      'lock', f'{len(other)} of {len(locked)} packages are not as in launch/lock.txt: '
      f'{", ".join(other[:8])}{f" and {len(other) - 8} more" if len(other) > 8 else ""}')


def extras() -> Iterator[Finding]:
  """The optional parts, present or absent."""
  try:
    known = importlib.metadata.metadata('emojax').get_all('Provides-Extra') or []
  except importlib.metadata.PackageNotFoundError:
    return  # `packages` says it
  for extra in known:
    for_what = EXTRAS.get(extra, 'see setup.py')
    lacking = sorted(lacks('emojax', extra))
    if lacking:
      yield findings.note(extra, f"absent; for {for_what}: pip install -e '.[{extra}]' (lacks "
                          f'{", ".join(lacking)})')
    else:
      yield findings.ok(extra, f'present; for {for_what}')


def lacks(package: str, extra: str) -> set[str]:
  """What is not installed of an extra, as 'jax[cuda13]' it may be another package's extra."""
  from packaging import requirements

  lacking = set()
  for line in importlib.metadata.requires(package) or []:
    need = requirements.Requirement(line)
    if not need.marker or need.marker.evaluate({'extra': ''}) or not need.marker.evaluate(
        {'extra': extra}):
      continue
    if not _fits(need):
      lacking.add(need.name)
    else:
      lacking = lacking.union(*(lacks(need.name, other) for other in need.extras))
  return lacking


def devices(run: Callable[..., subprocess.CompletedProcess] = subprocess.run,
            dev: pathlib.Path = pathlib.Path('/dev')) -> Finding:
  """The devices that jax sees, asked in a process of its own: a driver can hang or crash.

  Its process takes no memory of a GPU that is in use.
  """
  try:
    answer = run([sys.executable, '-c', _PROBE], capture_output=True, text=True, check=False,
                 timeout=PATIENCE, env=os.environ | {'XLA_PYTHON_CLIENT_PREALLOCATE': 'false'})
  except subprocess.TimeoutExpired:
    return findings.wrong(
      'devices', f'jax found none in {PATIENCE} s', 'If this host is one of several, all must ask '
      'at once; else look at the driver, or set JAX_PLATFORMS=cpu')
  if answer.returncode:
    said = (answer.stderr.strip().splitlines() or [f'status {answer.returncode}'])[-1]
    return findings.wrong('devices', said[:300], 'Look at JAX_PLATFORMS '
                          f'({os.environ.get("JAX_PLATFORMS") or "not set"}) and the driver; '
                          'JAX_PLATFORMS=cpu runs without')
  found = [tuple(device) for device in json.loads(answer.stdout.splitlines()[-1])]
  said = ', '.join(
    f'{found.count(kind)} {kind[0]} ({kind[1]}{f", {gigabytes(kind[2])} each" if kind[2] else ""})'
    for kind in dict.fromkeys(found))
  if {platform for platform, _, _ in found} == {'cpu'}:
    for extra, pattern in ACCELERATORS.items():
      if any(dev.glob(pattern)) and os.environ.get('JAX_PLATFORMS') != 'cpu':
        return findings.wrong('devices', f'{said}; but this machine has {EXTRAS[extra]}',
                              f"pip install -e '.[{extra}]', or set JAX_PLATFORMS=cpu to do "
                              'without')
  return findings.ok('devices', said)


def processes(environ: Mapping[str, str] = os.environ) -> Finding:
  """What in the environment says that this process is one of several; names alone."""
  own = [name for name in OWN if environ.get(name)]
  if own and len(own) < len(OWN):
    return findings.wrong(
      'processes', f'{", ".join(own)} set, {", ".join(sorted(set(OWN) - set(own)))} not',
      'Set all three or none')
  said = [f'ours: {", ".join(own)}'] if own else []
  for cluster, prefix in CLUSTERS.items():
    names = sorted(name for name in environ if name.startswith(prefix))
    if names:
      said.append(f'{cluster}: {", ".join(names[:4])}'
                  + (f' and {len(names) - 4} more' if len(names) > 4 else ''))
  if not said:
    return findings.ok('processes', 'one; nothing in the environment says otherwise')
  return findings.note('processes', f'variables of {"; ".join(said)}')


def memory(root: pathlib.Path = pathlib.Path('/')) -> Finding:
  """Memory that is free, and all of it; of the machine, or of the share that it grants us."""
  try:
    text = (root / 'proc/meminfo').read_text()
  except OSError:
    return findings.note('memory', f'unknown on {platform.system()}')
  kib = dict(re.findall(r'^(\w+): +(\d+) kB$', text, re.MULTILINE))
  total, free = (int(kib[name]) << 10 for name in ('MemTotal', 'MemAvailable'))
  try:
    limit, used = (int((root / 'sys/fs/cgroup' / name).read_text())
                   for name in ('memory.max', 'memory.current'))
    total, free = min(total, limit), min(free, limit - used)
  except (OSError, ValueError):  # no such file, or 'max': without a limit
    pass
  return _room('memory', f'{gigabytes(free)} free of {gigabytes(total)}', free)


def disk(folder: pathlib.Path = pathlib.Path()) -> Finding:
  """Disk that is free where runs are written."""
  usage = shutil.disk_usage(folder)
  return _room('disk', f'{gigabytes(usage.free)} free of {gigabytes(usage.total)} at '
               f'{folder.resolve()}', usage.free)


def datasets() -> Iterator[Finding]:
  """What is built in TFDS's default folder; not whether it is whole."""
  try:
    from emojax.io import prepared
  except ImportError:
    return  # `packages` says it
  root = prepared.default_data_dir()
  there = [str(folder.relative_to(root)) for folder in prepared.listed(root)]
  if there:
    yield findings.ok('datasets', f'{", ".join(there)} in {root} (python -m emojax.doctor {root} '
                      'verifies them)')
  else:
    yield findings.note('datasets', f'none in {root}, where they are looked for if '
                        'config.data.path is empty (python -m data_builders.build --help)')


@functools.cache
def installed(name: str) -> str:
  """The version of an installed package; '' if it is absent."""
  try:
    return importlib.metadata.version(name)
  except importlib.metadata.PackageNotFoundError:
    return ''


def gigabytes(number: float) -> str:
  return f'{number / 1e9:,.1f} GB'


def _fits(need) -> bool:
  """Whether a requirement is met."""
  version = installed(need.name)
  return bool(version) and need.specifier.contains(version, prereleases=True)


def _version_of(need) -> str:
  return str(need.specifier).removeprefix('==')


def _room(what: str, said: str, free: int) -> Finding:
  return findings.ok(what, said) if free > LITTLE else findings.note(what, f'little: {said}')


def _dotted(version: tuple[int, ...]) -> str:
  return '.'.join(map(str, version))
