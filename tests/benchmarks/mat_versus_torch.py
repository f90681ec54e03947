"""Times MAT or MNT in emojax against its PyTorch twin at the published size; prints one JSON line.

    python -m tests.benchmarks.mat_versus_torch --model mat --torch_python ENV/bin/python

A training and an evaluation step of 32 utterances of 40 frames and 15 words; with --epoch, a whole
epoch of utterances as long as IEMOCAP's, where each side batches them in its own way. Run it from
the root of the repository; PyTorch may live in an environment of its own, which needs only numpy
besides. A ratio below 1 says that emojax is faster. To see how far two equal programs lie apart on
your machine, run it by ENV/bin/python itself with --ours tests.benchmarks.mat_torch_worker.
"""

import argparse
import json
import os
import sys
from typing import Any

from tests.benchmarks import timing

TWIN = 'tests.benchmarks.mat_torch_worker'


def main() -> None:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    parents=[timing.worker_flags()])
  parser.add_argument('--rounds', type=int, default=10, help='turns of each side')
  parser.add_argument('--count', type=int, default=5, help='timed steps in one turn')
  parser.add_argument('--threads', type=int, help='cores to run on; default: all there are')
  parser.add_argument('--epoch', action='store_true', help='epochs instead of single steps')
  parser.add_argument('--torch_python', default=sys.executable, help='an interpreter with PyTorch')
  parser.add_argument('--ours', default='tests.benchmarks.mat_jax_worker', help="a worker's module")
  arguments = parser.parse_args()
  print(json.dumps(run(arguments)))


def run(arguments: argparse.Namespace) -> dict[str, Any]:
  """The report: one entry per step, then what was compared and where."""
  flags = [f'--{name}={getattr(arguments, name)}'
           for name in ('model', 'batch', 'examples', 'device')]
  cores = sorted(os.sched_getaffinity(0))[:arguments.threads]
  with (timing.Worker([sys.executable, '-m', arguments.ours, *flags], cores) as ours,
        timing.Worker([arguments.torch_python, '-m', TWIN, *flags], cores) as twin):
    if arguments.epoch:
      report = {'epoch': epoch(ours, twin, arguments)}
    else:
      report = {step: timing.alternate(ours, twin, step, rounds=arguments.rounds,
                                       count=arguments.count) for step in ('train', 'eval')}
    return report | timing.machine(len(cores)) | {
      'model': arguments.model, 'device': arguments.device,
      'versions': {'ours': ours.about, 'twin': twin.about}}


def epoch(ours: timing.Worker, twin: timing.Worker, arguments: argparse.Namespace):
  """Epochs, one in a turn, with the utterances per second of either side."""
  times = timing.alternate(ours, twin, 'epoch', rounds=arguments.rounds, count=1, warm='train')
  return times | {
    f'{side}_examples_per_s': round(1e3 * arguments.examples / times[f'{side}_ms'], 1)
    for side in ('ours', 'twin')}


if __name__ == '__main__':
  main()
