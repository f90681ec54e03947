"""Settings by the names of parameters: 'PATTERN=VALUE; ...'; the first that fits counts."""

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Any

from emojax import near


@dataclasses.dataclass(frozen=True)
class Rule:
  """Parameters in whose names `pattern` is found have `value`; `field` of the config says so."""

  field: str
  pattern: re.Pattern
  value: Any
  text: str

  def __str__(self) -> str:
    return f'{self.field}: {self.text!r}'


def parse(text: str, field: str, expected: str, read: Callable[[str], Any]) -> tuple[Rule, ...]:
  """The rules of a text such as 'embedding=first; lstm.*weight=last; .=whole'.

  PATTERN is a regular expression that is searched in a parameter's dotted name.

  Args:
    field: of the config, for errors.
    expected: what a rule is, for errors: 'PATTERN=PLACE with ...'.
    read: makes a value of what stands behind the last '='; where it cannot, it raises ValueError
      with a hint, or without.
  """
  found = []
  for rule in filter(None, (part.strip() for part in text.split(';'))):
    pattern, _, value = (part.strip() for part in rule.rpartition('='))
    try:
      value = read(value)
    except ValueError as error:
      pattern, wrong = '', str(error) if pattern else ''
    else:
      wrong = ''
    if not pattern:
      raise ValueError(f'{field}: {rule!r} is not {expected}{wrong}.')
    try:
      found.append(Rule(field, re.compile(pattern), value, rule))
    except re.error as error:
      raise ValueError(f'{field}: {pattern!r} in {rule!r} is no regular expression '
                       f'({error}).') from error
  return tuple(found)


def choose(rules: Iterable[Rule], names: Iterable[str]) -> dict[str, Rule | None]:
  """Parameter -> the rule that decides for it; None: none does.

  Raises:
    ValueError: for a rule that decides nothing.
  """
  rules, names = tuple(rules), tuple(names)
  chosen = {name: next((rule for rule in rules if rule.pattern.search(name)), None)
            for name in names}
  used = {*chosen.values()}
  for rule in rules:
    if rule not in used:
      raise ValueError(_decides_nothing(rule, names))
  return chosen


def _decides_nothing(rule: Rule, names: Iterable[str]) -> str:
  taken = [name for name in names if rule.pattern.search(name)]
  if taken:
    return (f'{rule} decides nothing: earlier rules match all that it matches ({taken[0]} ...); '
            'put it before them, or leave it out.')
  words = sorted({word for name in names for word in re.findall(r'[A-Za-z_]\w*', name)})
  hint = near.hint(
    rule.pattern.pattern, [*words, *(part for word in words for part in word.split('_'))])
  return f'{rule}: no parameter has such a name{hint}; names are made of {", ".join(words)}.'
