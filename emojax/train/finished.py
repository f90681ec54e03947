"""A finished run, read from its folder: what it answers needs neither dataset nor devices."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import ml_collections

from emojax.io import files
from emojax.protocols import protocol as protocol_lib
from emojax.train import experiment, members, outcome, run_folder


@dataclasses.dataclass(frozen=True)
class Run:
  """The description of a run, found in its folder."""

  folder: run_folder.RunFolder
  config: ml_collections.ConfigDict
  protocol: protocol_lib.Protocol
  members: Sequence[members.Member]
  heads: Sequence[Any]

  def needs_predictions(self, part: str) -> bool:
    """Whether predictions of a part are still to be made.

    Raises:
      ValueError: for a part that there is not, or that the run trained on as if it were another.
    """
    if part not in protocol_lib.SPLITS:
      raise ValueError(f'--split={part!r}; there are: {", ".join(protocol_lib.SPLITS)}.')
    if part == 'valid' and self.config.refit:
      raise ValueError(f'{self.folder.path} was trained on validation too (refit); there is no '
                       'validation score. Ask for --split=train or test.')
    return not all(
      outcome.predictions_path(self.folder.member(member.name), head.name, part).is_file()
      for member in self.members for head in self.heads)

  def report(self, part: str) -> str:
    """The report of a part whose predictions are there."""
    about = files.read_json(self.folder.path / run_folder.RUN)['about']
    return outcome.summary(self.folder, self.protocol, self.heads, self.members, about, part)


def open_run(workdir: str) -> Run:
  """Opens a run folder.

  Raises:
    ValueError: if it is none, or if members of it are not finished.
  """
  path = pathlib.Path(workdir)
  if not (path / run_folder.CONFIG).is_file():
    raise ValueError(f'{workdir} is not a run folder: it has no {run_folder.CONFIG}. '
                     f'It holds: {sorted(p.name for p in path.glob("*"))[:8]}.')
  config = ml_collections.ConfigDict(files.read_json(path / run_folder.CONFIG))
  protocol = protocol_lib.load(config.protocol)
  listed = members.listed(
    protocol, config.members.folds, config.members.seeds, config.seed,
    config.members.grid)
  folder = run_folder.RunFolder(path)
  missing = [m.name for m in listed if not outcome.is_done(folder, m)]
  if missing:
    raise ValueError(
      f'{workdir} is not finished: {len(missing)} of {len(listed)} members have no '
      f'result yet ({", ".join(missing[:5])}). Run its training command again; it goes '
      'on where it stopped.')
  return Run(folder, config, protocol, listed, experiment.make_heads(config, protocol))
