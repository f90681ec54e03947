"""Prepares features that somebody else extracted: `python -m data_builders.table CORPUS/NAME FILE`.

FILE is an `.npz`, a `.csv` or a pickle, such as MMSA's aligned_50.pkl; what stands in it a
description says. NAME is a known one (`data_builders/tables/README.md` lists them and shows how to
write another), or the name that yours shall have: add `--description MINE.json`. A run then reads
it with --config.data.source=table --config.data.table=NAME. What is prepared already is kept.
"""

import argparse
import pathlib
import sys
import time


def main(argv: list[str] | None = None) -> int:
  """Builds, and prints what the table holds; returns the exit code."""
  args = _parse(argv)
  from data_builders.corpora import summary, table_builder
  from emojax.io import prepared

  corpus, _, name = args.table.partition('/')
  start = time.monotonic()
  try:
    folder, why = table_builder.prepare_table(
      corpus, name, args.files, (args.data_dir or prepared.default_data_dir()).expanduser(),
      description=args.description, overwrite=args.overwrite)
  except (ValueError, OSError, RuntimeError) as error:  # array_record's, where the disk is full
    return _fail(str(error))
  except KeyboardInterrupt:
    return _fail('interrupted; nothing half-written is left.')
  print(summary.text(f'{corpus}/{prepared.TABLE}{name}', folder, why, time.monotonic() - start))
  print('  ' + '\n  '.join(table_builder.features_text(folder)))
  return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
  parser = argparse.ArgumentParser('python -m data_builders.table', description=__doc__)
  parser.add_argument('table', metavar='CORPUS/NAME', help='mosi/bclstm, mosei/mmsa_aligned, ...')
  parser.add_argument('files', metavar='FILE', nargs='+', type=pathlib.Path,
                      help='the files of the table, in the order of the description')
  parser.add_argument('--description', type=pathlib.Path,
                      help='a JSON file that says what stands in them (default: the known one)')
  parser.add_argument('--data_dir', type=pathlib.Path,
                      help='where prepared data lies (default: $TFDS_DATA_DIR or '
                           '~/tensorflow_datasets)')
  parser.add_argument('--overwrite', action='store_true', help='build again what is prepared')
  return parser.parse_args(argv)


def _fail(message: str) -> int:
  print(f'table: {message}', file=sys.stderr)
  return 1


if __name__ == '__main__':
  sys.exit(main())
