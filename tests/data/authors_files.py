"""Processed files as the authors of MAT and MNT gave them out, of all five corpora, made up.

`write` makes a small whole tree, in which words and sound tell the class; `write_part` one split.
"""

import pathlib
import pickle
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np

from emojax.io import pickles
from emojax.protocols import mosi

COMMON = 'well, I said the movie was on at home then'.split()


def write_part(folder: pathlib.Path, split: str, **files: Mapping[str, Any]) -> None:
  """`{split}_{what}.p` for every what=content, in the format of the authors' Python."""
  folder.mkdir(parents=True, exist_ok=True)
  for what, content in files.items():
    (folder / f'{split}_{what}.p').write_bytes(pickle.dumps(dict(content), protocol=3))


def write(root: pathlib.Path) -> pathlib.Path:
  """All corpora below `root`, a hundred kilobytes each."""
  random = np.random.default_rng(0)
  _write_corpus(random, root / 'IEMOCAP', {
    split: [f'Ses0{s}F_impro0{d}_{"FM"[i % 2]}{i:03}' for s in sessions for d in (1, 2)
            for i in range(6)]
    for split, sessions in (('traindev', (2, 3, 4, 5)), ('test', (1,)))},
    {'emotions': lambda i: int(i) % 4})
  videos = {'trainval': mosi.TRAIN[:6] + mosi.VALID[:3], 'test': mosi.TEST[:3]}
  _write_corpus(
    random, root / 'MOSI',
    {split: [f'{v}_{i}' for v in names for i in range(1, 7)] for split, names in videos.items()},
    {'sentiment': lambda i: np.float32((i % 5 - 2) * 1.2)})
  mosei = {split: [f'{split}{v}[{i}]' for v in range(n) for i in range(4)]
           for split, n in (('train', 8), ('valid', 3), ('test', 3), ('private', 1))}
  _write_corpus(random, root / 'MOSEI', mosei, {
    'sentiment': lambda i: np.float32(i % 7 - 3),
    'emotion': lambda i: np.float32([max(0, (i + k) % 4 - 2) for k in range(6)])})
  _write_corpus(
    random, root / 'MELD',
    {split: [f'dia{d}_utt{i}' for d in range(n) for i in range(7)]
     for split, n in (('train', 5), ('valid', 2), ('test', 2))},
    {'emotion': lambda i: int(i) % 7, 'sentiment': lambda i: int(i) % 3})
  _write_corpus(
    random, root / 'VGAF',
    {split: [f'{v}_{i}' for v in range(1, n) for i in range(3)]
     for split, n in (('train', 12), ('valid', 5))}, {'emotions': lambda i: '123'[i % 3]})
  return root


def copy_with_test_as_private(folder: pathlib.Path, to: pathlib.Path) -> None:
  """A copy of CMU-MOSEI's files, whose utterances without labels say and sound what test does."""
  shutil.copytree(folder, to)
  test = {what: pickles.load(to / f'test_{what}.p') for what in ('sentences', 'mels')}
  write_part(to, 'private', **{
    what: {key.replace('test', 'private'): value for key, value in content.items()}
    for what, content in test.items()})


def _write_corpus(random, folder, keys, labels) -> None:
  for split, listed in keys.items():
    cues = np.arange(len(listed))
    said = {key: np.array([*random.choice(COMMON, random.integers(1, 9)), f'cue{i % 12}'])
            for key, i in zip(listed, cues)}
    if split == 'private':  # here the authors left words undecoded
      said = {key: np.char.encode(words) for key, words in said.items()}
    mels = {key: frames(random, random.integers(1, 30)) for key in listed}
    files = {} if split == 'private' else {
      kind: {key: label(i) for key, i in zip(listed, cues)} for kind, label in labels.items()}
    write_part(folder, split, sentences=said, mels=mels, **files)


def frames(random: np.random.Generator, length: int) -> np.ndarray:
  """Log-mels [length, 80]."""
  return random.uniform(1e-8, 1, (length, 80)).astype(np.float32)
