"""A member of a finished run that can be asked: what its model makes of one utterance.

It answers by the parameters of its best evaluation and without dropout, also where the run itself
is evaluated with it. One device is enough, and nothing is written.
"""

import dataclasses
import difflib
import functools
from collections.abc import Mapping

import jax
import numpy as np

from emojax import near
from emojax.data import plan as plan_lib
from emojax.io import parameters
from emojax.protocols import protocol as protocol_lib
from emojax.train import (
  experiment,
  finished,
  functional,
  run_folder,
  sharding,
  state,
  thresholds,
)
from emojax.types import ModelOutput, Stream


@dataclasses.dataclass(frozen=True)
class Answer:
  """What the model read and gave; arrays have B = 1.

  Attributes:
    row: of the utterance in the corpus.
    part: of the member's fold; with refit, 'valid' was trained on and counts as 'train'.
  """

  id: str
  row: int
  part: str
  inputs: Mapping[str, Stream]
  output: ModelOutput


class Trained:
  """One member: its model, and the corpus where it lies now.

  Attributes:
    opened: the experiment. data: what the member was trained on. heads: at the thresholds that were
      found for the member, if any were.
  """

  def __init__(self, run: finished.Run, name: str = '', *, data_path: str | None = None,
               unlabelled: bool = False):
    """Opens the corpus and reads the parameters.

    Args:
      name: of the member; '': the first that has a score.
      data_path: where the dataset is, if not where the run found it.
      unlabelled: whether utterances without labels can be asked for too.

    Raises:
      ValueError: for an unknown member or one that was given up, and if the dataset is not that of
        the run.
    """
    self.run, self.member = run, _choose(run, name)
    config = run.config.copy_and_resolve_references()
    config.data.path = data_path or config.data.path
    config.data.resident = 'never'  # a few rows are read
    if unlabelled:
      protocol_lib.check_unlabelled(run.protocol)
    self.opened = experiment.Experiment(
      config, sharding.make_placement(member=1, data=1, fsdp=1), unlabelled=unlabelled,
      fitted=experiment.kept_fitted(config, run.folder))
    run.folder.check(config, self.opened.about)
    self.data = self.opened.member(self.member, refit=config.refit)
    self.heads = thresholds.applied(self.opened.heads, thresholds.read(
      run.folder.member(self.member.name), self.opened.heads))
    best = run.best(self.member.name, run_folder.phase(config.refit))
    shapes = dict(zip(('params', 'model_state'), functional.shapes(self.data.make)))
    self._values = state.strip({
      part: parameters.unflatten(parameters.flatten(best[part]), like)
      for part, like in shapes.items()}, shapes)
    self._apply = jax.jit(functools.partial(functional.apply, functional.graph(self.data.make)))

  def first(self, part: str, number: int) -> list[int]:
    """The first rows of a part."""
    return self.data.split.rows[part][:number].tolist()

  def row(self, id: str) -> int:
    """The row of an utterance, by its id with or without what stands before the first '/'.

    Raises:
      ValueError: if there is none, with the nearest; if it is in no part of the member's fold.
    """
    ids = self.opened.corpus.index['id'].tolist()
    known = {name.partition('/')[2]: row for row, name in enumerate(ids)}
    known |= {name: row for row, name in enumerate(ids)}
    if id not in known:
      close = difflib.get_close_matches(id, known, n=3)
      raise ValueError(
        f'{self.opened.corpus.path} has no utterance {id!r}'
        + (f' (did you mean {" or ".join(close)}?)' if close else f'; its first is {ids[0]}') + '.')
    self.part(known[id])
    return known[id]

  def part(self, row: int) -> str:
    """Which part of the member's fold a row is in, see `Answer`.

    Raises:
      ValueError: if it is in none.
    """
    for part in self.data.plans:
      if row in self.data.split.rows[part]:
        return 'train' if part == 'valid' and self.opened.config.refit else part
    raise ValueError(
      f'{self.opened.corpus.index["id"][row]} is in no part of {self.run.protocol.name}, fold '
      f'{self.member.fold_name} ({", ".join(self.data.plans)}); the protocol leaves it out.')

  def ask(self, row: int) -> Answer:
    """The model's answer; the row is padded as it is when its part is evaluated."""
    part = self.part(row)
    lengths = next(planned.lengths for planned in self.data.plans[part].epoch(0)
                   if row in planned.rows)
    batch = self.data.loader.feed(plan_lib.Planned(np.array([row]), lengths))
    output, _ = self._apply(self._values['params'], self._values['model_state'], batch.inputs)
    return Answer(str(self.opened.corpus.index['id'][row]), row, part, batch.inputs,
                  jax.device_get(output))


def _choose(run: finished.Run, name: str):
  sound = {member.name: member for member in run.sound}
  if not sound:
    raise ValueError(f'{run.folder.path} has no member with a score.')
  if name and name not in sound:
    if name in run.given_up:
      raise ValueError(f'{name} was given up: {run.given_up[name]}. There are: {", ".join(sound)}.')
    raise ValueError(f'{run.folder.path} has no member {name!r}'
                     f'{near.hint(name, sound)}; there are: '
                     f'{", ".join(sound)}.')
  return sound[name] if name else next(iter(sound.values()))
