"""Reads the raw release of IEMOCAP (`IEMOCAP_full_release`), everything but the samples.

    Session1/dialog/EmoEvaluation/Ses01F_impro01.txt    official label, then every rater's lines
    Session1/dialog/transcriptions/Ses01F_impro01.txt   what was said
    Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav
"""

import collections
import dataclasses
import pathlib
import re

from data_builders.corpora import release

CORPUS = 'iemocap'
FOLDER = 'IEMOCAP_full_release'
SAMPLE_RATE = 16000

# The release of 2008: utterances per session, and those of the usual four classes among them.
UTTERANCES = {'1': 1819, '2': 1811, '3': 2136, '4': 2103, '5': 2170}
FOUR_CLASS = {'1': 1085, '2': 1023, '3': 1151, '4': 1031, '5': 1241}
FOUR_LABELS = ('neu', 'hap', 'exc', 'sad', 'ang')  # exc counts as hap


@dataclasses.dataclass
class Vote:
  """What one rater said; an actor who rates himself is 'F1' or 'M1'."""

  rater: str
  labels: tuple[str, ...] = ()
  valence: float | None = None  # None where the rater gave none, or it cannot be read
  activation: float | None = None
  dominance: float | None = None
  comment: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance(release.Utterance):
  emotion_common: str  # see `common_label`
  valence: float  # means over raters as released: a few lie outside 1..5
  activation: float
  dominance: float
  votes: tuple[Vote, ...]  # self-evaluations included


@dataclasses.dataclass(frozen=True)
class Label:
  """An official label line with the votes below it."""

  name: str
  start: float
  end: float
  emotion: str
  attributes: tuple[float, float, float]  # valence, activation, dominance
  votes: dict[str, Vote]  # by rater, self-evaluations included


def read(manual_dir: pathlib.Path) -> release.Release:
  """Parses all sessions; what is missing or damaged is told in `shortfalls` and `exclusions`."""
  root = release.find_root(
    manual_dir, CORPUS, FOLDER, lambda folder: any(folder.glob('Session[1-5]/dialog')),
    f'the folder {FOLDER} with Session1/dialog, Session1/sentences ... Session5')
  truth = release.read_truth(root, CORPUS)
  four_class = truth.get('four_class', FOUR_CLASS)
  parsed = release.Release(root, truth)
  for session, number in sorted(truth.get('utterances', UTTERANCES).items()):
    folder = root / f'Session{session}'
    if not folder.is_dir():
      parsed.shortfalls.append(f'{folder.name} is missing ({number:,} utterances)')
      continue
    part = _read_session(folder, session, root)
    part.expect(folder.name, len(part.utterances), number)
    if not part.shortfalls:
      four = sum(utterance.emotion in FOUR_LABELS for utterance in part.utterances)
      part.expect(f'{folder.name} in neu, hap+exc, sad, ang', four, four_class[session])
    parsed.extend(part)
  return parsed


def parse_evaluation(text: str) -> tuple[list[Label], list[str], list[str]]:
  """Labels of one EmoEvaluation file; label lines and other lines that cannot be read."""
  labels, damaged, unknown = [], [], []
  votes = {}
  for line in text.splitlines():
    if match := _LABEL.fullmatch(line.strip()):
      votes = {}  # the lines below belong to this label
      attributes = tuple(float(number) for number in match.group('v', 'a', 'd'))
      labels.append(Label(match['name'], float(match['start']), float(match['end']),
                          match['emotion'], attributes, votes))
    elif line.startswith('['):
      votes = {}
      damaged.append(line)
    elif line.strip() and not line.startswith('%') and not _add_vote(votes, line):
      unknown.append(line)
  return labels, damaged, unknown


def parse_transcriptions(text: str) -> dict[str, str]:
  """Words per utterance name; what has no name ('M: [LAUGHTER]') is passed over."""
  words = {}
  for line in text.splitlines():
    if match := _TRANSCRIPT.fullmatch(line.strip()):
      words.setdefault(match['name'], match['words'])
  return words


def common_label(label: Label) -> str:
  """The label of the six-class list that most papers on dialogues use (7,433 utterances).

  It is the official one, but for 53 utterances without a majority that the list calls happy. No
  file of the release says which they are. Here they are those for which happiness and excitement
  share the lead, each named by at least two evaluators (who may name two emotions): a
  reconstruction, which the protocol checks by the list's counts.
  """
  if label.emotion != 'xxx':
    return label.emotion
  counts = collections.Counter(
    name for vote in label.votes.values() if vote.rater.startswith('E')
    for name in set(vote.labels))
  happy, excited = counts.pop('Happiness', 0), counts.pop('Excited', 0)
  shared = happy == excited >= 2 and happy > max(counts.values(), default=0)
  return 'hap' if shared else label.emotion


# [6.2901 - 8.2357]<tab>Ses01F_impro01_F000<tab>neu<tab>[2.5000, 2.5000, 2.5000]
_LABEL = re.compile(
  r'\[(?P<start>\d+\.?\d*)\s*-\s*(?P<end>\d+\.?\d*)\]\s+'
  r'(?P<name>Ses\d\d[FM]_\w+_[FM]\w+)\s+(?P<emotion>[a-z]{3})\s+'
  r'\[(?P<v>\d+\.?\d*),\s*(?P<a>\d+\.?\d*),\s*(?P<d>\d+\.?\d*)\]')
# C-E2:<tab>Neutral; Sadness;<tab>()   or   A-E3:<tab>val 3; act 2; dom  2;<tab>(comment)
_VOTE = re.compile(
  r'(?P<kind>[CA])-(?P<rater>\w+):\s*(?P<said>[^(]*)(?:\((?P<comment>.*)\)?)?\s*')
_ATTRIBUTE = re.compile(r'(val|act|dom)\s*(\d+(?:\.\d+)?)')
# Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
_TRANSCRIPT = re.compile(
  r'(?P<name>Ses\d\d[FM]_\S+?)\s*(?:\[[\d.\s-]*\])?\s*:\s*(?P<words>.*)')
_NAME = re.compile(r'Ses\d\d[FM]_\w+')


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


def _read_session(folder: pathlib.Path, session: str, root: pathlib.Path) -> release.Release:
  part = release.Release(root)
  sounds = {path.stem: path for path in release.listing(folder / 'sentences/wav', '*/*.wav')}
  labelled = set()
  for path in release.listing(folder / 'dialog/EmoEvaluation', '*.txt'):
    labels, damaged, unknown = parse_evaluation(release.read_text(path))
    transcriptions = folder / 'dialog/transcriptions' / path.name
    words = {}
    if transcriptions.is_file():
      words = parse_transcriptions(release.read_text(transcriptions))
    for line in damaged:
      name = _NAME.search(line)
      name = name[0] if name else path.stem
      labelled.add(name)
      part.exclude(f'{CORPUS}/{name}', 'label line that cannot be read', path)
    part.notes.extend(f'{path.name} has a line of unknown form: {line!r}' for line in unknown)
    labels.sort(key=lambda label: (label.start, label.end, label.name))
    for position, label in enumerate(labels):
      name = label.name
      if name in labelled:
        part.exclude(f'{CORPUS}/{name}', 'labelled twice', path)
      elif name not in sounds:
        part.exclude(f'{CORPUS}/{name}', 'label without audio',
                     folder / 'sentences/wav' / path.stem / f'{name}.wav')
      else:
        if name not in words:
          part.notes.append(f'{name} has no transcript')
        part.add(_utterance(label, path.stem, position, session, words.get(name, '')), sounds[name])
      labelled.add(name)
  for name in sorted(sounds.keys() - labelled):
    part.exclude(f'{CORPUS}/{name}', release.UNLABELLED, sounds[name])
  return part


def _utterance(
  label: Label, dialogue: str, position: int, session: str, words: str) -> Utterance:
  gender = label.name.rsplit('_', 1)[1][0]
  valence, activation, dominance = label.attributes
  return Utterance(
    id=f'{CORPUS}/{label.name}', dialogue=dialogue, position=position, session=session,
    speaker=label.name[:5] + gender, gender=gender, start=label.start, end=label.end,
    transcript=words, emotion=label.emotion, emotion_common=common_label(label), valence=valence,
    activation=activation, dominance=dominance, votes=tuple(label.votes.values()))
