"""A stack machine for pickles that runs nothing: names are looked up in a table, never imported.

Python's own reader builds whatever a file names, so a file from elsewhere may do whatever it
likes. Here the names lead to stand-ins that the caller allows, and what comes out is a finite tree
of plain values: None, numbers, text, bytes, lists, tuples, sets, dicts, numpy arrays, and a
`Record` where an allowed name stands for an object.

Memory: arrays are copied once; other values take at most some 250 bytes for a byte of the stream,
and a stream of more than `max_steps` operations is refused.
"""

import collections
import dataclasses
import io
import math
import pickletools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

MAX_STEPS = 5_000_000  # all words of MOSEI as single strings take about a fifth of it
MAX_DEPTH = 100
LARGEST_PROTOCOL = 5
LEAVES = (type(None), bool, int, float, str, bytes, bytearray, np.ndarray, np.generic, np.dtype)


@dataclasses.dataclass(frozen=True)
class Global:
  """A name in a file, such as `numpy.dtype`: nothing but the name."""
  name: str


@dataclasses.dataclass
class Record:
  """An object of a class: the name of the class and the object's attributes, none of its code."""
  name: str
  state: dict[str, Any]


class Unfinished:
  """What a stand-in returns where the file gives the content later; nothing else may hold it."""

  def __init__(self):
    self.slots = []  # where the machine remembers it

  def finish(self, state: Any) -> Any:
    """The value that the file's `state` makes of it; the state must be checked."""
    raise NotImplementedError


def read(
    file: io.BytesIO, where: str, *, allow: Mapping[str, Callable],
    persistent: Callable[[Any], Any] | None = None, size: int | None = None,
    max_steps: int | None = None) -> Any:
  """The next pickle of a stream, in any protocol from 0 to 5; `file` then stands behind it.

  Strings written by Python 2 become str if they are ASCII, else bytes (in protocol 0: refused).

  Args:
    where: what messages call the stream.
    allow: 'module.name' -> stand-in. A stand-in is called with whatever arguments the file gives:
      it checks them, raises ValueError, and returns a plain value, a Record or an Unfinished.
    persistent: gives the value of a persistent id; without it these are refused.
    size: bytes of the whole container, where values come from outside the stream.
    max_steps: operations that the stream may have; None: `MAX_STEPS`.

  Raises:
    ValueError: if it is damaged, names something else, or would not give a finite tree.
  """
  position, most = file.tell(), max_steps or MAX_STEPS
  end = file.seek(0, io.SEEK_END)
  file.seek(position)
  machine = _Machine(allow, persistent, end, 8 * (size or end) + 4096)
  try:
    for steps, (opcode, argument, position) in enumerate(pickletools.genops(file)):
      if steps >= most:
        raise ValueError(f'it has more than {most:,} operations')
      machine.step(opcode.name, argument, position)
    value = machine.result()
    _check_tree(value)
  # A bad escape in a protocol 0 string is a DeprecationWarning, raised where those are errors.
  except (ValueError, DeprecationWarning) as error:
    raise ValueError(
      f'{where} is refused near byte {position}: {error}. Nothing in it was run. If it is damaged, '
      'fetch it again; if not, write it anew with plain values and arrays.') from error
  return value


def key(value: Any) -> Any:
  """`value` if it may be a dict's key or in a set.

  Others could be deep or slow to hash: nested tuples, large integers made to collide.
  """
  fits = -2**63 <= value < 2**64 if type(value) is int else (
    value is None or isinstance(value, (str, bytes, bool, float, np.integer)))
  if not fits:
    raise ValueError(f'a key is {kind(value)}, expected text, bytes, None or a number of 64 bits')
  return value


def kind(value: Any) -> str:
  """What messages call `value`; its content, which may be huge or hostile, stays out of them."""
  return value.name if type(value) is Global else f'a {type(value).__name__}'


class _Machine:
  """Stack, marks and memo of one pickle. `room`: bytes that stand-ins may make."""

  def __init__(self, allow, persistent, end, room):
    self.allow = allow
    self.persistent = persistent
    self.end = end
    self.room = room  # an input that is used again and again would otherwise add up
    self.stack = []
    self.marks = []  # the stacks below the open marks
    self.memo = {}

  def step(self, name, argument, position):
    handler = _HANDLERS.get(name)
    if handler is None:
      raise ValueError(f'operation {name} is not for data')
    if name == 'FRAME' and argument > self.end - position - 9:
      raise ValueError(f'a frame of {argument} bytes goes beyond the end')
    handler(self, argument)

  def result(self):
    value = self.pop()
    if self.stack or self.marks:
      raise ValueError('values are left over at its end')
    return value

  def push(self, value):
    self.stack.append(value)

  def pop(self):
    return self.last(1)[0]

  def last(self, count):
    if len(self.stack) < count:
      raise ValueError('an operation lacks a value')
    items = self.stack[-count:]
    del self.stack[-count:]
    return items

  def top(self, *kinds):
    if not self.stack:
      raise ValueError('an operation lacks a value')
    if kinds and type(self.stack[-1]) not in kinds:
      raise ValueError(f'something is added to {kind(self.stack[-1])}, expected a '
                       f'{" or ".join(wanted.__name__ for wanted in kinds)}')
    return self.stack[-1]

  def mark(self):
    self.marks.append(self.stack)
    self.stack = []

  def marked(self):
    if not self.marks:
      raise ValueError('a mark is missing')
    items, self.stack = self.stack, self.marks.pop()
    return items

  def drop(self):
    if self.stack:
      self.stack.pop()
    else:
      self.marked()

  def check_protocol(self, protocol):
    if protocol > LARGEST_PROTOCOL:
      raise ValueError(f'it has protocol {protocol}, the largest known is {LARGEST_PROTOCOL}')

  def push_python_2(self, text):
    self.push(text if text.isascii() else text.encode('latin-1'))  # as which genops decoded it

  def push_dict(self, items):
    self.push({})
    self.update(items)

  def update(self, items):
    target = self.top(dict, collections.OrderedDict)
    if len(items) % 2:
      raise ValueError('a key lacks its value')
    for name, value in zip(items[::2], items[1::2]):
      target[key(name)] = value

  def remember(self, slot):
    if not 0 <= slot < 2**32:
      raise ValueError('a value is remembered in an impossible place')
    value = self.memo[slot] = self.top()
    if isinstance(value, Unfinished):
      value.slots.append(slot)

  def recall(self, slot):
    if not 0 <= slot < 2**32 or slot not in self.memo:
      raise ValueError('a value is recalled that was never remembered')
    self.push(self.memo[slot])

  def find(self, module, name):
    if not type(module) is type(name) is str:
      raise ValueError('a name is no text')
    if f'{module}.{name}' not in self.allow:
      raise ValueError(f'it names {f"{module}.{name}"!a:.100}, which is not allowed')
    return Global(f'{module}.{name}')

  def call(self, target, arguments):
    if type(target) is not Global or type(arguments) is not tuple:
      raise ValueError(f'it calls {kind(target)} with {kind(arguments)}, expected a name and a '
                       'tuple')
    self.push(self.paid(self.allow[target.name](*arguments)))

  def call_object(self, items):
    if not items:
      raise ValueError('an object lacks its class')
    self.call(items[0], tuple(items[1:]))

  def build(self, target, state):
    if isinstance(target, Unfinished):
      value = self.paid(target.finish(state))
      for slot in target.slots:
        if self.memo[slot] is target:
          self.memo[slot] = value
      self.push(value)
    elif type(target) is Record and type(state) is dict and all(type(n) is str for n in state):
      target.state.update(state)
      self.push(target)
    elif type(target) is collections.OrderedDict and type(state) is dict:
      self.push(target)  # its attributes are left out; torch keeps a table of versions there
    else:
      raise ValueError(f'it sets the state of {kind(target)} to {kind(state)}')

  def resolve(self, identity):
    if self.persistent is None:
      raise ValueError('it refers to something outside itself (a persistent id)')
    self.push(self.persistent(identity))

  def paid(self, value):
    if isinstance(value, (np.ndarray, np.generic)):
      # an expanded array repeats its elements in place
      self.room -= value.itemsize * math.prod(
        n for n, step in zip(value.shape, value.strides) if step)
    elif isinstance(value, bytes):
      self.room -= len(value)
    if self.room < 0:
      raise ValueError('its arrays repeat the same bytes many times over')
    return value


# Operation -> what it does, given its argument. genops puts a space between module and name.
_HANDLERS = {
  'PROTO': _Machine.check_protocol,
  'FRAME': lambda machine, _: None,
  'STOP': lambda machine, _: None,
  'MARK': lambda machine, _: machine.mark(),
  'POP': lambda machine, _: machine.drop(),
  'POP_MARK': lambda machine, _: machine.marked(),
  'DUP': lambda machine, _: machine.push(machine.top()),
  **dict.fromkeys(
    ('INT', 'BININT', 'BININT1', 'BININT2', 'LONG', 'LONG1', 'LONG4', 'FLOAT', 'BINFLOAT',
     'UNICODE', 'SHORT_BINUNICODE', 'BINUNICODE', 'BINUNICODE8',
     'SHORT_BINBYTES', 'BINBYTES', 'BINBYTES8', 'BYTEARRAY8'), _Machine.push),
  **dict.fromkeys(('STRING', 'BINSTRING', 'SHORT_BINSTRING'), _Machine.push_python_2),
  'NONE': lambda machine, _: machine.push(None),
  'NEWTRUE': lambda machine, _: machine.push(True),
  'NEWFALSE': lambda machine, _: machine.push(False),
  'EMPTY_TUPLE': lambda machine, _: machine.push(()),
  'TUPLE1': lambda machine, _: machine.push(tuple(machine.last(1))),
  'TUPLE2': lambda machine, _: machine.push(tuple(machine.last(2))),
  'TUPLE3': lambda machine, _: machine.push(tuple(machine.last(3))),
  'TUPLE': lambda machine, _: machine.push(tuple(machine.marked())),
  'EMPTY_LIST': lambda machine, _: machine.push([]),
  'LIST': lambda machine, _: machine.push(machine.marked()),
  'APPEND': lambda machine, _: _append(machine, machine.last(1)),
  'APPENDS': lambda machine, _: _append(machine, machine.marked()),
  'EMPTY_DICT': lambda machine, _: machine.push({}),
  'DICT': lambda machine, _: machine.push_dict(machine.marked()),
  'SETITEM': lambda machine, _: machine.update(machine.last(2)),
  'SETITEMS': lambda machine, _: machine.update(machine.marked()),
  'EMPTY_SET': lambda machine, _: machine.push(set()),
  'ADDITEMS': lambda machine, _: _add(machine, machine.marked()),
  'FROZENSET': lambda machine, _: machine.push(frozenset(map(key, machine.marked()))),
  **dict.fromkeys(('PUT', 'BINPUT', 'LONG_BINPUT'), _Machine.remember),
  'MEMOIZE': lambda machine, _: machine.remember(len(machine.memo)),
  **dict.fromkeys(('GET', 'BINGET', 'LONG_BINGET'), _Machine.recall),
  'GLOBAL': lambda machine, name: machine.push(machine.find(*name.split(' ', 1))),
  'STACK_GLOBAL': lambda machine, _: machine.push(machine.find(*machine.last(2))),
  'REDUCE': lambda machine, _: machine.call(*machine.last(2)),
  'NEWOBJ': lambda machine, _: machine.call(*machine.last(2)),
  'OBJ': lambda machine, _: machine.call_object(machine.marked()),
  'INST': lambda machine, name: machine.call(
    machine.find(*name.split(' ', 1)), tuple(machine.marked())),
  'BUILD': lambda machine, _: machine.build(*machine.last(2)),
  'PERSID': _Machine.resolve,
  'BINPERSID': lambda machine, _: machine.resolve(machine.pop()),
}


def _append(machine, items):
  machine.top(list).extend(items)


def _add(machine, items):
  machine.top(set).update(map(key, items))


def _check_tree(root):
  """Refuses what a user of the value could drown in: loops, great depth, repeated repetition."""
  sizes = {}  # id of a container -> values in it, each counted as often as it is reached
  above = set()
  todo = [(root, False)]
  while todo:
    value, counted = todo.pop()
    children = _children(value)
    if counted:
      above.remove(id(value))
      sizes[id(value)] = size = 1 + sum(sizes.get(id(child), 1) for child in children)
      if size > MAX_STEPS:
        raise ValueError(f'written out it holds more than {MAX_STEPS:,} values')
    elif id(value) in above:
      raise ValueError('a value contains itself')
    elif id(value) not in sizes:
      above.add(id(value))
      if len(above) > MAX_DEPTH:
        raise ValueError(f'values lie deeper than {MAX_DEPTH} in each other')
      todo.append((value, True))
      todo.extend((child, False) for child in children if _children(child))


def _children(value):
  """The values that a container holds besides keys; none for a leaf."""
  if isinstance(value, LEAVES) or type(value) in (set, frozenset):
    return ()
  if type(value) in (list, tuple):
    return value
  if type(value) in (dict, collections.OrderedDict):
    return value.values()
  if type(value) is Record:
    return value.state.values()
  raise ValueError(f'{kind(value)} is left where a value was expected')
