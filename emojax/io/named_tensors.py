"""Whether the tensors of a file are those that a model has, by name and shape."""

import difflib
from collections.abc import Iterable, Mapping

Shape = tuple[int, ...]
MOST = 200  # lines of a message, letters of a name in it, names looked at for a near one


def check(wanted: Mapping[str, Shape], found: Mapping[str, Shape], source: object) -> None:
  """Refuses names that are missing, unknown or of another shape.

  Args:
    wanted, found: name -> shape.
    source: what `found` are the tensors of: a file.

  Raises:
    ValueError: naming all of them, each that is missing with the unknown one that is nearest to
      it: of the same shape, or else of any.
  """
  unknown = {name: shape for name, shape in found.items() if name not in wanted}
  faults = [f'! {name} is {found[name]}, expected {shape}' for name, shape in wanted.items()
            if name in found and found[name] != shape]
  faults += [f'- {name} {shape} is missing{_near(name, shape, unknown)}'
             for name, shape in wanted.items() if name not in found]
  faults += [f'+ {name:.{MOST}} {shape} is unknown' for name, shape in unknown.items()]
  if faults:
    more = [f'and {len(faults) - MOST} more'] if len(faults) > MOST else []
    raise ValueError(f'{source} does not fit the model in {len(faults)} of {len(wanted)} '
                     'parameters:\n  ' + '\n  '.join([*sorted(faults[:MOST]), *more]))


def _near(name: str, shape: Shape, unknown: Mapping[str, Shape]) -> str:
  same = [other for other, its in unknown.items() if its == shape]
  near = _closest(name, same) or _closest(name, unknown)
  return f' (did you mean {near[0]}?)' if near else ''


def _closest(name: str, names: Iterable[str]) -> list[str]:
  short = [other for other in names if len(other) <= MOST]  # the time grows with their square
  return difflib.get_close_matches(name, short[:MOST], n=1)
