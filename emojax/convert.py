"""Makes a run folder of checkpoints that the originals of MAT, MNT, FME, MSE and MME2E wrote.

    python -m emojax.convert --model=mat FILE [MORE ...] --out=W [--vocabulary=token_to_ix.pkl]
      [--config=configs/iemocap_mat.py:as_published]
    python -m emojax.convert --model=mse_mdre BUNDLE [MORE ...] --out=W [--vocabulary=dic.pkl]
      --config=configs/iemocap_mse_mdre.py:as_published,processed --config.members.folds=set01
    python -m emojax.convert --model=lf_rnn FILE [MORE ...] --out=W
      [--config=configs/mosei_lf_rnn.py]

Several files are the members of one run, trained alike with different seeds. What they say of
their training becomes the run's config; the file of --config (default: that of their dataset and
model, with the authors' processed files) says the rest; without `processed` IEMOCAP's reads
prepared records. `emojax.evaluate` scores the folder, `emojax.main` trains it on; both commands are
printed.

FME's and MSE's are TensorFlow bundles (NAME.index and NAME.data-...), which say no seed and nothing
but sizes of how they were trained. MSE's five sets are folds: a run is of one of them. The authors'
files of one set alone are read with --config.protocol=iemocap/mse_set_as_published.

Of MME2E there are the baselines, lf_rnn and lf_transformer. A file is a state dict; modalities and
seed stand in its name, how it was trained in the pickle of that name in savings/stats, if it is
there. Thresholds are found on validation once there are data, and so are the weights of its loss.
"""

import importlib.util
import pathlib
import shlex
from collections.abc import Sequence
from typing import Any

import ml_collections
from absl import app, flags, logging
from ml_collections import config_flags

from emojax import near, program

WITHOUT = {'fme_text_init': (
  ' No checkpoint of the original holds both parts of it: make a run of --model=fme_audio and one '
  "of --model=fme_text, and begin with them: --config.init_from='audio=AUDIO/members/{fold}-seed0; "
  "text,readout=TEXT/members/{fold}-seed0'.")}


def define_flags() -> None:
  """The program's flags; not at import, since `emojax.main` has a --config of its own."""
  flags.DEFINE_string('model', None, 'mat, mnt, lf_rnn, lf_transformer, or one of '
                      'fme_* and mse_*.', required=True)
  flags.DEFINE_string('out', None, 'The run folder to make.', required=True)
  flags.DEFINE_string('vocabulary', None, 'The words of the checkpoints; default: token_to_ix.pkl '
                      'beside the first, or dic.pkl there or up to two folders above.')
  config_flags.DEFINE_config_file(
    'config', None, "The experiment: configs/NAME.py[:words]; default: the checkpoints' own.")


def main(argv):
  if len(argv) < 2:
    raise app.UsageError('name at least one checkpoint: python -m emojax.convert --model=mat '
                         'best72.5_1.pkl --out=runs/imported')
  logging.set_verbosity(logging.WARNING)
  given = flags.FLAGS
  name = config_flags.get_config_filename(given['config']) if given['config'].present else None
  print(convert(argv[1:], given.model, given.out, given.vocabulary, name, given.config))


def convert(paths: Sequence[str], model: str, out: str, vocabulary: str | None = None,
            name: str | None = None, config: ml_collections.ConfigDict | None = None) -> str:
  """Makes `out` of the files `paths`; returns what was made and how to use it.

  Args:
    model: 'mat', 'mnt', or another file of `emojax/models` that a reader knows.
    vocabulary: the file of their words; None: it is looked for near the first.
    name: configs/NAME.py[:words]; None: the files' own.
    config: what `name` gives, with overrides; None: without.
  """
  from emojax.train import imported, importing, mat_checkpoint, mme2e_checkpoint, tf_checkpoint

  known = mat_checkpoint, tf_checkpoint, mme2e_checkpoint
  readers = {name: reader for reader in known for name in reader.MODELS}
  if model not in readers:
    raise ValueError(f'--model={model!r}; there are: {", ".join(readers)}'
                     f'{near.hint(model, readers)}.{WITHOUT.get(model, "")}')
  reader = readers[model]
  imported.check_new(out)
  checkpoints = [reader.read(path) for path in paths]
  reader.check_together(checkpoints, model)
  name = name or reader.config_name(checkpoints, model)
  base = _load(name)
  config = _load(name) if config is None else config
  reader.configure(config, checkpoints, model)
  fitted, about = reader.read_words(checkpoints, vocabulary, config)
  sources = reader.sources(checkpoints, config)
  said = reader.describe(checkpoints, config)
  imported.write(out, config, sources, importing.specs(config, fitted, said.widths), fitted,
                 {'model': model, 'config': name, 'notice': said.notice, **about})

  number = sum(value.size for value in sources[0].params.values())
  words = about['vocabulary']
  lines = [f'{out}: {len(sources)} imported of {reader.MODELS[model]}, {number:,} parameters each'
           + (f', words of {words["file"]} ({words["rows"]:,} rows)' if words else '')]
  for source in sources:
    best = source.progress.best
    lines.append(f'  seed {source.seed}: {source.file}, step {source.step:,}, validation accuracy '
                 + ('not known' if best is None else f'{best:.4f}'))
  lines += filter(None, [*said.unsaid, said.notice])
  changed = _changed(base, config)
  lines += ['', f'Other than in {name}:' if changed else f'All as in {name}.']
  lines += [f'  {field}={now!r} (there {was!r})' for field, was, now in changed]
  data = config.data.path or 'DATA'
  overrides = [f'--config.{field}={now}' for field, _, now in changed]
  if not config.data.path:
    overrides.append(f'--config.data.path={data}')
    kind = ("the folder of the authors' data" if config.data.source == 'processed'
            else 'the --data_dir of the build')
    lines += ['', f'DATA is {kind}.']
  lines += ['', 'Score it:', _command('evaluate', out, f'--data_path={data}'),
            '', 'Train it on:',
            _command('main', f'--config={name}', *overrides, f'--workdir={out}')]
  return '\n'.join(lines)


def _load(name: str) -> ml_collections.ConfigDict:
  """The config of configs/NAME.py[:words]."""
  path, _, words = name.partition(':')
  path = pathlib.Path(path)
  if path.suffix != '.py' or not path.is_file():
    raise ValueError(f'{path} is no Python file; run this where the folder configs is, or name '
                     'the experiment with --config=PATH.py[:words].')
  spec = importlib.util.spec_from_file_location('convert_config', path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module.get_config(words)


def _changed(base: ml_collections.ConfigDict, config: ml_collections.ConfigDict,
             ) -> list[tuple[str, Any, Any]]:
  """(field, value in `base`, value in `config`) of all that differ."""
  from emojax.io import parameters

  before, now = parameters.flatten(base.to_dict()), parameters.flatten(config.to_dict())
  return [(field, before[field], value) for field, value in now.items() if value != before[field]]


def _command(program_name: str, *words: str) -> str:
  """A command for the shell, a word a line."""
  return ' \\\n    '.join([f'  python -m emojax.{program_name}', *map(shlex.quote, words)])


if __name__ == '__main__':
  define_flags()
  program.run(main)
