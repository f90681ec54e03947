"""Damage as people report it of real releases, planted into a generated one, each with its verdict.

A corpus lists its kinds in `X_defects.py`, as `DEFECTS`. A planter changes files below the root of
the release and says what the builder must make of that. `plant` writes it all to `defects.json`,
which a test holds against what `build --partial` made.

No two defects touch the same utterance: a planter takes its utterances with `pick`. One that takes
a whole dialogue or file stands before those that take single utterances.
"""

import dataclasses
import importlib
import pathlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Literal

import numpy as np

from data_builders import synthetic
from emojax import near
from emojax.io import files

LIST, TRUTH = 'defects.json', 'truth.json'


@dataclasses.dataclass(frozen=True)
class Planted:
  """What was damaged, and what must become of it."""

  ids: tuple[str, ...]  # 'corpus/name' of every utterance concerned, as the builder names it
  file: str  # relative to the root
  # repaired: the records are those of the undamaged release; excluded: each id is, with the reason;
  # noted: each id is kept, and a note has the reason; error: the build refuses, with the reason
  verdict: Literal['repaired', 'excluded', 'noted', 'error']
  reason: str = ''  # part of what exclusion, note or error must say; of a repair nothing is said


@dataclasses.dataclass(frozen=True)
class Defect:
  """A kind of damage. `plant(root, rng)` does it; `rng` depends on the seed and the name alone."""

  name: str
  why: str  # how it comes about, one line
  plant: Callable[[pathlib.Path, np.random.Generator], Planted]
  error: bool = False  # the whole build must refuse: planted alone, by its name


def corpora() -> list[str]:
  """The corpora that have a list of defects."""
  names = (module.name for module in pkgutil.iter_modules(synthetic.__path__))
  return sorted(name.removesuffix('_defects') for name in names if name.endswith('_defects'))


def kinds(corpus: str) -> Mapping[str, Defect]:
  """Name -> defect, in the order of planting.

  Raises:
    ValueError: if the corpus has none.
  """
  if corpus not in corpora():
    raise ValueError(f'{corpus} has no list of defects in data_builders/synthetic; there are those '
                     f'of: {", ".join(corpora())}.')
  listed = importlib.import_module(f'{synthetic.__name__}.{corpus}_defects').DEFECTS
  return {defect.name: defect for defect in listed}


def chosen(corpus: str, name: str | None) -> list[Defect]:
  """The defect of that name, or (None) all but those that are errors.

  Raises:
    ValueError: if there is none of that name.
  """
  known = kinds(corpus)
  if name is None:
    return [defect for defect in known.values() if not defect.error]
  if name not in known:
    raise ValueError(f'{corpus} has no defect {name!r}; there are: {", ".join(known)}'
                     f'{near.hint(name, known)}.')
  return [known[name]]


def plant(root: pathlib.Path, corpus: str, name: str | None, *, seed: int) -> None:
  """Plants one defect, or all but the errors, into the release at `root`; lists them beside it.

  Raises:
    ValueError: if the release holds defects already, or is too small for all of them.
  """
  truth = files.read_json(root / TRUTH)
  if truth.get('defects') or (root / LIST).exists():
    raise ValueError(f'{root} holds defects already; they are planted once.')
  files.write_json(root / TRUTH, truth | {'defects': name or True})
  entries = []
  for defect in chosen(corpus, name):
    done = defect.plant(root, np.random.default_rng([seed, *defect.name.encode()]))
    shared = set(done.ids) & _touched(root)
    assert not shared, f'{defect.name} touches {shared}, as another defect does'
    assert (done.verdict == 'error') == defect.error, f'{defect.name}: is it an error?'
    assert done.reason or done.verdict == 'repaired', f'{defect.name} gives no reason'
    entries.append({'name': defect.name, 'why': defect.why} | dataclasses.asdict(done))
    files.write_json(root / LIST, entries)


def pick(
  root: pathlib.Path, rng: np.random.Generator,
  choices: Iterable[str] | Mapping[str, Collection[str]],
) -> str:
  """One of the choices that no defect has touched.

  Args:
    root: of the release; its list says what was touched.
    rng: the planter's.
    choices: ids; or whatever is to be damaged (a dialogue, a file, a first of two) -> all ids that
      the damage concerns, none of which may have been touched.

  Raises:
    ValueError: if none is left.
  """
  groups = choices if isinstance(choices, Mapping) else {id: (id,) for id in choices}
  touched = _touched(root)
  free = [choice for choice, ids in groups.items() if touched.isdisjoint(ids)]
  if not free:
    raise ValueError(f'{root}: each of {len(groups):,} places for a defect is taken; generate a '
                     'larger release with --size.')
  return free[rng.integers(len(free))]


def _touched(root: pathlib.Path) -> set[str]:
  """Ids of all utterances that a defect concerns so far."""
  path = root / LIST
  planted = files.read_json(path) if path.is_file() else []
  return {id for entry in planted for id in entry['ids']}
