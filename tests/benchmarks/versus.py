"""What the programs share that time one model after the other against its PyTorch twin.

A family of models has a worker of either side, `<family>_jax_worker` and `<family>_torch_worker`.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.benchmarks import timing


def flags(models: Sequence[str], *, rounds: int, count: int) -> argparse.ArgumentParser:
  """Flags of every such program, as a parent of its parser."""
  parser = argparse.ArgumentParser(add_help=False)
  parser.add_argument('--models', type=_listed(models), default=list(models),
                      help=f'with commas between: {",".join(models)}; default: all')
  parser.add_argument('--rounds', type=int, default=rounds, help='turns of each side')
  parser.add_argument('--count', type=int, default=count, help='timed steps in one turn')
  parser.add_argument('--threads', type=int, help='cores to run on; default: all there are')
  parser.add_argument('--torch_python', default=sys.executable, help='an interpreter with PyTorch')
  return parser


@contextlib.contextmanager
def workers(family: str, arguments: argparse.Namespace, worker_flags: Sequence[str],
            ) -> Iterator[tuple[timing.Worker, timing.Worker]]:
  """(ours, the twin), both warm; `worker_flags` say to either what it runs."""
  name, where = f'tests.benchmarks.{family}_{{}}_worker'.format, cores(arguments)
  with (timing.Worker([sys.executable, '-m', name('jax'), *worker_flags], where) as ours,
        timing.Worker([arguments.torch_python, '-m', name('torch'), *worker_flags], where) as twin):
    yield ours, twin


def cores(arguments: argparse.Namespace) -> list[int]:
  """Those that both sides run on."""
  return sorted(os.sched_getaffinity(0))[-(arguments.threads or 0):]


def circumstances(arguments: argparse.Namespace, ours: timing.Worker, twin: timing.Worker,
                  ) -> dict[str, Any]:
  """Machine and versions, which end every report."""
  return timing.machine(len(cores(arguments))) | {
    'versions': {'ours': ours.about, 'twin': twin.about}}


def _listed(known: Sequence[str]) -> Callable[[str], list[str]]:
  """The type of a flag that takes some of `known`."""

  def some(text: str) -> list[str]:
    names = text.split(',')
    unknown = sorted(set(names) - set(known))
    if unknown:
      raise argparse.ArgumentTypeError(f'{unknown}; there are: {", ".join(known)}.')
    return names

  return some
