"""A generated CMU-MOSI: opinions (`cmu`) in the real release's 93 videos, spelled as released.

The real release has every sound in many forms; here most videos are wave files, whole and in
segments, one is a film and one is films of its segments.
"""

import csv
import functools
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from data_builders.corpora import parallel
from data_builders.synthetic import cmu, film, release, voice
from data_builders.synthetic.cmu import Opinion, Video
from emojax.protocols import mosi

ANNOTATORS = 5
PARTS = {'train': mosi.TRAIN, 'valid': mosi.VALID, 'test': mosi.TEST}
SIZES = {  # videos of each part (None: all), opinions of each part, shortest and longest
  'tiny': ((6, 2, 3), (60, 20, 30), (0.8, 1.5)),
  'small': (None, (1168, 208, 624), (0.8, 2.0)),
  'full': (None, (1284, 229, 686), (0.3, 0.5)),
}
FILM, FILMS = mosi.TRAIN[0], mosi.TRAIN[4]  # the first is in the bc-LSTM training part, as this


def write(out: str | pathlib.Path, *, seed: int = 0, size: str = 'small') -> pathlib.Path:
  """Writes `out`/Raw and returns that folder."""
  if size not in SIZES:
    raise ValueError(f'size={size!r} of mosi is none of: {", ".join(SIZES)}.')
  videos = plan(seed, size)

  def fill(folder: pathlib.Path) -> None:
    for name in ('Audio/WAV_16000/Full', 'Audio/WAV_16000/Segmented', 'Video/Full',
                 'Video/Segmented', 'Transcript/Full', 'Transcript/Segmented', 'Labels'):
      (folder / name).mkdir(parents=True)
    workers = 0 if size == 'tiny' else parallel.workers_available()
    for _ in parallel.map_processes(functools.partial(write_video, folder, seed), videos, workers):
      pass
    with open(folder / 'Labels/OpinionLevelSentiment.csv', 'w', newline='') as file:
      csv.writer(file, lineterminator='\n').writerows(
        row for video in videos for row in labels(video))

  return release.install(pathlib.Path(out, 'Raw'), describe(videos, seed=seed, size=size), fill)


def plan(seed: int, size: str) -> list[Video]:
  """Draws all videos; the numbers of opinions are exact for each part."""
  numbers, opinions, seconds = SIZES[size]
  shares = {part: (names[:number], count) for (part, names), number, count in zip(
    PARTS.items(), numbers or (None,) * 3, opinions)}
  return cmu.plan(shares, ANNOTATORS, seconds, np.random.default_rng([seed, 0]), first=1)


def describe(videos: Sequence[Video], *, seed: int, size: str) -> dict[str, Any]:
  """What `truth.json` says; `bayes_accuracy` is of two classes, zero among the positive."""
  best = cmu.best(ANNOTATORS)
  return release.truth(
    'mosi', seed=seed, size=size, rendered=list(cmu.MODALITIES), sentiment=cmu.SENTIMENT,
    best_sentiment=best,
    bayes_accuracy={name: scores['acc2_nonneg'] for name, scores in best.items()},
    utterances={part: sum(len(v.opinions) for v in videos if v.part == part) for part in PARTS})


def labels(video: Video) -> list[tuple]:
  """start, end, video, segment, sentiment of every opinion."""
  return [(*map(_seconds, (o.start, o.end)), video.name, o.number, float(f'{o.sentiment:.12g}'))
          for o in video.opinions]


def write_video(root: pathlib.Path, seed: int, video: Video) -> None:
  """Writes words and sounds of one video into the release at `root`."""
  said = [(o.number, _bare(o.text)) for o in video.opinions]
  (root / f'Transcript/Segmented/{video.name}.annotprocessed').write_text(
    ''.join(f'{number}_DELIM_{words}\n' for number, words in said))
  (root / f'Transcript/Full/{video.name}.textonly').write_text(
    ''.join(f'{words}\n' for _, words in said))
  wave = cmu.record(video, seed)
  if video.name == FILM:
    film.encode(root / f'Video/Full/{video.name}.mp4', wave)
  elif video.name == FILMS:
    for opinion in video.opinions:
      film.encode(root / f'Video/Segmented/{video.name}_{opinion.number}.mp4', _cut(wave, opinion))
  else:
    release.write_wav(root / f'Audio/WAV_16000/Full/{video.name}.wav', wave)
    for opinion in video.opinions:
      release.write_wav(root / f'Audio/WAV_16000/Segmented/{video.name}_{opinion.number}.wav',
                        _cut(wave, opinion))


def _bare(text: str) -> str:
  """As the release has it: upper case, without punctuation."""
  return ' '.join(re.sub(r"[^\w\s]", '', text).upper().split())


def _cut(wave: np.ndarray, opinion: Opinion) -> np.ndarray:
  return wave[opinion.start : opinion.end]


def _seconds(samples: int) -> float:
  return samples / voice.RATE
