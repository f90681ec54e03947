"""What a model reads of a corpus: one object per modality that turns a row into an array.

A `Reader` has a `spec`, the real `lengths` [N] after trimming, and `example(row)`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol as Interface

import numpy as np

from emojax.features import words
from emojax.types import Stream, StreamSpec

Moments = tuple[np.ndarray, np.ndarray]
EXACT, KEEP = ('kept', 'lost'), ('first', 'last')


class Reader(Interface):
  """A modality of one corpus."""

  spec: StreamSpec
  lengths: np.ndarray  # [N], at most spec.length
  truncated: np.ndarray  # bool [N], whether more was there

  def example(self, row: int) -> np.ndarray:
    """[t, ...], unpadded, t = lengths[row]."""


class Words:
  """Token ids of a transcript, cut to the first (or last) `spec.length` tokens."""

  def __init__(self, tokens: Sequence[Sequence[str]], vocabulary: Mapping[str, int],
               spec: StreamSpec, keep: str = 'first'):
    _check('keep', keep, KEEP)
    self._tokens, self._vocabulary, self.spec = tokens, vocabulary, spec
    found = np.array([len(t) for t in tokens], np.int32)
    self.lengths, self.truncated = np.minimum(found, spec.length), found > spec.length
    self._first = found - self.lengths if keep == 'last' else np.zeros_like(found)

  def example(self, row: int) -> np.ndarray:
    said = self._tokens[row][self._first[row]:]
    return words.lookup(said, self._vocabulary, int(self.lengths[row]))


class Frames:
  """Feature frames, cut to the first (or last) `spec.length`, normalised as the config says."""

  def __init__(self, read: Callable[[int], np.ndarray], lengths: np.ndarray, spec: StreamSpec,
               moments: Callable[[int], Moments] | None = None, exact: str = 'kept',
               keep: str = 'first'):
    """Reads rows by `read`, `lengths` [N] frames long.

    Args:
      moments: row -> (mean [D], deviation [D]) that its frames are normalised with.
      exact: a row that has `spec.length` frames, neither more nor fewer, is 'kept', or is 'lost':
        nothing of it is read, as FME has it, which fills what is shorter and cuts what is longer.
      keep: which frames stay where there are more, the 'first' or the 'last'.

    Raises:
      ValueError: if `exact` or `keep` is none of these.
    """
    _check('exact', exact, EXACT)
    _check('keep', keep, KEEP)
    self._read, self._moments, self.spec = read, moments, spec
    self.lengths = np.minimum(lengths, spec.length).astype(np.int32)
    self.truncated = lengths > spec.length
    self._first = np.maximum(lengths - spec.length, 0) if keep == 'last' else np.zeros_like(lengths)
    if exact == 'lost':
      self.lengths = np.where(lengths == spec.length, 0, self.lengths).astype(np.int32)

  def example(self, row: int) -> np.ndarray:
    first = self._first[row]
    frames = self._read(row)[first:first + self.lengths[row]]
    if self._moments is None or not len(frames):  # sounds too short for a frame keep their row
      return frames
    mean, deviation = self._moments(row)
    return ((frames - mean) / deviation).astype(np.float32)


def _check(field: str, value: str, known: Sequence[str]) -> None:
  if value not in known:
    raise ValueError(f'{field}={value!r}; there are: {", ".join(map(repr, known))}.')


def pad(reader: Reader, rows: np.ndarray, length: int) -> Stream:
  """Rows [B] of one stream, zero-padded on the right to `length`; filler rows are all padding."""
  examples = [reader.example(row)[:length] if row >= 0 else None for row in rows.tolist()]
  shape = (
    (len(rows), length) if reader.spec.vocabulary_size
    else (len(rows), length, reader.spec.width))
  values = np.zeros(shape, np.int32 if reader.spec.vocabulary_size else np.float32)
  mask = np.zeros(shape[:2], np.bool_)
  for i, example in enumerate(examples):
    if example is not None:
      values[i, :len(example)] = example
      mask[i, :len(example)] = True
  return Stream(values, mask)
