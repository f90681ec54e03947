"""Dataclasses from JSON: every field is known and of its kind, or the message says which is not."""

import collections.abc
import dataclasses
import types
import typing
from typing import Any

from emojax import near


def read(kind: Any, value: Any, where: str) -> Any:
  """`value`, as JSON has it, as a `kind`: a dataclass, or what its fields are declared as.

  A dataclass whose first field is its only required one may be written as that field alone.

  Args:
    kind: str, int, bool, list[X], Mapping[str, X], X | None, a union of these, or a dataclass.
    where: what messages call it.

  Raises:
    ValueError: naming the field, what stands there and what was expected.
  """
  if dataclasses.is_dataclass(kind):
    return _object(kind, value, where)
  form, inner = typing.get_origin(kind), typing.get_args(kind)
  if form is types.UnionType:
    fits = [option for option in inner if _fits(option, value)]
    return read(fits[0] if fits else inner[0], value, where)
  if not _fits(kind, value):
    raise ValueError(f'{where}: expected {_NAMES[form or kind]}, found {value!r:.60}.')
  if form is list:
    return [read(inner[0], item, f'{where}[{i}]') for i, item in enumerate(value)]
  if form is collections.abc.Mapping:
    return {name: read(inner[1], item, f'{where}: {name}') for name, item in value.items()}
  return value


_NAMES = {str: 'text', int: 'a whole number', bool: 'true or false', list: 'a list [...]',
          collections.abc.Mapping: 'an object {...}', types.NoneType: 'null'}
_FORMS = {collections.abc.Mapping: dict}


def _fits(kind: Any, value: Any) -> bool:
  form = typing.get_origin(kind) or kind
  return dataclasses.is_dataclass(kind) and value is not None or type(value) is _FORMS.get(
    form, form)


def _object(kind: Any, value: Any, where: str) -> Any:
  fields = {field.name: field for field in dataclasses.fields(kind)}
  required = [name for name, field in fields.items() if field.default is dataclasses.MISSING
              and field.default_factory is dataclasses.MISSING]
  if not isinstance(value, dict) and required == list(fields)[:1]:
    value = {required[0]: value}
  if not isinstance(value, dict):
    raise ValueError(f'{where}: expected an object {{...}}, found {value!r:.60}.')
  for name in value:
    if name not in fields:
      raise ValueError(f'{where}: there is no field {name!r}{near.hint(name, fields)}; there are: '
                       f'{", ".join(fields)}.')
  for name in required:
    if name not in value:
      raise ValueError(f'{where} lacks the field {name!r}.')
  kinds = typing.get_type_hints(kind)
  return kind(**{name: read(kinds[name], item, f'{where}: {name}')
                 for name, item in value.items()})
