"""Says what is wrong, and what to do: with the machine, or with what lies at a PATH.

    python -m emojax.doctor                          this machine and its environment
    python -m emojax.doctor DATA runs/iemocap_mat    every checksum below

A PATH is a data folder, a dataset, a run, a folder of runs, members or checkpoints, or a checkpoint
of an original. One line per thing: ok, note (worth knowing), wrong (with what to do); the last
counts them. Exit status: 0 if nothing is wrong, else 1. Nothing is written, and nothing mended.
"""

import argparse
import collections
import pathlib
import sys
from collections.abc import Iterable, Sequence

from emojax.io import findings

# The rest is imported in `main`: this must run where packages are absent.

WIDTH = 12  # of the second column, at least


def main(argv: Sequence[str] | None = None) -> int:
  """Prints the findings as they come; returns the exit status."""
  parser = argparse.ArgumentParser(
    'python -m emojax.doctor', description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('path', metavar='PATH', type=pathlib.Path, nargs='*', help='what to examine')
  paths = parser.parse_args(argv).path
  if not paths:
    from emojax.health import machine

    return tell(machine.examine())
  from emojax.health import examine

  return tell(found for path in paths for found in examine.examine(path))


def tell(found: Iterable[findings.Finding]) -> int:
  """Prints findings and their count; returns the exit status."""
  counts = collections.Counter()
  for finding in found:
    counts[finding.state] += 1
    print(f'{finding.state:<5}  {finding.what:<{WIDTH}}  {finding.text}', flush=True)
  number = counts[findings.WRONG]
  said = f'{number} wrong' if number else 'nothing is wrong'
  print(f'{said}; {counts[findings.OK]} ok, {counts[findings.NOTE]} to note')
  return 1 if number else 0


if __name__ == '__main__':
  sys.exit(main())
