"""Times LF-RNN, LF-Transformer, TFN and LMF in emojax against PyTorch twins; one JSON line each.

    python -m tests.benchmarks.light_versus_torch --torch_python ENV/bin/python

One training step of 32 utterances, padded in full, dropout and clipping included, as
`light_data.MODELS` says; `original_ms` is what the authors' code took for it on two cores. Run it
from the root of the repository; PyTorch may live in an environment of its own, which needs only
numpy besides. A ratio below 1 says that emojax is faster. For a busy machine see
`recurrent_versus_torch`.
"""

import argparse
import dataclasses
import json

from tests.benchmarks import light_data, timing, versus


def main() -> None:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    parents=[versus.flags(list(light_data.MODELS), rounds=10, count=10)])
  arguments = parser.parse_args()
  for model in arguments.models:
    timed = light_data.MODELS[model]
    with versus.workers('light', arguments, ['--model', model]) as (ours, twin):
      times = timing.alternate(
        ours, twin, 'train', rounds=arguments.rounds, count=arguments.count)
    what = {'model': model, 'step': 'train', 'batch': light_data.BATCH,
            'streams': light_data.FEATURES[timed.system]} | dataclasses.asdict(timed)
    print(json.dumps(what | times | versus.circumstances(arguments, ours, twin)), flush=True)


if __name__ == '__main__':
  main()
