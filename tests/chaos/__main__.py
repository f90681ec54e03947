"""Proves what the project promises: kills programs, damages files, makes surroundings hostile.

  python -m tests.chaos --kills 100 --mutations 5000 --surroundings --seed 0 --jobs 2

prints a table and fails if anything is not as promised. What failed keeps its folder, and is
repeated alone by `--only K`.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import time

# Before jax and numpy are imported: small programs are compiled once for all runs and seeds,
# nothing starts a thread before it is forked, and somebody who commits meanwhile changes no run.
os.environ.update({
  'JAX_PLATFORMS': 'cpu',
  'JAX_COMPILATION_CACHE_DIR': os.path.join(tempfile.gettempdir(), 'emojax-chaos-compiled'),
  'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS': '0',
  'JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES': '-1',
  'XLA_FLAGS': '--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true '
               '--xla_cpu_use_fusion_emitters=false',
  'OPENBLAS_NUM_THREADS': '1', 'OMP_NUM_THREADS': '1', 'GIT_DIR': os.devnull,
  'TF_CPP_MIN_LOG_LEVEL': '2'})

from tests.chaos import kills, mutations, programs, surroundings, world


def main() -> int:
  args = _parse()
  folder = args.folder or pathlib.Path(tempfile.mkdtemp(prefix='emojax-chaos-'))
  programs.preload()
  made = world.World(folder, [world.SIMPLEST] if args.sample else list(world.RUNS))
  made.build()
  table, faults = [], []
  for count, run in ((args.kills, kills.run_all), (args.mutations, mutations.run_all)):
    if count:
      numbers = range(count) if args.only is None else [args.only]
      begun = time.monotonic()
      line, wrong = run(made, numbers, args.seed, jobs=args.jobs)
      table.append(f'{line}\n  in {time.monotonic() - begun:.0f} s')
      faults += wrong
  if args.surroundings:
    line, wrong = surroundings.run_all(made)
    table.append(line)
    faults += wrong
  print('\n'.join(table))
  if faults:
    print(f'{len(faults)} faults; see {folder}', file=sys.stderr)
    return 1
  shutil.rmtree(folder)
  return 0


def _parse() -> argparse.Namespace:
  parser = argparse.ArgumentParser('python -m tests.chaos', description=__doc__.splitlines()[0])
  parser.add_argument('--kills', type=int, default=0, help='how many scenarios')
  parser.add_argument('--mutations', type=int, default=0, help='how many damaged files')
  parser.add_argument('--surroundings', action='store_true', help='all hostile ones')
  parser.add_argument('--sample', action='store_true', help='of one run alone, to be quick')
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--jobs', type=int, default=2, help='how many at once')
  parser.add_argument('--only', type=int, help='the one of this number')
  parser.add_argument('--folder', type=pathlib.Path, help='a new one, to work in')
  return parser.parse_args()


if __name__ == '__main__':
  try:
    sys.exit(main())
  except world.Broken as error:
    sys.exit(str(error))
