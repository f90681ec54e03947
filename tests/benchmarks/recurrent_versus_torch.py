"""Times the recurrent models in emojax against their PyTorch twins; prints one JSON line.

    python -m tests.benchmarks.recurrent_versus_torch --torch_python ENV/bin/python

One training step of each faithful model at the originals' sizes, padded in full, dropout included;
with --epoch, a whole epoch of utterances as long as IEMOCAP's, where each side batches them in its
own way: the twin padded in full, as the originals did, emojax as its clean config. Run it from the
root of the repository; PyTorch may live in an environment of its own, which needs only numpy
besides. A ratio below 1 says that emojax is faster. On a busy machine take one thread: where one of
two threads has to wait for its core, PyTorch's other waits with it, and a step takes many times as
long.
"""

import argparse
import json
import math
import os
import sys

from tests.benchmarks import recurrent_data, timing


def main() -> None:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--models', nargs='+', default=list(recurrent_data.BATCHES),
                      choices=list(recurrent_data.BATCHES))
  parser.add_argument('--rounds', type=int, default=6, help='turns of each side')
  parser.add_argument('--count', type=int, default=3, help='timed steps in one turn')
  parser.add_argument('--epoch', action='store_true', help='epochs, one in a turn, not steps')
  parser.add_argument('--examples', type=int, default=512, help='utterances in an epoch')
  parser.add_argument('--threads', type=int, help='cores to run on; default: all there are')
  parser.add_argument('--torch_python', default=sys.executable, help='an interpreter with PyTorch')
  arguments = parser.parse_args()
  cores = sorted(os.sched_getaffinity(0))[-(arguments.threads or 0):]
  worker = 'tests.benchmarks.recurrent_{}_worker'.format
  report = {}
  for model in arguments.models:
    flags = ['--model', model, '--examples', str(arguments.examples)]
    with (timing.Worker([sys.executable, '-m', worker('jax'), *flags], cores) as ours,
          timing.Worker([arguments.torch_python, '-m', worker('torch'), *flags], cores) as twin):
      if arguments.epoch:
        report[model] = timing.alternate(
          ours, twin, 'epoch', rounds=arguments.rounds, count=1, warm='train')
      else:
        report[model] = timing.alternate(
          ours, twin, 'train', rounds=arguments.rounds, count=arguments.count)
      report[model]['batch'] = recurrent_data.BATCHES[model]
    print(f'{model}: {report[model]}', file=sys.stderr, flush=True)
  mean = math.prod(times['ratio'] for times in report.values()) ** (1 / len(report))
  print(json.dumps(report | timing.machine(len(cores)) | {
    'step': 'epoch' if arguments.epoch else 'train', 'geometric_mean': round(mean, 4),
    'versions': {'ours': ours.about, 'twin': twin.about}}))


if __name__ == '__main__':
  main()
