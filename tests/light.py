"""What tests of runs share: the smallest model, a stopped run, what evaluating prints, one device.

To compile MAT takes five times as long, and for eight devices twice as long again; that MAT itself
trains, and on several, is tested elsewhere.
"""

import itertools
import os
import pathlib
import re

import ml_collections
from absl import flags
from absl.testing import flagsaver

from emojax import evaluate
from emojax.train import group_run, loop

MODEL = {'name': 'late_fusion', 'hidden': 8, 'fusion': 'sum', 'dropout_input': 0.1, 'dropout': 0.2}


def light(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """`config` itself, with another model of the same streams and heads."""
  config.model = MODEL
  return config


def stopped_every(config: ml_collections.ConfigDict, workdir: pathlib.Path, steps: int) -> int:
  """Runs, stops after so many steps and begins again, until it is through; says how many times."""
  for times in itertools.count():
    made = itertools.count(1)
    try:
      loop.train_and_evaluate(config, str(workdir), lambda made=made: next(made) == steps)
      return times
    except group_run.Stopped:
      pass


def evaluated(capsys, *workdirs: pathlib.Path, **options) -> str:
  """What `python -m emojax.evaluate` prints of runs."""
  if not flags.FLAGS.is_parsed():
    flags.FLAGS(['evaluate'])
  capsys.readouterr()
  with flagsaver.flagsaver(**options):
    evaluate.main(['evaluate', *map(str, workdirs)])
  return capsys.readouterr().out


def result(workdir: pathlib.Path) -> dict[str, bytes]:
  """What must not depend on how often a run was stopped: file -> bytes."""
  kept = {'metrics.jsonl', 'member.json', 'result.json', 'config.json', 'fitted.json', 'fitted.npz',
          'skipped_select.json'}
  return {str(path.relative_to(workdir)): path.read_bytes() for path in sorted(workdir.rglob('*'))
          if path.name in kept or path.suffix == '.csv'}


def environment() -> dict[str, str]:
  """That of a program which has one device."""
  flags = re.sub(r'device_count=\d+', 'device_count=1', os.environ['XLA_FLAGS'])
  return os.environ | {'XLA_FLAGS': flags}
