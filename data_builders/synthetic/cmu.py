"""What a generated CMU-MOSI and CMU-MOSEI share: opinions, how they are felt, said and rated.

An opinion has one of the four classes of `cues`, read as a sentiment: words tell its sign and the
voice its strength, so that each mends the other. Annotators vote integers around it, independent
of each other and of the cues; sentiment is their mean. The class is then forgotten.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data_builders.synthetic import cues, sentences, voice

HISS = 5  # largest noise of the room, in steps of 16 bits
GRID = 16  # samples: all times are whole milliseconds
MODALITIES = ('text', 'audio')

# p(vote | class) of one annotator: 0 is usual for neutral ones alone.
SENTIMENT: Mapping[str, Mapping[int, float]] = {
  'neu': {-1: 0.15, 0: 0.70, 1: 0.15},
  'hap': {1: 0.30, 2: 0.50, 3: 0.20},
  'sad': {-2: 0.20, -1: 0.60, 0: 0.20},
  'ang': {-3: 0.25, -2: 0.50, -1: 0.25},
}
# p(one annotator sees the emotion | class); what no class shows is chance.
SEEN: Mapping[str, Mapping[str, float]] = {
  'happy': {'neu': 0.10, 'hap': 0.75, 'sad': 0.03, 'ang': 0.02},
  'sad': {'neu': 0.05, 'hap': 0.02, 'sad': 0.65, 'ang': 0.10},
  'anger': {'neu': 0.02, 'hap': 0.02, 'sad': 0.10, 'ang': 0.70},
  'surprise': dict.fromkeys(cues.CLASSES, 0.06),
  'disgust': dict.fromkeys(cues.CLASSES, 0.08),
  'fear': dict.fromkeys(cues.CLASSES, 0.04),
}
STRENGTH = {1: 0.6, 2: 0.3, 3: 0.1}  # of an emotion that is seen


@dataclasses.dataclass(frozen=True)
class Opinion:
  """A segment of a video; `start` and `end` are samples of it."""

  number: int  # in the order of time
  start: int
  end: int
  text: str
  manner: str  # the audio cue, a key of `voice.MANNERS`
  votes: tuple[int, ...]  # sentiment, by annotator
  seen: tuple[tuple[int, ...], ...]  # by annotator: 0..3 for each of `SEEN`
  rated: bool = True  # False: nobody was asked about it

  @property
  def sentiment(self) -> float:
    return sum(self.votes) / len(self.votes)


@dataclasses.dataclass(frozen=True)
class Video:
  """Opinions of one speaker, in the order of time."""

  name: str
  part: str  # 'train', 'valid', 'test'; '': in no fold
  opinions: tuple[Opinion, ...]


def plan(
  counts: Mapping[str, tuple[Sequence[str], int]], annotators: int, seconds: tuple[float, float],
  rng: np.random.Generator, *, first: int = 0, unrated: float = 0.0,
) -> list[Video]:
  """Draws all videos.

  Args:
    counts: part -> its videos, and how many rated opinions they share.
    annotators: of each opinion.
    seconds: shortest and longest opinion.
    first: number of the first opinion of a video.
    unrated: how probably one follows that is not rated.
  """
  videos = []
  for part, (names, number) in counts.items():
    for name, share in zip(names, shared_out(number, len(names), rng)):
      opinions, now = [], 0
      for rated in itertools.chain.from_iterable(
          (True, False)[:1 + (rng.random() < unrated)] for _ in range(share)):
        start = now + _samples(0.1, 0.3, rng)
        now = start + _samples(*seconds, rng)
        opinions.append(_opinion(first + len(opinions), start, now, annotators, rated, rng))
      videos.append(Video(name, part, tuple(opinions)))
  return videos


def shared_out(number: int, videos: int, rng: np.random.Generator) -> list[int]:
  """How many of so many opinions each video has: half are shared out evenly, half by chance."""
  few = number // (2 * videos)
  return (few + rng.multinomial(number - few * videos, [1 / videos] * videos)).tolist()


def judged(annotators: int, rng: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray]:
  """Draws the class of an opinion, and what annotators say of it.

  Returns:
    class, votes on the sentiment [A], and strengths of the emotions of `SEEN` [A, 6].
  """
  label = str(rng.choice(cues.CLASSES, p=list(cues.PRIOR.values())))
  votes = rng.choice(list(SENTIMENT[label]), annotators, p=list(SENTIMENT[label].values()))
  strengths = rng.choice(list(STRENGTH), (annotators, len(SEEN)), p=list(STRENGTH.values()))
  seen = rng.random((annotators, len(SEEN))) < [p[label] for p in SEEN.values()]
  return label, votes, strengths * seen


def record(video: Video, seed: int) -> np.ndarray:
  """The sound of a video, int16 [T]; it ends a tenth of a second after its last opinion."""
  rng = np.random.default_rng([seed, 1, *video.name.encode()])
  gender = 'FM'[rng.integers(2)]
  who = voice.speaker(gender, rng)
  length = max((o.end for o in video.opinions), default=0) + voice.RATE // 10
  wave = rng.integers(-HISS, HISS, length, np.int16, endpoint=True)
  for opinion in video.opinions:
    said = voice.say(voice.MANNERS[opinion.manner], who, opinion.end - opinion.start, rng)
    wave[opinion.start : opinion.end] += np.rint(32767 * said).astype(np.int16)
  return wave


def best(annotators: int, modalities: Sequence[str] = MODALITIES) -> dict[str, Any]:
  """The best that can be known of a sentiment from each set of modalities, computed exactly.

  `corr` is the correlation of the best regressor, the mean given the cues; stretched to the spread
  of what it predicts it has the same concordance, the highest there is. `mae` is that of the
  median. `acc2_*` and `acc7` are of the best guess of a class.
  """
  return {'+'.join(s) or 'chance': _best_sentiment(s, annotators) for s in _subsets(modalities)}


def best_emotions(
  annotators: int, modalities: Sequence[str] = MODALITIES,
) -> dict[str, dict[str, float]]:
  """Balanced accuracy of the best guess of each emotion, from each set of modalities."""
  scores = {}
  for subset in filter(None, _subsets(modalities)):
    cells = _joint(subset)  # [K, cues]
    scores['+'.join(subset)] = {
      name: round(_balanced(cells, np.array([1 - (1 - p[y]) ** annotators for y in cues.CLASSES])),
                  6) for name, p in SEEN.items()}
  return scores


def _opinion(
  number: int, start: int, end: int, annotators: int, rated: bool, rng: np.random.Generator,
) -> Opinion:
  label, votes, seen = judged(annotators, rng)
  return Opinion(
    number, start, end, sentences.compose(cues.draw(cues.TABLES['text'], label, rng), rng),
    cues.draw(cues.TABLES['audio'], label, rng), tuple(votes.tolist()),
    tuple(map(tuple, seen.tolist())), rated)


def _subsets(modalities: Sequence[str]) -> list[tuple[str, ...]]:
  """Every set of modalities, the one of none first."""
  return [s for r in range(len(modalities) + 1) for s in itertools.combinations(modalities, r)]


def _samples(shortest: float, longest: float, rng: np.random.Generator) -> int:
  return GRID * round(rng.uniform(shortest, longest) * voice.RATE / GRID)


def _joint(subset: Sequence[str]) -> np.ndarray:
  """p(class, cues) of a set of modalities, [K, cues]."""
  joint = np.array(list(cues.PRIOR.values()))[:, None]
  for modality in subset:
    rows = np.array([list(cues.TABLES[modality][y].values()) for y in cues.CLASSES])
    joint = (joint[..., None] * rows[:, None]).reshape(len(joint), -1)
  return joint


def _best_sentiment(subset: Sequence[str], annotators: int) -> dict[str, float]:
  scores, given = _distribution(annotators)  # [S], [K, S]
  cells = _joint(subset).T @ given  # p(cues, score), [cues, S]
  shown = cells.sum(1)
  means = cells @ scores / shown
  overall = cells.sum(0)
  spread = overall @ scores**2 - (overall @ scores) ** 2
  explained = shown @ means**2 - (shown @ means) ** 2
  medians = scores[np.argmax(cells.cumsum(1) >= shown[:, None] / 2, axis=1)]
  mae = (cells * np.abs(scores - medians[:, None])).sum()

  def accuracy(classes: np.ndarray, keep: np.ndarray) -> float:
    held = np.stack([(cells * (keep & (classes == c))).sum(1) for c in np.unique(classes)], 1)
    return float(held.max(1).sum() / overall[keep].sum())

  every = np.ones(len(scores), bool)
  return {name: round(float(value), 6) for name, value in (
    ('corr', math.sqrt(max(explained, 0) / spread)), ('mae', mae),
    ('acc2_nonneg', accuracy(scores >= 0, every)),
    ('acc2_nonzero', accuracy(scores > 0, scores != 0)),
    ('acc7_round', accuracy(np.rint(scores), every)),
    ('acc7_away', accuracy(np.sign(scores) * np.ceil(np.abs(scores)), every)))}


def _distribution(annotators: int) -> tuple[np.ndarray, np.ndarray]:
  """All means of so many votes [S], ascending, and p(mean | class) [K, S]."""
  rows = []
  for votes in SENTIMENT.values():
    one = np.array([votes.get(vote, 0.0) for vote in range(-3, 4)])
    total = np.ones(1)
    for _ in range(annotators):
      total = np.convolve(total, one)
    rows.append(total)
  sums = np.arange(-3 * annotators, 3 * annotators + 1)
  return sums / annotators, np.stack(rows)


def _balanced(cells: np.ndarray, there: np.ndarray) -> float:
  """Best mean of both recalls, from p(class, cues) and p(emotion | class)."""
  with_it = there @ cells
  without = (1 - there) @ cells
  return float(np.maximum(with_it / with_it.sum(), without / without.sum()).sum() / 2)
