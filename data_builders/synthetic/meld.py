"""A generated MELD: the lines of `friends` as csv files and clips, spelled as released."""

import csv
import functools
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from data_builders.corpora import friends_release, meld_release, parallel
from data_builders.synthetic import cues, film, friends, release, voice
from data_builders.synthetic.friends import Line

CUES = dict(neutral='neu', joy='hap', sadness='sad', anger='ang', surprise='sur', fear='fea',
            disgust='dis')
TABLES = {modality: cues.wider(cues.TABLES[modality], ('sur', 'fea', 'dis'))
          for modality in ('text', 'audio')}
HISS = 5  # largest noise of the room, in steps of 16 bits
FILES, CLIPS = meld_release.MELD.files, friends_release.CLIPS
HEADER = ('Sr No.', 'Utterance', 'Speaker', 'Emotion', 'Sentiment', 'Dialogue_ID', 'Utterance_ID',
          'Season', 'Episode', 'StartTime', 'EndTime')

Row = Mapping[str, str]


def write(out: str | pathlib.Path, *, seed: int = 0, size: str = 'small') -> pathlib.Path:
  """Writes `out`/MELD.Raw and returns that folder; full has as many utterances as the real one."""
  numbers = friends.counts('meld', meld_release.COUNTS, size)
  lines = friends.plan(numbers, CUES, TABLES, friends.SECONDS[size], seed)

  def fill(folder: pathlib.Path) -> None:
    for part, name in FILES.items():
      (folder / CLIPS[part]).mkdir()
      save(folder / name, [_row(k, line, seed) for k, line in enumerate(lines, 1)
                           if line.part == part])
    workers = 0 if size == 'tiny' else parallel.workers_available()
    for _ in parallel.map_processes(functools.partial(write_clip, folder, seed), lines, workers):
      pass

  about = friends.describe('meld', numbers, CUES, TABLES, seed=seed, size=size)
  return release.install(pathlib.Path(out, 'MELD.Raw'), about, fill)


def save(path: pathlib.Path, rows: Sequence[Row]) -> None:
  """Writes the csv file of a part."""
  with open(path, 'w', encoding='utf-8', newline='') as file:
    writer = csv.DictWriter(file, HEADER, lineterminator='\r\n')
    writer.writeheader()
    writer.writerows(rows)


def write_clip(root: pathlib.Path, seed: int, line: Line) -> None:
  """Writes the film of a line into the release at `root`."""
  film.encode(root / CLIPS[line.part] / f'dia{line.dialogue}_utt{line.number}.mp4',
             _record(line, seed))


def _row(number: int, line: Line, seed: int) -> Row:
  return dict(zip(HEADER, (
    number, line.text, line.speaker, line.emotion, _sentiment(line, seed), line.dialogue,
    line.number, line.season, line.episode, time(line.start), time(line.end))))


def _sentiment(line: Line, seed: int) -> str:
  """One that goes with the emotion; surprise is good or bad by chance."""
  choices = meld_release.SENTIMENTS.get(line.emotion, ('negative',))
  rng = np.random.default_rng([seed, 3, *line.part.encode(), line.dialogue, line.number])
  return choices[rng.integers(len(choices))]


def time(milliseconds: int) -> str:
  """'00:16:16,059'; without the first zero in every fourth, as in the release."""
  rest, thousandths = divmod(milliseconds, 1000)
  minutes, seconds = divmod(rest, 60)
  zero = '' if milliseconds % 4 == 0 else '0'
  return f'{zero}{minutes // 60}:{minutes % 60:02}:{seconds:02},{thousandths:03}'


def _record(line: Line, seed: int) -> np.ndarray:
  """The sound of a line, int16 [T]."""
  rng = np.random.default_rng([seed, 1, *line.part.encode(), line.dialogue, line.number])
  who = voice.speaker(friends.CAST[line.speaker],
                      np.random.default_rng([seed, 2, *line.speaker.encode()]))
  samples = (line.end - line.start) * voice.RATE // 1000
  said = voice.say(voice.MANNERS[line.manner], who, samples, rng)
  hiss = rng.integers(-HISS, HISS, samples, endpoint=True)
  return np.rint(32767 * said + hiss).astype(np.int16)
