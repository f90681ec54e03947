"""A generated CMU-MOSEI: opinions (`cmu`) of many speakers, spelled as released.

Three annotators rate each; some are transcribed and never rated. Segments are cut with some
silence around them, the first of some videos reaches before its beginning. The SDK counts rated
segments in the order of their clips' numbers as words ('0', '1', '10', '2'), hence two numberings.
"""

import csv
import functools
import pathlib
import string
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from data_builders.corpora import parallel
from data_builders.synthetic import cmu, film, release, voice
from data_builders.synthetic.cmu import Opinion, Video

ANNOTATORS = 3
UNRATED = 0.1
AROUND = 0.1  # seconds of silence that belong to a segment, on either side
EARLY = 0.3  # the same before the first segment of some videos
PARTS = ('train', 'valid', 'test', '')
SIZES = {  # videos of each part, rated opinions of each part, shortest and longest
  'tiny': ((14, 3, 4, 1), (78, 16, 22, 4), (0.8, 1.5)),
  'small': ((202, 27, 61, 6), (1404, 161, 401, 34), (0.8, 2.0)),
  'full': ((2249, 300, 676, 68), (16327, 1871, 4662, 399), (0.3, 0.5)),
}
EMOTIONS = {'happy': 'happiness', 'sad': 'sadness'}  # as annotators were asked, where it differs
BATCHES = ('5000_batch_raw.csv', 'Batch_2980374_batch_results.csv')
FOLDERS = ('Audio/Full/WAV_16000', 'Videos/Full/Combined', 'Videos/Segmented/Combined',
           'Transcript/Segmented/Combined', 'Transcript/Full/Alignment/P2FA/Combined', 'Labels')


def write(out: str | pathlib.Path, *, seed: int = 0, size: str = 'small') -> pathlib.Path:
  """Writes `out`/Raw and returns that folder."""
  if size not in SIZES:
    raise ValueError(f'size={size!r} of mosei is none of: {", ".join(SIZES)}.')
  videos = plan(seed, size)

  def fill(folder: pathlib.Path) -> None:
    for name in FOLDERS:
      (folder / name).mkdir(parents=True)
    _write_labels(folder, seed, videos)
    (folder / 'cmu_mosei_std_folds.py').write_text(folds(videos))
    jobs = [(video, _media(k)) for k, video in enumerate(videos)]
    workers = 0 if size == 'tiny' else parallel.workers_available()
    for _ in parallel.map_processes(functools.partial(write_video, folder, seed), jobs, workers):
      pass

  return release.install(pathlib.Path(out, 'Raw'), describe(videos, seed=seed, size=size), fill)


def plan(seed: int, size: str) -> list[Video]:
  """Draws all videos; the numbers of rated opinions are exact for each part."""
  rng = np.random.default_rng([seed, 0])
  numbers, opinions, seconds = SIZES[size]
  names = video_names(sum(numbers), rng)
  ends = np.cumsum(numbers)
  shares = {part: (names[end - number : end], count)
            for part, end, number, count in zip(PARTS, ends, numbers, opinions)}
  return cmu.plan(shares, ANNOTATORS, seconds, rng, unrated=UNRATED)


def video_names(number: int, rng: np.random.Generator) -> list[str]:
  """Different names of videos as YouTube gives them, a few more than asked for."""
  letters = list(string.ascii_letters + string.digits + '-_')
  return list(dict.fromkeys(''.join(rng.choice(letters, 11)) for _ in range(number + 9)))


def describe(videos: Sequence[Video], *, seed: int, size: str) -> dict[str, Any]:
  """What `truth.json` says; `bayes_accuracy` is of two classes, zero among the positive."""
  best = cmu.best(ANNOTATORS)
  return release.truth(
    'mosei', seed=seed, size=size, rendered=list(cmu.MODALITIES), sentiment=cmu.SENTIMENT,
    emotions=cmu.SEEN, best_sentiment=best, best_emotions=cmu.best_emotions(ANNOTATORS),
    bayes_accuracy={name: scores['acc2_nonneg'] for name, scores in best.items()},
    utterances={part: sum(o.rated for v in videos if v.part == part for o in v.opinions)
                for part in PARTS if part})


def times(video: Video) -> list[tuple[float, float]]:
  """Start and end of every segment in seconds, silence around it included."""
  early = EARLY if len(video.opinions) % 4 == 0 else AROUND
  before = [early] + [AROUND] * len(video.opinions)
  return [(round(o.start / voice.RATE - silence, 3), round(o.end / voice.RATE + AROUND, 3))
          for o, silence in zip(video.opinions, before)]


def folds(videos: Sequence[Video]) -> str:
  """The SDK's Python file of three lists."""
  named = {part: [v.name for v in videos if v.part == part] for part in PARTS if part}
  return ''.join(f'standard_{part}_fold={names!r}\n' for part, names in named.items())


def table(video: Video) -> list[dict[str, Any]]:
  """The SDK's labels of a video as rows, in the SDK's order."""
  rated = [(o, when) for o, when in zip(video.opinions, times(video)) if o.rated]
  rated.sort(key=lambda one: str(one[0].number))
  return [
    {'file': video.name, 'index': index, 'start': start, 'end': end,
     'sentiment': f'{o.sentiment:.7g}', **{name: f'{np.mean([seen[k] for seen in o.seen]):.7g}'
                                           for k, name in enumerate(cmu.SEEN)}}
    for index, (o, (start, end)) in enumerate(rated)]


def write_video(root: pathlib.Path, seed: int, job: tuple[Video, str]) -> None:
  """Writes words and sound of a video into the release at `root`."""
  video, media = job
  when = times(video)
  (root / f'Transcript/Segmented/Combined/{video.name}.txt').write_text(''.join(
    f'{video.name}___{o.number}___{start}___{end}___{o.text}\n'
    for o, (start, end) in zip(video.opinions, when)))
  (root / f'Transcript/Full/Alignment/P2FA/Combined/{video.name}.TextGrid').write_text(
    alignment(video))
  wave = cmu.record(video, seed)
  if media == 'film':
    film.encode(root / f'Videos/Full/Combined/{video.name}.mp4', wave)
  elif media == 'films':
    for o, (start, end) in zip(video.opinions, when):
      first, last = (max(0, round(time * voice.RATE)) for time in (start, end))
      film.encode(root / f'Videos/Segmented/Combined/{video.name}_{o.number}.mp4', wave[first:last])
  else:
    release.write_wav(root / f'Audio/Full/WAV_16000/{video.name}.wav', wave)


def alignment(video: Video) -> str:
  """When each word is said, as P2FA writes it: a TextGrid in its short form."""
  said = []
  for opinion in video.opinions:
    words = opinion.text.upper().split()
    edges = np.linspace(opinion.start, opinion.end, len(words) + 1) / voice.RATE
    said += [(start, end, word) for start, end, word in zip(edges, edges[1:], words)]
    said.append((edges[-1], edges[-1] + 0.1, 'sp'))
  end = said[-1][1] if said else 0.0
  lines = ['File type = "ooTextFile short"', '"TextGrid"', '', '0.0', f'{end:.3f}', '<exists>', '1',
           '"IntervalTier"', '"word"', '0.0', f'{end:.3f}', str(len(said))]
  for start, end, word in said:
    lines += [f'{start:.3f}', f'{end:.3f}', '"' + word.replace('"', '') + '"']
  return '\n'.join(lines) + '\n'


def _media(number: int) -> str:
  """In which form the sound of a video is there: most are wave files."""
  return {1: 'film', 3: 'films'}.get(number, 'wav')


def _write_labels(root: pathlib.Path, seed: int, videos: Sequence[Video]) -> None:
  rng = np.random.default_rng([seed, 3])
  rows = [row for video in videos for o in video.opinions if o.rated
          for row in _answers(video.name, o, rng)]
  half = ANNOTATORS * (len(rows) // (2 * ANNOTATORS))
  for name, part in zip(BATCHES, (rows[:half], rows[half:])):
    _write_table(root / 'Labels' / name, part)
  _write_table(root / 'Labels/CMU_MOSEI_Labels.csv', (r for video in videos for r in table(video)))


def _answers(name: str, opinion: Opinion, rng: np.random.Generator) -> Iterable[dict[str, Any]]:
  """A row per annotator, as Amazon Mechanical Turk gives them out."""
  workers = rng.choice(400, ANNOTATORS, replace=False)
  for worker, vote, seen in zip(workers, opinion.votes, opinion.seen):
    answers = {f'Answer.{EMOTIONS.get(e, e)}': s for e, s in zip(cmu.SEEN, seen)}
    yield {
      'HITId': (task := f'3{name}{opinion.number:04}'), 'AssignmentId': f'{task}W{worker}',
      'WorkerId': f'A{worker:05}', 'Input.VIDEO_ID': name, 'Input.CLIP': opinion.number,
      **dict(sorted(answers.items())), 'Answer.sentiment': vote}


def _write_table(path: pathlib.Path, rows: Iterable[dict[str, Any]]) -> None:
  rows = list(rows)
  with open(path, 'w', newline='', encoding='utf-8') as file:
    writer = csv.DictWriter(file, list(rows[0]), lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
