"""Times the four MSE models in emojax against their PyTorch twins; prints one JSON line.

    python -m tests.benchmarks.mse_versus_torch --torch_python ENV/bin/python

One training step of each faithful model at the size of the authors' reference_script.sh, padded in
full, dropout included. Run it from the root of the repository; PyTorch may live in an environment
of its own, which needs only numpy besides. A ratio below 1 says that emojax is faster. On a busy
machine take one thread: where one of two threads has to wait for its core, PyTorch's other waits
with it, and a step takes many times as long.
"""

import argparse
import json
import math
import os
import sys

from tests.benchmarks import mse_data, timing


def main() -> None:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    parents=[mse_data.flags()])
  parser.add_argument('--rounds', type=int, default=6, help='turns of each side')
  parser.add_argument('--count', type=int, default=3, help='timed steps in one turn')
  parser.add_argument('--threads', type=int, help='cores to run on; default: all there are')
  parser.add_argument('--torch_python', default=sys.executable, help='an interpreter with PyTorch')
  arguments = parser.parse_args()
  flags = ['--kinds', *arguments.kinds, '--batch', str(arguments.batch)]
  cores = sorted(os.sched_getaffinity(0))[-(arguments.threads or 0):]
  worker = 'tests.benchmarks.mse_{}_worker'.format
  with (timing.Worker([sys.executable, '-m', worker('jax'), *flags], cores) as ours,
        timing.Worker([arguments.torch_python, '-m', worker('torch'), *flags], cores) as twin):
    report = {kind: timing.alternate(ours, twin, kind, rounds=arguments.rounds,
                                     count=arguments.count) for kind in arguments.kinds}
  mean = math.prod(times['ratio'] for times in report.values()) ** (1 / len(report))
  print(json.dumps(report | timing.machine(len(cores)) | {
    'geometric_mean': round(mean, 4), 'batch': arguments.batch,
    'versions': {'ours': ours.about, 'twin': twin.about}}))


if __name__ == '__main__':
  main()
