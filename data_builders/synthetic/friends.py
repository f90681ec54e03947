"""Who says what, and when, in a generated MELD or EmoryNLP: everything but the sound.

Utterances are independent of each other. Dialogues, speakers, times and lengths do not depend on
the emotion, so that nothing but words and voice can tell it.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from data_builders.synthetic import cues, release, sentences

CAST = {  # name -> gender; the first six speak in most scenes
  'Rachel': 'F', 'Monica': 'F', 'Phoebe': 'F', 'Joey': 'M', 'Chandler': 'M', 'Ross': 'M',
  'Janice': 'F', 'Gunther': 'M', 'Mike': 'M', 'Emily': 'F', 'Nurse': 'F', 'Director': 'M',
}  # fmt: skip
SECONDS = dict(tiny=(0.8, 1.5), small=(0.8, 2.0), full=(0.3, 0.5))  # shortest and longest
TINY = dict(train=10, valid=4, test=5)  # utterances of each emotion
SMALL = dict(train=1200, valid=240, test=360)  # of all, in the real release's shares
CURLY = 0.25  # share of utterances whose quotes are typographic

Counts = Mapping[str, Mapping[str, int]]  # part -> emotion -> utterances


@dataclasses.dataclass(frozen=True)
class Line:
  """One utterance; times are milliseconds of the episode."""

  part: str
  dialogue: int
  number: int
  season: int
  episode: int
  speaker: str
  emotion: str
  manner: str  # the audio cue
  start: int
  end: int
  text: str


def counts(corpus: str, real: Counts, size: str) -> Counts:
  """How many utterances of each emotion are generated, `real` being those of the real release.

  Raises:
    ValueError: if there is no such size.
  """
  if size not in SECONDS:
    raise ValueError(f'size={size!r} of {corpus} is none of: {", ".join(SECONDS)}.')
  if size == 'tiny':
    return {part: dict.fromkeys(classes, TINY[part]) for part, classes in real.items()}
  if size == 'full':
    return real
  return {part: {emotion: max(2, round(SMALL[part] * number / sum(classes.values())))
                 for emotion, number in classes.items()} for part, classes in real.items()}


def plan(
  numbers: Counts, cue: Mapping[str, str], tables: Mapping[str, cues.Table],
  seconds: tuple[float, float], seed: int,
) -> list[Line]:
  """Draws all lines; the numbers of emotions are exact for each part.

  Args:
    numbers: of utterances.
    cue: emotion -> the cue that names it in the tables.
    tables: 'text', and 'audio' where there is sound.
    seconds: shortest and longest utterance.
  """
  rng, lines = np.random.default_rng([seed, 0]), []
  for part, classes in numbers.items():
    emotions = rng.permutation([e for e, number in classes.items() for _ in range(number)]).tolist()
    dialogue = 0
    while emotions:
      length = int(rng.integers(3, 13))
      lines += _dialogue(part, dialogue, emotions[:length], cue, tables, seconds, rng)
      del emotions[:length]
      dialogue += 1
  return lines


def _dialogue(part, dialogue, emotions, cue, tables, seconds, rng) -> list[Line]:
  season, episode = int(rng.integers(1, 5)), int(rng.integers(1, 25))
  known, guests = list(CAST)[:6], list(CAST)[6:]
  cast = [*rng.choice(known, rng.integers(1, 5), replace=False), rng.choice(guests)]
  at, lines = int(rng.integers(30_000, 1_200_000)), []
  for number, emotion in enumerate(emotions):
    shown = {modality: cues.draw(table, cue[emotion], rng) for modality, table in tables.items()}
    end = at + round(1000 * rng.uniform(*seconds))
    text = sentences.compose(shown['text'], rng)
    lines.append(Line(
      part, dialogue, number, season, episode, str(rng.choice(cast)), emotion,
      shown.get('audio', ''), at, end,
      text.replace("'", '’') if rng.random() < CURLY else text))
    at = end + int(rng.integers(20, 400))
  return lines


def describe(
  corpus: str, numbers: Counts, cue: Mapping[str, str], tables: Mapping[str, cues.Table], *,
  seed: int, size: str,
) -> dict[str, Any]:
  """What `truth.json` says of a plan."""
  totals = {cue[e]: sum(classes[e] for classes in numbers.values()) for e in cue}
  prior = {c: number / sum(totals.values()) for c, number in totals.items()}
  return release.truth(
    corpus, seed=seed, size=size, rendered=list(tables), cues=cue, prior=prior, tables=tables,
    bayes_accuracy=cues.every_best_accuracy(prior, tables), utterances=numbers)
