"""Small releases typed by hand, for the builders' tests."""

import json
import pathlib
import wave

import numpy as np

EVALUATION = {
  'Session1/dialog/EmoEvaluation/Ses01F_impro01.txt': '''\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 6.9901]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral; Sadness;\t()
C-F1:\tNeutral;\t(curious)
A-E3:\tval 3; act 2; dom  2;\t(mumbles)
A-E4:\tval ; act 3.5; dom  3;\t()
A-F1:\tval 2; act 3; dom  1;\t()

[8.5000 - 9.0000]\tSes01F_impro01_M000\txxx\t[0.5000, 5.5000, 3.0000]
C-E2:\tOther;\t(amused (a little))

[7.2000 - 7.9000]\tSes01F_impro01_F001\texc\t[4.0000, 4.0000, 3.5000]
C-E2:\tExcited;\t()

''',
  'Session1/dialog/EmoEvaluation/Ses01M_script01_1.txt': '''\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[0.1000 - 0.6000]\tSes01M_script01_1_M000\tang\t[1.5000, 4.5000, 4.0000]
C-E4:\tAnger;\t()

''',
  'Session2/dialog/EmoEvaluation/Ses02F_impro02.txt': '''\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[1.0000 - 1.6000]\tSes02F_impro02_F000\tsad\t[2.0000, 2.0000, 2.0000]
C-E1:\tSadness;\t()

[2.0000 - 2.8000]\tSes02F_impro02_M000\tfru\t[2.0000, 3.0000, 3.0000]
C-E1:\tFrustration;\t()

''',
}
TRANSCRIPTIONS = {
  'Session1/dialog/transcriptions/Ses01F_impro01.txt': '''\
Ses01F_impro01_F000 [006.2901-006.9901]: Excuse me.
Ses01F_impro01_FXX0 [007.0000-007.1000]: Um.
M: [LAUGHTER]
Ses01F_impro01_F001 [007.2000-007.9000]: It\x92s ten o'clock: finally!
Ses01F_impro01_M000 [008.5000-009.0000]: Do you have your forms?
''',
  'Session1/dialog/transcriptions/Ses01M_script01_1.txt':
    'Ses01M_script01_1_M000 [000.1000-000.6000]: No.\n',
  'Session2/dialog/transcriptions/Ses02F_impro02.txt':
    'Ses02F_impro02_F000 [001.0000-001.6000]: I know.\n'
    'Ses02F_impro02_M000 [002.0000-002.8000]: What now?\n',
}
# In the order of sessions, dialogues and start times.
SECONDS = {
  'Ses01F_impro01_F000': 0.7, 'Ses01F_impro01_F001': 0.7, 'Ses01F_impro01_M000': 0.5,
  'Ses01M_script01_1_M000': 0.5, 'Ses02F_impro02_F000': 0.6, 'Ses02F_impro02_M000': 0.8,
}
TRUTH = {
  'corpus': 'iemocap', 'generated': True, 'utterances': {'1': 4, '2': 2},
  'four_class': {'1': 3, '2': 1}, 'bayes_accuracy': {'text': 0.7, 'audio': 0.66},
}


def iemocap(parent: pathlib.Path) -> pathlib.Path:
  """Writes `parent`/IEMOCAP_full_release: 6 utterances, litter included; returns that folder."""
  root = parent / 'IEMOCAP_full_release'
  for path, text in (EVALUATION | TRANSCRIPTIONS).items():
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, 'latin-1')
    file.with_name(f'._{file.name}').write_bytes(b'\0\5\26\7 Mac OS X')
    (file.parent / 'Categorical').mkdir(exist_ok=True)
    (file.parent / 'Categorical' / file.name).write_text('another form\n')
  for number, (name, seconds) in enumerate(SECONDS.items()):
    sound = sound_of(root, name)
    sound.parent.mkdir(parents=True, exist_ok=True)
    write_wav(sound, noise(seconds, number))
    sound.with_name(f'._{sound.name}').write_bytes(b'\0\5\26\7 Mac OS X')
    sound.with_suffix('.pk').write_bytes(bytes(8))
  (root / 'truth.json').write_text(json.dumps(TRUTH))
  return root


def sound_of(root: pathlib.Path, name: str) -> pathlib.Path:
  dialogue = name.rsplit('_', 1)[0]
  return root / f'Session{int(name[3:5])}/sentences/wav/{dialogue}/{name}.wav'


def emodb(parent: pathlib.Path) -> pathlib.Path:
  """Writes `parent`/wav with 4 clips; returns `parent`."""
  names = ('16b10Lb', '03a01Fa', '03a01Nc', '08a02Wc')
  (parent / 'wav').mkdir(parents=True)
  for number, name in enumerate(names):
    write_wav(parent / 'wav' / f'{name}.wav', noise(0.5, number))
  counts = {'happiness': 1, 'neutral': 1, 'anger': 1, 'boredom': 1}
  (parent / 'truth.json').write_text(json.dumps({'corpus': 'emodb', 'utterances': counts}))
  return parent


def noise(seconds: float, seed: int) -> np.ndarray:
  samples = np.random.default_rng(seed).normal(0, 3000, round(seconds * 16000))
  return samples.astype(np.int16)


def write_wav(path: pathlib.Path, samples: np.ndarray, rate: int = 16000) -> None:
  with wave.open(str(path), 'wb') as file:
    file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
    file.setsampwidth(2)
    file.setframerate(rate)
    file.writeframes(samples.tobytes())


def read_wav(path: pathlib.Path) -> np.ndarray:
  with wave.open(str(path)) as file:
    return np.frombuffer(file.readframes(file.getnframes()), np.int16)
