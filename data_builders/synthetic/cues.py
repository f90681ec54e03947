"""What each modality betrays of an emotion, and how well anyone can do who reads it.

An utterance has a class y, drawn from a prior. Each modality shows a *cue*, which names a class
too: often y itself, often the class it is easily taken for, now and then any other. Given y the
cues are independent. Words tell valence and the voice tells arousal, so they mend each other.
The cues are rendered and then forgotten: no file of a release holds one.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

CLASSES = ('neu', 'hap', 'sad', 'ang')
PRIOR = {'neu': 0.31, 'hap': 0.29, 'sad': 0.20, 'ang': 0.20}

Table = Mapping[str, Mapping[str, float]]  # p(cue | class): table[class][cue]


def _confusion(hit: float, pair: float, other: float, pairs: Sequence[tuple[str, str]]) -> Table:
  twin = dict([*pairs, *(reversed(p) for p in pairs)])
  return {
    y: {c: hit if c == y else pair if c == twin[y] else other for c in CLASSES} for y in CLASSES
  }


TABLES: Mapping[str, Table] = {
  'text': _confusion(0.70, 0.24, 0.03, [('neu', 'hap'), ('sad', 'ang')]),  # like valence
  'audio': _confusion(0.66, 0.26, 0.04, [('neu', 'sad'), ('hap', 'ang')]),  # like arousal
  'video': _confusion(0.62, 0.20, 0.09, [('neu', 'ang'), ('hap', 'sad')]),
}


def wider(table: Table, others: Sequence[str]) -> Table:
  """The table with further classes, which show themselves at 0.66 and else any class alike."""
  every = [*table, *others]
  rows = {y: {c: table[y].get(c, 0.0) for c in every} for y in table}
  miss = 0.34 / (len(every) - 1)
  return rows | {y: {c: 0.66 if c == y else miss for c in every} for y in others}


def draw(table: Table, label: str, rng: np.random.Generator) -> str:
  """Draws the cue of an utterance; one whose class the table does not know shows any cue."""
  cues = list(next(iter(table.values())))
  p = [table[label][c] for c in cues] if label in table else None
  return str(rng.choice(cues, p=p))


def best_accuracy(prior: Mapping[str, float], tables: Sequence[Table]) -> float:
  """The Bayes accuracy: the sum over all cue combinations of max_y p(y) prod_m p(c_m | y).

  With no table this is the share of the largest class, what guessing reaches.
  """
  joint = np.array(list(prior.values()))  # [K], then one more axis per modality
  for table in tables:
    rows = np.array([list(table[y].values()) for y in prior])  # [K, cues]
    joint = joint[..., None] * rows.reshape(len(prior), *[1] * (joint.ndim - 1), -1)
  return float(joint.max(axis=0).sum())


def every_best_accuracy(
  prior: Mapping[str, float], tables: Mapping[str, Table] = TABLES
) -> dict[str, float]:
  """Bayes accuracy of each set of modalities, as 'text+audio', and of none of them: 'chance'."""
  subsets = itertools.chain.from_iterable(
    itertools.combinations(tables, r) for r in range(1, len(tables) + 1)
  )
  scores = {'+'.join(s): best_accuracy(prior, [tables[m] for m in s]) for s in subsets}
  return {k: round(v, 6) for k, v in scores.items()} | {'chance': round(max(prior.values()), 6)}
