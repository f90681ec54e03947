"""What a member begins with in place of random parameters: those of a finished run's members.

    config.init_from = 'audio=runs/audio/members/{fold}-seed{seed}; text,words=runs/text/...'

Before the '=' stand beginnings of parameter names, '*' for all; behind it the folder of a member,
in which {fold} and {seed} are the member's own. What is not named begins at random. Taken are the
parameters of the source's best evaluation, and only from a source that never saw what is tested or
chosen on here. Of an imported one the protocol alone says what it saw; where not even that is known
(`imported.json` has a notice), every report of the run says so.
"""

import dataclasses
import pathlib
import string
from collections.abc import Iterable, Mapping

import numpy as np

from emojax import near
from emojax.data import fitted as fitted_lib
from emojax.io import parameters
from emojax.train import finished, imported, members, run_folder
from emojax.types import Tree

FIELDS = ('fold', 'seed')


@dataclasses.dataclass(frozen=True)
class Rule:
  """Which parameters come from where."""

  prefixes: tuple[str, ...]
  path: str

  def covers(self, name: str) -> bool:
    """Whether a parameter (dotted path) is one of them."""
    return any(prefix == '*' or name == prefix or name.startswith(f'{prefix}.')
               for prefix in self.prefixes)

  def folder(self, member: members.Member) -> pathlib.Path:
    """The folder of the source's member."""
    return pathlib.Path(self.path.format(fold=member.fold_name, seed=member.seed)).expanduser()


def parse(text: str) -> list[Rule]:
  """The rules of `config.init_from`; none for ''.

  Raises:
    ValueError: for another form, or a field that is neither {fold} nor {seed}.
  """
  rules = []
  for part in filter(None, (part.strip() for part in text.split(';'))):
    prefixes, equals, path = (word.strip() for word in part.partition('='))
    names = tuple(filter(None, (name.strip() for name in prefixes.split(','))))
    if not equals or not names or not path:
      raise ValueError(
        f'config.init_from: {part!r} is not of the form PARAMETERS=FOLDER, such as '
        "'audio=runs/audio/members/{fold}-seed{seed}'.")
    try:
      fields = [field for _, field, _, _ in string.Formatter().parse(path) if field is not None]
    except ValueError as error:
      raise ValueError(f'config.init_from: {path!r}: {error}.') from error
    if unknown := [field for field in fields if field not in FIELDS]:
      raise ValueError(f'config.init_from: {path!r} has the field {{{unknown[0]}}}; there are: '
                       '{fold}, {seed}.')
    rules.append(Rule(names, path))
  return rules


def notices(text: str, listed: Iterable[members.Member]) -> list[str]:
  """What is to be said of a run whose members begin as `text` says: what is said of its sources."""
  folders = dict.fromkeys(rule.folder(member) for rule in parse(text) for member in listed)
  runs = {run.folder.path: run for run in map(_open, folders)}
  return [f'begun with {path}: {notice}'
          for path, run in runs.items() for notice in run.folder.notices]


def load(text: str, member: members.Member, *, protocol: str, held_out: Mapping[str, np.ndarray],
         fitted: fitted_lib.Fitted, phase: str, shapes: Tree) -> dict[str, np.ndarray]:
  """Dotted path -> values that a member begins with; empty where `text` is.

  Args:
    text: `config.init_from`.
    held_out: part ('valid', 'test') -> ids of its utterances.
    fitted: the member's own; word vectors go with their vocabulary.
    phase: 'select' or 'refit'; sources were trained in the same one.
    shapes: of all parameters of the member.

  Raises:
    ValueError: naming the folder and what is wrong with it: it is no member of a finished run, of
      another fold, trained on what is held out here, with other words, or lacks the parameters.
  """
  found, names = {}, parameters.flatten(shapes)
  for rule in parse(text):
    wanted = {name: leaf.shape for name, leaf in names.items() if rule.covers(name)}
    for prefix in rule.prefixes:
      if prefix != '*' and not any(Rule((prefix,), '').covers(name) for name in names):
        known = sorted({name.rpartition('.')[0] or name for name in names})
        raise ValueError(f'config.init_from: the model has no parameters {prefix!r}'
                         f'{near.hint(prefix, known)}; it has: '
                         f'{", ".join(known)}.')
    folder = rule.folder(member)
    source = _open(folder)
    _check(source, folder, member, protocol, held_out, phase)
    _check_words(fitted_lib.load(folder / f'fitted_{phase}'), fitted, folder)
    values = parameters.flatten(source.best(folder.name, phase)['params'])
    lacking = sorted(wanted.keys() - values.keys())
    if lacking:
      raise ValueError(f'{folder} has no parameter {lacking[0]!r} ({len(lacking)} of {len(wanted)} '
                       f'are lacking); it has: {", ".join(sorted(values))}.')
    for name, shape in wanted.items():
      # members that trained together are filled with zeros up to the largest vocabulary
      kept = values[name][:shape[0]] if shape else values[name]
      if kept.shape != shape:
        raise ValueError(f'{folder}: {name} is {values[name].shape}, here {shape}; the two models '
                         'need the same sizes.')
      found[name] = kept
  return found


def _open(folder: pathlib.Path) -> finished.Run:
  if not folder.is_dir():
    there = sorted(path.name for path in folder.parent.glob('*'))[:12]
    raise ValueError(f'config.init_from: there is no folder {folder}; {folder.parent} holds: '
                     f'{", ".join(there) or "nothing"}.')
  if folder.parent.name != 'members':
    raise ValueError(f'config.init_from: {folder} is no member of a run: expected '
                     'RUN/members/{fold}-seed{seed}.')
  return finished.open_run(str(folder.parent.parent))


def _check(source: finished.Run, folder: pathlib.Path, member: members.Member, protocol: str,
           held_out: Mapping[str, np.ndarray], phase: str) -> None:
  """Refuses a source that was trained on what is held out here."""
  theirs = {one.name: one for one in source.sound}.get(folder.name)
  if theirs is None:
    raise ValueError(f'{folder}: the run has no sound member of this name; it has: '
                     f'{", ".join(one.name for one in source.sound)}.')
  if phase == 'refit' and not source.config.refit:
    raise ValueError(f'{folder} was not trained with config.refit, so it has nothing for the refit '
                     'of this run.')
  if source.config.protocol != protocol or theirs.fold_name != member.fold_name:
    raise ValueError(
      f'{folder} was trained on {source.config.protocol}, fold {theirs.fold_name}; {member.name} '
      f'is of {protocol}, fold {member.fold_name}: it may have learned what is tested on here. '
      'Write {fold} into config.init_from, and give both runs one protocol.')
  if imported.is_as_imported(source.folder, theirs):
    return  # it predicted nothing while it was trained
  head = source.heads[0]
  for part in ('test',) if source.config.refit else ('valid', 'test'):
    kept = run_folder.read_predictions(source.predictions_path(theirs, head.name, part), head)
    seen = sorted({*held_out[part].tolist()} - {*kept['id'].tolist()})
    if seen:
      raise ValueError(
        f'{folder} did not hold out {len(seen):,} of {len(held_out[part]):,} utterances of the '
        f'{part} part ({", ".join(seen[:3])} ...): another release, or other exclusions. Train it '
        'again on the data of this run.')


def _check_words(theirs: fitted_lib.Fitted, ours: fitted_lib.Fitted, folder: pathlib.Path) -> None:
  """Refuses words that are numbered in another way; a source without words has none."""
  if theirs.vocabulary and (theirs.vocabulary, theirs.scheme) != (ours.vocabulary, ours.scheme):
    different = sum(theirs.vocabulary.get(word) != row for word, row in ours.vocabulary.items())
    raise ValueError(
      f'{folder} numbers its words otherwise ({different:,} of {len(ours.vocabulary):,} differ, '
      f'{theirs.scheme!r} there, {ours.scheme!r} here): give both runs the same words, tokens and '
      'fit_on.')
