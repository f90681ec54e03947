"""Damage to a generated EmoDB, whose names say everything, and what the builder must make of it."""

import functools
import pathlib
import shutil
from collections.abc import Callable

import numpy as np

from data_builders.synthetic import damaged_sounds, defects, iemocap
from data_builders.synthetic.defects import Defect, Planted

CORPUS = 'emodb'
NAMES = '[01][0-9][ab][0-9][0-9][A-Z][a-z]'  # spelled as released


def sounds(root: pathlib.Path) -> dict[str, pathlib.Path]:
  """Id -> sound of every clip."""
  return {f'{CORPUS}/{path.stem}': path for path in sorted(root.glob(f'wav/{NAMES}.wav'))}


def _of_one(
  name: str, why: str, verdict: str, reason: str,
  change: Callable[[pathlib.Path, np.random.Generator], pathlib.Path], *, by_file: str = '',
) -> Defect:
  """A defect of one clip.

  Args:
    name: of the defect.
    why: how it comes about.
    verdict: see `defects.Planted`.
    reason: the same; '{name}' is the clip's.
    change: damages it and gives the file that must get the verdict.
    by_file: 'stem' or 'name', of that file, where the verdict falls on it and not on the clip.
  """
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    known = sounds(root)
    id = defects.pick(root, rng, list(known))
    path = change(known[id], rng)
    told = f'{CORPUS}/{getattr(path, by_file)}' if by_file else id
    reason_of_it = reason.format(name=known[id].name)
    return Planted((told,), str(path.relative_to(root)), verdict, reason_of_it)

  return Defect(name, why, plant)


def _renamed(path: pathlib.Path, name: str) -> pathlib.Path:
  return path.rename(path.with_name(name))


def _copied(path: pathlib.Path, name: str) -> pathlib.Path:
  return pathlib.Path(shutil.copyfile(path, path.with_name(name)))


def _apple(path: pathlib.Path, rng: np.random.Generator) -> pathlib.Path:
  path.with_name(f'._{path.name}').write_bytes(iemocap.APPLE_DOUBLE)
  return path


def _same_sound(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  known = sounds(root)
  ids = list(known)
  pairs = {pair: pair for pair in zip(ids, ids[1:])}
  first, second = defects.pick(root, rng, pairs)
  shutil.copyfile(known[first], known[second])
  return Planted((first, second), str(known[second].relative_to(root)), 'noted',
                 f'{known[second].stem} has the very sound of {known[first].stem}')


def _missing_clips(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  """All clips of sadness: no list in the release tells which they were."""
  lost = {id: path for id, path in sounds(root).items() if path.stem[5] == 'T'}
  for path in lost.values():
    path.unlink()
  return Planted(tuple(lost), 'wav', 'error', 'sadness: 0 of')


def _other_content(root: pathlib.Path, rng: np.random.Generator, name: str) -> Planted:
  ids = tuple(sounds(root))
  shutil.rmtree(root / 'wav')
  (root / name).parent.mkdir(parents=True, exist_ok=True)
  (root / name).write_bytes(b'')
  return Planted(ids, '.', 'error', 'expected the folder wav with clips named like 03a01Fa.wav')


DEFECTS = (
  _of_one('apple_double', 'copied by a Mac: a file ._x beside x', 'repaired', '', _apple),
  _of_one('upper_case_extension', 'written by an old file system', 'repaired', '',
          lambda path, rng: _renamed(path, f'{path.stem}.WAV')),
  _of_one('lower_case_name', 'unpacked by a system that knows one case', 'repaired', '',
          lambda path, rng: _renamed(path, path.name.lower())),
  Defect('same_sound', 'one sound under two names', _same_sound),
  _of_one('unknown_speaker', 'mistyped number', 'excluded', "unknown speaker '07'",
          lambda path, rng: _renamed(path, f'07{path.name[2:]}'), by_file='stem'),
  _of_one('unknown_sentence', 'mistyped code', 'excluded', "unknown sentence 'a11'",
          lambda path, rng: _renamed(path, f'{path.name[:2]}a11{path.name[5:]}'), by_file='stem'),
  _of_one('unknown_emotion', 'English letter for the German one', 'excluded',
          "unknown emotion 'H'",
          lambda path, rng: _renamed(path, f'{path.name[:5]}H{path.name[6:]}'), by_file='stem'),
  _of_one('audio_without_label', 'a sound of another name', 'excluded', 'audio without label',
          lambda path, rng: _copied(path, 'intro.wav'), by_file='stem'),
  _of_one('copied_sound', 'a browser added a copy', 'excluded', 'audio without label',
          lambda path, rng: _copied(path, f'{path.stem} (1).wav'), by_file='stem'),
  _of_one('same_name', 'two archives unpacked into one folder', 'excluded',
          'the name of {name} again',
          lambda path, rng: _copied(path, f'{path.stem}.wav'.lower()), by_file='name'),
  *damaged_sounds.of(sounds),
  Defect('missing_clips', 'download broken off', _missing_clips, error=True),
  Defect('not_unpacked', 'the archive still packed',
         functools.partial(_other_content, name='wav.zip'), error=True),
  Defect('another_corpus', 'the folder of another corpus was given',
         functools.partial(_other_content, name='Session1/dialog/x.txt'), error=True),
)
