"""Pickles as data: plain values and numpy's arrays are read, nothing is run.

The processed files of the original systems and their word lists are pickles. Python's own reader
does whatever such a file asks for; this one knows the names in `NUMPY` and no other.
"""

import io
import math
import pathlib
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from emojax.io import pickle_machine
from emojax.io.pickle_machine import Global, Unfinished

MAX_DIMENSIONS = 32
MAX_ELEMENTS = 2**48


def dimensions(value: Any) -> tuple[int, ...]:
  """`value` if it is a shape that an array can have."""
  fits = isinstance(value, tuple) and len(value) <= MAX_DIMENSIONS and all(
    type(n) is int and 0 <= n < MAX_ELEMENTS for n in value)
  if not fits or math.prod(max(n, 1) for n in value) >= MAX_ELEMENTS:
    raise ValueError('the shape of an array is no tuple of few and reasonable sizes, at most '
                     f'{MAX_DIMENSIONS} of them and {MAX_ELEMENTS} elements')
  return value


def elements(raw: bytes | memoryview, dtype: np.dtype, count: int) -> np.ndarray:
  """The elements in `raw` [count], as a view that cannot be written to."""
  if dtype.hasobject or not dtype.itemsize:
    raise ValueError(f'elements of {dtype} are given as bytes')
  if len(raw) != count * dtype.itemsize:
    raise ValueError(f'{len(raw)} bytes are given for {count} elements of {dtype}, expected '
                     f'{count * dtype.itemsize}')
  if not count:
    return np.empty(0, dtype)
  if dtype.kind == 'b' and np.frombuffer(raw, np.uint8).max() > 1:
    raise ValueError('a truth value is neither 0 nor 1')
  code = np.dtype(np.uint32).newbyteorder(dtype.byteorder)
  if dtype.kind == 'U' and np.frombuffer(raw, code).max() > 0x10FFFF:
    raise ValueError('text in an array is not Unicode')
  return np.frombuffer(raw, dtype)


def uncallable(*_):
  """The stand-in of a class that a file may name but not call."""
  raise ValueError('a class is called that is only allowed as a name')


class _Array(Unfinished):
  """An array, from the state that numpy gives to `__setstate__`."""

  def finish(self, state):
    match state:
      case (int(version), tuple(shape), np.dtype() as dtype, int(fortran), content) if version == 1:
        shape, order = dimensions(shape), 'F' if fortran else 'C'
        if not dtype.hasobject:
          return _shaped(_raw(content), dtype, shape, order)
        if type(content) is list and len(content) == math.prod(shape):
          # numpy lists objects with the last axis fastest, whatever their order in memory
          items = np.fromiter(map(_item, content), object, len(content))
          return items.reshape(shape).copy(order)
    raise ValueError('the content of an array does not fit its shape and dtype')


class _DType(Unfinished):
  """A dtype, from the state that numpy gives to `__setstate__`: the byte order is in there."""

  def __init__(self, dtype):
    super().__init__()
    self.dtype = dtype

  def finish(self, state):
    match state:
      case (int(version), str(order), None, None, None, int(size), int(), int()) if (
          version == 3 and order in ('<', '>', '|', '=') and size in (-1, self.dtype.itemsize)):
        return self.dtype if order in '|=' else self.dtype.newbyteorder(order)
    raise ValueError(f'{self.dtype} has a state of another form')


def _dtype(*arguments):
  match arguments:
    case (str(code), int(), int()) if re.fullmatch(
        r'b1|[iu][1248]|f[248]|c8|c16|O8?|[SU][1-9][0-9]{0,6}', code):
      return _DType(np.dtype(code))
    case (str(code), *_):
      raise ValueError(f'dtype {code!a:.100} is not read')
  raise ValueError('a dtype lacks its code')


def _reconstruct(*arguments):
  match arguments:
    case (Global('numpy.ndarray'), tuple(shape), bytes() | str() as code) if (
        dimensions(shape) == (0,) and code in (b'b', 'b')):
      return _Array()
  raise ValueError('an array does not start as an empty numpy.ndarray')


def _from_buffer(*arguments):
  match arguments:
    case (bytes() | bytearray() as raw, np.dtype() as dtype, tuple(shape), str(order)) if (
        order in ('C', 'F')):
      return _shaped(bytes(raw), dtype, dimensions(shape), order)
    case (bytes() | bytearray() as raw, np.dtype() as dtype, tuple(shape), str('K'), tuple(axes)):
      if sorted(dimensions(axes)) == list(range(len(shape))):
        return _shaped(bytes(raw), dtype, dimensions(shape), 'C', axes)
  raise ValueError('an array has a content of another form')


def _scalar(*arguments):
  match arguments:
    case (np.dtype() as dtype, content):
      return elements(_raw(content), dtype, 1)[0]
  raise ValueError('a numpy scalar is not made of a dtype and bytes')


def _encode(*arguments):
  match arguments:
    case (str(text), str('latin1')):
      return text.encode('latin-1')
  raise ValueError('_codecs.encode is called, but not as pickle writes bytes')


def _no_bytes(*arguments):
  if arguments:
    raise ValueError('bytes is called with an argument; only empty bytes are written so')
  return b''


def _shaped(raw, dtype, shape, order, axes=None):
  """An array of its own memory, in this machine's byte order."""
  view = elements(raw, dtype, math.prod(shape)).reshape(shape, order=order)
  view = view if axes is None else view.transpose(axes)
  return view.astype(dtype.newbyteorder('='), order='K')


def _raw(content):
  if type(content) is bytes:
    return content
  if type(content) is str:  # Python 2's bytes, if they happen to be ASCII
    return content.encode('ascii')
  raise ValueError(f'{pickle_machine.kind(content)} is given where bytes of elements were expected')


def _item(value):
  """`value` if it may be in an array of objects: no container, arrays free those recursively."""
  plain = isinstance(value, pickle_machine.LEAVES)
  if not plain or isinstance(value, np.ndarray) and value.dtype.hasobject:
    raise ValueError(f'{pickle_machine.kind(value)} is in an array of objects, expected text, '
                     'numbers or arrays of numbers')
  return value


NUMPY = types.MappingProxyType({
  'numpy.ndarray': uncallable,
  'numpy.dtype': _dtype,
  **{f'numpy.{core}.multiarray._reconstruct': _reconstruct for core in ('core', '_core')},
  **{f'numpy.{core}.multiarray.scalar': _scalar for core in ('core', '_core')},
  # how protocol 5 writes arrays
  **{f'numpy.{core}.numeric._frombuffer': _from_buffer for core in ('core', '_core')},
  # how protocols 0 to 2 write bytes
  '_codecs.encode': _encode,
  **{f'{builtins}.bytes': _no_bytes for builtins in ('__builtin__', 'builtins')},
})


def load(source: pathlib.Path | bytes, *, allow: Mapping[str, Callable] = NUMPY,
         max_steps: int | None = None) -> Any:
  """The value pickled in `source`: a finite tree of plain values.

  Args:
    allow: 'module.name' -> an inert stand-in, see `pickle_machine.read`; the default knows numpy's
      arrays (of numbers, text or objects that are such), scalars and dtypes, structured ones not.
    max_steps: operations that it may have; None: `pickle_machine.MAX_STEPS`.

  Raises:
    ValueError: if it is damaged, goes on after its end, or names anything else.
  """
  if isinstance(source, bytes):
    content, where = source, 'the pickle'
  else:
    content, where = pathlib.Path(source).read_bytes(), str(source)
  file = io.BytesIO(content)
  value = pickle_machine.read(file, where, allow=allow, max_steps=max_steps)
  if file.tell() < len(content):
    raise ValueError(f'{where} goes on for {len(content) - file.tell()} bytes after its pickle '
                     f'ends at byte {file.tell()}; one value was expected, cut the rest off.')
  return value
