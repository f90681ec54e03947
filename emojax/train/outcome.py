"""From predictions to a run's result: files per member, one pooled answer for all."""

import dataclasses
import itertools
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emojax import phrase
from emojax.io import checksums
from emojax.metrics import results
from emojax.protocols import protocol as protocol_lib
from emojax.train import control, experiment, known_best, members, run_folder, thresholds

METRICS = 'metrics.jsonl'  # one line per evaluation
MEMBER = 'member.json'  # a member's rows and how it was trained; written last


def is_done(folder: run_folder.RunFolder, member) -> bool:
  """Whether the member was trained and tested."""
  return checksums.Sealed(folder.member(member.name)).holds(MEMBER)


def _read(folder: run_folder.RunFolder, member: members.Member) -> dict[str, Any]:
  return checksums.Sealed(folder.member(member.name)).read_json(MEMBER)


def predictions_path(folder: pathlib.Path, head: str, part: str, modalities: Sequence[str] = (),
                     ) -> pathlib.Path:
  """Where a member's predictions of one head on one part stand; `modalities`: from these alone."""
  return folder / f'{"_".join(filter(None, ("predictions", head, part, "+".join(modalities))))}.csv'


def forget_predictions(
    folder: run_folder.RunFolder, listed: Sequence[members.Member]) -> None:
  """Drops the predictions of members that train on, and the thresholds that were found with them.

  An imported member may have been scored before.
  """
  for member in listed:
    sealed = checksums.Sealed(folder.member(member.name))
    sealed.forget([thresholds.KEPT,
                   *(path.name for path in sealed.folder.glob('predictions_*.csv'))])


def write_member(
    folder: pathlib.Path, data: experiment.Member, opened: experiment.Experiment,
    parts: Mapping[str, tuple[np.ndarray, Mapping[str, np.ndarray]]], so_far: control.Progress,
    cuts: Mapping[str, thresholds.Cut],
) -> dict[str, np.ndarray]:
  """Writes a member's predictions and result.

  Args:
    parts: part -> (rows, head -> logits).
    cuts: head -> the thresholds that it decides at.

  Returns:
    Pictures [H, W, 3] of the predictions by name.
  """
  index, protocol, rows_out, pictures = opened.corpus.index, opened.protocol, [], {}
  for part, (rows, logits) in parts.items():
    write_predictions(folder, data, opened, part, rows, logits, cuts)
  heads = thresholds.applied(opened.heads, cuts)
  for (part, (rows, logits)), head in itertools.product(parts.items(), heads):
    labels = data.split.targets[head.name][rows]
    units = index[protocol.unit_column][rows]
    made = head.result_rows(
      labels, logits[head.name], units, protocol=protocol.name, fold=data.member.fold_name,
      seed=data.member.seed, split=part, n_excluded=opened.corpus.num_excluded,
      unit=protocol.unit)
    said = thresholds.notices({data.member.name: cuts.get(head.name)})
    rows_out += with_setting(data.member, _noted(made, '\n'.join(said)))
    pictures[f'{part}/{head.shows}_{head.name}'] = head.picture(
      labels, logits[head.name], f'{protocol.name} {data.member.name}, {part}')
  _write_last(folder, {'rows': rows_out, 'control': dataclasses.asdict(so_far)})
  return pictures


def _write_last(folder: pathlib.Path, content: Mapping[str, Any]) -> None:
  """Writes what makes a member a finished one; nothing is written into its folder after it."""
  sealed = checksums.Sealed(folder)
  sealed.seal(METRICS)
  sealed.write_json(MEMBER, content)


def write_failure(folder: pathlib.Path, data: experiment.Member, opened: experiment.Experiment,
                  so_far: control.Progress) -> None:
  """Writes that a member was given up: rows without a value that say why, and no predictions."""
  protocol, rows = opened.protocol, []
  parts = ('test',) if opened.config.refit else ('valid', 'test')
  for part, head in itertools.product(parts, opened.heads):
    rows += with_setting(data.member, _unscored(
      head, data.split.targets[head.name], so_far.failed, protocol=protocol.name,
      fold=data.member.fold_name, seed=data.member.seed, split=part,
      n_excluded=opened.corpus.num_excluded, unit=protocol.unit))
  _write_last(folder, {
    'rows': rows, 'control': dataclasses.asdict(so_far), 'failed': so_far.failed})


def failures(folder: run_folder.RunFolder, listed: Sequence[members.Member]) -> dict[str, str]:
  """Member name -> why it was given up, of those that were."""
  found = {}
  for member in listed:
    if is_done(folder, member) and (reason := _read(folder, member).get('failed')):
      found[member.name] = reason
  return found


def _unscored(head: Any, targets: np.ndarray, reason: str, **about: Any) -> list[results.Row]:
  """The rows of a head where there is nothing to score; `targets` have the labels' form."""
  rows = head.result_rows(targets[:0], np.zeros((0, head.width)), np.zeros(0, str), **about)
  return [row | {'reason': reason} for row in rows]


def write_predictions(
    folder: pathlib.Path, data: experiment.Member, opened: experiment.Experiment, part: str,
    rows: np.ndarray, logits: Mapping[str, np.ndarray], cuts: Mapping[str, thresholds.Cut],
    modalities: Sequence[str] = (),
) -> None:
  """Writes a member's predictions of one part, a file per head; decisions where no label is.

  `modalities`: that they were made from, where not from all.
  """
  index, member = opened.corpus.index, data.member
  for head in thresholds.applied(opened.heads, cuts):
    if part == protocol_lib.UNLABELLED:
      said = {'predictions': head.decisions(logits[head.name])}
    else:
      said = {'labels': data.split.targets[head.name][rows]}
    table = run_folder.predictions_csv(
      head, ids=index['id'][rows],
      units=index[opened.protocol.unit_column][rows], folds=[member.fold_name] * len(rows),
      seeds=[member.seed] * len(rows), logits=logits[head.name],
      truncated=data.truncated[rows], **said)
    path = predictions_path(folder, head.name, part, modalities)
    checksums.Sealed(folder).write_text(path.name, table)


def pool(folder: run_folder.RunFolder, opened: experiment.Experiment) -> list[results.Row]:
  """Joins the test predictions of all folds of a seed and setting; writes `result.json`."""
  rows = []
  for member in opened.members:
    rows += _read(folder, member)['rows']
  protocol = opened.protocol
  for group, head in itertools.product(over_folds(opened.members), opened.heads):
    if len(group) == 1:
      continue
    first, lacking = group[0], failures(folder, group)
    about = dict(protocol=protocol.name, fold='pooled', seed=first.seed, split='test',
                 n_excluded=opened.corpus.num_excluded, unit=protocol.unit)
    if lacking:
      made = _unscored(head, opened.splits[first.fold].targets[head.name],
                       f'without {", ".join(lacking)} there is no pooled score', **about)
    else:
      found = pooled(folder, group, head, 'test')
      made = _noted(head.at(found.get('thresholds')).result_rows(
        found['label'], found['logits'], found['unit'], **about), _about_cuts(folder, group, head))
    rows += with_setting(first, made)
  if len(opened.members) > 1:
    rows += results.mean_rows(rows)
  rows = _noted(rows, protocol.notice)
  folder.sealed.write_json(run_folder.RESULT, rows)
  return rows


def over_folds(listed: Sequence[members.Member]) -> list[list[members.Member]]:
  """Members that differ in the fold alone, together."""
  together = {}
  for member in listed:
    together.setdefault((member.settings, member.seed), []).append(member)
  return list(together.values())


def with_setting(member: members.Member, rows: Sequence[results.Row]) -> list[results.Row]:
  """Rows that say with what settings of a grid they were made."""
  return [row | {'setting': member.setting} if member.settings else row for row in rows]


def _noted(rows: Sequence[results.Row], notice: str) -> list[results.Row]:
  """Rows that say `notice`, if there is one, before what they say already."""
  if not notice:
    return list(rows)
  return [{'notice': '\n'.join(filter(None, [notice, row.get('notice')]))}
          | {key: value for key, value in row.items() if key != 'notice'} for row in rows]


def _about_cuts(
    folder: run_folder.RunFolder, listed: Sequence[members.Member], head: Any) -> str:
  """What is to be said of the thresholds of a head, in lines."""
  return '\n'.join(thresholds.notices({
    member.name: thresholds.read(folder.member(member.name), [head]).get(head.name)
    for member in listed}))


def pooled(folder: run_folder.RunFolder, listed: Sequence[members.Member], head, part: str,
           modalities: Sequence[str] = ()) -> dict[str, np.ndarray]:
  """Predictions of several members one after the other, as `read_predictions` has them."""
  tables = [run_folder.read_predictions(
    predictions_path(folder.member(m.name), head.name, part, modalities), head) for m in listed]
  return {key: np.concatenate([table[key] for table in tables]) for key in tables[0]}


def summary(
    folder: run_folder.RunFolder, protocol: protocol_lib.Protocol, heads: Sequence[Any],
    listed: Sequence[members.Member], about: Mapping[str, Any], part: str = 'test',
    modalities: Sequence[str] = ()) -> str:
  """The report that is printed: per head the pooled predictions of each seed, then the means.

  Members that were given up come first; of their seed and setting there is no pooled score. With
  `modalities` it is on what was predicted from these alone.
  """
  blocks, scored = [], []
  trained = folder.sealed.holds(run_folder.RESULT)  # an imported run that was not has none
  result = folder.sealed.read_json(run_folder.RESULT) if trained else []
  lacking = failures(folder, listed)
  if lacking:
    blocks.append('\n'.join(['Given up, without a score:'] + [
      f'  {name}: {reason}' for name, reason in lacking.items()]))
  for head, group in itertools.product(heads, over_folds(listed)):
    if any(member.name in lacking for member in group):
      continue
    first, found = group[0], pooled(folder, group, head, part, modalities)
    head = head.at(found.get('thresholds'))
    rows = with_setting(first, head.result_rows(
      found['label'], found['logits'], found['unit'], protocol=protocol.name,
      fold='pooled' if len(group) > 1 else first.fold_name, seed=first.seed, split=part,
      n_excluded=about['n_excluded'], unit=protocol.unit))
    alone = f'from {phrase.listed(modalities)} alone: all else was hidden' if modalities else ''
    said = filter(None, [protocol.notice, alone, _about_cuts(folder, group, head)])
    blocks.append(head.report(found['label'], found['logits'], rows, '\n'.join(said)))
    scored += rows
  if modalities:
    result = [*scored, *results.mean_rows(scored)] if len(scored) > 1 else []
  single = {(head.name, metric) for head in heads for metric in head.of_single_classes}
  means = [row for row in result if (row['head'], row['metric']) not in single]
  blocks += [_means(means, part), _clipped(about),
             known_best.held_against_truth(scored, about, modalities or None)]
  return '\n\n'.join(filter(None, blocks))


def _clipped(about: Mapping[str, Any]) -> str:
  """How many labels were set to the end of their range; '' for none."""
  return '\n'.join(
    f'Labels of {head} outside their range, set to its nearest end: '
    + ', '.join(f'{number:,} of {name}' for name, number in numbers.items()) + '.'
    for head, numbers in about.get('clipped', {}).items())


def _means(rows: Sequence[results.Row], part: str) -> str:
  """Mean and spread: of the pooled scores over seeds, and of the scores of all members."""
  here = [row for row in rows if row['split'] == part]
  lines, over_seeds = [], {}
  for row in here:
    if row['fold'] == 'pooled' and row['value'] is not None:
      over_seeds.setdefault((row.get('setting', ''), row['head'], row['metric']), []).append(
        row['value'])
  for (setting, head, metric), values in over_seeds.items():
    if len(values) > 1:
      lines.append(f'  pooled folds, {len(values):>2} seeds     {head + "/" + metric:<20} '
                   f'{statistics.fmean(values):.4f}  sd {statistics.stdev(values):.4f}  {setting}')
  for row in here:
    if row['fold'] == 'mean':
      name, sd = f'{row["head"]}/{row["metric"]}', row['sd']
      value = row['reason'] if row['value'] is None else f'{row["value"]:.4f}'
      lines.append(f'  single folds, {row["members"]:>2} members   {name:<20} {value}  '
                   + (f'sd {sd:.4f}  ' if sd is not None else '') + row.get('setting', ''))
  return '\n'.join(['Means', *map(str.rstrip, lines)]) if lines else ''
