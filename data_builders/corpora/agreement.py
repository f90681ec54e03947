"""How far the raters of an utterance agree, from the votes in its record."""

import collections
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Votes = Sequence[Mapping[str, Any]]  # of one utterance: 'rater', and 'labels' or numbers


def text(votes: Iterable[Votes]) -> list[str]:
  """Lines on the categories that raters name, and on the numbers they give."""
  votes = [one for one in votes if one]
  named = [named for one in votes if len(named := _named(one)) > 1]
  lines = []
  if named:
    kinds = collections.Counter(map(_kind, named))
    told = ', '.join(f'{kind} {kinds[kind]:,} ({kinds[kind] / len(named):.0%})'
                     for kind in ('unanimous', 'majority', 'no majority'))
    lines.append(f'categories of {len(named):,} utterances with two or more raters: {told}')
  for name, (number, spread) in _spreads(votes).items():
    lines.append(f'{name}: raters of an utterance differ by {spread:.2f} (mean standard deviation, '
                 f'{number:,} utterances)')
  return lines


def read(votes: bytes | str) -> Votes:
  """Of the JSON that a record holds; a speaker who rates himself (IEMOCAP's 'F1', 'M1') is not
  one of the evaluators."""
  return [vote for vote in json.loads(votes) if vote.get('rater') not in ('F1', 'M1')]


def _named(votes: Votes) -> list[set[str]]:
  return [set(vote['labels']) for vote in votes if vote.get('labels')]


def _kind(named: Sequence[set[str]]) -> str:
  """Of two or more raters, who may name several: whether one category leads, named by most."""
  counts = collections.Counter(label for labels in named for label in labels).most_common(2)
  first = counts[0][1]
  second = counts[1][1] if len(counts) > 1 else 0
  if first == second or 2 * first <= len(named):
    return 'no majority'
  return 'unanimous' if first == len(named) else 'majority'


def _spreads(votes: Sequence[Votes]) -> dict[str, tuple[int, float]]:
  """Name of a number -> (utterances with two or more of them, mean standard deviation)."""
  given = collections.defaultdict(list)
  for one in votes:
    names = dict.fromkeys(name for vote in one for name, value in vote.items()
                          if isinstance(value, (int, float)))
    for name in names:
      values = [vote[name] for vote in one if vote.get(name) is not None]
      if len(values) > 1:
        given[name].append(np.std(values, ddof=1))
  return {name: (len(spreads), float(np.mean(spreads))) for name, spreads in given.items()}
