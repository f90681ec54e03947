"""Prepares a corpus: `python -m data_builders.build CORPUS[/CONFIG] --manual_dir FOLDER`.

Without CONFIG: `base` (sound, transcript, labels, votes) and MAT's log-mels. Other features are
built when they are asked for by name; the README of each corpus names those that it has.
What is prepared already is kept. Nothing half-written ever stands in the data folder.
"""

import argparse
import pathlib
import shlex
import sys
import time
from concurrent import futures

# Spawned workers import this file: what is heavy is imported in `main`.


def main(argv: list[str] | None = None) -> int:
  """Builds, and prints a summary of each dataset; returns the exit code."""
  args = _parse(argv)
  from data_builders.corpora import prepare, summary
  from emojax.io import prepared

  data_dir = (args.data_dir or prepared.default_data_dir()).expanduser()
  corpus, _, config = args.dataset.partition('/')
  options = dict(num_shards=args.num_shards, workers=args.workers, partial=args.partial)
  try:
    wanted = prepare.configs(corpus, config or None)
    if args.manual_dir and prepare.needs_base(config):
      wanted = ['base', *wanted]
    for name in wanted:
      asked = not config or name == config
      start = time.monotonic()
      folder, why = prepare.prepare(
        corpus, name, data_dir, manual_dir=args.manual_dir, overwrite=args.overwrite and asked,
        beam=None if args.beam is None or not asked else shlex.split(args.beam), **options)
      print(summary.text(f'{corpus}/{name}', folder, why, time.monotonic() - start), flush=True)
  except futures.BrokenExecutor:
    return _fail('a worker process died, probably for lack of memory; try fewer --workers.')
  except (ValueError, OSError, RuntimeError) as error:  # array_record's, where the disk is full
    return _fail(str(error))
  except KeyboardInterrupt:
    return _fail('interrupted; nothing half-written is left.')
  return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
  parser = argparse.ArgumentParser('python -m data_builders.build', description=__doc__)
  parser.add_argument('dataset', metavar='CORPUS[/CONFIG]', help='iemocap, emodb/logmel_mat, ...')
  parser.add_argument('--manual_dir', type=pathlib.Path, help='the raw release; only base needs it')
  parser.add_argument('--data_dir', type=pathlib.Path,
                      help='where prepared data lies (default: $TFDS_DATA_DIR or '
                           '~/tensorflow_datasets)')
  parser.add_argument('--num_shards', type=_count, help='files per dataset (default: by size)')
  parser.add_argument('--workers', type=_count, help='processes (default: one per core)')
  parser.add_argument('--partial', action='store_true',
                      help='accept a release that is not complete, and record that')
  parser.add_argument('--overwrite', action='store_true', help='build again what is prepared')
  parser.add_argument('--beam', nargs='?', const='', metavar='OPTIONS',
                      help='compute a feature with Apache Beam, OPTIONS of its pipeline in quotes: '
                           "--beam='--runner=FlinkRunner --parallelism=8' (the extra beam)")
  args = parser.parse_args(argv)
  if args.beam is not None and '/' not in args.dataset:
    parser.error(f'--beam computes one feature: {args.dataset}/CONFIG')
  return args


def _count(word: str) -> int:
  if not word.isdigit() or word == '0':
    raise argparse.ArgumentTypeError(f'expected a number from 1 on, not {word!r}')
  return int(word)


def _fail(message: str) -> int:
  print(f'build: {message}', file=sys.stderr)
  return 1


if __name__ == '__main__':
  sys.exit(main())
