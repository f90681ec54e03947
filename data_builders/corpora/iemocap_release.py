"""Reads the raw release of IEMOCAP (`IEMOCAP_full_release`), everything but the samples.

    Session1/dialog/EmoEvaluation/Ses01F_impro01.txt    official label, then every rater's lines
    Session1/dialog/transcriptions/Ses01F_impro01.txt   what was said
    Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav
"""

import collections
import dataclasses
import pathlib
from collections.abc import Iterator, Sequence

from data_builders.corpora import iemocap_labels, release
from data_builders.corpora.iemocap_labels import Label

CORPUS = 'iemocap'
FOLDER = 'IEMOCAP_full_release'
SAMPLE_RATE = 16000
OVERLAP = 0.1  # seconds by which two turns of one speaker may overlap unnoticed

# The release of 2008: utterances per session, and those of the usual four classes among them.
UTTERANCES = {'1': 1819, '2': 1811, '3': 2136, '4': 2103, '5': 2170}
FOUR_CLASS = {'1': 1085, '2': 1023, '3': 1151, '4': 1031, '5': 1241}
FOUR_LABELS = ('neu', 'hap', 'exc', 'sad', 'ang')  # exc counts as hap


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance(release.Utterance):
  script: str  # 'script01' .. 'script03': the play that the dialogue is of; '': improvised
  emotion_common: str  # see `iemocap_labels.common_label`
  valence: float  # means over raters as released: a few lie outside 1..5
  activation: float
  dominance: float
  votes: tuple[iemocap_labels.Vote, ...]  # self-evaluations included


def read(manual_dir: pathlib.Path) -> release.Release:
  """Parses all sessions; what is missing or damaged is told in `shortfalls` and `exclusions`.

  Raises:
    ValueError: if it is no such release, or a session holds labels of another one.
  """
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


@dataclasses.dataclass
class _Listed:
  """All that the label files say of one utterance."""

  path: pathlib.Path  # the first file that names it
  labels: list[Label] = dataclasses.field(default_factory=list)
  damage: str = ''  # of a line that cannot be used

  @property
  def reason(self) -> str:
    """Why it cannot be used; '' if it can."""
    twice = 'labelled twice, differently'
    return self.damage or (twice if any(one != self.labels[0] for one in self.labels) else '')


def _read_session(folder: pathlib.Path, session: str, root: pathlib.Path) -> release.Release:
  """Every name that has a label or a sound becomes one utterance or one exclusion."""
  part = release.Release(root)
  listed = _read_labels(folder / 'dialog/EmoEvaluation', part.notes)
  words = _read_words(folder / 'dialog/transcriptions', part.notes)
  sounds = _find_sounds(folder / 'sentences/wav', part.notes)
  for name, found in listed.items():
    if name.startswith('Ses') and name[3:5] != f'{int(session):02}':
      raise ValueError(f'{CORPUS}: {found.path} labels {name}, which is no utterance of session '
                       f'{session}. Was one session copied over another? Restore {folder}.')
    if found.damage:
      part.exclude(f'{CORPUS}/{name}', found.damage, found.path)
  for position, label in _in_dialogue_order(listed.values()):
    name, found = label.name, listed[label.name]
    if found.reason:
      part.exclude(f'{CORPUS}/{name}', found.reason, found.path)
    elif name not in sounds:
      expected = folder / 'sentences/wav' / label.dialogue / f'{name}.wav'
      part.exclude(f'{CORPUS}/{name}', 'label without audio', expected)
    else:
      part.add(_utterance(label, position, session, words.get(name, '')), sounds[name])
      part.notes.extend(iemocap_labels.oddities(label))
      if len(found.labels) > 1:
        part.notes.append(f'{name} is labelled {len(found.labels)} times, always the same')
      if name not in words:
        part.notes.append(f'{name} has no transcript')
  part.notes.extend(_overlaps(part.utterances))
  for name in sorted(sounds.keys() - listed.keys()):
    part.exclude(f'{CORPUS}/{name}', release.UNLABELLED, sounds[name])
  return part


def _read_labels(folder: pathlib.Path, notes: list[str]) -> dict[str, _Listed]:
  """By name of the utterance, in the order of the files."""
  listed = {}
  for path in release.listing(folder, '*.txt'):
    text = release.read_text(path)
    labels, damaged, unknown = iemocap_labels.parse_evaluation(text)
    for label in labels:
      listed.setdefault(label.name, _Listed(path)).labels.append(label)
    for number, line in enumerate(damaged, 1):
      name = line.name or f'{path.stem}, damaged line {number}'
      listed.setdefault(name, _Listed(path)).damage = line.reason
    if not iemocap_labels.attribute_order(text):
      notes.append(f'{path.name} has no header; the scales are taken for V, A, D')
    notes.extend(f'{path.name} has a line of unknown form: {line!r}' for line in unknown)
  return listed


def _read_words(folder: pathlib.Path, notes: list[str]) -> dict[str, str]:
  words = {}
  for path in release.listing(folder, '*.txt'):
    said, again = iemocap_labels.parse_transcriptions(release.read_text(path))
    words = said | words
    notes.extend(f'{name} has two transcripts; the first is taken' for name in again)
  return words


def _find_sounds(folder: pathlib.Path, notes: list[str]) -> dict[str, pathlib.Path]:
  """By name, whatever the folder of a dialogue and the case of '.wav'."""
  sounds = {}
  for path in release.listing(folder, '*/*.[wW][aA][vV]'):
    if sounds.setdefault(path.stem, path) != path:
      notes.append(f'{path.stem} lies in two folders; the sound in {sounds[path.stem].parent.name} '
                   'is taken')
  return sounds


def _in_dialogue_order(listed: Sequence[_Listed]) -> Iterator[tuple[int, Label]]:
  """(position, first label), of all utterances with a label that can be used."""
  labels = [found.labels[0] for found in listed if not found.damage]
  labels.sort(key=lambda label: (label.dialogue, label.start, label.end, label.name))
  ranks = collections.Counter()
  for label in labels:
    yield ranks[label.dialogue], label
    ranks[label.dialogue] += 1


def _overlaps(utterances: Sequence[release.Utterance]) -> Iterator[str]:
  """Notes on turns of one speaker that overlap; those of two speakers often do."""
  last = {}
  for one in utterances:
    before = last.get((one.dialogue, one.speaker))
    if before and before.end - one.start > OVERLAP:
      yield (f'{one.id.partition("/")[2]} starts {before.end - one.start:.2f} s before its speaker '
             f'has ended {before.id.partition("/")[2]}')
    last[one.dialogue, one.speaker] = one


def _utterance(label: Label, position: int, session: str, words: str) -> Utterance:
  valence, activation, dominance = label.attributes
  return Utterance(
    id=f'{CORPUS}/{label.name}', dialogue=label.dialogue, position=position, session=session,
    speaker=label.speaker, gender=label.speaker[-1], script=label.script, start=label.start,
    end=label.end,
    transcript=words, emotion=label.emotion, emotion_common=iemocap_labels.common_label(label),
    valence=valence, activation=activation, dominance=dominance,
    votes=tuple(label.votes.values()))
