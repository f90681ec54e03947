"""Trains what a config describes and evaluates the best once on test.

    python -m emojax.main --config=configs/iemocap_mat.py --config.data.path=DATA [--workdir=W]

Any field is overridden by --config.a.b=c. The same command on an interrupted run goes on where it
stopped; on a finished run it prints the result again.
"""

from absl import app, flags, logging
from ml_collections import config_flags

from emojax import program

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'The experiment: configs/NAME.py[:words].')
_WORKDIR = flags.DEFINE_string('workdir', None, 'The run folder; default: runs/NAME.')
_SEED = flags.DEFINE_integer('seed', None, 'First seed; default: the config\'s.')


def main(argv):
  if len(argv) > 1:
    raise app.UsageError(f'unexpected arguments: {argv[1:]}')
  logging.set_verbosity(logging.WARNING)
  config = _CONFIG.value
  if _SEED.value is not None:
    config.seed = _SEED.value
  workdir = _WORKDIR.value or program.default_workdir()
  from emojax.train import loop  # after the flags were read: a wrong one is answered at once

  print(loop.train_and_evaluate(config, workdir))
  if not config.fast_dev_run:
    print(f'\n{workdir} holds result.json, predictions, checkpoints and events '
          f'(tensorboard --logdir {workdir}).')


if __name__ == '__main__':
  flags.mark_flag_as_required('config')
  program.run(main)
