"""Says what a prepared dataset holds: `python -m data_builders.inspect CORPUS[/CONFIG]`.

Splits, classes, durations, speakers, what is prepared, what was excluded and why. Without CONFIG:
`base`, or `text` where the media are absent. With --out, draws a sheet of waves and mels there;
with --csv, writes a table of all utterances.
"""

import argparse
import pathlib
import sys


def main(argv: list[str] | None = None) -> int:
  """Prints the overview, writes what was asked for; returns the exit code."""
  args = _parse(argv)
  from data_builders.corpora import inspected, merged_table, overview, sheet
  from emojax.io import prepared

  data_dir = (args.data_dir or prepared.default_data_dir()).expanduser()
  try:
    about = inspected.load(data_dir, args.dataset)
    print(overview.text(about))
    if args.out:
      path = args.out / f'{about.name.replace("/", "_")}.png'
      sheet.draw(about, path)
      print(f'\nwaves and mels: {path}')
    if args.csv:
      rows = merged_table.write(about, args.csv)
      print(f'\n{rows:,} rows in {args.csv}. It holds labels and transcripts; their licence: '
            f'{about.data.about["licence"]}')
  except (ValueError, OSError) as error:
    print(f'inspect: {error}', file=sys.stderr)
    return 1
  except KeyboardInterrupt:
    print('inspect: interrupted.', file=sys.stderr)
    return 1
  return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
  parser = argparse.ArgumentParser('python -m data_builders.inspect', description=__doc__)
  parser.add_argument('dataset', metavar='CORPUS[/CONFIG]', help='iemocap, meld/text, ...')
  parser.add_argument('--data_dir', type=pathlib.Path,
                      help='where prepared data lies (default: $TFDS_DATA_DIR or '
                           '~/tensorflow_datasets)')
  parser.add_argument('--out', type=pathlib.Path, metavar='FOLDER',
                      help='draw a dozen utterances into a picture there')
  parser.add_argument('--csv', type=pathlib.Path, metavar='FILE',
                      help='write a table of all utterances, those excluded too')
  return parser.parse_args(argv)


if __name__ == '__main__':
  sys.exit(main())
