"""Damage to a generated IEMOCAP, and what the builder must make of it.

A planter of a repair takes a whole dialogue, since a lost label beside it would move its positions.
"""

import collections
import functools
import pathlib
import re
import shutil
from collections.abc import Callable

import numpy as np

from data_builders.synthetic import damaged_sounds, defects, iemocap
from data_builders.synthetic.defects import Defect, Planted

CORPUS = 'iemocap'
HEADER = '% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]'


def sounds(root: pathlib.Path) -> dict[str, pathlib.Path]:
  """Id -> sound of every utterance."""
  return {f'{CORPUS}/{path.stem}': path
          for path in sorted(root.glob('Session*/sentences/wav/*/Ses*_[FM][0-9][0-9][0-9].wav'))}


def _dialogues(root: pathlib.Path) -> dict[str, tuple[str, ...]]:
  """Name -> ids of its utterances."""
  ids = collections.defaultdict(list)
  for id, path in sounds(root).items():
    ids[path.parent.name].append(id)
  return {name: tuple(ids) for name, ids in ids.items()}


def _file(root: pathlib.Path, name: str, folder: str = 'EmoEvaluation') -> pathlib.Path:
  """The label file, or the transcript, of a dialogue or of an utterance's dialogue."""
  dialogue = '_'.join(part for part in name.split('_') if not re.fullmatch(r'[FM]\d+', part))
  return root / f'Session{int(name[4])}/dialog/{folder}/{dialogue}.txt'


_words = functools.partial(_file, folder='transcriptions')


def _whole(root, rng, verdict: str, reason: str, change: Callable, *places: Callable) -> Planted:
  """Lets `change(path)` change files of a dialogue that nothing else is damaged in."""
  dialogues = _dialogues(root)
  name = defects.pick(root, rng, dialogues)
  paths = [place(root, name) for place in places]
  for path in paths:
    change(path)
  return Planted(dialogues[name], str(paths[0].relative_to(root)), verdict, reason)


def _whole_dialogue(name: str, why: str, change: Callable[[pathlib.Path], None], *places: Callable,
                    verdict: str = 'repaired', reason: str = '') -> Defect:
  return Defect(name, why, lambda root, rng: _whole(root, rng, verdict, reason, change, *places))


def _label(name: str, why: str, verdict: str, reason: str, change: Callable[..., str]) -> Defect:
  """A defect of one utterance's block of labels: `change(block, rng)` gives the new block."""
  return _text(name, why, verdict, reason, change, _file, r'^\[[^\n]*\b{name}\b.*?\n(?=\n|\Z)')


def _said(name: str, why: str, verdict: str, reason: str, change: Callable[..., str]) -> Defect:
  """A defect of one utterance's line in the transcript."""
  return _text(name, why, verdict, reason, change, _words, r'^{name} [^\n]*\n')


def _text(name, why, verdict, reason, change, place, pattern) -> Defect:
  def plant(root: pathlib.Path, rng: np.random.Generator) -> Planted:
    id = defects.pick(root, rng, list(sounds(root)))
    utterance = id.partition('/')[2]
    path = place(root, utterance)
    text, found = re.subn(
      pattern.format(name=utterance), lambda match: change(match[0], rng), path.read_text('utf-8'),
      flags=re.MULTILINE | re.DOTALL)
    assert found == 1, f'{path} has {found} times {utterance}'
    path.write_text(text, 'utf-8')
    return Planted((id,), str(path.relative_to(root)), verdict, reason.format(name=utterance))

  return Defect(name, why, plant)


def _sub(pattern: str, new: str, block: str) -> str:
  block, number = re.subn(pattern, new, block, count=1)
  assert number, f'{pattern} is not in {block!r}'
  return block


# Changes of whole files.


def _windows(path: pathlib.Path) -> None:
  path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes().replace(b'\n', b'\r\n'))


def _hard_spaces(path: pathlib.Path) -> None:
  path.write_bytes(path.read_bytes().replace(b'\n', b'\xa0\n'))


def _scales_moved(path: pathlib.Path) -> None:
  text = path.read_text('utf-8').replace('[V, A, D]', '[A, V, D]')
  path.write_text(re.sub(r'\[([\d.]+), ([\d.]+), ([\d.]+)\]', r'[\2, \1, \3]', text), 'utf-8')


def _scales_unknown(path: pathlib.Path) -> None:
  path.write_text(path.read_text('utf-8').replace('[V, A, D]', '[P, A, D]'), 'utf-8')


def _no_header(path: pathlib.Path) -> None:
  path.write_text(path.read_text('utf-8').removeprefix(HEADER + '\n'), 'utf-8')


def _downloaded_twice(path: pathlib.Path) -> None:
  shutil.copyfile(path, path.with_name(f'{path.stem} (1){path.suffix}'))


def _apple(folder: pathlib.Path) -> None:
  for path in [*folder.iterdir()] if folder.is_dir() else [folder]:
    if not path.name.startswith('.'):
      path.with_name(f'._{path.name}').write_bytes(iemocap.APPLE_DOUBLE)


def _upper_case(folder: pathlib.Path) -> None:
  for path in sorted(folder.glob('Ses*.wav')):
    path.rename(path.with_suffix('.WAV'))


def _sentences(root: pathlib.Path, name: str) -> pathlib.Path:
  return root / f'Session{int(name[4])}/sentences/wav/{name}'


def _doubled_colons(path: pathlib.Path) -> None:
  path.write_text(path.read_text('utf-8').replace(']: ', ']:: '), 'utf-8')


# What concerns more than one file.


def _lost_sound(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  known = sounds(root)
  id = defects.pick(root, rng, list(known))
  known[id].unlink()
  return Planted((id,), str(known[id].relative_to(root)), 'excluded', 'label without audio')


def _copied_sound(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  known = sounds(root)
  path = known[defects.pick(root, rng, list(known))]
  copy = path.with_name(f'{path.stem} (1).wav')
  shutil.copyfile(path, copy)
  return Planted((f'{CORPUS}/{copy.stem}',), str(copy.relative_to(root)), 'excluded',
                 'audio without label')


def _two_of_a_speaker(root: pathlib.Path) -> dict[tuple[str, str], tuple[str, str]]:
  """Neighbouring turns of one speaker, both as a key and as what it concerns."""
  turns = collections.defaultdict(list)
  for id in sounds(root):
    turns[id[:-3]].append(id)  # numbers follow each other
  pairs = [pair for ids in turns.values() for pair in zip(ids, ids[1:])]
  return {pair: pair for pair in pairs}


def _same_sound(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  known = sounds(root)
  first, second = defects.pick(root, rng, _two_of_a_speaker(root))
  shutil.copyfile(known[first], known[second])
  return Planted((first, second), str(known[second].relative_to(root)), 'noted',
                 f'{second.partition("/")[2]} has the very sound of {first.partition("/")[2]}')


def _overlap(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  """The first of two turns of a speaker ends after the other has begun."""
  first, second = (id.partition('/')[2]
                   for id in defects.pick(root, rng, _two_of_a_speaker(root)))
  path = _file(root, first)
  text = path.read_text('utf-8')
  start = float(re.search(rf'\[([\d.]+) - [\d.]+\]\t{second}\t', text)[1])
  path.write_text(
    _sub(rf'- [\d.]+(\]\t{first}\t)', rf'- {start + 0.5:.4f}\1', text), 'utf-8')
  return Planted((f'{CORPUS}/{first}', f'{CORPUS}/{second}'), str(path.relative_to(root)), 'noted',
                 f'{second} starts 0.50 s before its speaker has ended {first}')


def _missing_session(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  session = root / f'Session{rng.integers(1, 6)}'
  ids = tuple(id for id, path in sounds(root).items() if session in path.parents)
  shutil.rmtree(session)
  return Planted(ids, session.name, 'error', f'{session.name} is missing')


def _session_over_another(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  one, other = (root / f'Session{number}' for number in rng.permutation(range(1, 6))[:2])
  ids = tuple(id for id, path in sounds(root).items() if other in path.parents)
  shutil.rmtree(other)
  shutil.copytree(one, other)
  return Planted(ids, other.name, 'error', 'Was one session copied over another?')


def _no_sentences(root: pathlib.Path, rng: np.random.Generator) -> Planted:
  ids = tuple(sounds(root))
  for folder in root.glob('Session*/sentences'):
    shutil.rmtree(folder)
  return Planted(ids, 'Session1/sentences', 'error', 'Session1: 0 of')


def _other_content(root: pathlib.Path, rng: np.random.Generator, name: str = '') -> Planted:
  """Everything is gone; in its place stands a folder with a file of that name, if any."""
  ids = tuple(sounds(root))
  for folder in root.glob('Session*'):
    shutil.rmtree(folder)
  if name:
    (root / name).parent.mkdir()
    (root / name).write_bytes(b'')
  return Planted(ids, '.', 'error', f'expected the folder {root.name}')


# Changes of one block of labels, or one line of a transcript.


def _differently(block: str, rng: np.random.Generator) -> str:
  label = re.search(r'\t(\w{3})\t', block)[1]
  other = rng.choice([code for code in iemocap.WORDS if code != label])
  return block + '\n' + _sub(r'\t\w{3}\t', f'\t{other}\t', block)


def _end_first(block: str, rng: np.random.Generator) -> str:
  return _sub(r'\[([\d.]+) - ([\d.]+)\]', r'[\2 - \1]', block)


def _happy_tie(block: str, rng: np.random.Generator) -> str:
  """Two evaluators for happiness, two for excitement: no majority."""
  head = _sub(r'\t\w{3}\t', '\txxx\t', block.partition('\n')[0])
  votes = ('Happiness; Excited;', 'Happiness;', 'Excited;')
  return '\n'.join([head, *(f'C-E{k}:\t{said}\t()' for k, said in enumerate(votes, 1)), ''])


def _against_votes(block: str, rng: np.random.Generator) -> str:
  head = _sub(r'\t\w{3}\t', '\tneu\t', block.partition('\n')[0])
  return '\n'.join([head, *(f'C-E{k}:\tAnger;\t()' for k in (1, 2, 3)), ''])


def _misspelled(block: str, rng: np.random.Generator) -> str:
  return _sub(r'(C-E\d:\t)\w+;', r'\1Happyness;', block)


def _other_sentence(line: str, rng: np.random.Generator) -> str:
  return line + line.partition(': ')[0] + ': Some other sentence.\n'


DEFECTS = (
  _whole_dialogue('windows_line_ends', 'saved by a Windows editor: BOM and CRLF', _windows, _file,
                  _words),
  _whole_dialogue('windows_spaces', 'pasted from Word: hard spaces, no longer UTF-8', _hard_spaces,
                  _file, _words),
  _whole_dialogue('apple_double', 'copied by a Mac: a file ._x beside every x', _apple, _file,
                  _words, _sentences),
  _whole_dialogue('upper_case_extension', 'written by an old file system', _upper_case, _sentences),
  _whole_dialogue('doubled_colons', 'search and replace over a transcript', _doubled_colons,
                  _words),
  _whole_dialogue('scales_in_another_order', 'a header that names activation first, and values so',
                  _scales_moved, _file),
  _whole_dialogue('scales_unknown', 'a header that names other scales', _scales_unknown, _file,
                  verdict='excluded', reason='header names the scales P, A, D'),
  _whole_dialogue('no_header', 'label file without its first line', _no_header, _file,
                  verdict='noted', reason='has no header'),
  _whole_dialogue('no_transcript_file', 'transcript lost', pathlib.Path.unlink, _words,
                  verdict='noted', reason='has no transcript'),
  _whole_dialogue('downloaded_twice', 'a browser added a copy of a label file', _downloaded_twice,
                  _file, verdict='noted', reason='labelled 2 times, always the same'),
  Defect('overlapping_times', 'times typed by hand: a speaker overlaps with himself', _overlap),
  Defect('same_sound', 'one sound under two names', _same_sound),
  Defect('label_without_audio', 'sound lost', _lost_sound),
  Defect('copied_sound', 'a browser added a copy of a sound', _copied_sound),
  _label('audio_without_label', 'label lost', 'excluded', 'audio without label',
         lambda block, rng: ''),
  _label('label_line_damaged', 'edited by hand: a semicolon for a comma', 'excluded',
         'label line that cannot be read', lambda block, rng: block.replace(', ', '; ')),
  _label('labelled_twice', 'a block copied and changed', 'excluded', 'labelled twice, differently',
         _differently),
  _label('label_repeated', 'a block copied', 'noted', '{name} is labelled 2 times, always the same',
         lambda block, rng: f'{block}\n{block}'),
  _label('unknown_emotion', 'mistyped code', 'excluded', "unknown emotion 'nue'",
         lambda block, rng: _sub(r'\t\w{3}\t', '\tnue\t', block)),
  _label('ends_before_it_starts', 'times exchanged', 'noted', '{name} ends at', _end_first),
  _label('attributes_out_of_range', 'means of scales go below 1 and above 5 in the real release',
         'noted', '{name} has attributes outside 1 to 5: (0.5, 5.5, 3.0)',
         lambda block, rng: _sub(r'\[[\d.]+, [\d.]+, [\d.]+\]', '[0.5000, 5.5000, 3.0000]', block)),
  _label('happy_tie', 'no majority, but the common six-class list counts it as happy', 'noted',
         '{name} is xxx, and hap in the common six-class list', _happy_tie),
  _label('against_its_votes', 'label and votes disagree', 'noted',
         '{name} is neu, but most evaluators name Anger', _against_votes),
  _label('no_votes', 'lines of the raters lost', 'noted', '{name} has no votes',
         lambda block, rng: block.partition('\n')[0] + '\n'),
  _label('misspelled_vote', 'mistyped word', 'noted', "names 'Happyness'", _misspelled),
  _label('unknown_line', 'a remark typed between the votes', 'noted',
         "line of unknown form: 'see below, {name}'",
         lambda block, rng: block + re.search(r'\t(Ses\w+)\t', block)[1].join(
           ('see below, ', '\n'))),
  _said('no_transcript_line', 'line of the transcript lost', 'noted', '{name} has no transcript',
        lambda line, rng: ''),
  _said('transcribed_twice', 'line of the transcript copied and changed', 'noted',
        '{name} has two transcripts; the first is taken', _other_sentence),
  *damaged_sounds.of(sounds),
  Defect('missing_session', 'one archive not unpacked', _missing_session, error=True),
  Defect('session_over_another', 'one archive unpacked over another', _session_over_another,
         error=True),
  Defect('sounds_not_unpacked', 'labels without any sound', _no_sentences, error=True),
  Defect('empty_folder', 'the archive was never unpacked', _other_content, error=True),
  Defect('another_corpus', 'the folder of another corpus was given',
         functools.partial(_other_content, name='wav/03a01Fa.wav'), error=True),
)
