"""Damage to a generated CMU-MOSEI, and what the builder must make of it.

Where the SDK's table has a video, the table decides; annotators' answers only add votes.
"""

import functools
import pathlib
import shutil
from collections.abc import Callable, Sequence

import numpy as np

from data_builders.synthetic import damaged_cmu
from data_builders.synthetic.damaged_cmu import Rows
from data_builders.synthetic.defects import Defect, Planted, pick

CORPUS = 'mosei'
TABLE = 'Labels/CMU_MOSEI_Labels.csv'
ANSWERS = 'Labels/5000_batch_raw.csv'
OTHER_ANSWERS = 'Labels/Batch_2980374_batch_results.csv'
FOLDS = 'cmu_mosei_std_folds.py'
FILE, INDEX, START, END, SCORE = range(5)  # columns of the table
ASKED, CLIP = 3, 4  # columns of the answers


def _transcript(root: pathlib.Path, video: str) -> pathlib.Path:
  return root / f'Transcript/Segmented/Combined/{video}.txt'


def _sound(root: pathlib.Path, video: str) -> pathlib.Path:
  return root / f'Audio/Full/WAV_16000/{video}.wav'


def _lines(root: pathlib.Path, video: str) -> list[list[str]]:
  """Video, number, start, end and words of every segment."""
  lines = _transcript(root, video).read_text('utf-8').splitlines()
  return [[video, *line.removeprefix(f'{video}___').split('___')] for line in lines]


def _rated(root: pathlib.Path, video: str, rows: Rows) -> list[tuple[str, list[str]]]:
  """Number of the clip, and row of the table, of the segments of a video that have both."""
  by_time = {tuple(row[START : END + 1]): row for row in rows if row[FILE] == video}
  return [(line[1], by_time[tuple(line[2:4])]) for line in _lines(root, video)
          if tuple(line[2:4]) in by_time]


def videos(root: pathlib.Path) -> dict[str, tuple[str, ...]]:
  """Video -> ids of what is rated in it, of all videos that are a wave file and have words."""
  rows = damaged_cmu.rows_of(root / TABLE)
  names = sorted(path.stem for path in _sound(root, '').parent.glob('*.wav'))
  ids = {video: tuple(f'{CORPUS}/{video}_{number}' for number, _ in _rated(root, video, rows))
         for video in names if _transcript(root, video).is_file()}
  return {video: found for video, found in ids.items() if found}


def _all(root: pathlib.Path) -> tuple[str, ...]:
  return tuple(id for ids in videos(root).values() for id in ids)


def _any(root: pathlib.Path, rng: np.random.Generator) -> tuple[str, str, str, list[str]]:
  """Id, video, number and row of the table of a segment that nothing has been done to."""
  id = pick(root, rng, _all(root))
  video, _, number = id.partition('/')[2].rpartition('_')
  row = dict(_rated(root, video, damaged_cmu.rows_of(root / TABLE)))[number]
  return id, video, number, row


_video = functools.partial(damaged_cmu.of_video, videos=videos)


def _of(place: Callable, change: Callable[[pathlib.Path], None]) -> Callable:
  """A change of that file of a video."""
  def apply(root: pathlib.Path, video: str) -> pathlib.Path:
    change(place(root, video))
    return place(root, video)

  return apply


def _in_a_folder(root: pathlib.Path, video: str) -> pathlib.Path:
  """The annotators were shown paths, not ids."""
  for name in (ANSWERS, OTHER_ANSWERS):
    damaged_cmu.edit_rows(root / name, lambda rows: [
      [*row[:ASKED], f'videos/{video}', *row[CLIP:]] if row[ASKED] == video else row
      for row in rows])
  return root / ANSWERS


def _no_transcript(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  video = pick(root, rng, videos(root))
  indices = [row[INDEX] for row in damaged_cmu.rows_of(root / TABLE) if row[FILE] == video]
  _transcript(root, video).unlink()
  return Planted(tuple(f'{CORPUS}/{video}[{index}]' for index in indices), TABLE, 'excluded',
                 'label at the time of no segment')


def _renumbered(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  """The transcript counts from 1, the annotators' answers count from 0."""
  scores = {tuple(row[: END + 1]): row[SCORE] for row in damaged_cmu.rows_of(root / TABLE)}
  known = {video: ids for video, ids in videos(root).items()
           if len(ids) == len(_lines(root, video))  # nobody was left out
           and len({score for row, score in scores.items() if row[FILE] == video}) > 1}
  video = pick(root, rng, known)
  lines = _lines(root, video)
  _transcript(root, video).write_text(''.join(
    '___'.join([line[0], str(int(line[1]) + 1), *line[2:]]) + '\n' for line in lines), 'utf-8')
  return Planted(tuple(f'{CORPUS}/{video}_{int(line[1]) + 1}' for line in lines),
                 str(_transcript(root, video).relative_to(root)), 'noted',
                 'its votes disagree with the label at its time')


def _shorter_sound(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  """The sound ends one second before its last segment does."""
  last = {video: ids for video, ids in videos(root).items()
          if ids[-1].endswith(f'_{_lines(root, video)[-1][1]}')}
  video = pick(root, rng, last)
  damaged_cmu.until(_sound(root, video), float(_lines(root, video)[-1][3]) - 1)
  return Planted((last[video][-1],), str(_sound(root, video).relative_to(root)), 'excluded',
                 'but the sound ends at')


def _row(
  name: str, why: str, verdict: str, reason: str, change: Callable[[list[str]], Rows]) -> Defect:
  """A defect of a row of the table: `change(row)` gives the rows in its place."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    id, video, number, old = _any(root, rng)
    damaged_cmu.edit_rows(root / TABLE, lambda rows: [
      new for row in rows for new in (change(row) if row == old else [row])])
    return Planted((id,), TABLE, verdict,
                   reason.format(name=f'{video}_{number}', row=f'{video}[{old[INDEX]}]'))

  return Defect(name, why, plant)


def _line(name: str, why: str, verdict: str, reason: str, new: str) -> Defect:
  """A defect of the line of one segment; of what stands for it, \\1 are all fields but words."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    id, video, number, _ = _any(root, rng)
    path = _transcript(root, video)
    damaged_cmu.edit_text(path, rf'^({video}___{number}___[^_]*___[^_]*___).*\n', new)
    return Planted((id,), str(path.relative_to(root)), verdict,
                   reason.format(name=f'{video}_{number}'))

  return Defect(name, why, plant)


def _times(
  name: str, why: str, verdict: str, reason: str,
  change: Callable[[float, float], tuple[float, float]],
) -> Defect:
  """A defect of the times of one segment, in transcript and table alike."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    id, video, number, old = _any(root, rng)
    _move(root, video, number, old, change(float(old[START]), float(old[END])))
    return Planted((id,), str(_transcript(root, video).relative_to(root)), verdict, reason)

  return Defect(name, why, plant)


def _move(root: pathlib.Path, video: str, number: str, old: Sequence[str],
          times: tuple[float, float]) -> None:
  new = [str(round(time, 3)) for time in times]
  damaged_cmu.edit_text(_transcript(root, video), rf'^({video}___{number}___)[^_]*___[^_]*___',
                        rf'\g<1>{new[0]}___{new[1]}___')
  damaged_cmu.edit_rows(root / TABLE, lambda rows: [
    [*row[:START], *new, *row[SCORE:]] if row == old else row for row in rows])


def _overlap(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  """The first of two neighbours ends 1.5 s after the second has begun."""
  pairs = {pair: pair for ids in videos(root).values() for pair in zip(ids, ids[1:-1])}
  first, second = (id.partition('/')[2] for id in pick(root, rng, pairs))
  video = first.rpartition('_')[0]
  rated = {f'{video}_{number}': row
           for number, row in _rated(root, video, damaged_cmu.rows_of(root / TABLE))}
  old = rated[first]
  times = float(old[START]), float(rated[second][START]) + 1.5
  _move(root, video, first.rpartition('_')[2], old, times)
  return Planted((f'{CORPUS}/{first}', f'{CORPUS}/{second}'),
                 str(_transcript(root, video).relative_to(root)), 'noted',
                 f'{second} begins 1.50 s before {first} ends')


def _other_time(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  """The table has a segment five seconds later than the transcript."""
  id, video, _, old = _any(root, rng)
  damaged_cmu.edit_rows(root / TABLE, lambda rows: [
    [*row[:START], f'{float(row[START]) + 5:.3f}', f'{float(row[END]) + 5.021:.3f}', *row[SCORE:]]
    if row == old else row for row in rows])
  return Planted((id, f'{CORPUS}/{video}[{old[INDEX]}]'), TABLE, 'excluded', 'label')


def _answered(name: str, why: str, reason: str, change: Callable[[list[str]], Rows]) -> Defect:
  """A defect of one annotator's answer."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    id, video, number, _ = _any(root, rng)
    found = [path for path in (ANSWERS, OTHER_ANSWERS) if any(
      row[ASKED : CLIP + 1] == [video, number] for row in damaged_cmu.rows_of(root / path))]

    def once(rows: Rows) -> Rows:
      k = next(k for k, row in enumerate(rows) if row[ASKED : CLIP + 1] == [video, number])
      return [*rows[:k], *change(rows[k]), *rows[k + 1 :]]

    damaged_cmu.edit_rows(root / found[0], once)
    return Planted((id,), found[0], 'noted', reason.format(name=f'{video}_{number}'))

  return Defect(name, why, plant)


def _with(row: list[str], column: int, value: str) -> list[str]:
  row = list(row)
  row[column] = value
  return row


def _error(name: str, why: str, file: str, reason: str,
           change: Callable[[pathlib.Path], None]) -> Defect:
  """A defect of the whole release: `change(root)`."""
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    ids = _all(root)
    change(root)
    return Planted(ids, file, 'error', reason)

  return Defect(name, why, plant, error=True)


def _two_splits(root: pathlib.Path) -> None:
  damaged_cmu.edit_text(
    root / FOLDS, r"train_fold=\['([^']*)'(.|\n)*test_fold=\[", r"\g<0>'\1', ")


def _other_header(root: pathlib.Path) -> None:
  damaged_cmu.edit_rows(root / ANSWERS, lambda rows: [
    [name.replace('Answer.', 'Response.') for name in rows[0]], *rows[1:]])


def _no_sounds(root: pathlib.Path) -> None:
  shutil.rmtree(root / 'Audio')
  shutil.rmtree(root / 'Videos')


def _other_corpus(root: pathlib.Path) -> None:
  shutil.rmtree(root / 'Transcript')
  (root / 'train_sent_emo.csv').write_text('Sr No.,Utterance\n')


DEFECTS = (
  Defect('transcript_counts_from_one', 'the two numberings of clips differ', _renumbered),
  Defect('no_transcript_file', 'transcript lost', _no_transcript),
  _video('windows_line_ends', 'saved by a Windows editor: BOM and CRLF', 'repaired', '',
         change=_of(_transcript, damaged_cmu.as_windows)),
  _video('ids_with_folders', 'answers name files, not videos', 'repaired', '',
         change=_in_a_folder),
  _video('no_sound_of_a_video', 'removed from YouTube before it was downloaded', 'excluded',
         'its sound is not in the release', change=_of(_sound, pathlib.Path.unlink)),
  _video('wrong_sample_rate', 'converted to telephone quality', 'noted',
         'is at 8000 Hz, not 16000', change=_of(_sound, damaged_cmu.at_8_khz)),
  _video('half_copied', 'the copy was broken off', 'excluded', 'audio cut short',
         change=_of(_sound, damaged_cmu.half_copied)),
  _video('no_bytes', 'the disk was full', 'excluded', 'cannot be read',
         change=_of(_sound, damaged_cmu.without_bytes)),
  _video('silence', 'the sound track was taken down', 'noted', 'is silence',
         change=_of(_sound, damaged_cmu.silent)),
  Defect('sound_ends_early', 'the video was cut after it was annotated', _shorter_sound),
  Defect('overlapping_times', 'times typed by hand', _overlap),
  Defect('label_at_another_time', 'table and transcript are of two versions', _other_time),
  _times('ends_before_it_begins', 'times exchanged', 'excluded', 'ends before it begins',
         lambda start, end: (end, start)),
  _times('shorter_than_a_frame', 'a stray cut', 'excluded', 'shorter than a frame',
         lambda start, end: (start, start + 0.01)),
  _row('sentiment_out_of_range', 'a point forgotten: 17 for 1.7', 'excluded',
       'sentiment 17 lies outside -3..3', lambda row: [_with(row, SCORE, '17')]),
  _row('label_unreadable', 'no annotator answered', 'excluded', 'label row that cannot be read',
       lambda row: [_with(row, SCORE, 'nan')]),
  _row('transcript_without_label', 'row of the table lost', 'excluded', 'transcript without label',
       lambda row: []),
  _row('listed_twice', 'a row copied', 'noted', '{row} is listed twice', lambda row: [row, row]),
  _row('labelled_twice', 'a row copied and changed', 'excluded', 'labelled twice, in two ways',
       lambda row: [row, _with(row, SCORE, '3' if row[SCORE] != '3' else '-3')]),
  _row('bom_in_id', 'two files put together: a byte order mark amid them', 'repaired', '',
       lambda row: [_with(row, FILE, '\ufeff' + row[FILE])]),
  _line('no_words', 'words lost', 'noted', '{name} has no transcript', r'\1' + '\n'),
  _line('segment_twice', 'a line copied', 'noted', '{name} is listed twice, alike', r'\g<0>\g<0>'),
  _line('segment_twice_differently', 'a line copied and changed', 'excluded',
        'segment listed twice, in two ways', r'\g<0>\1Something else.' + '\n'),
  _line('unknown_line', 'a remark between the lines', 'noted', 'has a line of unknown form',
        r'\g<0>see above' + '\n'),
  _answered('answered_twice', 'batches overlap', '{name} has the same answer twice',
            lambda row: [row, row]),
  _answered('answer_unreadable', 'a word for a number', '{name} has an answer',
            lambda row: [_with(row, -1, 'positive')]),
  _error('video_in_two_parts', 'folds put together by hand', FOLDS, 'in two parts, train and test',
         _two_splits),
  _error('other_header', 'batches of another task', ANSWERS, 'has no column Answer.sentiment',
         _other_header),
  _error('no_folds', "the SDK's list comes apart from the rest", FOLDS,
         'no file says which video is in which part', lambda root: (root / FOLDS).unlink()),
  _error('no_labels', 'labels not unpacked', 'Labels', 'Labels holds no csv file',
         lambda root: shutil.rmtree(root / 'Labels')),
  _error('sounds_not_unpacked', 'labels and words without any sound', 'Audio', 'mosei/text',
         _no_sounds),
  _error('another_corpus', 'the folder of another corpus was given', '.',
         'expected the folder Raw with Transcript', _other_corpus),
)
