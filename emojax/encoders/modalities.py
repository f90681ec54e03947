"""The modalities of models that read any of them."""

from collections.abc import Iterable

from emojax.types import MODALITIES


def there(streams: Iterable[str], order: tuple[str, ...] = MODALITIES) -> tuple[str, ...]:
  """Those of `order` that there are.

  Raises:
    ValueError: for a stream that is none of them, or if there is none.
  """
  found = {*streams}
  if not found or found.difference(order):
    raise ValueError(f'this model reads any of {", ".join(order)}, at least one; config.streams '
                     f'has {", ".join(sorted(found)) or "none"}.')
  return tuple(name for name in order if name in found)
