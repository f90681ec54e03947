"""A generated table of features of CMU-MOSEI: words, voice and face as sequences, with labels.

Opinions, annotators and standard folds are those of `mosei`; here each modality, the face too,
shows its cue in frames as an extractor would have made them:

  * text, 5 to 20 word vectors: one to three words of the cue's lexicon among neutral ones;
  * audio, 10 to 40 frames, each full of noise: the cue moves their level a little, and much more
    how they rise or fall from the first to the last;
  * video, 5 to 30 frames: muscles of the face, of which a cue moves some for a part of the time.

Every speaker (one per video) has a voice and a face of his own. A mean over time shows less than
frames in their order: it dilutes words and moves of the face, and hides how a voice rises or falls.
"""

import csv
import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data_builders.synthetic import cmu, cues, mosei, release, sentences

NAME = 'mosei_features'  # the folder
FEATURES, LABELS = 'features.npz', 'labels.csv'
MODALITIES = tuple(cues.TABLES)
FRAMES = {'text': (5, 20), 'audio': (10, 40), 'video': (5, 30)}  # the fewest, the most
WIDTHS = {'text': 300, 'audio': 74, 'video': 35}  # of GloVe, COVAREP, FACET
PARTS = ('train', 'valid', 'test')

CUE_WORDS = (1, 3)  # of an utterance
NEUTRAL_WORDS = 400
WORD, LIKENESS = 0.35, 0.6  # spread of word vectors; of what words of a lexicon have in common
LEVEL, TREND = 0.25, 0.6  # spread of what a cue adds to a voice; its frames have noise of spread 1
VOICE, FACE = 1.0, 0.7  # spread of what a speaker adds
MUSCLES, MOVE, TREMBLE = 8, 1.5, 0.5  # how many of the face a cue moves, how far; its noise
ACTIVE = (0.3, 0.6)  # of the time


@dataclasses.dataclass(frozen=True)
class Utterance:
  """One opinion, and how each modality shows it."""

  video: str
  clip: int  # from 0
  part: str
  sentiment: float
  emotions: tuple[float, ...]  # means over annotators, in the order of `cmu.SEEN`
  cue: Mapping[str, str]  # modality -> class of `cues`

  @property
  def id(self) -> str:
    return f'{self.video}_{self.clip}'


def write(out: str | pathlib.Path, *, seed: int = 0, size: str = 'small') -> pathlib.Path:
  """Writes `out`/mosei_features (features.npz, labels.csv) and returns that folder."""
  if size not in mosei.SIZES:
    raise ValueError(f'size={size!r} of {NAME} is none of: {", ".join(mosei.SIZES)}.')
  utterances = plan(seed, size)

  def fill(folder: pathlib.Path) -> None:
    np.savez(folder / FEATURES, **render(utterances, seed))
    with open(folder / LABELS, 'w', newline='', encoding='utf-8') as file:
      rows = list(map(labels, utterances))
      writer = csv.DictWriter(file, list(rows[0]), lineterminator='\n')
      writer.writeheader()
      writer.writerows(rows)

  return release.install(pathlib.Path(out, NAME), describe(utterances, seed=seed, size=size), fill)


def plan(seed: int, size: str) -> list[Utterance]:
  """Draws all utterances, video by video; their numbers are exact for each part."""
  rng = np.random.default_rng([seed, 0])
  videos, numbers, _ = mosei.SIZES[size]
  names = iter(mosei.video_names(sum(videos), rng))
  made = []
  for part, count, number in zip(PARTS, videos, numbers):
    for share in cmu.shared_out(number, count, rng):
      video = next(names)
      made += [_utterance(video, clip, part, rng) for clip in range(share)]
  return made


def describe(utterances: Sequence[Utterance], *, seed: int, size: str) -> dict[str, Any]:
  """What `truth.json` says; `bayes_accuracy` is of two classes, zero among the positive."""
  best = cmu.best(mosei.ANNOTATORS, MODALITIES)
  emotions = cmu.best_emotions(mosei.ANNOTATORS, MODALITIES)
  return release.truth(
    'mosei', seed=seed, size=size, rendered=list(MODALITIES), prior=cues.PRIOR, tables=cues.TABLES,
    sentiment=cmu.SENTIMENT, emotions=cmu.SEEN, best_sentiment=best,
    best_emotions={subset: scores | {'ua': round(float(np.mean(list(scores.values()))), 6)}
                   for subset, scores in emotions.items()},
    bayes_accuracy={subset: scores['acc2_nonneg'] for subset, scores in best.items()},
    utterances={part: sum(u.part == part for u in utterances) for part in PARTS})


def labels(utterance: Utterance) -> dict[str, Any]:
  """The row of `labels.csv`."""
  emotions = {name: f'{value:.7g}' for name, value in zip(cmu.SEEN, utterance.emotions)}
  return {'id': utterance.id, 'video': utterance.video, 'clip': utterance.clip,
          'split': utterance.part, 'sentiment': f'{utterance.sentiment:.7g}', **emotions}


def render(utterances: Sequence[Utterance], seed: int) -> dict[str, np.ndarray]:
  """The arrays of `features.npz`: `ids`, and of each modality frames [N, T, D] and lengths [N]."""
  arrays = {'ids': np.array([u.id for u in utterances])}
  for modality, width in WIDTHS.items():
    frames = np.zeros((len(utterances), FRAMES[modality][1], width), np.float32)
    lengths = np.zeros(len(utterances), np.int32)
    for row, utterance in enumerate(utterances):
      shown = show(utterance, modality, seed)
      frames[row, :len(shown)], lengths[row] = shown, len(shown)
    arrays |= {modality: frames, f'{modality}_lengths': lengths}
  return arrays


def show(utterance: Utterance, modality: str, seed: int) -> np.ndarray:
  """The frames of a modality [T, D] float32."""
  number = MODALITIES.index(modality)
  rng = np.random.default_rng([seed, 1, number, utterance.clip, *utterance.video.encode()])
  time = int(rng.integers(*FRAMES[modality], endpoint=True))
  cue = utterance.cue[modality]
  if modality == 'text':
    return _words(cue, time, rng)
  speaker = np.random.default_rng([seed, 2, number, *utterance.video.encode()])
  own = speaker.standard_normal(WIDTHS[modality], np.float32)
  return VOICE * own + _voice(cue, time, rng) if modality == 'audio' else (
    FACE * own + _face(cue, time, rng))


def _utterance(video: str, clip: int, part: str, rng: np.random.Generator) -> Utterance:
  label, votes, seen = cmu.judged(mosei.ANNOTATORS, rng)
  return Utterance(
    video, clip, part, float(votes.mean()), tuple(seen.mean(0).tolist()),
    {modality: cues.draw(table, label, rng) for modality, table in cues.TABLES.items()})


def _words(cue: str, time: int, rng: np.random.Generator) -> np.ndarray:
  """Vectors of neutral words, a few of which are replaced by words of the cue's lexicon."""
  neutral, lexicon = _vocabulary()
  said = neutral[rng.integers(len(neutral), size=time)]
  places = rng.choice(time, rng.integers(*CUE_WORDS, endpoint=True), replace=False)
  said[places] = lexicon[cue][rng.integers(len(lexicon[cue]), size=len(places))]
  return said


def _voice(cue: str, time: int, rng: np.random.Generator) -> np.ndarray:
  level, trend = _manners()[cue]
  rise = np.linspace(-1, 1, time, dtype=np.float32)[:, None]
  return level + rise * trend + rng.standard_normal((time, WIDTHS['audio']), np.float32)


def _face(cue: str, time: int, rng: np.random.Generator) -> np.ndarray:
  active = max(2, round(time * rng.uniform(*ACTIVE)))
  first = rng.integers(time - active, endpoint=True)
  frames = TREMBLE * rng.standard_normal((time, WIDTHS['video']), np.float32)
  frames[first : first + active, _muscles()[cue]] += MOVE
  return frames


# What is the same for every seed, as vocabularies and faces are.


@functools.cache
def _vocabulary() -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
  """Vectors of neutral words [V, D], and of each class's lexicon."""
  rng, width = np.random.default_rng(1), WIDTHS['text']
  neutral = WORD * rng.standard_normal((NEUTRAL_WORDS, width), np.float32)
  lexicon = {}
  for name in cues.CLASSES:
    alike = LIKENESS * rng.standard_normal(width, np.float32)
    own = rng.standard_normal((len(sentences.LEXICON[name]), width), np.float32)
    lexicon[name] = WORD * (alike + (1 - LIKENESS**2) ** 0.5 * own)
  return neutral, lexicon


@functools.cache
def _manners() -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
  """Class -> level and trend of a voice, each [D]."""
  rng = np.random.default_rng(2)
  return {name: (LEVEL * rng.standard_normal(WIDTHS['audio'], np.float32),
                 TREND * rng.standard_normal(WIDTHS['audio'], np.float32))
          for name in cues.CLASSES}


@functools.cache
def _muscles() -> Mapping[str, np.ndarray]:
  """Class -> which columns of a face it moves; two classes share some."""
  rng = np.random.default_rng(3)
  return {name: rng.choice(WIDTHS['video'], MUSCLES, replace=False) for name in cues.CLASSES}
