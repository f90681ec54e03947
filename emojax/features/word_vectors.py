"""Published word vectors: read from text files, averaged over the pieces of a token.

The originals of MAT and MNT asked spaCy's `en_vectors_web_lg`, which are GloVe's 840B vectors (300
wide), as `glove.840B.300d` of the GloVe project holds them.
"""

import gzip
import io
import itertools
import math
import os
import pathlib
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from absl import logging

from emojax.features import word_pieces

MISSING = ('zeros', 'uniform')


class Coverage(NamedTuple):
  """How many tokens have a vector for every piece, for some, for none."""

  full: int
  partial: int
  none: int


def wanted(tokens: Iterable[str | None]) -> set[str]:
  """Every piece whose vector `embed` will ask for; None, a row of zeros, asks for nothing."""
  return {piece for token in tokens if token for piece in word_pieces.pieces(token)}


def coverage(tokens: Iterable[str | None], vectors: Collection[str]) -> Coverage:
  """Counts tokens by how much of them `vectors` knows; None is not counted."""
  counts = [0, 0, 0]
  for token in tokens:
    if token is not None:
      known = [piece in vectors for piece in word_pieces.pieces(token)]
      counts[2 if not any(known) else 0 if all(known) else 1] += 1
  return Coverage(*counts)


def embed(tokens: Sequence[str | None], vectors: Mapping[str, np.ndarray], width: int,
          missing: str = 'zeros') -> np.ndarray:
  """One row per token, float32 [V, width]: the mean over its pieces, zeros for an unknown piece.

  An unknown piece counts in the mean; a token that is None gives zeros. Coverage is logged.

  Args:
    missing: a token without any known piece gets 'zeros', or 'uniform' numbers within a quarter, as
      MDRE's and FME's; they follow from its letters.

  Raises:
    ValueError: if `missing` is neither, if a vector is not `width` wide, or if no token has any
      vector: wrong file.
  """
  if missing not in MISSING:
    raise ValueError(f'config.streams: missing={missing!r}; there are: {", ".join(MISSING)}.')
  for word, vector in vectors.items():
    if vector.shape != (width,):
      raise ValueError(
        f'the vector of {word!r} has shape {vector.shape}, expected ({width},): set the embedding '
        'width of the model to that of the vectors, or choose other vectors.')
  covered = coverage(tokens, vectors)
  if not covered.full and not covered.partial:
    shown = ', '.join(repr(token) for token in [token for token in tokens if token][:5])
    raise ValueError(f'none of {covered.none} tokens ({shown}, ...) has a word vector among '
                     f'{len(vectors)}: are these vectors of another language or of cased words?')
  logging.info('word vectors: %d tokens covered, %d in part, %d not at all', *covered)
  unknown = np.zeros(width, np.float32)
  table = np.zeros((len(tokens), width), np.float32)
  for row, token in enumerate(tokens):
    split = word_pieces.pieces(token) if token else []
    if missing == 'uniform' and split and not any(piece in vectors for piece in split):
      table[row] = np.random.default_rng(zlib.crc32(token.encode())).uniform(-0.25, 0.25, width)
    elif split:
      table[row] = sum(vectors.get(piece, unknown) for piece in split) / len(split)
  return table


def read_glove(path: str | os.PathLike, wanted: Collection[str]) -> dict[str, np.ndarray]:
  """Word -> float32 [D] for those `wanted` words that the file holds.

  The file has a line "word v1 ... vD" per word, as GloVe and, below a header line, word2vec and
  fastText write it; plain, gzip, or a zip with one member. A word may hold spaces ('. . .').
  It is streamed: memory is bounded by what is wanted. Of a repeated word the first line counts.

  Raises:
    ValueError: naming file and line, where a line has another width or a wanted one a bad value.
  """
  spelled = {word.encode(): word for word in wanted}
  found, width = {}, None
  for number, line in _lines(pathlib.Path(path)):
    if width is None:
      if number == 1 and _is_header(line):
        continue
      width = _width(line)
    word = _word(line, width)
    if word is None:
      raise ValueError(
        f'{path}, line {number}: {line[:60]!r} is not a word and {width or "some"} numbers, '
        'as the first line is; is this a file of word vectors, and whole?')
    if word in spelled and spelled[word] not in found:
      found[spelled[word]] = _vector(line, width, f'{path}, line {number}')
  if width is None:
    raise ValueError(f'{path} holds no word vectors.')
  logging.info('%s: found %d of %d words', path, len(found), len(spelled))
  return found


def _lines(path: pathlib.Path) -> Iterator[tuple[int, bytes]]:
  """Numbered lines without their end; bytes, since Python also ends text lines inside words."""
  number = 0
  try:
    with _open(path) as file:
      for number, line in enumerate(file, 1):
        if line := line.rstrip(b' \r\n'):
          yield number, line
  except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
    raise ValueError(f'{path} is damaged after line {number} ({error}); fetch it again.') from error


def _open(path: pathlib.Path) -> io.BufferedIOBase:
  """Opens by content, not by name."""
  with path.open('rb') as file:
    magic = file.read(4)
  if magic[:2] == b'\x1f\x8b':
    return gzip.open(path)
  if magic == b'PK\x03\x04':
    archive = zipfile.ZipFile(path)
    members = archive.namelist()
    if len(members) != 1:
      raise ValueError(f'{path} holds {len(members)} files; unpack one of: {", ".join(members)}.')
    return archive.open(members[0])
  return path.open('rb')


def _is_header(line: bytes) -> bool:
  """word2vec writes how many words there are, and how wide their vectors."""
  fields = line.split(b' ')
  return len(fields) == 2 and all(field.isdigit() for field in fields)


def _width(line: bytes) -> int:
  """How many numbers end the line, its first field being a word in any case."""
  numbers = itertools.takewhile(_is_number, reversed(line.split(b' ')[1:]))
  return sum(1 for _ in numbers)


def _word(line: bytes, width: int) -> bytes | None:
  """What stands before the last `width` fields, or None if there are fewer or more numbers."""
  spaces = line.count(b' ')
  if spaces == width > 0:
    return line[:line.index(b' ')]  # nearly all lines; splitting off 300 fields takes far longer
  word = line.rsplit(b' ', width)[0]
  return None if spaces < width or not width or _is_number(word.rsplit(b' ', 1)[-1]) else word


def _is_number(field: bytes) -> bool:
  """True for 1, -0.5, 3e-05; False for the words nan and inf."""
  try:
    return math.isfinite(float(field))
  except ValueError:
    return False


def _vector(line: bytes, width: int, place: str) -> np.ndarray:
  numbers = line.rsplit(b' ', width)[1:]
  if not all(map(_is_number, numbers)):
    raise ValueError(f'{place}: {line[:60]!r}... has a value that is not a finite number.')
  return np.array([float(number) for number in numbers], np.float32)
