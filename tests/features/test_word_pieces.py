"""Where a token is split (|): every case was answered so by spaCy 2.1.0, the originals' version."""

import pytest

from emojax.features import word_pieces, words

CONTRACTIONS = """
  do|nt ca|nt wo|nt did|nt does|nt is|nt ai|nt i|m i|ve you|re he|s that|s what|s i|d we|d he|d
  they|ll i|m|a ca|nt|ve i|d|ve where|d could|ve that|re can|not gon|na got|ta y|all how|d
  do|n’t i|’m it|’s we|’re let|’s i|’ll ca|n’t|’ve y’|all how|’d|’y monica|’s talkin|’ ‘|cause
"""
UNSPLIT = """
  its lets ill well were shed shell hell whore howdy wanna lemme usa ok mrs ol em nt thisll whatnot
  ’em ’cause doin’ o’clock ma’am 13pm 10s a% +1 a&b c1 3—go <3 ^_^ i o_o café
"""
MARKS = """
  100|% $|1000 [|noise|] 10|am 12|pm 5|km 5|ft 5|mg 3|€ %|a 1|+|1 5|+ _|x|_ a|=|b [|i|’m|]
  so|… i|…|i uh|…… a|…|…|b just|—|i before|——|oh lets|— “|i it|’s|… i’m|—|i’m do|nt|[ 27|’ 20|°
  ♪|la|♪ {|1|} ’|74 ’|twas
"""


@pytest.mark.parametrize('expected', [*CONTRACTIONS.split(), *UNSPLIT.split(), *MARKS.split()])
def test_a_word_is_split_as_spacy_did(expected):
  assert word_pieces.pieces(expected.replace('|', '')) == expected.split('|')


@pytest.mark.parametrize('token, expected', [
  ('well known', ['well', 'known']),
  ('e mail web', ['e', 'mail', 'web']),
  (' foo', [' ', 'foo']),
  ('foo ', ['foo']),
  ('foo  ', ['foo', ' ']),
  ('a  b', ['a', ' ', 'b']),
  ('a   dont', ['a', '  ', 'do', 'nt']),
  (' ', [' ']),
  ('  ', ['  ']),
  ('', []),
])
def test_spaces_beyond_one_are_pieces(token, expected):
  assert word_pieces.pieces(token) == expected


@pytest.mark.parametrize('word, expected', [
  ("Don't", ['do', 'nt']), ('WELL-KNOWN', ['well', 'known']), ('(10am)', ['10', 'am']),
  ('[Laughs.]', ['[', 'laughs', ']']), ('"$5/day"', ['$', '5', 'day']), ("y'know", ['yknow']),
])
def test_words_are_cleaned_before(word, expected):
  assert word_pieces.pieces(words.clean(word)) == expected
