"""What evaluators make of an utterance: three name its emotion, two place it on three scales.

The official label is the vote of the majority, so the votes are drawn to have the label given;
'xxx' is the label of an utterance on which they could not agree.
"""

from collections.abc import Mapping, Sequence

import numpy as np

Votes = Mapping[str, Sequence[str]]  # evaluator -> the one or two emotions he named

# The emotions with their usual valence, activation and dominance, from 1 to 5.
SCALES = {
  'neu': (3.0, 2.5, 2.7),
  'hap': (4.0, 3.2, 3.1),
  'exc': (4.2, 3.9, 3.4),
  'sad': (2.1, 2.1, 2.4),
  'ang': (1.8, 4.0, 4.1),
  'fru': (2.3, 3.1, 3.3),
  'sur': (3.1, 3.5, 2.8),
  'fea': (2.2, 3.5, 2.1),
  'dis': (2.0, 3.0, 3.4),
  'oth': (2.8, 2.8, 2.9),
}
EMOTIONS = tuple(SCALES)
COMMENTS = ('quiet', 'fast', 'mumbles', 'hesitates', 'between two states', 'hard to tell')


def official(votes: Votes) -> str:
  """The emotion that more than half of the evaluators name, and more of them than any other."""
  counts = {e: sum(e in named for named in votes.values()) for e in EMOTIONS}
  first, second = sorted(counts.values(), reverse=True)[:2]
  if first == second or 2 * first <= len(votes):
    return 'xxx'
  return max(counts, key=counts.__getitem__)


def vote(label: str, evaluators: Sequence[str], rng: np.random.Generator) -> Votes:
  """Draws the votes of three evaluators such that `official` finds `label`."""
  if label == 'xxx':
    one, two, three = rng.permutation(EMOTIONS[:7])[:3].tolist()
    split = rng.random() < 0.8  # else two emotions share first place
    named = [[one], [two], [three]] if split else [[one], [one, two], [two]]
  else:
    second, third = rng.permutation([e for e in EMOTIONS[:7] if e != label])[:2].tolist()
    dissent = [label] if rng.random() < 0.5 else [second]
    named = [[label], [label, third] if rng.random() < 0.15 else [label], dissent]
  order = rng.permutation(3)
  votes = {name: tuple(named[i]) for name, i in zip(evaluators, order)}
  assert official(votes) == label, (label, votes)
  return votes


def rate(label: str, rng: np.random.Generator) -> tuple[int, ...]:
  """Draws one evaluator's valence, activation and dominance."""
  usual = SCALES.get(label, (2.8, 2.9, 3.0))
  noise = 0.6 * rng.standard_normal(3)
  return tuple(min(max(round(u + n), 1), 5) for u, n in zip(usual, noise.tolist()))


def see_oneself(label: str, rng: np.random.Generator) -> tuple[str, ...]:
  """Draws the emotion that a speaker says to have felt, in hindsight."""
  agree = label in EMOTIONS and rng.random() < 0.6
  return (label if agree else str(rng.choice(EMOTIONS[:6])),)


def remark(rng: np.random.Generator) -> str:
  """Draws what an evaluator noted beside his answer, mostly nothing."""
  return str(rng.choice(COMMENTS)) if rng.random() < 0.08 else ''
