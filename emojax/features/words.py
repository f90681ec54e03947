"""Transcripts to token ids, as MAT and MNT read them, or with punctuation.

Source: `utils/tokenize.py` and the loaders of `jbdel/modulated_fusion_transformer`. A transcript is
split at white space into words; a word becomes one token, which may hold spaces ("well known").
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

UNKNOWN = 'UNK'  # cleaned tokens are lower case, so none is spelled so
SCHEMES = ('shared_unk', 'clean')

_DELETED = '.,\'!?"()*#:;'
_SPACED = '-/'
_TABLE = str.maketrans(_SPACED, ' ' * len(_SPACED), _DELETED)
_KEYBOARD = str.maketrans({
  '\N{LEFT SINGLE QUOTATION MARK}': "'", '\N{RIGHT SINGLE QUOTATION MARK}': "'",
  '\N{LEFT DOUBLE QUOTATION MARK}': '"', '\N{RIGHT DOUBLE QUOTATION MARK}': '"',
  '\N{EN DASH}': '-', '\N{EM DASH}': '-', '\N{HORIZONTAL ELLIPSIS}': '...'})
_WORD_OR_MARK = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]")


def clean(word: str) -> str:
  """Lower case, without . , ' ! ? " ( ) * # : ; and with a space for each - and /.

  Nothing is stripped: '-' becomes a token of one space, as in the original.
  """
  return word.lower().translate(_TABLE)


def tokenize(words: Iterable[str]) -> list[str]:
  """The cleaned words, less those of which nothing remains ('...')."""
  _check_words(words)
  return [token for word in words if (token := clean(word))]


def tokenize_with_marks(words: Iterable[str]) -> list[str]:
  """Words and single punctuation marks in lower case: "Don't!!" gives "don't", "!", "!".

  Curly quotes, dashes and the ellipsis count as what a keyboard has for them.
  """
  _check_words(words)
  return _WORD_OR_MARK.findall(' '.join(words).translate(_KEYBOARD).lower())


TOKENS = {'words': tokenize, 'words_and_marks': tokenize_with_marks,
          'as_given': list}  # authors' files that hold tokens


def tokenizer(tokens: str) -> Callable[[Iterable[str]], list[str]]:
  """The words of a transcript -> its tokens, by a name in `TOKENS`; another is a ValueError."""
  if tokens not in TOKENS:
    raise ValueError(f'tokens={tokens!r}; there are: {", ".join(TOKENS)}.')
  return TOKENS[tokens]


def vocabulary(sentences: Iterable[Sequence[str]], scheme: str = 'shared_unk') -> dict[str, int]:
  """Token -> id, in order of first occurrence in the tokenized `sentences`; id 0 is padding.

  Args:
    sentences: lists of tokens, of the training split only.
    scheme: 'shared_unk' is the original's, whose checkpoints need it: the first token of all
      shares id 1 with every unknown one. 'clean' keeps 1 for unknown tokens; words count from 2.

  Raises:
    ValueError: for another scheme, or if no sentence has a token.
  """
  _check(scheme)
  ids = {UNKNOWN: 1}
  skipped = 1 if scheme == 'clean' else 0  # the original's len(ids) forgets padding
  for sentence in sentences:
    for token in sentence:
      ids.setdefault(token, len(ids) + skipped)
  if len(ids) == 1:
    raise ValueError('no sentence has a token, so there is no vocabulary; is the text track empty?')
  return ids


def rows(vocabulary: Mapping[str, int], scheme: str = 'shared_unk') -> list[str | None]:
  """Which token's vector each row of the embedding starts from; None stands for zeros.

  Under 'shared_unk' the padding row 0 holds the vector of `UNKNOWN`, and row 1 that of the first
  token; under 'clean' row 0 is zeros and row 1 is `UNKNOWN`'s.
  """
  _check(scheme)
  tokens = [None] * (max(vocabulary.values()) + 1)
  for token, row in vocabulary.items():
    tokens[0 if token == UNKNOWN and scheme == 'shared_unk' else row] = token
  return tokens


def lookup(tokens: Sequence[str], vocabulary: Mapping[str, int], length: int) -> np.ndarray:
  """Ids int64 [length] of the first `length` tokens; unknown ones are 1, what is left over is 0."""
  ids = np.zeros(length, np.int64)
  kept = tokens[:length]
  ids[:len(kept)] = [vocabulary.get(token, vocabulary[UNKNOWN]) for token in kept]
  return ids


def _check_words(words: Iterable[str]) -> None:
  if isinstance(words, str):
    raise ValueError(f'tokenize takes words, not a string; split it first: {words[:40]!r}.split()')


def _check(scheme: str) -> None:
  if scheme not in SCHEMES:
    raise ValueError(f'scheme={scheme!r}; there are: {", ".join(SCHEMES)}.')
