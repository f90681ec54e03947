"""What a name that is not known may have been meant for."""

import difflib
from collections.abc import Iterable


def hint(name: str, known: Iterable[str]) -> str:
  """' (did you mean ...?)', or '' if nothing known is like `name`."""
  found = difflib.get_close_matches(name, known, n=1)
  return f' (did you mean {found[0]!r}?)' if found else ''
