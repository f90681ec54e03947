"""Damages golden checkpoints and pickles in thousands of ways; each must be read or refused.

  python -m tests.io.mutations --count 5000 --seed 0

prints one line of counts and fails if the reader raised anything but a ValueError, did anything
but read, was slow, asked for much memory, or took a zip file with a changed member or a TensorFlow
checkpoint with a changed file.
"""

import argparse
import collections
import io
import pathlib
import pickletools
import random
import re
import resource
import struct
import sys
import tempfile
import time
import zipfile

from emojax.io import pickles, protobuf_wire, sorted_table, tensor_bundle, torch_files
from tests.chaos import damage
from tests.io import assembled_bundle, watch

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden'
SECONDS = 2  # for one file; the slowest of the whole ones takes a twentieth of it
MEMORY = 64 * 2**20  # beyond what Python and numpy hold before the first file
LENGTHS = (0, 1, 2**7, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
OPCODES = bytes(ord(opcode.code) for opcode in pickletools.opcodes)


def files():
  """name -> bytes of every checkpoint and pickle among the golden files."""
  paths = [path for folder in ('mat', 'mdre/ckpt') for path in sorted((GOLDEN / folder).rglob('*'))
           if path.suffix in ('.p', '.pkl') or _is_bundle(path.name)]
  return {path.relative_to(GOLDEN).as_posix(): path.read_bytes() for path in paths}


def read(path):
  """What `path` holds, by the reader that its name calls for."""
  if _is_bundle(path.name):
    return tensor_bundle.read(path)
  return torch_files.load(path) if _is_checkpoint(path.name) else pickles.load(path)


def operation(rng, content, _):
  at = damage.place(rng, content)
  return content[:at] + bytes([rng.choice(OPCODES)]) + content[at + 1:]


def insert(rng, content, _):
  at = damage.place(rng, content)
  new = rng.choice((rng.randbytes(rng.randrange(1, 9)), bytes(rng.choices(OPCODES, k=4)),
                    rng.choice(b'(])}\x8f\x94\x85').to_bytes() * rng.choice((9, 200, 5000))))
  return content[:at] + new + content[at:]


def length(rng, content, _):
  at, width = damage.place(rng, content), rng.choice((1, 2, 4, 8))
  new = (rng.choice(LENGTHS) % 256**width).to_bytes(width, 'little')
  return content[:at] + new + content[at + width:]


MUTATIONS = (damage.flip, damage.overwrite, operation, damage.truncate, insert, damage.swap, length,
             damage.splice)


def rewrapped(rng, content, other):
  """A zip file with one mutated member but right checksums: these do not stop an attacker."""
  with zipfile.ZipFile(io.BytesIO(content)) as archive:
    members = {info.filename: archive.read(info) for info in archive.infolist()}
  pickled = [name for name in members if name.endswith('data.pkl')]
  name = rng.choice(pickled * len(members) + list(members))
  members[name] = rng.choice(MUTATIONS)(rng, members[name], other)
  file = io.BytesIO()
  with zipfile.ZipFile(file, 'w') as archive:
    for name, member in members.items():
      archive.writestr(name, member)
  return file.getvalue()


def in_member(rng, content, _):
  """A zip file with a changed byte within one of its members."""
  start, end = rng.choice([span for span in _spans(content) if span[0] < span[1]])
  at = rng.randrange(start, end)
  return content[:at] + bytes([content[at] ^ rng.randrange(1, 256)]) + content[at + 1:]


def resealed(rng, content, other):
  """A bundle's index with a mutated block of entries but right checksums."""
  end, _ = protobuf_wire.varint(content, len(content) - sorted_table.FOOTER)
  entries = content[:end - sorted_table.TRAILER]
  return assembled_bundle.table([rng.choice(MUTATIONS)(rng, entries, other)])


def run(count, seed, folder):
  """Reads `count` mutated files; returns a Counter and a list of faults, a line each."""
  originals = files()
  for name in originals:
    read(GOLDEN / name)
  rng = random.Random(seed)
  counts, faults = collections.Counter(), []
  soft, hard = resource.getrlimit(resource.RLIMIT_AS)
  resource.setrlimit(resource.RLIMIT_AS, (_held() + MEMORY, hard))
  try:
    for index in range(count):
      _one(rng, originals, folder, counts, faults, f'{index} of seed {seed}')
  finally:
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
  return counts, faults


def _one(rng, originals, folder, counts, faults, which):
  checkpoints, bundles = (list(filter(kind, originals)) for kind in (_is_checkpoint, _is_bundle))
  name, other = (rng.choice(rng.choice((checkpoints, bundles, list(originals)))) for _ in range(2))
  whole = originals[name]
  is_zip = whole.startswith(b'PK')
  mutate = rng.choice((
    *MUTATIONS, *[rewrapped] * 3 * is_zip, *[in_member] * 2 * is_zip,
    *[resealed] * 5 * name.endswith('.index')))
  content = mutate(rng, whole, originals[other])
  is_changed = is_zip and mutate is not rewrapped and len(content) == len(whole) and any(
    content[start:end] != whole[start:end] for start, end in _spans(whole)) or (
    _is_bundle(name) and mutate is not resealed and content != whole)
  path = folder / pathlib.PurePath(name).name
  if _is_bundle(name):
    _copy_bundle(name, originals, folder)
  path.write_bytes(content)
  outcome, start = 'read', time.perf_counter()
  with watch.events() as events:
    try:
      read(path)
    except ValueError as error:
      outcome = 'refused'
      if str(path.with_suffix('') if _is_bundle(name) else path) not in str(error):
        faults.append(f'{which}: {mutate.__name__} of {name}: the message lacks the file: {error}')
    except Exception as error:
      outcome = 'failed'
      faults.append(f'{which}: {mutate.__name__} of {name}: {error!r:.300}')
  seconds = time.perf_counter() - start
  path.unlink()
  if _is_bundle(name):  # whose folder may be listed, to say what is there
    events = [event for event in events if event[0] != 'os.listdir']
  counts[outcome] += 1
  counts['members changed'] += is_changed
  counts['slowest'] = max(counts['slowest'], seconds)
  if events or seconds > SECONDS or is_changed and outcome != 'refused':
    faults.append(f'{which}: {mutate.__name__} of {name}: {outcome} in {seconds:.2f} s, '
                  f'{"a member was changed" if is_changed else ""} {events[:3]}')


def _is_checkpoint(name):
  return 'best' in name


def _is_bundle(name):
  return re.search(r'\.(index|data-\d{5}-of-\d{5})$', name) is not None


def _copy_bundle(name, originals, folder):
  """All files of the bundle that `name` belongs to."""
  stem = pathlib.PurePath(name).with_suffix('')
  for other, content in originals.items():
    if _is_bundle(other) and pathlib.PurePath(other).with_suffix('') == stem:
      (folder / pathlib.PurePath(other).name).write_bytes(content)


def _spans(content):
  """(start, end) of the content of every member of a zip file."""
  with zipfile.ZipFile(io.BytesIO(content)) as archive:
    for info in archive.infolist():
      sizes = struct.unpack_from('<HH', content, info.header_offset + 26)
      start = info.header_offset + 30 + sum(sizes)
      yield start, start + info.file_size


def _held():
  """Bytes of address space that this process has."""
  return int(pathlib.Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--count', type=int, default=5000)
  parser.add_argument('--seed', type=int, default=0)
  arguments = parser.parse_args()
  start = time.perf_counter()
  before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  with tempfile.TemporaryDirectory() as folder:
    counts, faults = run(arguments.count, arguments.seed, pathlib.Path(folder))
  grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
  print(f'{arguments.count} mutations of {len(files())} files, seed {arguments.seed}: '
        f'{counts["refused"]} refused, {counts["read"]} read, {counts["members changed"]} changed '
        f'members of zip files or files of bundles, {len(faults)} faults; '
        f'slowest {counts["slowest"]:.2f} s, memory +{grown} MB, '
        f'{time.perf_counter() - start:.0f} s')
  for fault in faults[:20]:
    print(fault, file=sys.stderr)
  return 1 if faults else 0


if __name__ == '__main__':
  sys.exit(main())
