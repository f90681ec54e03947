"""The list of runs that one command stands for: folds x seeds x settings of a grid."""

import dataclasses
import itertools
from collections.abc import Sequence

import ml_collections

from emojax.protocols import protocol as protocol_lib
from emojax.train import optim

Settings = tuple[tuple[str, float], ...]  # (field, value) of one point of a grid


@dataclasses.dataclass(frozen=True)
class Member:
  """One fold with one seed and, in a grid, with its own settings."""

  fold: int
  fold_name: str
  seed: int
  settings: Settings = ()

  @property
  def setting(self) -> str:
    """The settings as text: 'learning_rate=5e-05'; empty without a grid."""
    return ','.join(f'{field}={value:g}' for field, value in self.settings)

  def get(self, field: str, default: float) -> float:
    """This member's own value of a field, or else everyone's."""
    return dict(self.settings).get(field, default)

  @property
  def name(self) -> str:
    return '-'.join(filter(None, [self.fold_name, f'seed{self.seed}', self.setting]))


def listed(
    protocol: protocol_lib.Protocol, folds: str, seeds: str, first_seed: int, grid: str = '',
) -> list[Member]:
  """Members: all folds of the first seed, then of the next; all of one setting, then of the next.

  Args:
    folds: 'all', or fold numbers or names with commas.
    seeds: how many, counted from `first_seed`; or the seeds themselves, with a comma: '1,7', '3,'.
    grid: see `points`.
  """
  chosen = protocol_lib.choose_folds(protocol, folds)
  return [Member(fold, protocol.folds[fold].name, seed, settings)
          for settings in points(grid)
          for seed in choose_seeds(seeds, first_seed) for fold in chosen]


def choose_seeds(seeds: str, first: int) -> list[int]:
  """The seeds that `seeds` stands for, see `listed`."""
  words = [word.strip() for word in str(seeds).split(',')]
  numbers = [int(word) for word in words if word.isdecimal()]
  wrong = [word for word in words if word and not word.isdecimal()]
  if wrong or not numbers or len(set(numbers)) < len(numbers) or numbers == [0] and len(words) == 1:
    raise ValueError(f"members.seeds={seeds!r}: expected how many ('10') or different seeds with a "
                     "comma ('1,7', or '3,' for one).")
  return numbers if len(words) > 1 else list(range(first, first + numbers[0]))


def points(grid: str) -> list[Settings]:
  """All combinations of 'learning_rate=1e-4,5e-5; dropout=0.1,0.2'; one without settings for ''."""
  axes = []
  for axis in filter(None, (part.strip() for part in grid.split(';'))):
    field, _, values = axis.partition('=')
    try:
      numbers = [float(value) for value in values.split(',')]
    except ValueError:
      numbers = []
    if not field.strip() or not numbers or len(set(numbers)) < len(numbers):
      raise ValueError(f"members.grid={grid!r}: expected fields with different numbers, such as "
                       "'learning_rate=1e-4,5e-5; dropout=0.1,0.2'; "
                       f'{axis!r} is not of that form.')
    axes.append([(field.strip(), number) for number in numbers])
  fields = [axis[0][0] for axis in axes]
  if len(set(fields)) < len(fields):
    raise ValueError(f'members.grid={grid!r} names a field twice.')
  return list(itertools.product(*axes))


def fields(config: ml_collections.ConfigDict) -> list[str]:
  """What members of one program can differ in: what the compiled step reads as data."""
  decay = ['weight_decay'] if config.optim.name in optim.DECAYING else []
  return ['learning_rate', *decay, *(f'heads.{name}.weight' for name in config.heads),
          *(name for name in config.model if name.startswith('dropout'))]


def check(settings: Sequence[Settings], possible: Sequence[str]) -> None:
  """Refuses fields that members of one program cannot differ in, see `fields`.

  Raises:
    ValueError: naming the fields that there are, or a dropout rate of zero among others: a layer
      that never drops anything is another program.
  """
  for field in sorted({field for point in settings for field, _ in point}):
    if field not in possible:
      raise ValueError(f'members.grid: members cannot differ in {field!r}, only in '
                       f'{", ".join(possible)}. Give it to a run of its own.')
    values = {value for point in settings for name, value in point if name == field}
    if field.startswith('dropout') and 0 in values and len(values) > 1:
      raise ValueError(f'members.grid: {field}=0 is another program than {field} > 0; run it apart '
                       f'(--config.model.{field}=0).')
