"""A finished run, read from its folder: what it answers needs neither dataset nor devices."""

import dataclasses
import functools
import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import ml_collections

from emojax.io import checksums
from emojax.protocols import protocol as protocol_lib
from emojax.train import (
  checkpoint,
  contamination,
  experiment,
  imported,
  lane,
  members,
  outcome,
  run_folder,
)
from emojax.types import Tree


@dataclasses.dataclass(frozen=True)
class Run:
  """The description of a run, found in its folder."""

  folder: run_folder.RunFolder
  config: ml_collections.ConfigDict
  protocol: protocol_lib.Protocol
  members: Sequence[members.Member]
  heads: Sequence[Any]

  @functools.cached_property
  def described(self) -> Mapping[str, Any]:
    """What `run.json` says: dataset, about, versions ..."""
    return self.folder.sealed.read_json(run_folder.RUN)

  @functools.cached_property
  def given_up(self) -> Mapping[str, str]:
    """Members that have no score, by name, and why."""
    return outcome.failures(self.folder, self.members)

  @property
  def sound(self) -> list[members.Member]:
    """The members that have a score."""
    return [member for member in self.members if member.name not in self.given_up]

  def predictions_path(self, member: members.Member, head: str, part: str,
                       modalities: Sequence[str] = ()) -> pathlib.Path:
    """Where a member's predictions of one head on one part stand."""
    return outcome.predictions_path(self.folder.member(member.name), head, part, modalities)

  def needs_predictions(self, part: str, modalities: Sequence[str] = ()) -> bool:
    """Whether predictions of a part, by all or by some modalities, are still to be made.

    Raises:
      ValueError: for a part that there is not, or that it trained on as if it were another.
    """
    choose_parts(part)
    if part == protocol_lib.UNLABELLED:
      protocol_lib.check_unlabelled(self.protocol)
    if part == 'valid' and self.config.refit:
      raise ValueError(f'{self.folder.path} was trained on validation too (refit); there is no '
                       'validation score. Ask for --split=train or test.')
    paths = (self.predictions_path(member, head.name, part, modalities)
             for member in self.sound for head in self.heads)
    # what was written and not sealed was not finished
    return not all(path.is_file() and checksums.Sealed(path.parent).holds(path.name)
                   for path in paths)

  def best(self, name: str, phase: str) -> Mapping[str, Tree]:
    """'params' and 'model_state' of a member's best evaluation, as numpy arrays.

    Those of members that trained together are filled with zeros up to the largest vocabulary.

    Args:
      phase: 'select' or 'refit'.
    """
    alone = self.folder.member(name)
    home = alone if (alone / f'checkpoints_{phase}').is_dir() else self.folder.path
    best, meta = checkpoint.Checkpoints(home / f'checkpoints_{phase}', keep=1).read_best()
    number = [saved.name for saved in lane.from_meta(meta)[0]].index(name)
    return {part: jax.tree.map(lambda values: values[number], best[part])
            for part in ('params', 'model_state')}

  def report(self, part: str, modalities: Sequence[str] = ()) -> str:
    """The report of a part whose predictions are there; without labels, where these stand."""
    if part != protocol_lib.UNLABELLED:
      return outcome.summary(self.folder, self.protocol, self.heads, self.members,
                             self.described['about'], part, modalities)
    lines = ['Predictions of utterances without labels; there is no score.']
    for member, head in itertools.product(self.sound, self.heads):
      path = self.predictions_path(member, head.name, part, modalities)
      number = len(run_folder.read_predictions(path, head)['id'])
      lines.append(f'  {number:,} rows in {path}')
    return '\n'.join(lines)


def open_run(workdir: str) -> Run:
  """Opens a run folder.

  Raises:
    ValueError: if it is none, or if members of it are not finished. An imported run that was not
      trained on counts as finished.
  """
  path = pathlib.Path(workdir)
  if not (path / run_folder.CONFIG).is_file():
    raise ValueError(f'{workdir} is not a run folder: it has no {run_folder.CONFIG}. '
                     f'It holds: {sorted(p.name for p in path.glob("*"))[:8]}.')
  folder = run_folder.RunFolder(path)
  config = ml_collections.ConfigDict(folder.sealed.read_json(run_folder.CONFIG))
  protocol = contamination.noted(protocol_lib.load(config.protocol), folder.notices)
  listed = experiment.list_members(config, protocol)
  missing = [m.name for m in listed if not outcome.is_done(folder, m)]
  if missing and not all(imported.is_as_imported(folder, member) for member in listed):
    raise ValueError(
      f'{workdir} is not finished: {len(missing)} of {len(listed)} members have no '
      f'result yet ({", ".join(missing[:5])}): their {checksums.SEAL} lists no {outcome.MEMBER}. '
      'Run its training command again; it goes on where it stopped.')
  if not missing and not (path / run_folder.RESULT).is_file():
    raise ValueError(f'{workdir} is not finished: it has no {run_folder.RESULT}. Run its training '
                     'command again, which makes one of what its members have.')
  return Run(folder, config, protocol, listed, experiment.make_heads(config, protocol))


def choose_parts(wanted: str) -> list[str]:
  """The parts of a comma-separated list, each once; unknown ones are refused."""
  parts = [part.strip() for part in wanted.split(',')]
  unknown = [part for part in parts if part not in protocol_lib.PARTS]
  if unknown:
    raise ValueError(
      f'--split={unknown[0]!r}; there are: {", ".join(protocol_lib.PARTS)}.')
  return list(dict.fromkeys(parts))
