"""Damage to a generated MELD, as its trackers report it, and what the builder must make of it."""

import csv
import functools
import io
import pathlib
import shutil
from collections.abc import Callable

import numpy as np

from data_builders.corpora import from_release, release
from data_builders.synthetic import defects, film, iemocap, meld, voice
from data_builders.synthetic.defects import Defect, Planted
from data_builders.synthetic.meld import CLIPS, FILES

Rows = list[dict[str, str]]


def clips(root: pathlib.Path) -> dict[str, pathlib.Path]:
  """Id -> clip of every utterance."""
  return {f'meld/{part}/{path.stem}': path for part, folder in CLIPS.items()
          for path in sorted((root / folder).glob('dia*.mp4'))}


def _rows(root: pathlib.Path, part: str) -> Rows:
  text = release.read_text(root / FILES[part])
  return list(csv.DictReader(io.StringIO(text, newline='')))


def _id(part: str, row: dict[str, str]) -> str:
  return f'meld/{part}/dia{row["Dialogue_ID"]}_utt{row["Utterance_ID"]}'


def _of_clip(
  name: str, why: str, verdict: str, reason: str, change: Callable[[pathlib.Path], None],
) -> Defect:
  """A defect of one clip, which `change` damages."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    known = clips(root)
    id = defects.pick(root, rng, list(known))
    change(known[id])
    return Planted((id,), str(known[id].relative_to(root)), verdict, reason)

  return Defect(name, why, plant)


def _of_row(
  name: str, why: str, verdict: str, reason: str, change: Callable[[Rows, int], None],
  part: str = 'train',
) -> Defect:
  """A defect of one row of a csv file: `change` edits the rows, given the number of that one."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    rows = _rows(root, part)
    numbers = {_id(part, row): number for number, row in enumerate(rows)}
    id = defects.pick(root, rng, list(numbers))
    change(rows, numbers[id])
    meld.save(root / FILES[part], rows)
    return Planted((id,), FILES[part], verdict, reason)

  return Defect(name, why, plant)


def _of_file(
  name: str, why: str, verdict: str, reason: str, part: str, change: Callable[[str], bytes],
) -> Defect:
  """A defect of a whole csv file, whose text `change` writes in another way."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    path = root / FILES[part]
    first = [row for row in _rows(root, part) if row['Utterance_ID'] == '0']  # at 0 come what may
    id = defects.pick(root, rng, [_id(part, row) for row in first])
    path.write_bytes(change(path.read_bytes().decode()))
    return Planted((id,), FILES[part], verdict, reason)

  return Defect(name, why, plant, error=verdict == 'error')


def _set(column: str, value: str) -> Callable[[Rows, int], None]:
  def change(rows: Rows, number: int) -> None:
    rows[number][column] = value

  return change


def _swap_times(rows: Rows, number: int) -> None:
  row = rows[number]
  row['StartTime'], row['EndTime'] = row['EndTime'], row['StartTime']


def _again(rows: Rows, number: int, **changes: str) -> None:
  rows.insert(number + 1, rows[number] | changes)


def _wrong_sentiment(rows: Rows, number: int) -> None:
  rows[number] |= {'Emotion': 'joy', 'Sentiment': 'negative'}


def _in_two_parts(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  known = {_id('train', row): row for row in _rows(root, 'train') if row['Utterance']}
  one = defects.pick(root, rng, list(known))
  rows = _rows(root, 'test')
  number = 1 + max(int(row['Dialogue_ID']) for row in rows)
  moved = known[one] | {'Dialogue_ID': str(number), 'Utterance_ID': '0'}
  other = _id('test', moved)
  meld.save(root / FILES['test'], [*rows, moved])
  shutil.copyfile(clips(root)[one], root / CLIPS['test'] / f'dia{number}_utt0.mp4')
  return Planted((one, other), FILES['test'], 'noted',
                 f'{other.partition("/")[2]} is {one.partition("/")[2]} again')


def _final_videos(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  known = {id: path for id, path in clips(root).items() if id.startswith('meld/test/')}
  path = known[defects.pick(root, rng, list(known))]
  extra = pathlib.Path(shutil.copyfile(path, path.with_name(f'final_videos_test{path.name}')))
  return Planted((f'meld/test/{extra.stem}',), str(extra.relative_to(root)), 'excluded',
                 release.UNLABELLED)


def _apple(path: pathlib.Path) -> None:
  path.with_name(f'._{path.name}').write_bytes(iemocap.APPLE_DOUBLE)


def _garbage(path: pathlib.Path) -> None:
  content = path.read_bytes()
  half = len(content) // 2
  path.write_bytes(content[:half] + bytes(len(content) - half))  # the index stands at the end


def _half(path: pathlib.Path) -> None:
  content = path.read_bytes()
  path.write_bytes(content[:len(content) // 2])


def _four_minutes(path: pathlib.Path) -> None:
  rng = np.random.default_rng(0)
  film.encode(path, rng.integers(-300, 300, 240 * voice.RATE, np.int16))


def _silence(path: pathlib.Path) -> None:
  film.encode(path, np.zeros(voice.RATE, np.int16))


def _no_media(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  for folder in CLIPS.values():
    shutil.rmtree(root / folder)
  return Planted((), '.', 'error', 'meld/text')


def _two_versions(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  rows = _rows(root, 'valid')
  (root / 'data').mkdir()
  meld.save(root / 'data' / FILES['valid'], rows[1:])
  return Planted((), f'data/{FILES["valid"]}', 'error', 'differ')


DEFECTS = (
  Defect('in_two_parts', 'one utterance in two scenes of the list, as train dia12_utt7 is',
         _in_two_parts),
  _of_clip('missing_clip', 'never uploaded, as dev dia110_utt7', 'excluded',
           from_release.NO_SOUND, pathlib.Path.unlink),
  _of_clip('corrupt_clip', 'a broken container, as train dia125_utt3', 'excluded',
           'a file that cannot be read', _garbage),
  _of_clip('half_copied', 'the copy was broken off', 'excluded', 'a file that cannot be read',
           _half),
  _of_clip('no_bytes', 'the disk was full: a file of no bytes', 'excluded',
           'a file that cannot be read', lambda path: path.write_bytes(b'')),
  _of_clip('no_sound_stream', 'cut without its sound', 'excluded', 'a film without sound',
           functools.partial(film.encode, samples=None)),
  _of_clip('four_minutes', 'wrongly cut, as test dia220_utt0', 'noted', 'an utterance of 240 s',
           _four_minutes),
  _of_clip('silence', 'cut where nobody speaks', 'noted', 'is silence', _silence),
  _of_clip('apple_double', 'unpacked by a Mac: a file ._x beside x', 'repaired', '', _apple),
  Defect('final_videos', 'clips that no row is of, as in the test part', _final_videos),
  _of_row('listed_differently', 'two rows of one number', 'excluded',
          'listed 2 times, differently', functools.partial(_again, Speaker='Nobody')),
  _of_row('listed_twice', 'a row pasted twice', 'noted', 'is listed 2 times, alike', _again),
  _of_row('end_before_start', 'start and end swapped', 'noted', 'its clip alone tells',
          _swap_times),
  _of_row('no_time', 'a time that is none', 'noted', 'its clip alone tells',
          _set('EndTime', '#REF!')),
  _of_row('unknown_emotion', 'a label of another corpus', 'excluded',
          "'happiness' is no emotion of the release", _set('Emotion', 'happiness')),
  _of_row('wrong_sentiment', 'a sentiment that the emotion cannot have', 'excluded',
          "joy cannot be 'negative'", _wrong_sentiment),
  _of_row('no_words', 'an utterance without transcript', 'noted', 'has no words',
          _set('Utterance', '')),
  _of_file('byte_order_mark', 'saved by Excel: a BOM before the header', 'repaired', '', 'valid',
           lambda text: b'\xef\xbb\xbf' + text.encode()),
  _of_file('western_encoding', 'saved by Windows: curly quotes of cp1252', 'repaired', '', 'test',
           lambda text: text.encode('cp1252')),
  _of_file('line_feeds', 'converted by git: no carriage returns', 'repaired', '', 'train',
           lambda text: text.replace('\r\n', '\n').encode()),
  _of_file('wrong_header', 'a column renamed', 'error', "did you mean 'Emotions'?", 'train',
           lambda text: text.replace('Emotion,', 'Emotions,', 1).encode()),
  _of_file('missing_quote', 'a comma that no quote protects', 'error', 'for 11 columns', 'train',
           lambda text: text.replace('\r\n', '\r\n1,2,3\r\n', 1).encode()),
  Defect('no_media', 'the csv files alone were downloaded', _no_media, error=True),
  Defect('two_versions', 'two downloads in one folder', _two_versions, error=True),
)
