"""The list of runs that one command stands for: folds x seeds."""

import dataclasses

from emojax.protocols import protocol as protocol_lib


@dataclasses.dataclass(frozen=True)
class Member:
  """One fold with one seed."""

  fold: int
  fold_name: str
  seed: int

  @property
  def name(self) -> str:
    return f'{self.fold_name}-seed{self.seed}'


def listed(
    protocol: protocol_lib.Protocol, folds: str, seeds: str, first_seed: int) -> list[Member]:
  """Members, all folds of the first seed, then of the next.

  Args:
    folds: 'all', or fold numbers or names with commas.
    seeds: how many, counted from `first_seed`; or the seeds themselves, with a comma: '1,7', '3,'.
  """
  chosen = protocol_lib.choose_folds(protocol, folds)
  return [Member(fold, protocol.folds[fold].name, seed)
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
