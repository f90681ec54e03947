"""Prints a classification report of finished runs, with intervals, for any part of their protocol.

    python -m emojax.evaluate runs/iemocap_mat [MORE ...] [--split test|valid|train]

Test and validation come from the predictions that a run keeps; the training part is predicted again
from its best parameters, for which the dataset must be where the run found it (or at --data_path).
"""

from absl import app, flags, logging

from emojax import program

_SPLIT = flags.DEFINE_string('split', 'test', 'train, valid or test.')
_DATA_PATH = flags.DEFINE_string('data_path', None, 'Where the dataset is now, if it moved.')


def main(argv):
  if len(argv) < 2:
    raise app.UsageError('name at least one run folder: python -m emojax.evaluate runs/iemocap_mat')
  logging.set_verbosity(logging.WARNING)
  from emojax.train import finished  # after the flags were read: a wrong one is answered at once

  for workdir in argv[1:]:
    run = finished.open_run(workdir)
    print(f'== {workdir}')
    if run.needs_predictions(_SPLIT.value):
      from emojax.train import loop

      loop.predict_again(run.config, workdir, _SPLIT.value, _DATA_PATH.value)
    print(run.report(_SPLIT.value), end='\n\n')


if __name__ == '__main__':
  program.run(main)
