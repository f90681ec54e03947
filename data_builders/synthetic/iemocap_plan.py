"""Who says what, when and how in a generated IEMOCAP: everything but the sound.

Utterances are independent of each other. Their order, speakers, times and lengths do not depend
on their class, so that nothing but words and voice can tell it.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from data_builders.synthetic import cues, raters, sentences, voice

GRID = 8  # samples: all times are multiples of half a millisecond, exact in four decimals

# The four classes per session, and everything else over the five sessions, of the real release.
FULL_FOUR = {
  1: dict(neu=384, hap=278, sad=194, ang=229),
  2: dict(neu=362, hap=327, sad=197, ang=137),
  3: dict(neu=320, hap=286, sad=305, ang=240),
  4: dict(neu=258, hap=303, sad=143, ang=327),
  5: dict(neu=384, hap=442, sad=245, ang=170),
}
FULL_UTTERANCES = {1: 1819, 2: 1811, 3: 2136, 4: 2103, 5: 2170}
FULL_HAPPY = dict(hap=595, exc=1041)
FULL_OTHERS = dict(fru=1849, xxx=2507, sur=107, fea=40, oth=3, dis=2)

SCRIPTS = ('01_1', '01_2', '01_3', '02_1', '02_2', '03_1', '03_2')
IN_TWO = ('impro05', 'impro08')  # recorded in two parts when the man of session 3 wore the markers

SOUNDS = ('[BREATHING]', '[LAUGHTER]', '[GARBAGE]')


@dataclasses.dataclass(frozen=True)
class Size:
  """How much is generated; `four` and `others` are utterances per session."""

  seconds: tuple[float, float]  # shortest and longest utterance
  four: int | None = None  # None: the real release's counts
  others: int | None = None
  parts: Sequence[str] | None = None  # dialogues per marker wearer, None: all


SIZES = {
  'tiny': Size((0.8, 1.5), four=20, others=8, parts=('impro01', 'script01_1')),
  'small': Size((0.8, 2.0), four=400, others=120),
  'full': Size((0.3, 0.5)),
}


@dataclasses.dataclass(frozen=True)
class Turn:
  """One utterance; `start` and `end` are samples of the dialogue."""

  name: str
  letter: str  # 'F' or 'M': who speaks
  start: int
  end: int
  label: str
  text: str
  manner: str  # the audio cue, a key of `voice.MANNERS`
  votes: raters.Votes  # of three evaluators 'E1' .. 'E6'
  ratings: Mapping[str, Sequence[int]]  # of two: valence, activation, dominance
  own_vote: Sequence[str]
  own_rating: Sequence[int]
  remarks: Mapping[str, str]  # evaluator -> comment on his rating


@dataclasses.dataclass(frozen=True)
class Aside:
  """A sound that was transcribed and never rated; without an `end` it has no times either."""

  name: str
  start: int
  end: int | None
  text: str


@dataclasses.dataclass(frozen=True)
class Dialogue:
  """One recording: `turns` in the order of time, and what was heard between them."""

  name: str
  session: int
  turns: Sequence[Turn]
  asides: Sequence[Aside]


def plan(seed: int, size: str) -> list[Dialogue]:
  """Draws a whole release in the order of its sessions and dialogues."""
  rng = np.random.default_rng([seed, 0])
  chosen = SIZES[size]
  dialogues = []
  for session, labels in _labels(chosen, rng).items():
    names = _dialogue_names(session, chosen.parts)
    few = len(labels) // (2 * len(names))  # half shared out evenly, half by chance
    counts = few + rng.multinomial(len(labels) - few * len(names), [1 / len(names)] * len(names))
    for name, part in zip(names, np.split(labels, np.cumsum(counts)[:-1])):
      dialogues.append(_dialogue(name, session, part.tolist(), chosen.seconds, rng))
  return dialogues


def prior(size: str) -> dict[str, float]:
  """p(y) of the four classes; where counts are exact, their shares."""
  if SIZES[size].four is not None:
    return dict(cues.PRIOR)
  counts = {c: sum(session[c] for session in FULL_FOUR.values()) for c in cues.CLASSES}
  return {c: n / sum(counts.values()) for c, n in counts.items()}


def four_class(label: str) -> str | None:
  """The class of an official label: excited counts as happy, most other labels as none."""
  merged = 'hap' if label == 'exc' else label
  return merged if merged in cues.CLASSES else None


def _labels(size: Size, rng: np.random.Generator) -> dict[int, np.ndarray]:
  """Official labels of each session, shuffled."""
  happy = _shuffled(FULL_HAPPY, rng).tolist()
  others = _shuffled(FULL_OTHERS, rng).tolist()
  sessions = {}
  for session, counts in FULL_FOUR.items():
    if size.four is None:
      four = [c for c in counts for _ in range(counts[c])]
      rest = FULL_UTTERANCES[session] - len(four)
    else:
      four = rng.choice(cues.CLASSES, size.four, p=list(cues.PRIOR.values())).tolist()
      rest = size.others
    labels = [happy.pop() if c == 'hap' else c for c in four] + [others.pop() for _ in range(rest)]
    sessions[session] = rng.permutation(labels)
  return sessions


def _shuffled(counts: Mapping[str, int], rng: np.random.Generator) -> np.ndarray:
  return rng.permutation(np.repeat(list(counts), list(counts.values())))


def _dialogue_names(session: int, parts: Sequence[str] | None) -> list[str]:
  """'Ses01F_impro01' ... as released: F or M wears the markers, 151 dialogues in all."""
  improvised = [f'impro{i:02}' for i in range(1, 8 if session == 1 else 9)]
  names = []
  for wearer in 'FM':
    scenes = improvised + [f'script{s}' for s in SCRIPTS]
    if (session, wearer) == (3, 'M'):
      halves = [s + half for s in IN_TWO for half in 'ab']
      scenes = sorted([s for s in scenes if s not in IN_TWO] + halves)
    if (session, wearer) == (5, 'M'):
      scenes.append('script01_1b')
    names += [f'Ses{session:02}{wearer}_{s}' for s in parts or scenes]
  return names


def _dialogue(
  name: str,
  session: int,
  labels: Sequence[str],
  seconds: tuple[float, float],
  rng: np.random.Generator,
) -> Dialogue:
  """Draws the turns of a dialogue; they never overlap."""
  evaluators = [f'E{i}' for i in range(1, 7)]
  named_by = sorted(rng.choice(evaluators, 3, replace=False).tolist())
  rated_by = sorted(rng.choice(evaluators, 2, replace=False).tolist())
  letters = rng.permutation(list('FM' * (len(labels) // 2 + 1))[: len(labels)])
  turns, asides, now = [], [], 0
  spoken, extra = dict(F=0, M=0), dict(F=0, M=0)
  for label, letter in zip(labels, letters.tolist()):
    start = now + _samples(0.1, 0.3, rng)
    end = start + _samples(*seconds, rng)
    turns.append(
      Turn(
        name=f'{name}_{letter}{spoken[letter]:03}',
        letter=letter,
        start=start,
        end=end,
        label=label,
        text=sentences.compose(_cue('text', label, rng), rng),
        manner=_cue('audio', label, rng),
        votes=raters.vote(label, named_by, rng),
        ratings={e: raters.rate(label, rng) for e in rated_by},
        own_vote=raters.see_oneself(label, rng),
        own_rating=raters.rate(label, rng),
        remarks={e: raters.remark(rng) for e in rated_by},
      )
    )
    spoken[letter] += 1
    now = end
    if (chance := rng.random()) < 0.07:
      sound = str(rng.choice(SOUNDS))
      if chance < 0.03:
        asides.append(Aside(letter, now, None, sound))
      else:
        now += _samples(0.3, 0.5, rng)
        asides.append(Aside(f'{name}_{letter}XX{extra[letter]}', end, now, sound))
        extra[letter] += 1
  return Dialogue(name, session, turns, asides)


def _cue(modality: str, label: str, rng: np.random.Generator) -> str:
  return cues.draw(cues.TABLES[modality], four_class(label) or label, rng)


def _samples(shortest: float, longest: float, rng: np.random.Generator) -> int:
  return GRID * round(rng.uniform(shortest, longest) * voice.RATE / GRID)
