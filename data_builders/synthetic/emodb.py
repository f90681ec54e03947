"""A generated EmoDB: ten sentences that mean nothing, said in seven moods by ten speakers.

The words tell nothing, so a clip has an audio cue only. The four classes that other corpora share
(N, F, T, W) show it by the table of `cues`; each of the other three shows itself as often, and
else any other mood.
"""

import dataclasses
import functools
import pathlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data_builders.synthetic import cues, release, voice

EMOTIONS = dict(  # letter of the German word -> English word and audio cue
  N=('neutral', 'neu'), F=('happiness', 'hap'), T=('sadness', 'sad'), W=('anger', 'ang'),
  L=('boredom', 'bor'), E=('disgust', 'dis'), A=('fear', 'fea'),
)  # fmt: skip
CLIPS = dict(N=79, F=71, T=62, W=127, L=81, E=46, A=69)  # of the real release
TINY = dict(N=9, F=8, T=8, W=13, L=9, E=6, A=7)
SPEAKERS = {  # clips of each speaker in the real release
  '03': 49, '08': 58, '09': 43, '10': 38, '11': 55, '12': 35, '13': 61, '14': 69, '15': 56,
  '16': 71,
}  # fmt: skip
MEN = ('03', '10', '11', '12', '15')
TEXTS = ('a01', 'a02', 'a04', 'a05', 'a07', 'b01', 'b02', 'b03', 'b09', 'b10')
SECONDS = dict(tiny=(0.8, 1.5), small=(1.2, 2.2), full=(1.2, 2.2))  # shortest and longest clip
HISS = 5  # largest noise of the room, in steps of 16 bits


@dataclasses.dataclass(frozen=True)
class Clip:
  name: str  # '03a01Fa': speaker, text, emotion, version
  manner: str  # the audio cue, a key of `voice.MANNERS`
  samples: int


def write(out: str | pathlib.Path, *, seed: int = 0, size: str = 'small') -> pathlib.Path:
  """Writes `out`/wav and returns `out`; small and full both have the real release's 535 clips."""
  if size not in SECONDS:
    raise ValueError(f'size={size!r} of emodb is none of: {", ".join(SECONDS)}.')
  clips = plan(seed, size)

  def fill(folder: pathlib.Path) -> None:
    (folder / 'wav').mkdir()
    for clip in clips:
      release.write_wav(folder / f'wav/{clip.name}.wav', _record(clip, seed))

  return release.install(pathlib.Path(out), describe(clips, seed=seed, size=size), fill)


def plan(seed: int, size: str) -> list[Clip]:
  """Draws who says which text in which mood; the numbers of speakers and moods are exact."""
  rng = np.random.default_rng([seed, 0])
  shortest, longest = SECONDS[size]
  tiny = size == 'tiny'
  moods = rng.permutation(_repeat(TINY if tiny else CLIPS)).tolist()
  speakers = _repeat(dict.fromkeys(SPEAKERS, 6) if tiny else SPEAKERS)
  versions, clips = Counter(), []
  for speaker, mood in zip(speakers, moods):
    stem = speaker + str(rng.choice(TEXTS)) + mood
    name = stem + 'abcdefghijklmnopqrstuvwxyz'[versions[stem]]
    versions[stem] += 1
    samples = round(rng.uniform(shortest, longest) * voice.RATE)
    clips.append(Clip(name, cues.draw(table(), EMOTIONS[mood][1], rng), samples))
  return clips


@functools.cache
def table() -> cues.Table:
  """p(cue | emotion) of the voice, seven by seven."""
  every = [cue for _, cue in EMOTIONS.values()]
  return cues.wider(cues.TABLES['audio'], every[len(cues.CLASSES) :])


def describe(clips: Sequence[Clip], *, seed: int, size: str) -> dict[str, Any]:
  """What `truth.json` says of these clips: the best accuracy over four classes, and over seven."""
  cue = dict(EMOTIONS.values())  # English word -> audio cue
  letters = Counter(clip.name[5] for clip in clips)
  counts = {EMOTIONS[letter][0]: letters[letter] for letter in EMOTIONS}
  four_counts = {word: n for word, n in counts.items() if cue[word] in cues.CLASSES}

  def known(counts: Mapping[str, int], table: cues.Table) -> dict[str, Any]:
    prior = {cue[word]: n / sum(counts.values()) for word, n in counts.items()}
    best = cues.every_best_accuracy(prior, {'audio': table})
    return dict(prior=prior, tables={'audio': table}, bayes_accuracy=best)

  return release.truth(
    'emodb',
    seed=seed,
    size=size,
    rendered=['audio'],
    cues=cue,
    **known(four_counts, cues.TABLES['audio']),
    seven_classes=known(counts, table()),
    utterances=counts,
    four_class=four_counts,
  )


def _repeat(counts: Mapping[str, int]) -> list[str]:
  return [key for key, n in counts.items() for _ in range(n)]


def _record(clip: Clip, seed: int) -> np.ndarray:
  """The sound of a clip, int16 [T]."""
  rng = np.random.default_rng([seed, 1, *clip.name.encode()])
  number = clip.name[:2]
  who = voice.speaker('M' if number in MEN else 'F', np.random.default_rng([seed, 2, int(number)]))
  said = voice.say(voice.MANNERS[clip.manner], who, clip.samples, rng)
  hiss = rng.integers(-HISS, HISS, clip.samples, endpoint=True)
  return np.rint(32767 * said + hiss).astype(np.int16)
