"""MME2E's hand-crafted features: one pickle a split, which is read whole.

Each function reads one file: name of an utterance -> float32 [T, D].

    {split}_text_features.pt      name -> T vectors of GloVe
    {split}_audio_features.pt     name -> {'L', 'R': [763 or more, T]}
    {split}_video_features.pt     name -> {'image_L_0': numbers of OpenFace, ...}
    mosei_senti_hcf_{split}.pkl   {'id': [n], 'text', 'audio', 'vision': [n, T, D]}

Raises ValueError, with file and name, where something else is there.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from emojax.features import cuts_mme2e
from emojax.io import pickles

FACE_COLUMNS = 35  # the last of OpenFace's: 17 intensities and 18 presences of action units
MAX_STEPS = 100_000_000  # IEMOCAP's training part has 1.4 million images, each an array of its own


def read_text(path: pathlib.Path) -> dict[str, np.ndarray]:
  """Name -> [T, 300]; an utterance without words has none."""
  return {name: _matrix(path, name, value) if len(value) else np.zeros((0, 300), np.float32)
          for name, value in read_dict(path).items()}


def read_audio(columns: Sequence[int], path: pathlib.Path) -> dict[str, np.ndarray]:
  """Name -> the wanted columns [T, D] of the speaker's own channel."""
  found = {}
  for name, channels in read_dict(path).items():
    side = cuts_mme2e.side(name)
    if not isinstance(channels, dict) or side not in channels:
      raise ValueError(f"{path}: {name} has no channel {side!r}; expected a dict of 'L' and 'R'.")
    matrix = _matrix(path, name, channels[side])
    if len(matrix) <= max(columns):
      raise ValueError(f'{path}: {name} has {len(matrix)} rows of features, expected '
                       f'{max(columns) + 1} or more, [features, T].')
    found[name] = matrix[list(columns)].T
  return found


def read_video(path: pathlib.Path) -> dict[str, np.ndarray]:
  """Name -> action units [T, 35] of the speaker's half; images without are passed over."""
  found = {}
  for name, images in read_dict(path).items():
    if not isinstance(images, dict):
      raise ValueError(f'{path}: {name} holds a {type(images).__name__}; expected a dict by image.')
    side = cuts_mme2e.side(name)
    numbered = (images.get(f'image_{side}_{i}') for i in range(len(images) // 2))
    kept = [np.asarray(values)[-FACE_COLUMNS:] for values in numbered if values is not None]
    found[name] = (_matrix(path, name, kept) if kept else np.zeros((0, FACE_COLUMNS), np.float32))
    if found[name].shape[1] != FACE_COLUMNS:
      raise ValueError(f'{path}: {name} has images of {found[name].shape[1]} numbers, expected '
                       f'{FACE_COLUMNS} or more.')
  return found


def read_mosei(key: str, path: pathlib.Path) -> dict[str, np.ndarray]:
  """Name -> [T, D]; all are as long, and the files do not say how much of it is padding."""
  content = read_dict(path)
  if missing := sorted({'id', key} - content.keys()):
    raise ValueError(f'{path} lacks {missing}; it has {sorted(content)}.')
  names, values = np.asarray(content['id']).ravel().tolist(), np.asarray(content[key])
  if values.ndim != 3 or len(values) != len(names):
    raise ValueError(f'{path}: expected {key} [{len(names):,}, T, D], as many as ids; found '
                     f'{list(values.shape)}.')
  return {name: _matrix(path, name, value) for name, value in zip(names, values)}


def read_dict(path: pathlib.Path) -> dict[str, Any]:
  """The dict that is pickled in a file."""
  content = pickles.load(path, max_steps=MAX_STEPS)
  if not isinstance(content, dict):
    raise ValueError(f'{path} holds a {type(content).__name__}; expected a dict.')
  return content


def _matrix(path: pathlib.Path, name: str, value: Any) -> np.ndarray:
  try:
    matrix = np.asarray(value, np.float32)
  except (TypeError, ValueError):
    matrix = np.zeros(0)
  if matrix.ndim != 2 or not np.isfinite(matrix).all():
    raise ValueError(f'{path}: {name}: expected a matrix of finite numbers, found '
                     f'{type(value).__name__} {list(matrix.shape)}.')
  return matrix
