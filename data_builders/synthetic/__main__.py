"""Writes a generated release: `python -m data_builders.synthetic CORPUS --out DIR`."""

import argparse

from data_builders import synthetic


def main(argv: list[str] | None = None) -> None:
  parser = argparse.ArgumentParser(
    prog='python -m data_builders.synthetic', description=__doc__.partition(':')[0] + '.'
  )
  parser.add_argument('corpus', help='one of: ' + ', '.join(synthetic.corpora()))
  parser.add_argument('--out', required=True, help='folder to write the release into')
  parser.add_argument('--seed', type=int, default=0, help='another seed, another release')
  parser.add_argument('--size', default='small', help='tiny, small (default) or full')
  parser.add_argument('--defects', nargs='?', const=True, default=False, metavar='NAME',
                      help='damage it as real releases are damaged: in every way that costs single '
                           'utterances, or in the one way of that name')
  args = parser.parse_args(argv)
  try:
    root = synthetic.write(
      args.corpus, args.out, seed=args.seed, size=args.size, defects=args.defects)
  except ValueError as error:
    raise SystemExit(f'ValueError: {error}') from error
  print(f'{root}  (generated: scores on it say nothing about human emotion)')


if __name__ == '__main__':
  main()
