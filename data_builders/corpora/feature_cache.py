"""Values of a costly feature, kept as files while a dataset is built: a killed build goes on."""

import dataclasses
import hashlib
import io
import json
import pathlib

import numpy as np

from emojax.features import catalogue
from emojax.io import files

_DIGEST = 16  # bytes


@dataclasses.dataclass(frozen=True)
class Cached:
  """A feature that is looked up in a folder before it is computed; see `cached`.

  A file is named after the sound and all that the numbers depend on. It appears whole or not at
  all, and begins with the digest of the rest: one that is not as it was written is computed again.
  """

  feature: catalogue.Feature
  about: str
  folder: pathlib.Path

  def __call__(self, sound: tuple[np.ndarray, int]) -> tuple[np.ndarray, str]:
    """(values, ''), or (no frames, the reason), as the feature answers. Runs in a worker."""
    path = self.folder / self._name(*sound)
    found = _read(path)
    if found is None:
      found = self.feature(sound)
      _write(path, *found)
    return found

  def _name(self, waveform: np.ndarray, sample_rate: int) -> str:
    about = f'{self.about} {sample_rate} {waveform.dtype} {waveform.shape} '
    return _digest(about.encode() + waveform.tobytes()).hex()


def cached(feature: catalogue.Feature, folder: pathlib.Path) -> Cached:
  """The feature, its values kept in `folder`."""
  return Cached(feature, json.dumps(feature.metadata(), sort_keys=True), folder)


def _read(path: pathlib.Path) -> tuple[np.ndarray, str] | None:
  try:
    content = path.read_bytes()
  except FileNotFoundError:
    return None
  digest, rest = content[:_DIGEST], content[_DIGEST:]
  if digest != _digest(rest):
    return None
  with np.load(io.BytesIO(rest), allow_pickle=False) as file:
    return file['values'], str(file['reason'])


def _write(path: pathlib.Path, values: np.ndarray, reason: str) -> None:
  content = io.BytesIO()
  np.savez(content, values=values, reason=np.array(reason))
  files.write_bytes(path, _digest(content.getvalue()) + content.getvalue())


def _digest(content: bytes) -> bytes:
  return hashlib.blake2b(content, digest_size=_DIGEST).digest()
