"""What devices say to each other in one run of a compiled program, read from its HLO text."""

import dataclasses
import re
from collections.abc import Iterable

# Their names as instructions.
KINDS = ('all-reduce', 'all-gather', 'reduce-scatter', 'collective-permute', 'all-to-all',
         'ragged-all-to-all', 'collective-broadcast')
_NAME = re.compile(r'\s*(?:ROOT )?%?([\w.-]+) = ')
_CODE = re.compile(rf' ({"|".join(KINDS)})(-start)?\(')
_ARRAY = re.compile(r'\b(pred|[a-z]+(\d+)\w*)\[([\d,<=]*)\]')
_FROM = re.compile(r'op_name="([^"]*)"')


@dataclasses.dataclass(frozen=True)
class Collective:
  """One instruction.

  Attributes:
    kind: one of `KINDS`. name: the instruction's own.
    result: what it gives each device, as HLO writes it: 'f32[4,16]', in tuples several of them.
    bytes: of that.
    origin: what in the Python program it came from, where the text says it; else ''.
  """

  kind: str
  name: str
  result: tuple[str, ...]
  bytes: int
  origin: str


def read(hlo: str) -> list[Collective]:
  """The collectives in a program's text (`compiled.as_text()`), in its order.

  One that is split into a start and a done counts once, with the result of the done; one that
  stands in a loop counts once too, however often the loop turns.
  """
  found = []
  for line in hlo.splitlines():
    named = _NAME.match(line)
    if not named:
      continue
    shape, rest = _shape(line[named.end():])
    code = _CODE.match(rest)
    if not code:
      continue
    kind, start = code.groups()
    if start and kind != 'all-reduce':  # the shape is (operands, result, and what else it needs)
      shape = _parts(shape)[1]
    result = tuple(match[0] for match in _ARRAY.finditer(shape))
    origin = _FROM.search(rest)
    found.append(Collective(kind, named[1], result, sum(map(num_bytes, result)),
                            origin[1] if origin else ''))
  return found


def totals(found: Iterable[Collective]) -> dict[str, dict[str, int]]:
  """Kind -> {'count', 'bytes'}, of those kinds that there are."""
  summed = {}
  for one in found:
    entry = summed.setdefault(one.kind, {'count': 0, 'bytes': 0})
    entry['count'] += 1
    entry['bytes'] += one.bytes
  return summed


def num_bytes(array: str) -> int:
  """Bytes of an array as HLO writes it: 'bf16[8,128]' has 2,048.

  Raises:
    ValueError: for what is no array of numbers.
  """
  match = _ARRAY.fullmatch(array)
  if not match:
    raise ValueError(f"{array!r}: expected an array of numbers such as 'f32[4,16]'.")
  count = int(match[2] or 8)  # bits of one number
  for size in re.findall(r'\d+', match[3]):
    count *= int(size)
  return -(-count // 8)


def _shape(text: str) -> tuple[str, str]:
  """(the shape that `text` begins with, the rest); a tuple's holds spaces, another does not."""
  if not text.startswith('('):
    shape, space, rest = text.partition(' ')
    return shape, space + rest
  end = _closing(text)
  return text[:end], text[end:]


def _parts(shape: str) -> list[str]:
  """The parts of a tuple's shape."""
  parts, depth = [''], 0
  for letter in shape[1:-1]:
    depth += (letter in '([{') - (letter in ')]}')
    if letter == ',' and not depth:
      parts.append('')
    else:
      parts[-1] += letter
  return parts


def _closing(text: str) -> int:
  """Where the parenthesis that `text` begins with is closed; the place behind it."""
  depth = 0
  for place, letter in enumerate(text):
    depth += (letter == '(') - (letter == ')')
    if not depth:
      return place + 1
  return len(text)
