"""Finished runs as one ensemble: which members belong to it, how many decide, and how well.

By default validation alone orders the members and chooses how many. `as_published` is the way of
the original's `ensembling.py`: its order comes from file names, and its best size from the very
part that is reported. Where heads decide at thresholds, each size has its own in each fold.
"""

import dataclasses
import functools
import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emojax.io import files
from emojax.metrics import values
from emojax.train import (
  contamination,
  ensemble,
  finished,
  imported,
  known_best,
  members,
  run_folder,
  thresholds,
)

Table = Mapping[str, np.ndarray]  # as `run_folder.read_predictions` has it


@dataclasses.dataclass(frozen=True, eq=False)
class Voter:
  """A member of one of the runs, under the name that tells it from all others."""

  run: finished.Run
  member: members.Member
  name: str


class Ensemble:
  """Members of finished runs that answer the same question, fold by fold.

  Members that were given up in training are left out.
  """

  def __init__(self, runs: Sequence[finished.Run], *, size: int | None = None,
               as_published: bool = False):
    """`size`: how many members decide; None: as validation has it, or, as published, open.

    Raises:
      ValueError: if the runs do not belong together, a fold has one member or fewer than `size`, or
        there is no validation score to order members by.
    """
    _check_together(runs)
    self.runs, self.as_published, self._wanted = runs, as_published, size
    seen = [notice for run in runs for notice in run.folder.notices]
    self.protocol = contamination.noted(runs[0].protocol, dict.fromkeys(seen))
    name, _, self.metric = self.protocol.select_on.partition('/')
    heads = {head.name: head for head in runs[0].heads}
    if name not in heads:
      raise ValueError(f'{self.protocol.name} selects on {self.protocol.select_on}, and the runs '
                       f'have the heads {list(heads)}; there is nothing to order members by.')
    self.head = heads[name]
    if as_published:
      self.metric = self.head.accuracy
      if not self.metric:
        raise ValueError(f'--as_published orders members by their accuracy, and head {name} '
                         'decides nothing; leave it out.')
    self._smaller = values.smaller_is_better(self.metric)
    self.voters = {member.fold_name: [] for run in runs for member in run.members}
    for run in runs:
      prefix = f'{run.folder.path} ' if len(runs) > 1 else ''
      for member in run.sound:
        self.voters[member.fold_name].append(Voter(run, member, prefix + member.name))
    for fold, voters in self.voters.items():
      there = f'fold {fold} has {len(voters)} ({", ".join(v.name for v in voters) or "none"})'
      if len(voters) < 2:
        raise ValueError(f'One member is no ensemble: {there}{self._left_out()}. Train more seeds '
                         '(--config.members.seeds=5), or name more runs.')
      if size and size > len(voters):
        raise ValueError(f'--index={size}, but {there}{self._left_out()}. Ask for at most '
                         f'{min(map(len, self.voters.values()))}.')
    refitted = [run for run in runs if 'valid' in self.reads([]) and run.config.refit]
    if refitted:
      raise ValueError(f'{refitted[0].folder.path} was trained on validation too (refit); '
                       'nothing is left to order its members by. Ensemble runs without refit.')

  def reads(self, parts: Sequence[str]) -> list[str]:
    """The parts whose predictions are needed to report on `parts`."""
    are_named = self.as_published and all(map(_original, itertools.chain(*self.voters.values())))
    tunes = [self.head.tunes] if self.head.tunes else []
    return list(dict.fromkeys([*(() if are_named else ('valid',)), *tunes, *parts]))

  @functools.cached_property
  def order(self) -> Mapping[str, Sequence[Voter]]:
    """The members of each fold, first one first."""
    _check_together(self.runs)  # again: an imported run met its dataset when it was predicted
    return {fold: self._ordered(voters) for fold, voters in self.voters.items()}

  @functools.cached_property
  def size(self) -> int | None:
    """How many members of each fold decide; None: left open, as the original does."""
    if self._wanted or self.as_published:
      return self._wanted
    return ensemble.smallest_best(self.scores('valid'), smaller_is_better=self._smaller)

  def file_name(self, voter: Voter) -> str:
    """The original's file of a member, or what it would have called it."""
    return _original(voter) or ensemble.published_name(self._alone(voter), voter.member.seed)

  def scores(self, part: str) -> list[float]:
    """The score of the ensembles of 1, 2, ... members on a part, folds pooled."""
    labels = self._pooled(part)['label']
    return [self._score(self._decider(size, part), labels, logits)
            for size, logits in enumerate(self._logits(part), start=1)]

  def about(self) -> str:
    """Who belongs to it, in their order, and how many decide."""
    blocks = [self._about_members(), '' if self.as_published else self._about_sizes()]
    return '\n\n'.join(filter(None, blocks))

  def report(self, part: str) -> str:
    """The report on a part that has labels; as published, scores of all sizes come first."""
    blocks = [self._published_sizes(part) if self.as_published else '',
              self._report(part) if self.size else '']
    return '\n\n'.join(filter(None, blocks))

  def write(self, part: str, path: str) -> str:
    """Writes the predictions of the ensemble of `size`; returns what is to be said of them."""
    found, logits = self._pooled(part), self._logits(part)[self.size - 1]
    head = self._decider(self.size, part)
    truncated = [np.logical_or.reduce([self._table(voter, part)['truncated']
                                       for voter in voters[:self.size]])
                 for voters in self.order.values()]
    files.write_text(path, run_folder.predictions_csv(
      head, ids=found['id'], units=found['unit'], folds=found['fold'],
      labels=found.get('label'), predictions=head.decisions(logits), logits=logits,
      truncated=np.concatenate(truncated)))
    return (f'{path} holds the predictions of the ensemble of {self.size} on {part}: '
            f'{len(logits):,} rows.')

  def _about_members(self) -> str:
    rule = ('in reverse order of their file names, as the original takes them' if self.as_published
            else f'best first by {self.head.name}/{self.metric} on validation')
    lines = [f'Members, {rule}']
    for fold, voters in self.order.items():
      lines.append(f'  fold {fold}')
      for place, voter in enumerate(voters, start=1):
        said = self.file_name(voter) if self.as_published else f'{self._alone(voter):.4f}'
        lines.append(f'  {place:>4}  {said}  {voter.name}')
    return '\n'.join(lines) + self._left_out('\nGiven up in training, left out: ')

  def _about_sizes(self) -> str:
    """What validation says of every size, and which one it chose."""
    lines = [f'Size of the ensemble, {self.head.name}/{self.metric} on validation']
    for size, score in enumerate(self.scores('valid'), start=1):
      why = 'asked for' if self._wanted else 'chosen: the smallest of the best'
      lines.append(f'  {size:>4}  {score:.4f}  {why if size == self.size else ""}'.rstrip())
    return '\n'.join(lines)

  def _published_sizes(self, part: str) -> str:
    """Accuracies of every member and size on a part, and the best size, chosen on it."""
    labels, scores = self._pooled(part)['label'], self.scores(part)
    lines = [f'{self.head.name}/{self.metric} on {part}', '  size   alone  together']
    for place, together in enumerate(scores):
      alone = _joined([self._table(voters[place], part) for voters in self.order.values()])
      score = self._score(self.head.at(alone.get('thresholds')), labels, alone['logits'])
      lines.append(f'  {place + 1:>4}  {score:.4f}    {together:.4f}')
    best = ensemble.smallest_best(scores)
    lines.append(f'Maximum over sizes, chosen on {part} itself, not an honest estimate: '
                 f'{scores[best - 1]:.4f} at size {best}')
    return '\n'.join(lines)

  def _report(self, part: str) -> str:
    """The report of the ensemble of `size` on a part that has labels."""
    found, logits = self._pooled(part), self._logits(part)[self.size - 1]
    about, head = self.runs[0].described['about'], self._decider(self.size, part)
    rows = head.result_rows(
      found['label'], logits, found['unit'], protocol=self.protocol.name,
      fold='pooled' if len(self.voters) > 1 else next(iter(self.voters)), seed=None, split=part,
      n_excluded=about['n_excluded'], unit=self.protocol.unit)
    said = filter(None, [self.protocol.notice, *thresholds.notices(self._cuts(self.size))])
    blocks = [
      head.report(found['label'], logits, [row | {'members': self.size} for row in rows],
                  '\n'.join(said)),
      known_best.held_against_truth(rows, about, known_best.modalities_together(
        [run.described['about'] for run in self.runs]))]
    if part == 'valid':
      blocks.append('Members were ordered, and without --index counted, on this very part; on new '
                    'data expect less.')
    return '\n'.join(filter(None, blocks))

  def _ordered(self, voters: Sequence[Voter]) -> list[Voter]:
    if self.as_published:
      files_of = {voter: self.file_name(voter) for voter in voters}
      return [voter for name in ensemble.order(set(files_of.values()))
              for voter in voters if files_of[voter] == name]
    by_name = {voter.name: voter for voter in voters}
    scores = {name: self._alone(voter) for name, voter in by_name.items()}
    return [by_name[name]
            for name in ensemble.by_score(scores, smaller_is_better=self._smaller)]

  def _left_out(self, before: str = '; given up: ') -> str:
    reasons = [f'{name} of {run.folder.path} ({reason})'
               for run in self.runs for name, reason in run.given_up.items()]
    return before + ', '.join(reasons) if reasons else ''

  def _alone(self, voter: Voter) -> float:
    found = self._table(voter, 'valid')
    return self._score(self.head.at(found.get('thresholds')), found['label'], found['logits'])

  def _score(self, head: Any, labels: np.ndarray, logits: np.ndarray) -> float:
    return head.scores(labels, logits)[self.metric]

  def _decider(self, size: int, part: str) -> Any:
    """The head that decides for the ensemble of `size` on a part: each fold at its thresholds."""
    cuts = self._cuts(size)
    if not cuts:
      return self.head
    return self.head.at(np.concatenate([
      np.tile(cuts[fold].values, (len(self._table(voters[0], part)['id']), 1))
      for fold, voters in self.order.items()]))

  @functools.cache  # noqa: B019, as below
  def _cuts(self, size: int) -> Mapping[str, thresholds.Cut]:
    """Fold -> the thresholds of its ensemble of `size`; empty, where the head has none."""
    if not self.head.tunes:
      return {}
    found = {}
    for fold, voters in self.order.items():
      tables = [self._table(voter, self.head.tunes) for voter in voters]
      mean = ensemble.mean_logits([table['logits'] for table in tables[:size]])[-1]
      found[fold] = thresholds.find(self.head, tables[0]['label'], mean)
    return found

  @functools.cache  # noqa: B019, an ensemble lives as long as its program
  def _table(self, voter: Voter, part: str) -> Table:
    """A member's predictions, once they are of the same utterances as others' of its fold."""
    path = voter.run.predictions_path(voter.member, self.head.name, part)
    found = run_folder.read_predictions(path, self.head)
    first = self.voters[voter.member.fold_name][0]
    if voter is not first:
      here, there = found['id'].tolist(), self._table(first, part)['id'].tolist()
      if here != there:
        different = sorted({*here} ^ {*there})
        raise ValueError(
          f'{path} and the predictions of {first.name} are not of the same utterances in the same '
          f'order: {len(here)} here, {len(there)} there; in one alone are {len(different)} '
          f'({", ".join(different[:5])}).')
    return found

  def _pooled(self, part: str) -> Table:
    """What is said of the utterances, the logits of the first members aside; folds in a row."""
    return _joined([self._table(voters[0], part) for voters in self.order.values()])

  def _logits(self, part: str) -> list[np.ndarray]:
    """Of the ensembles of 1, 2, ... members, folds in a row."""
    return ensemble.pooled_logits([
      [self._table(voter, part)['logits'] for voter in voters] for voters in self.order.values()])


def _joined(tables: Sequence[Table]) -> Table:
  """Tables one after the other."""
  return {key: np.concatenate([table[key] for table in tables]) for key in tables[0]}


def _check_together(runs: Sequence[finished.Run]) -> None:
  """Refuses runs that do not answer the same question."""
  paths = [run.folder.path.resolve() for run in runs]
  twice = {str(path) for path in paths if paths.count(path) > 1}
  if twice:
    raise ValueError(f'{", ".join(sorted(twice))} is named twice.')
  questions, wrong = [_question(run) for run in runs], []
  for what in questions[0]:
    known = [(question[what], run.folder.path) for question, run in zip(questions, runs)
             if question[what] is not None]
    wrong += [f'{what} {known[0][0]} in {known[0][1]}, {answer} in {path}'
              for answer, path in known if answer != known[0][0]]
  if wrong:
    raise ValueError(f'These runs do not belong together: {"; ".join(wrong)}. Only members that '
                     'answer the same question can decide together.')


def _question(run: finished.Run) -> dict[str, object]:
  """What runs of one ensemble agree in; None: not known yet."""
  return {'protocol': run.protocol.name, 'dataset (fingerprint)': run.folder.dataset,
          'heads': {head.name: list(head.classes) for head in run.heads},
          'thresholds': {head.name: f'found on {head.tunes}' if head.tunes else 'none'
                         for head in run.heads}}


def _original(voter: Voter) -> str | None:
  """The name of the file that a member was imported from, if it was not trained on since."""
  folder, name = voter.run.folder, voter.member.name
  if not imported.is_as_imported(folder, voter.member):
    return None
  return pathlib.Path(folder.imported[name]['file']).name
