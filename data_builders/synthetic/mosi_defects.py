"""Damage to a generated CMU-MOSI, and what the builder must make of it."""

import collections
import functools
import pathlib
import shutil
from collections.abc import Callable

import numpy as np

from data_builders.synthetic import damaged_cmu
from data_builders.synthetic.damaged_cmu import Rows
from data_builders.synthetic.defects import Defect, Planted, pick

CORPUS = 'mosi'
LABELS = 'Labels/OpinionLevelSentiment.csv'
START, END, VIDEO, NUMBER, SCORE = range(5)  # columns of the label file
SEGMENTED = 'Audio/WAV_16000/Segmented'
FULL = 'Audio/WAV_16000/Full'


def videos(root: pathlib.Path) -> dict[str, tuple[str, ...]]:
  """Video -> ids of its segments, of all videos whose sound is a wave file."""
  ids = collections.defaultdict(list)
  for path in (root / SEGMENTED).glob('*.wav'):
    video, _, number = path.stem.rpartition('_')
    ids[video].append(int(number))
  return {video: tuple(f'{CORPUS}/{video}_{number}' for number in sorted(numbers))
          for video, numbers in sorted(ids.items())}


def _transcript(root: pathlib.Path, video: str) -> pathlib.Path:
  return root / f'Transcript/Segmented/{video}.annotprocessed'


_video = functools.partial(damaged_cmu.of_video, videos=videos)


def _of_transcript(change: Callable[[pathlib.Path], None]):
  def apply(root: pathlib.Path, video: str) -> pathlib.Path:
    change(_transcript(root, video))
    return _transcript(root, video)

  return apply


def _only_whole(root: pathlib.Path, video: str) -> pathlib.Path:
  for path in (root / SEGMENTED).glob(f'{video}_*.wav'):
    path.unlink()
  return root / f'{FULL}/{video}.wav'


def _no_sound(root: pathlib.Path, video: str) -> pathlib.Path:
  path = _only_whole(root, video)
  path.unlink()
  return path.parent


def _any(root: pathlib.Path, rng: np.random.Generator) -> tuple[str, str, str]:
  """Id, video and number of a segment that nothing has been done to."""
  id = pick(root, rng, [id for ids in videos(root).values() for id in ids])
  video, _, number = id.partition('/')[2].rpartition('_')
  return id, video, number


def _sound(
  name: str, why: str, verdict: str, reason: str, change: Callable[[pathlib.Path], None]) -> Defect:
  """A defect of the wave file of one segment."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    id, video, number = _any(root, rng)
    file = f'{SEGMENTED}/{video}_{number}.wav'
    change(root / file)
    return Planted((id,), file, verdict, reason.format(name=f'{video}_{number}'))

  return Defect(name, why, plant)


def _label(
  name: str, why: str, verdict: str, reason: str, change: Callable[[list[str]], Rows]) -> Defect:
  """A defect of the label row of one segment: `change(row)` gives the rows in its place."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    id, video, number = _any(root, rng)
    damaged_cmu.edit_rows(root / LABELS, lambda rows: [
      new for row in rows
      for new in (change(row) if row[VIDEO:SCORE] == [video, number] else [row])])
    return Planted((id,), LABELS, verdict, reason.format(name=f'{video}_{number}'))

  return Defect(name, why, plant)


def _said(name: str, why: str, verdict: str, reason: str, new: str) -> Defect:
  """A defect of the line of one segment: `new` is what stands for it, \\g<0> being the line."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    id, video, number = _any(root, rng)
    path = _transcript(root, video)
    damaged_cmu.edit_text(path, rf'^{number}_DELIM_.*\n', new.replace('NUMBER', number))
    return Planted((id,), str(path.relative_to(root)), verdict,
                   reason.format(name=f'{video}_{number}'))

  return Defect(name, why, plant)


def _with(row: list[str], column: int, value: str) -> list[str]:
  return row[:column] + [value] + row[column + 1:]


def _overlap(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  """The first of two neighbours ends two seconds after the second has begun."""
  pairs = {pair: pair for ids in videos(root).values() for pair in zip(ids, ids[1:])}
  first, second = (id.partition('/')[2] for id in pick(root, rng, pairs))

  def later(rows: Rows) -> Rows:
    begins = {f'{row[VIDEO]}_{row[NUMBER]}': float(row[START]) for row in rows}
    return [_with(row, END, f'{begins[second] + 2}')
            if f'{row[VIDEO]}_{row[NUMBER]}' == first else row for row in rows]

  damaged_cmu.edit_rows(root / LABELS, later)
  return Planted((f'{CORPUS}/{first}', f'{CORPUS}/{second}'), LABELS, 'noted',
                 f'{second} begins 2.00 s before {first} ends')


def _all(root: pathlib.Path) -> tuple[str, ...]:
  return tuple(id for ids in videos(root).values() for id in ids)


def _other_header(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  damaged_cmu.edit_rows(
    root / LABELS, lambda rows: [['begin', 'end', 'movie', 'segment', 'sentiment'], *rows])
  return Planted(_all(root), LABELS, 'error', 'has no column for the video')


def _no_labels(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  ids = _all(root)
  (root / LABELS).unlink()
  return Planted(ids, LABELS, 'error', f'needs {LABELS}')


def _no_sounds(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  ids = _all(root)
  for folder in ('Audio', 'Video'):
    shutil.rmtree(root / folder)
  return Planted(ids, 'Audio', 'error', 'mosi/text')


def _other_corpus(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  ids = _all(root)
  shutil.rmtree(root / 'Transcript')
  (root / 'train_sent_emo.csv').write_text('Sr No.,Utterance\n')
  return Planted(ids, '.', 'error', 'expected the folder Raw with Transcript/Segmented')


DEFECTS = (
  _video('windows_line_ends', 'saved by a Windows editor: BOM and CRLF', 'repaired', '',
         change=_of_transcript(damaged_cmu.as_windows)),
  _video('no_transcript_file', 'transcript lost', 'noted', 'has no transcript',
         change=_of_transcript(pathlib.Path.unlink)),
  _video('whole_sound_alone', 'segments not unpacked, the whole video was', 'repaired', '',
         change=_only_whole),
  _video('no_sound_of_a_video', 'sounds lost', 'excluded', 'its sound is not in the release',
         change=_no_sound),
  Defect('overlapping_times', 'times typed by hand', _overlap),
  _label('sentiment_out_of_range', 'a point forgotten: 18 for 1.8', 'excluded',
         'sentiment 18 lies outside -3..3', lambda row: [_with(row, SCORE, '18')]),
  _label('label_unreadable', 'no annotator answered', 'excluded', 'label row that cannot be read',
         lambda row: [_with(row, SCORE, 'n/a')]),
  _label('transcript_without_label', 'row of the label file lost', 'excluded',
         'transcript without label', lambda row: []),
  _label('listed_twice', 'a row copied', 'noted', '{name} is listed twice, alike',
         lambda row: [row, row]),
  _label('labelled_twice', 'a row copied and changed', 'excluded', 'labelled twice, in two ways',
         lambda row: [row, _with(row, SCORE, '3.0' if row[SCORE] != '3.0' else '-3.0')]),
  _label('ends_before_it_begins', 'times exchanged', 'excluded', 'ends before it begins',
         lambda row: [[row[END], row[START], *row[VIDEO:]]]),
  _label('shorter_than_a_frame', 'a stray cut', 'excluded', 'shorter than a frame',
         lambda row: [_with(row, END, f'{float(row[START]) + 0.01}')]),
  _label('bom_in_id', 'two files put together: a byte order mark amid them', 'repaired', '',
         lambda row: [_with(row, VIDEO, '\ufeff' + row[VIDEO])]),
  _said('no_transcript_line', 'line of the transcript lost', 'noted', '{name} has no transcript',
        ''),
  _said('transcribed_twice', 'line of the transcript copied and changed', 'noted',
        '{name} is transcribed twice', r'\g<0>NUMBER_DELIM_SOMETHING ELSE' + '\n'),
  _said('unknown_line', 'a remark between the lines', 'noted', 'has a line of unknown form',
        r'\g<0>SEE NUMBER' + '\n'),
  _sound('sound_of_a_segment_lost', 'cut out of the whole video instead', 'repaired', '',
         pathlib.Path.unlink),
  _sound('wrong_sample_rate', 'converted to telephone quality', 'noted',
         '{name}.wav is at 8000 Hz, not 16000', damaged_cmu.at_8_khz),
  _sound('silence', 'the microphone was off', 'noted', '{name} is silence', damaged_cmu.silent),
  _sound('half_copied', 'the copy was broken off', 'excluded', 'audio cut short',
         damaged_cmu.half_copied),
  _sound('no_bytes', 'the disk was full', 'excluded', 'cannot be read', damaged_cmu.without_bytes),
  Defect('other_header', 'the label file of somebody else', _other_header, error=True),
  Defect('no_labels', 'the label file comes apart from the rest', _no_labels, error=True),
  Defect('sounds_not_unpacked', 'labels and words without any sound', _no_sounds, error=True),
  Defect('another_corpus', 'the folder of another corpus was given', _other_corpus, error=True),
)
