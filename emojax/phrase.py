"""Small parts of what a message says."""

from collections.abc import Iterable


def listed(names: Iterable[str]) -> str:
  """'one, two and three'; 'none' of nothing."""
  *some, last = [*names] or ['none']
  return f'{", ".join(some)} and {last}' if some else last
