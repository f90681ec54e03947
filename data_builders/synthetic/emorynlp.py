"""A generated EmoryNLP: the lines of `friends` as csv files, spelled as released; no media."""

import csv
import pathlib

from data_builders.corpora import emorynlp_release
from data_builders.synthetic import cues, friends, release
from data_builders.synthetic.friends import Line

CUES = dict(Neutral='neu', Joyful='hap', Sad='sad', Mad='ang', Scared='fea', Peaceful='pea',
            Powerful='pow')
TABLES = {'text': cues.wider(cues.TABLES['text'], ('fea', 'pea', 'pow'))}
SURNAMES = dict(Rachel='Green', Monica='Geller', Phoebe='Buffay', Joey='Tribbiani',
                Chandler='Bing', Ross='Geller')
HEADER = emorynlp_release.FORM.columns


def write(out: str | pathlib.Path, *, seed: int = 0, size: str = 'small') -> pathlib.Path:
  """Writes `out`/emorynlp and returns it; full has as many utterances as the real one."""
  numbers = friends.counts('emorynlp', emorynlp_release.COUNTS, size)
  lines = friends.plan(numbers, CUES, TABLES, friends.SECONDS[size], seed)

  def fill(folder: pathlib.Path) -> None:
    for part, name in emorynlp_release.FORM.files.items():
      with open(folder / name, 'w', encoding='utf-8', newline='') as file:
        csv.writer(file, lineterminator='\n').writerows(
          [HEADER, *(_row(line) for line in lines if line.part == part)])

  about = friends.describe('emorynlp', numbers, CUES, TABLES, seed=seed, size=size)
  return release.install(pathlib.Path(out, 'emorynlp'), about, fill)


def _row(line: Line) -> tuple:
  """In the order of `HEADER`; scenes count from 1, as utterances do."""
  return (line.text, str([_full(line.speaker)]), line.emotion, line.dialogue + 1, line.number + 1,
          line.season, line.episode, _time(line.start), _time(line.end))


def _full(name: str) -> str:
  return f'{name} {SURNAMES[name]}' if name in SURNAMES else name


def _time(milliseconds: int) -> str:
  """'00:09:34.865'."""
  rest, thousandths = divmod(milliseconds, 1000)
  minutes, seconds = divmod(rest, 60)
  return f'{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{thousandths:03}'
