"""Whatever is learned outside the network, from the training rows of one member.

Vocabulary, word vectors, feature moments, class weights: host objects, saved with the run, each
with the name of the split that it came from.
"""

import dataclasses
import io
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from emojax.features import word_vectors, words
from emojax.io import checksums


@dataclasses.dataclass(frozen=True)
class Fitted:
  """Fitted values of one member.

  Attributes:
    source: the split that they were fitted on.
    vocabulary: token -> id.
    scheme: how ids were given, see `features.words.vocabulary`.
    vectors: [V, D] initial word vectors, or None for random ones.
    moments: stream -> (mean [D], deviation [D]) over all training frames, or as `FITS` says.
    class_weights: head -> one factor per class; of several labels on the loss of positives.
  """

  source: str
  vocabulary: Mapping[str, int]
  scheme: str
  vectors: np.ndarray | None
  moments: Mapping[str, tuple[np.ndarray, np.ndarray]]
  class_weights: Mapping[str, tuple[float, ...]]

  def save(self, folder: pathlib.Path) -> None:
    """Writes `fitted.npz` and `fitted.json`, sealed."""
    arrays = {} if self.vectors is None else {'vectors': self.vectors}
    for name, (mean, deviation) in sorted(self.moments.items()):
      arrays |= {f'moments/{name}/mean': mean, f'moments/{name}/deviation': deviation}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    sealed = checksums.Sealed(folder)
    sealed.write_bytes('fitted.npz', buffer.getvalue())
    sealed.write_json('fitted.json', {
      'source': self.source, 'scheme': self.scheme, 'vocabulary': dict(self.vocabulary),
      'class_weights': {head: list(w) for head, w in self.class_weights.items()},
      'arrays': sorted(arrays)})


def is_whole(folder: pathlib.Path) -> bool:
  """Whether `Fitted.save` has written `folder` to its end."""
  return checksums.Sealed(folder).holds('fitted.json')


def load(folder: pathlib.Path) -> Fitted:
  """The inverse of `Fitted.save`; a file that is damaged is named."""
  sealed = checksums.Sealed(folder)
  about = sealed.read_json('fitted.json')
  with np.load(sealed.check('fitted.npz'), allow_pickle=False) as file:
    arrays = {key: file[key] for key in file.files}
  streams = sorted({key.split('/')[1] for key in arrays if key.startswith('moments/')})
  return Fitted(
    about['source'], about['vocabulary'], about['scheme'], arrays.get('vectors'),
    {s: (arrays[f'moments/{s}/mean'], arrays[f'moments/{s}/deviation']) for s in streams},
    {head: tuple(w) for head, w in about['class_weights'].items()})


def word_vectors_of(
    vocabularies: Sequence[Mapping[str, int]], scheme: str, source: str, width: int,
    missing: str = 'zeros') -> list[np.ndarray | None]:
  """Initial vectors [V, width] of each vocabulary; a file is read once for all of them.

  Args:
    source: 'random' (None for each: the model draws and learns them), or the path of a GloVe-style
      text file. (A third way is `checked_word_cache`.)
    missing: what words get that the file lacks, see `word_vectors.embed`.

  Raises:
    ValueError: if `source` is empty: starting from random vectors must be chosen.
  """
  if not source:
    raise ValueError(
      "config.streams.text.vectors is empty. Name a GloVe-style text file (the published system "
      "uses GloVe 840B, 300-d), or choose 'random': vectors then start random and are learned.")
  if source == 'random':
    return [None] * len(vocabularies)
  strings = [words.rows(vocabulary, scheme) for vocabulary in vocabularies]
  wanted = word_vectors.wanted(token for tokens in strings for token in tokens)
  found = word_vectors.read_glove(source, wanted)
  return [word_vectors.embed(tokens, found, width, missing) for tokens in strings]


def checked_word_cache(
    vocabulary: Mapping[str, int], vectors: np.ndarray, scheme: str, width: int,
) -> tuple[Mapping[str, int], np.ndarray]:
  """The original's own vocabulary and vectors, once the config agrees with them."""
  theirs = 'shared_unk' if [*vocabulary.values()].count(1) > 1 else 'clean'
  if scheme != theirs:
    raise ValueError(f"config.streams.text.vocabulary={scheme!r}, but the original's cache files "
                     f'number words as {theirs!r}; set that, or name a file of vectors.')
  if vectors.shape[1] != width:
    raise ValueError(f"config.streams.text.width={width}, but the original's cached vectors are "
                     f'{vectors.shape[1]} wide; set that.')
  return vocabulary, vectors


def fit_moments(
    read: Callable[[int], np.ndarray], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Mean and deviation [D] over all frames of `rows`; a constant feature gets deviation 1."""
  origin, total, squares, count = None, 0.0, 0.0, 0
  for row in rows.tolist():
    frames = read(row).astype(np.float64)
    if len(frames):
      # sums around some frame: around zero, squares of a large constant would swallow its deviation
      origin = frames[0] if origin is None else origin
      frames = frames - origin
      total, squares = total + frames.sum(0), squares + (frames**2).sum(0)
      count += len(frames)
  if not count:
    raise ValueError('there is not one frame to take the mean of.')
  mean = total / count
  deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
  deviation = np.where(deviation > 1e-8, deviation, 1)
  return (mean + origin).astype(np.float32), deviation.astype(np.float32)


def fit_largest(
    read: Callable[[int], np.ndarray], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Zeros, and the largest absolute value [D] over all frames of `rows`; 1 where that is 0."""
  found = [np.abs(frames).max(0) for frames in map(read, rows.tolist()) if len(frames)]
  if not found:
    raise ValueError('there is not one frame to take the largest value of.')
  largest = np.max(found, axis=0).astype(np.float32)
  return np.zeros_like(largest), np.where(largest > 0, largest, 1)


# `config.streams.NAME.normalise` -> how (what is subtracted, what it is divided by) [D] are found
FITS = {'train': fit_moments, 'train_largest': fit_largest}


def class_weights(
    setting: str | Sequence[float], ids: np.ndarray, names: Sequence[str]) -> tuple[float, ...]:
  """One factor per class: 'none', 'balanced' by the counts in `ids`, or the given numbers.

  Of several labels, `ids` int [N, K], balanced ones are (n - P) / P with P utterances that have the
  label. Numbers, float [N, K], know 'none' alone.
  """
  if setting == 'none':
    return (1.0,) * len(names)
  several = ids.ndim == 2
  if several and not np.issubdtype(ids.dtype, np.integer):
    raise ValueError(f"class_weights={setting!r}: a head of numbers knows 'none' alone, since an "
                     'utterance has no class.')
  if setting == 'balanced':
    counts = (ids == 1).sum(0) if several else np.bincount(ids, minlength=len(names))
    said = dict(zip(names, counts.tolist()))
    if not counts.all():
      raise ValueError('balanced class weights need every class in the training part; it has '
                       f'{said}.')
    if several and counts.max() == len(ids):
      raise ValueError('balanced class weights need utterances without each label in the training '
                       f'part; of {len(ids)} it has {said}.')
    found = (len(ids) - counts) / counts if several else len(ids) / (len(names) * counts)
    return tuple(found.tolist())
  if isinstance(setting, str) or len(setting) != len(names):
    raise ValueError(f"class_weights={setting!r}: expected 'none', 'balanced' or {len(names)} "
                     f'numbers for {tuple(names)}.')
  if several and not min(setting) > 0:
    raise ValueError(f'class_weights={setting!r}: a factor on the loss of positives lies above 0.')
  return tuple(float(w) for w in setting)
