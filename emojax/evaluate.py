"""Prints classification reports of finished runs, with intervals, alone or as one ensemble.

    python -m emojax.evaluate runs/iemocap_mat [MORE ...] [--split valid,test]
    python -m emojax.evaluate runs/iemocap_mat [MORE ...] --ensemble [--index=5]
    python -m emojax.evaluate runs/iemocap_mat [MORE ...] --modalities=text,audio

Test and validation come from the predictions that a run keeps; other parts are predicted again from
each member's best parameters, for which the dataset must be where the run found it (or at
--data_path). Of utterances without labels (--split=unlabelled) predictions are written, not scored.

--modalities hides all others from a finished run: 'text,audio', several sets ('text; audio'), or
'every' set there is. Train with --config.modality_dropout=0.3 for a model that knows such inputs.

An ensemble decides by the mean of its members' logits, those of each fold for themselves. Their
order, and without --index their number, come from validation. --as_published does as ensembling.py
of MAT and MNT: members in reverse order of their file names, the best number from the split itself.
"""

import itertools

from absl import app, flags, logging

from emojax import program
from emojax.protocols import protocol as protocol_lib

_SPLIT = flags.DEFINE_string('split', 'test', 'train, valid, test or unlabelled, or several: '
                             'valid,test.')
_DATA_PATH = flags.DEFINE_string('data_path', None, 'Where the dataset is now, if it moved.')
_ENSEMBLE = flags.DEFINE_bool('ensemble', False, 'All members of all runs as one.')
_INDEX = flags.DEFINE_integer('index', None, 'How many members of each fold decide.', lower_bound=1)
_AS_PUBLISHED = flags.DEFINE_bool(
  'as_published', False, 'Order by file names, size also chosen on the split that is reported.')
_MODALITIES = flags.DEFINE_string(
  'modalities', None, "From which of the run's modalities: 'text,audio', several sets ('text; "
  "text,audio'), or 'every' set.")
_OUT = flags.DEFINE_string('out', None, "The CSV file for the ensemble's predictions.")


def main(argv):
  if len(argv) < 2:
    raise app.UsageError('name at least one run folder: python -m emojax.evaluate runs/iemocap_mat')
  logging.set_verbosity(logging.WARNING)
  from emojax.train import finished  # after the flags were read: a wrong one is answered at once

  parts = finished.choose_parts(_SPLIT.value)
  if _ENSEMBLE.value and _MODALITIES.value:
    raise ValueError('--modalities is of runs alone, not of an ensemble; ask for one of the two.')
  if _ENSEMBLE.value:
    _check_ensemble(parts)
  elif _INDEX.value or _AS_PUBLISHED.value or _OUT.value:
    raise ValueError('--index, --as_published and --out belong to an ensemble; add --ensemble.')
  runs = [finished.open_run(workdir) for workdir in argv[1:]]
  if _ENSEMBLE.value:
    _report_ensemble(runs, parts)
    return
  for run in runs:
    print(f'== {run.folder.path}')
    for part in parts:
      sets = _sets_of_modalities(run)
      _complete(run, part, sets)
      for modalities in sets:
        print(run.report(part, modalities), end='\n\n')


def _sets_of_modalities(run) -> list[tuple[str, ...]]:
  """Those that were asked for; () is all together."""
  from emojax.train import hiding

  wanted = _MODALITIES.value
  return [()] if wanted is None else hiding.choose(wanted, run.config.streams)


def _check_ensemble(parts) -> None:
  """Refuses flags that ask for the predictions of no one ensemble, or that lack a file for them."""
  if protocol_lib.UNLABELLED in parts and not _OUT.value:
    raise ValueError('--split=unlabelled has no score: name a file for the predictions of the '
                     'ensemble, --out FILE.csv.')
  if _OUT.value and len(parts) > 1:
    raise ValueError(f'--out holds the predictions of one part, and --split={_SPLIT.value} asks '
                     f'for {len(parts)}; ask for one after the other.')
  if _OUT.value and _AS_PUBLISHED.value and not _INDEX.value:
    raise ValueError('--as_published chooses no size but on the split itself; say with --index how '
                     'many members predict what --out holds.')


def _report_ensemble(runs, parts) -> None:
  from emojax.train import ensembling

  joined = ensembling.Ensemble(runs, size=_INDEX.value, as_published=_AS_PUBLISHED.value)
  for run, part in itertools.product(runs, joined.reads(parts)):
    _complete(run, part)
  print(joined.about(), end='\n\n')
  for part in parts:
    if part != protocol_lib.UNLABELLED:
      print(joined.report(part), end='\n\n')
    if _OUT.value:
      print(joined.write(part, _OUT.value))


def _complete(run, part: str, sets=((),)) -> None:
  """Makes the predictions that a run lacks, for each of the sets of modalities."""
  lacking = [modalities for modalities in sets if run.needs_predictions(part, modalities)]
  if lacking:
    from emojax.train import loop

    loop.predict_again(run.config, str(run.folder.path), part, _DATA_PATH.value, lacking)


if __name__ == '__main__':
  program.run(main)
