"""Into which pieces the tokenizer of the published word vectors splits a token.

MAT and MNT looked their vectors up through spaCy's English tokenizer (2.1, `en_vectors_web_lg`), so
"dont" has the mean of "do" and "nt". Its rules are kept here as far as a token can meet them after
`words.clean`: lower case, and none of . , ' ! ? " ( ) * # : ; - /
"""

import functools
import re
import unicodedata

# Words, then the endings that are split off them; `|` marks further splits. The apostrophe of an
# ending is a curly one (the straight one is cleaned away) or missing: it’s, didn’t, didnt.
_CONTRACTIONS = """
  i: ’d ’d|’ve ’ll ’ll|’ve ’m ’m|a ’ve
  he she it: ’d ’d|’ve ’ll ’ll|’ve ’s
  we you they: ’d ’d|’ve ’ll ’ll|’ve ’re ’ve
  how that there what when where who why: ’d ’d|’ve ’ll ’ll|’ve ’re ’s ’ve
  ca could did do does had may might must need ought sha should wo would: n’t n’t|’ve
  ai are dare has have is was were: n’t
  could might must not should would: ’ve
  can: not
  gon: na
  got: ta
  how: ’d|’y
  let: ’s
  y’: all
"""
# Without their apostrophe these are words of their own, and stay whole.
_OTHER_WORDS = frozenset('hell howdy ill its lets shed shell well were whore'.split())
# Kept whole though they begin or end like something that is split off.
_WHOLE = frozenset("""
  ’bout ’cause ’cos ’coz ’cuz ’d ’em ’ll ’nuff ’re ’s ‘s ’’
  doin’ goin’ havin’ lovin’ nothin’ nuthin’ ol’ somethin’
  <3 <33 <333 =3 =| ^_^ ^__^ ^___^ <space>
""".split())

_MARKS = '…¿؟¡[]{}<>_&。？！，、；：～·।،؛٪”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉—–'
_CURRENCY = '$£€¥฿₽﷼₴'
_UNITS = ('km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft '
          'kg g mg µg t lb oz kmh mph mbar mb kb gb tb %').split()
_LETTER = r'[^\W\d_]'


def pieces(token: str) -> list[str]:
  """The pieces of a cleaned token, in order: 'well known' -> well, known; '100%' -> 100, %.

  Spaces beyond the one that separates two words are pieces too, as in the original: they have no
  vector and pull the mean towards zero. An empty token has no pieces.
  """
  runs = re.findall(r'^ +|(?<= ) +|[^ ]+', token)
  return [piece for run in runs for piece in ([run] if run[0] == ' ' else _pieces_of_word(run))]


def _pieces_of_word(word: str) -> list[str]:
  """Strips marks from both ends, until none or an exception is met; then splits what is left."""
  exceptions = _exceptions()
  if word.isalpha():  # nearly all words; they would pass the rules below whole, but slowly
    return exceptions.get(word) or [word]
  prefix, suffix, infix = _patterns()
  before, after = [], []
  while word and word not in exceptions:
    head = len(match[0]) if (match := prefix.match(word)) else 0
    tail = len(match[0]) if (match := suffix.search(word)) else 0
    if not head and not tail:
      break
    if head and (word[head:] in exceptions or head + tail > len(word)):
      tail = 0
    elif tail and word[:-tail] in exceptions:
      head = 0
    before.append(word[:head])
    after.append(word[len(word) - tail:])
    word = word[head:len(word) - tail]
  middle = exceptions.get(word) or infix.split(word)
  return [piece for piece in (*before, *middle, *reversed(after)) if piece]


@functools.cache
def _exceptions() -> dict[str, list[str]]:
  """What is looked up before any rule: word -> pieces."""
  table = {word: [word] for word in _WHOLE}
  table |= {f'{hour}{half}': [str(hour), half] for hour in range(1, 13) for half in ('am', 'pm')}
  for line in _CONTRACTIONS.split('\n'):
    stems, _, endings = line.partition(':')
    for stem in stems.split():
      for ending in endings.split():
        split = [stem, *ending.split('|')]
        bare = [piece.replace('’', '') for piece in split]
        table[''.join(split)] = split
        if ''.join(bare) not in _OTHER_WORDS:
          table[''.join(bare)] = bare
  return table


@functools.cache
def _patterns() -> tuple[re.Pattern, re.Pattern, re.Pattern]:
  """What is stripped from the front, from the end, and what separates pieces inside a word."""
  symbols = ''.join(  # emoji and signs such as ° and ♪
    character for character in map(chr, range(0x20000)) if unicodedata.category(character) == 'So')
  marks = re.escape(_MARKS + symbols)
  units = '|'.join(map(re.escape, [*_CURRENCY, *_UNITS, '+']))
  prefix = rf'[{marks}{re.escape(_CURRENCY)}§%=]|\+(?![0-9])'
  suffix = rf'(?:……|’s|[{marks}]|(?<=[0-9])(?:{units}))$'
  infix = (rf'([…{symbols}]|(?<=[0-9])[+^](?=[0-9])'
           rf'|(?<={_LETTER})(?:——|[–—~])(?={_LETTER})|(?<=[^\W_])[<>=](?={_LETTER}))')
  return re.compile(prefix), re.compile(suffix), re.compile(infix)
