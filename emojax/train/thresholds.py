"""At which probabilities the heads of a member decide yes: found once, then kept in its folder.

A head with thresholds finds them on one part (`Head.tunes`), by the outputs of the member's best
parameters, and decides by them on every part. An ensemble finds its own.
"""

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from emojax.io import checksums

KEPT = 'thresholds.json'
_CALLED = {'valid': 'validation', 'test': 'test'}


@dataclasses.dataclass(frozen=True)
class Cut:
  """Where a head decides yes.

  Attributes:
    part: that it was found on.
    thresholds: class -> probability.
    absent: classes without positives on that part.
  """

  part: str
  thresholds: Mapping[str, float]
  absent: tuple[str, ...] = ()

  @property
  def values(self) -> np.ndarray:
    """Probabilities [K]."""
    return np.array([*self.thresholds.values()])


def find(head: Any, labels: np.ndarray, outputs: np.ndarray) -> Cut:
  """The best thresholds of a head for labels and outputs of the part that it `tunes` on."""
  found = head.tuned(labels, outputs).cut
  there = (np.asarray(labels) == 1).any(0)
  return Cut(head.tunes, dict(zip(head.classes, found.tolist(), strict=True)),
             tuple(name for name, yes in zip(head.classes, there) if not yes))


def applied(heads: Iterable[Any], cuts: Mapping[str, Cut]) -> list[Any]:
  """Heads at their thresholds; those that have none as they are."""
  return [head.at(cuts[head.name].values) if head.name in cuts else head for head in heads]


def write(folder: pathlib.Path, cuts: Mapping[str, Cut]) -> None:
  """Keeps head -> thresholds in a member's folder, sealed; nothing, where there are none."""
  if cuts:
    checksums.Sealed(folder).write_json(
      KEPT, {head: dataclasses.asdict(cut) for head, cut in cuts.items()})


def read(folder: pathlib.Path, heads: Iterable[Any]) -> dict[str, Cut]:
  """The inverse of `write`; nothing, if it was not written yet or no head has thresholds."""
  if not any(head.tunes for head in heads):
    return {}
  sealed = checksums.Sealed(folder)
  kept = sealed.read_json(KEPT) if sealed.holds(KEPT) else {}
  return {head: Cut(**{**cut, 'absent': tuple(cut['absent'])}) for head, cut in kept.items()}


def notices(cuts: Mapping[str, Cut | None]) -> list[str]:
  """What results must say of a head's thresholds, a line for each class; whose -> thresholds.

  Who they are of is said where there are several.
  """
  where: dict[tuple[str, str], list[str]] = {}
  for who, cut in cuts.items():
    for name in cut.absent if cut else ():
      where.setdefault((name, _CALLED[cut.part]), []).append(who)
  return [f'thresholds: {name} has no positives in {part}{_of(who, cuts)}; 0.5 is used'
          for (name, part), who in where.items()]


def _of(who: Sequence[str], everyone: Mapping[str, Any]) -> str:
  return f' of {", ".join(who)}' if len(everyone) > 1 else ''
