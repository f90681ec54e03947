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
import sys

from tests.benchmarks import recurrent_data, timing, versus


def main() -> None:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    parents=[versus.flags(list(recurrent_data.BATCHES), rounds=6, count=3)])
  parser.add_argument('--epoch', action='store_true', help='epochs, one in a turn, not steps')
  parser.add_argument('--examples', type=int, default=512, help='utterances in an epoch')
  arguments = parser.parse_args()
  turns = (dict(step='epoch', count=1, warm='train') if arguments.epoch else
           dict(step='train', count=arguments.count))
  report = {}
  for model in arguments.models:
    flags = ['--model', model, '--examples', str(arguments.examples)]
    with versus.workers('recurrent', arguments, flags) as (ours, twin):
      report[model] = timing.alternate(ours, twin, rounds=arguments.rounds, **turns) | {
        'batch': recurrent_data.BATCHES[model]}
    print(f'{model}: {report[model]}', file=sys.stderr, flush=True)
  mean = math.prod(times['ratio'] for times in report.values()) ** (1 / len(report))
  print(json.dumps(report | {'step': turns['step'], 'geometric_mean': round(mean, 4)}
                   | versus.circumstances(arguments, ours, twin)))


if __name__ == '__main__':
  main()
