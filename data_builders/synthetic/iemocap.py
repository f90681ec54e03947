"""A generated IEMOCAP: the plan rendered to sound and spelled as the real release spells it."""

import functools
import pathlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from data_builders.corpora import parallel
from data_builders.synthetic import cues, iemocap_plan, release, voice
from data_builders.synthetic.iemocap_plan import Aside, Dialogue, Turn

WORDS = dict(
  neu='Neutral', hap='Happiness', exc='Excited', sad='Sadness', ang='Anger',
  fru='Frustration', sur='Surprise', fea='Fear', dis='Disgust', oth='Other',
)  # fmt: skip
CHANNELS = 'FM'  # left: the woman, right: the man
LEAKAGE = 0.05  # of each voice into the other's microphone
HISS = 5  # largest noise of the room, in steps of 16 bits

# What a Mac leaves beside each file that it copies to a foreign disk.
APPLE_DOUBLE = b'\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ' + bytes(58)


def write(out: str | pathlib.Path, *, seed: int = 0, size: str = 'small') -> pathlib.Path:
  """Writes `out`/IEMOCAP_full_release and returns that folder."""
  if size not in iemocap_plan.SIZES:
    raise ValueError(f'size={size!r} of iemocap is none of: {", ".join(iemocap_plan.SIZES)}.')
  dialogues = iemocap_plan.plan(seed, size)

  def fill(folder: pathlib.Path) -> None:
    workers = 0 if size == 'tiny' else parallel.workers_available()
    job = functools.partial(write_dialogue, folder, seed)
    for _ in parallel.map_processes(job, dialogues, workers):
      pass

  root = pathlib.Path(out, 'IEMOCAP_full_release')
  return release.install(root, describe(dialogues, seed=seed, size=size), fill)


def describe(dialogues: Sequence[Dialogue], *, seed: int, size: str) -> dict[str, Any]:
  """What `truth.json` says of these dialogues."""
  prior = iemocap_plan.prior(size)
  spoken, four = Counter(), Counter()
  for dialogue in dialogues:
    spoken[str(dialogue.session)] += len(dialogue.turns)
    four[str(dialogue.session)] += sum(
      iemocap_plan.four_class(t.label) is not None for t in dialogue.turns
    )
  return release.truth(
    'iemocap',
    seed=seed,
    size=size,
    rendered=['text', 'audio'],
    prior=prior,
    tables=cues.TABLES,
    bayes_accuracy=cues.every_best_accuracy(prior),
    utterances=dict(spoken),
    four_class=dict(four),
  )


def write_dialogue(root: pathlib.Path, seed: int, dialogue: Dialogue) -> None:
  """Writes every file of one dialogue into the release at `root`."""
  name, session = dialogue.name, root / f'Session{dialogue.session}'
  texts = {
    f'EmoEvaluation/{name}.txt': evaluation(dialogue),
    f'transcriptions/{name}.txt': transcription(dialogue),
  }
  for one in dialogue.turns[0].votes:
    votes = ((t.name, t.votes[one]) for t in dialogue.turns)
    texts[f'EmoEvaluation/Categorical/{name}_{one.lower()}_cat.txt'] = _categorical(votes)
  for one in dialogue.turns[0].ratings:
    ratings = ((t.name, t.ratings[one], t.remarks[one]) for t in dialogue.turns)
    texts[f'EmoEvaluation/Attribute/{name}_{one.lower()}_atr.txt'] = _attribute(ratings)
  for letter in CHANNELS:
    own = [t for t in dialogue.turns if t.letter == letter]
    stem = f'EmoEvaluation/Self-evaluation/{name}_{letter.lower()}1'
    texts[f'{stem}_cat.txt'] = _categorical((t.name, t.own_vote) for t in own)
    texts[f'{stem}_atr.txt'] = _attribute((t.name, t.own_rating, '') for t in own)
  for path, content in texts.items():
    _placed(session / 'dialog' / path).write_text(content, 'ascii')
  (session / 'dialog/avi/DivX').mkdir(parents=True, exist_ok=True)

  wave = _record(dialogue, seed)
  whole = _placed(session / f'dialog/wav/{name}.wav')
  release.write_wav(whole, wave)
  for turn in dialogue.turns:
    sentence = _placed(session / f'sentences/wav/{name}/{turn.name}.wav')
    release.write_wav(sentence, wave[turn.start : turn.end, CHANNELS.index(turn.letter)])

  # The release has such litter, and who reads it must step over it.
  for path in (session / f'dialog/EmoEvaluation/{name}.txt', whole, sentence):
    path.with_name(f'._{path.name}').write_bytes(APPLE_DOUBLE)
  whole.with_suffix('.pk').write_bytes(bytes(64))


def _record(dialogue: Dialogue, seed: int) -> np.ndarray:
  """Both microphones, int16 [T, 2]."""
  rng = np.random.default_rng([seed, 1, *dialogue.name.encode()])
  speakers = {
    letter: voice.speaker(letter, np.random.default_rng([seed, 2, dialogue.session, ord(letter)]))
    for letter in CHANNELS
  }
  length = dialogue.turns[-1].end + voice.RATE // 2
  wave = rng.integers(-HISS, HISS, (length, 2), np.int16, endpoint=True)
  for turn in dialogue.turns:
    manner, who = voice.MANNERS[turn.manner], speakers[turn.letter]
    said = 32767 * voice.say(manner, who, turn.end - turn.start, rng)
    for side, letter in enumerate(CHANNELS):
      gain = 1 if letter == turn.letter else LEAKAGE
      wave[turn.start : turn.end, side] += np.rint(gain * said).astype(np.int16)
  return wave


def evaluation(dialogue: Dialogue) -> str:
  """The file of official labels: one block per utterance, in the order of time."""
  blocks = ['% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n']
  for turn in dialogue.turns:
    mean = ', '.join(f'{v:.4f}' for v in np.mean(list(turn.ratings.values()), axis=0))
    times = f'[{_seconds(turn.start):.4f} - {_seconds(turn.end):.4f}]'
    oneself = f'{turn.letter}1'
    votes = {**turn.votes, oneself: turn.own_vote}
    ratings = {**turn.ratings, oneself: turn.own_rating}
    lines = [f'{times}\t{turn.name}\t{turn.label}\t[{mean}]']
    for one, named in votes.items():
      lines.append(f'C-{one}:\t{" ".join(WORDS[e] + ";" for e in named)}\t()')
    for one, (v, a, d) in ratings.items():
      lines.append(f'A-{one}:\tval {v}; act {a}; dom  {d};\t({turn.remarks.get(one, "")})')
    blocks.append(''.join(line + '\n' for line in lines))
  return ''.join(block + '\n' for block in blocks)


def transcription(dialogue: Dialogue) -> str:
  """The words in the order of time, what nobody rated among them."""
  lines = []
  for turn in sorted([*dialogue.turns, *dialogue.asides], key=lambda t: t.start):
    lines.append(f'{turn.name}{_interval(turn)}: {turn.text}\n')
  return ''.join(lines)


def _interval(turn: Turn | Aside) -> str:
  if turn.end is None:
    return ''
  return f' [{_seconds(turn.start):08.4f}-{_seconds(turn.end):08.4f}]'


def _categorical(votes: Iterable[tuple[str, Sequence[str]]]) -> str:
  """One evaluator's emotions; here, unlike in the summary, the release says 'Neutral state'."""
  spelled = {**WORDS, 'neu': 'Neutral state'}
  return ''.join(f'{name} {" ".join(f":{spelled[e]};" for e in v)} ()\n' for name, v in votes)


def _attribute(ratings: Iterable[tuple[str, Sequence[int], str]]) -> str:
  """One evaluator's scales, activation first."""
  return ''.join(f'{n} :act {a}; :val {v}; :dom {d}; ({r})\n' for n, (v, a, d), r in ratings)


def _seconds(samples: int) -> float:
  return samples / voice.RATE


def _placed(path: pathlib.Path) -> pathlib.Path:
  """The same path, with a folder to stand in."""
  path.parent.mkdir(parents=True, exist_ok=True)
  return path
