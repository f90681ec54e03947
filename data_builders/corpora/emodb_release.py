"""Reads the raw release of EmoDB (Berlin): a flat folder of clips whose names say everything.

    wav/03a01Fa.wav    speaker 03, sentence a01, emotion F (Freude), version a
"""

import collections
import dataclasses
import math
import pathlib
import re

from data_builders.corpora import release

CORPUS = 'emodb'
FOLDER = 'wav'
SAMPLE_RATE = 16000

# Letters of the German words (Wut, Langeweile, Ekel, Angst, Freude, Trauer), N for neutral.
EMOTIONS = dict(
  W='anger', L='boredom', E='disgust', A='fear', F='happiness', T='sadness', N='neutral')
GENDERS = {
  **dict.fromkeys(('03', '10', '11', '12', '15'), 'M'),
  **dict.fromkeys(('08', '09', '13', '14', '16'), 'F'),
}
SENTENCES = {
  'a01': 'Der Lappen liegt auf dem Eisschrank.',
  'a02': 'Das will sie am Mittwoch abgeben.',
  'a04': 'Heute abend könnte ich es ihm sagen.',
  'a05': 'Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.',
  'a07': 'In sieben Stunden wird es soweit sein.',
  'b01': 'Was sind denn das für Tüten, die da unter dem Tisch stehen?',
  'b02': 'Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.',
  'b03': 'An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.',
  'b09': 'Ich will das eben wegbringen und dann mit Karl was trinken gehen.',
  'b10': 'Die wird auf dem Platz sein, wo wir sie immer hinlegen.',
}

# The release (535 clips), and its part of four emotions that is passed on by itself (339).
ALL = dict(anger=127, boredom=81, disgust=46, fear=69, happiness=71, sadness=62, neutral=79)
FOUR = {emotion: ALL[emotion] for emotion in ('anger', 'happiness', 'sadness', 'neutral')}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Utterance(release.Utterance):
  sentence: str  # 'a01': which of the ten
  version: str  # 'a', 'b' ...: which take


def read(manual_dir: pathlib.Path) -> release.Release:
  """Parses the file names; clips are independent, so each is a dialogue of its own."""
  root = release.find_root(
    manual_dir, CORPUS, FOLDER, lambda folder: any(map(_match, release.listing(folder))),
    f'the folder {FOLDER} with clips named like 03a01Fa.wav')
  parsed = release.Release(root, release.read_truth(root, CORPUS))
  clips = {}
  for path in release.listing(root, '*.[wW][aA][vV]'):
    match = _match(path)
    clip = match and _utterance(match)
    if not clip:
      parsed.exclude(f'{CORPUS}/{path.stem}', _reason(path), path)
    elif path != clips.setdefault(clip.id, path):
      parsed.exclude(f'{CORPUS}/{path.name}', f'the name of {clips[clip.id].name} again', path)
    else:
      parsed.add(clip, path)
  counts = collections.Counter(utterance.emotion for utterance in parsed.utterances)
  expected = parsed.truth.get('utterances') or (FOUR if counts.keys() <= FOUR.keys() else ALL)
  for emotion, number in expected.items():
    parsed.expect(emotion, counts[emotion], number)
  return parsed


# Some file systems and archives change the case of names; every place in them has its own alphabet.
_NAME = re.compile(
  rf'(?P<speaker>{"|".join(GENDERS)})(?P<sentence>{"|".join(SENTENCES)})'
  rf'(?P<letter>[{"".join(EMOTIONS)}])(?P<version>[a-z])\.wav', re.IGNORECASE)
# What looks like such a name: the place of each part, what it is, and those that there are.
_FORM = re.compile(r'\d\d[a-z]\d\d[a-z][a-z]\.wav', re.IGNORECASE)
_PARTS = (
  ('speaker', slice(0, 2), GENDERS), ('sentence', slice(2, 5), SENTENCES),
  ('emotion', slice(5, 6), EMOTIONS))


def _match(path: pathlib.Path) -> re.Match | None:
  return _NAME.fullmatch(path.name)


def _reason(path: pathlib.Path) -> str:
  """Why a sound is no utterance: it has another name altogether, or names what there is not."""
  if _FORM.fullmatch(path.name):
    for what, where, known in _PARTS:
      if path.name[where].lower() not in map(str.lower, known):
        return f'unknown {what} {path.name[where]!r} (there are: {", ".join(sorted(known))})'
  return release.UNLABELLED


def _utterance(match: re.Match) -> Utterance:
  speaker, sentence = match['speaker'], match['sentence'].lower()
  letter, version = match['letter'].upper(), match['version'].lower()
  name = speaker + sentence + letter + version
  return Utterance(
    id=f'{CORPUS}/{name}', dialogue=name, position=0, session='', speaker=speaker,
    gender=GENDERS[speaker], start=0.0, end=math.nan, transcript=SENTENCES[sentence],
    emotion=EMOTIONS[letter], sentence=sentence, version=version)
