"""What stands in the text files of IEMOCAP: official labels, the votes below them, transcripts.

    % [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

    [6.2901 - 8.2357]<tab>Ses01F_impro01_F000<tab>neu<tab>[2.5000, 2.5000, 2.5000]
    C-E2:<tab>Neutral; Sadness;<tab>()
    A-E3:<tab>val 3; act 2; dom  2;<tab>(comment)
"""

import collections
import dataclasses
import itertools
import re
from collections.abc import Iterator

# Code of the official label -> the word by which a rater names it.
EMOTIONS = dict(
  neu='Neutral', hap='Happiness', exc='Excited', sad='Sadness', ang='Anger', fru='Frustration',
  sur='Surprise', fea='Fear', dis='Disgust', oth='Other')
NO_MAJORITY = 'xxx'


@dataclasses.dataclass
class Vote:
  """What one rater said; an actor who rates himself is 'F1' or 'M1'."""

  rater: str
  labels: tuple[str, ...] = ()
  valence: float | None = None  # None where the rater gave none, or it cannot be read
  activation: float | None = None
  dominance: float | None = None
  comment: str = ''


@dataclasses.dataclass(frozen=True)
class Label:
  """An official label line with the votes below it."""

  name: str
  start: float
  end: float
  emotion: str
  attributes: tuple[float, float, float]  # valence, activation, dominance
  votes: dict[str, Vote]  # by rater, self-evaluations included

  @property
  def dialogue(self) -> str:
    return self.name.rpartition('_')[0]

  @property
  def script(self) -> str:
    """'script01' of 'Ses01F_script01_1', its first act; '' of 'Ses01F_impro01'."""
    found = re.search(r'script\d\d', self.dialogue)
    return found[0] if found else ''

  @property
  def speaker(self) -> str:
    """'Ses01F': session and gender; the letter after the last underline says who speaks."""
    return self.name[:5] + self.name.rpartition('_')[2][0]


@dataclasses.dataclass(frozen=True)
class Damaged:
  """A label line that cannot be used."""

  name: str  # '' if it cannot be read either
  reason: str


def parse_evaluation(text: str) -> tuple[list[Label], list[Damaged], list[str]]:
  """Labels of one EmoEvaluation file; label lines that cannot be used; lines of unknown form."""
  labels, damaged, unknown = [], [], []
  votes = {}
  order = attribute_order(text) or 'VAD'
  for line in text.splitlines():
    if line.startswith('['):
      votes = {}  # the lines below belong to this label
      match = _LABEL.fullmatch(line.strip())
      if reason := _damage(match, order):
        name = _NAME.search(line)
        damaged.append(Damaged(name[0] if name else '', reason))
        continue
      values = dict(zip(order, map(float, match.group('x', 'y', 'z')), strict=True))
      labels.append(Label(match['name'], float(match['start']), float(match['end']),
                          match['emotion'], tuple(values[letter] for letter in 'VAD'), votes))
    elif line.strip() and not line.startswith('%') and not _add_vote(votes, line):
      unknown.append(line)
  return labels, damaged, unknown


def attribute_order(text: str) -> str | None:
  """'VAD': the order in which the header of an EmoEvaluation file names the three scales."""
  match = _HEADER.search(text)
  return ''.join(match.groups()) if match else None


def parse_transcriptions(text: str) -> tuple[dict[str, str], list[str]]:
  """Words per utterance name, and names that come again with other words.

  What has no name ('M: [LAUGHTER]') is passed over.
  """
  words, again = {}, []
  for line in text.splitlines():
    if match := _TRANSCRIPT.fullmatch(line.strip()):
      if words.setdefault(match['name'], match['words']) != match['words']:
        again.append(match['name'])
  return words, again


def common_label(label: Label) -> str:
  """The label of the six-class list that most papers on dialogues use (7,433 utterances).

  It is the official one, but for 53 utterances without a majority that the list calls happy. No
  file of the release says which they are. Here they are those for which happiness and excitement
  share the lead, each named by at least two evaluators (who may name two emotions): a
  reconstruction, which the protocol checks by the list's counts.
  """
  if label.emotion != NO_MAJORITY:
    return label.emotion
  counts = collections.Counter(itertools.chain.from_iterable(_named(label)))
  happy, excited = counts.pop('Happiness', 0), counts.pop('Excited', 0)
  shared = happy == excited >= 2 and happy > max(counts.values(), default=0)
  return 'hap' if shared else label.emotion


def oddities(label: Label) -> Iterator[str]:
  """What is strange about a label that can be used all the same."""
  name = label.name
  if label.end <= label.start:
    yield f'{name} ends at {label.end} s, before it starts at {label.start} s'
  if not all(1 <= value <= 5 for value in label.attributes):
    yield f'{name} has attributes outside 1 to 5: {label.attributes}'
  if common_label(label) != label.emotion:
    yield f'{name} is {NO_MAJORITY}, and {common_label(label)} in the common six-class list'
  if not label.votes:
    yield f'{name} has no votes'
  known = {'Neutral state', *EMOTIONS.values()}
  for vote in label.votes.values():
    for word in sorted(set(vote.labels) - known):
      yield f'{name}: {vote.rater} names {word!r}, which is no emotion of this release'
  if (majority := _majority(label)) not in ('', EMOTIONS.get(label.emotion)):
    yield f'{name} is {label.emotion}, but most evaluators name {majority}'


_HEADER = re.compile(r'^%.*\[\s*(\w)\w*\s*,\s*(\w)\w*\s*,\s*(\w)\w*\s*\]', re.MULTILINE)
_LABEL = re.compile(
  r'\[(?P<start>\d+\.?\d*)\s*-\s*(?P<end>\d+\.?\d*)\]\s+'
  r'(?P<name>Ses\d\d[FM]_\w+_[FM]\w+)\s+(?P<emotion>\S+)\s+'
  r'\[(?P<x>\d+\.?\d*),\s*(?P<y>\d+\.?\d*),\s*(?P<z>\d+\.?\d*)\]')
_VOTE = re.compile(
  r'(?P<kind>[CA])-(?P<rater>\w+):\s*(?P<said>[^(]*)(?:\((?P<comment>.*)\)?)?\s*')
_ATTRIBUTE = re.compile(r'(val|act|dom)\s*(\d+(?:\.\d+)?)')
# Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
_TRANSCRIPT = re.compile(
  r'(?P<name>Ses\d\d[FM]_\S+?)\s*(?:\[[\d.\s-]*\])?\s*:[:\s]*(?P<words>.*)')
_NAME = re.compile(r'Ses\d\d[FM]_\w+')


def _damage(match: re.Match | None, order: str) -> str:
  """Why a label line cannot be used; '' if it can."""
  if not match:
    return 'label line that cannot be read'
  if sorted(order) != sorted('VAD'):
    return f'label file whose header names the scales {", ".join(order)}, not V, A, D'
  emotion = match['emotion']
  if emotion not in EMOTIONS and emotion != NO_MAJORITY:
    return f'unknown emotion {emotion!r}'
  return ''


def _add_vote(votes: dict[str, Vote], line: str) -> bool:
  """Merges a rater's category or attribute line into his vote; False if it is no such line."""
  match = _VOTE.fullmatch(line.strip())
  if not match:
    return False
  vote = votes.setdefault(match['rater'], Vote(match['rater']))
  if comment := (match['comment'] or '').removesuffix(')').strip():
    vote.comment = f'{vote.comment}; {comment}' if vote.comment else comment
  if match['kind'] == 'C':
    vote.labels += tuple(name.strip() for name in match['said'].split(';') if name.strip())
  else:
    given = {key: float(number) for key, number in _ATTRIBUTE.findall(match['said'])}
    vote.valence, vote.activation, vote.dominance = map(given.get, ('val', 'act', 'dom'))
  return True


def _named(label: Label) -> list[set[str]]:
  """What each evaluator names, of those who name anything."""
  return [set(vote.labels) for vote in label.votes.values()
          if vote.rater.startswith('E') and vote.labels]


def _majority(label: Label) -> str:
  """The emotion that more than half of two or more evaluators name, and most of them; or ''."""
  named = _named(label)
  ranks = collections.Counter(itertools.chain.from_iterable(named)).most_common(2)
  if len(named) < 2 or 2 * ranks[0][1] <= len(named):
    return ''
  return '' if len(ranks) == 2 and ranks[0][1] == ranks[1][1] else ranks[0][0]
