"""Trains what a config describes and evaluates the best once on test.

    python -m emojax.main --config=configs/iemocap_mat.py --config.data.path=DATA [--workdir=W]

Any field is overridden by --config.a.b=c. The same command on an interrupted run goes on where it
stopped; on a finished run it prints the result again. Told to end (SIGTERM), it saves and exits
with 75: start it again. Several processes: launch/README.md.
"""

import sys

from absl import app, flags, logging
from ml_collections import config_flags

from emojax import program

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'The experiment: configs/NAME.py[:words].')
_WORKDIR = flags.DEFINE_string('workdir', None, 'The run folder; default: runs/NAME.')
_DISTRIBUTED = flags.DEFINE_enum(
  'distributed', 'auto', ['auto', 'on', 'off'], 'Whether this is one of several processes; auto: '
  'where EMOJAX_COORDINATOR or a cluster says so.')
_SEED = flags.DEFINE_integer('seed', None, 'First seed; default: the config\'s.')


def main(argv):
  if len(argv) > 1:
    raise app.UsageError(f'unexpected arguments: {argv[1:]}')
  logging.set_verbosity(logging.WARNING)
  config = _CONFIG.value
  if _SEED.value is not None:
    config.seed = _SEED.value
  workdir = _WORKDIR.value or program.default_workdir()
  from emojax.train import processes  # after the flags were read: a wrong one is answered at once

  if processes.start(_DISTRIBUTED.value):
    print(processes.describe(), flush=True)
  from emojax.train import group_run, loop

  with processes.StopRequest() as stop:
    try:
      report = loop.train_and_evaluate(config, workdir, stop.requested)
    except group_run.Stopped as stopped:
      print(f'{stopped} The same command goes on from there.', flush=True)
      sys.exit(processes.STOPPED)
  if not processes.is_first():
    return
  print(report)
  if not config.fast_dev_run:
    print(f'\n{workdir} holds result.json, predictions, checkpoints and events '
          f'(tensorboard --logdir {workdir}).')


if __name__ == '__main__':
  flags.mark_flag_as_required('config')
  program.run(main)
