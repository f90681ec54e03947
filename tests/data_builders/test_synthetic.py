"""Generated releases: drawn from the pinned model, spelled as released, whole or absent.

Expected values are typed by hand: the counts are those of the real corpora, the best accuracies
follow from the tables in the design.
"""

import collections
import functools
import pathlib
import re

import numpy as np
import pytest
import soundfile

from data_builders import synthetic
from data_builders.corpora import parallel
from data_builders.synthetic import __main__ as program
from data_builders.synthetic import cues, emodb, iemocap, iemocap_plan, raters, sentences, voice
from emojax.io import files

CODES = dict(
  Neutral='neu', Happiness='hap', Excited='exc', Sadness='sad', Anger='ang',
  Frustration='fru', Surprise='sur', Fear='fea', Disgust='dis', Other='oth',
)  # fmt: skip


@pytest.fixture(scope='module')
def root(tmp_path_factory) -> pathlib.Path:
  """A tiny IEMOCAP; the tests only read it."""
  return iemocap.write(tmp_path_factory.mktemp('iemocap'), seed=3, size='tiny')


@functools.cache
def full_plan() -> list[iemocap_plan.Dialogue]:
  return iemocap_plan.plan(0, 'full')


def content(folder: pathlib.Path) -> dict[str, bytes]:
  return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob('*') if p.is_file()}


def evaluations(root: pathlib.Path) -> list[pathlib.Path]:
  return sorted(root.glob('Session*/dialog/EmoEvaluation/Ses*.txt'))


# The model.


def test_best_accuracies_are_those_of_the_design():
  best = cues.every_best_accuracy(cues.PRIOR)
  expected = {'text': 0.70, 'audio': 0.66, 'text+audio': 0.865, 'text+audio+video': 0.887}
  assert {k: round(best[k], 3) for k in expected} == expected
  assert best['chance'] == 0.31
  assert len(best) == 8


def test_best_accuracy_is_what_an_ideal_observer_reaches():
  rng = np.random.default_rng(0)
  prior = np.array([0.31, 0.29, 0.20, 0.20])  # neu hap sad ang
  text = np.array([[70, 24, 3, 3], [24, 70, 3, 3], [3, 3, 70, 24], [3, 3, 24, 70]]) / 100
  audio = np.array([[66, 4, 26, 4], [4, 66, 4, 26], [26, 4, 66, 4], [4, 26, 4, 66]]) / 100
  y = rng.choice(4, 200_000, p=prior)
  read, heard = (
    (rng.random((len(y), 1)) > t[y].cumsum(axis=1)[:, :3]).sum(axis=1) for t in (text, audio)
  )
  accuracy = np.mean(np.argmax(prior * text.T[read] * audio.T[heard], axis=1) == y)
  assert cues.every_best_accuracy(cues.PRIOR)['text+audio'] == pytest.approx(accuracy, abs=0.004)


@pytest.mark.parametrize(
  'label, expected',
  [
    ('sad', dict(neu=0.26, hap=0.04, sad=0.66, ang=0.04)),
    ('fru', dict(neu=0.25, hap=0.25, sad=0.25, ang=0.25)),  # not in the table
  ],
)
def test_cues_are_drawn_by_the_table(label, expected):
  rng = np.random.default_rng(0)
  drawn = collections.Counter(cues.draw(cues.TABLES['audio'], label, rng) for _ in range(5000))
  assert {c: n / 5000 for c, n in drawn.items()} == pytest.approx(expected, abs=0.03)


# The rendering.


def test_every_cue_word_stands_among_the_first_fifteen_tokens():
  for sentence in sentences.SENTENCES:
    assert 6 <= len(sentence.split()) <= 15, sentence
    gap = sentence.rindex('{}')
    tokens = re.findall(r"{}|'\w+|\w+|[.,?]", sentence[: gap + 2])  # "it's" counts twice
    assert len(tokens) <= 15, sentence
    assert not re.search(r'\ban? {}', sentence), sentence


def test_only_cue_words_tell_the_cue():
  words = [w for lexicon in sentences.LEXICON.values() for w in lexicon]
  assert len(set(words)) == len(words)
  assert not set(words) & set(re.findall(r'\w+', ' '.join(sentences.SENTENCES).lower()))


def test_the_voice_of_every_speaker_rises_from_sad_to_angry():
  rng = np.random.default_rng(0)
  for gender in 'FMFMFM':
    who = voice.speaker(gender, rng)
    said = [voice.say(voice.MANNERS[c], who, 16000, rng) for c in ('sad', 'neu', 'hap', 'ang')]
    assert all(len(w) == 16000 and np.abs(w).max() < 1 for w in said)
    assert np.all(np.diff([np.std(w) for w in said]) > 0)


def test_a_voice_is_heard_at_its_pitch():
  steady = voice.Manner(pitch=1.0, swing=0.0, level=-20, tilt=12.0, tempo=4.0, breath=0.0)
  who = voice.Speaker(pitch=200.0, formants=1.0, level=0.0, tilt=0.0)
  wave = voice.say(steady, who, 32000, np.random.default_rng(0))
  echo = np.fft.irfft(np.abs(np.fft.rfft(wave, 2**17)) ** 2)  # autocorrelation
  assert 60 + np.argmax(echo[60:200]) == pytest.approx(80, abs=1)  # 16000 Hz / 200 Hz


@pytest.mark.parametrize(
  'votes, label',
  [
    ([['ang'], ['ang'], ['sad']], 'ang'),
    ([['ang'], ['sad'], ['neu']], 'xxx'),
    ([['ang', 'fru'], ['ang'], ['neu']], 'ang'),
    ([['ang', 'fru'], ['ang'], ['fru']], 'xxx'),
  ],
)
def test_official_label_is_what_most_evaluators_say(votes, label):
  assert raters.official(dict(zip(['E1', 'E2', 'E4'], votes, strict=True))) == label


# IEMOCAP: what is planned.


def test_full_has_the_utterances_of_the_real_release():
  dialogues = full_plan()
  assert len(dialogues) == 151
  turns = [(d.session, t) for d in dialogues for t in d.turns]
  sessions = collections.Counter(session for session, _ in turns)
  assert sessions == {1: 1819, 2: 1811, 3: 2136, 4: 2103, 5: 2170}
  assert collections.Counter(turn.label for _, turn in turns) == dict(
    neu=1708, hap=595, exc=1041, sad=1084, ang=1103,
    fru=1849, xxx=2507, sur=107, fea=40, oth=3, dis=2,
  )  # fmt: skip
  first = collections.Counter(turn.label for session, turn in turns if session == 1)
  assert (first['neu'], first['hap'] + first['exc'], first['sad'], first['ang']) == (
    384, 278, 194, 229,
  )  # fmt: skip
  assert all(0.3 <= (t.end - t.start) / 16000 <= 0.5 for _, t in turns)
  assert len({t.name for _, t in turns}) == 10039


def test_full_truth_tells_what_a_complete_release_holds():
  truth = iemocap.describe(full_plan(), seed=0, size='full')
  assert truth['utterances'] == {'1': 1819, '2': 1811, '3': 2136, '4': 2103, '5': 2170}
  assert truth['four_class'] == {'1': 1085, '2': 1023, '3': 1151, '4': 1031, '5': 1241}
  assert truth['bayes_accuracy']['chance'] == pytest.approx(1708 / 5531, abs=1e-6)


def test_dialogues_are_called_as_in_the_real_release():
  names = [d.name for d in full_plan()]
  per_session = [sum(n.startswith(f'Ses0{s}') for n in names) for s in range(1, 6)]
  assert per_session == [28, 30, 32, 30, 31]
  assert names[:8] == [f'Ses01F_impro0{i}' for i in range(1, 8)] + ['Ses01F_script01_1']
  assert {'Ses03M_impro05a', 'Ses03M_impro08b', 'Ses05M_script01_1b'} < set(names)
  assert not {'Ses01F_impro08', 'Ses03M_impro05'} & set(names)


# IEMOCAP: what is written.


def test_a_dialogue_is_spelled_as_released():
  turn = iemocap_plan.Turn(
    name='Ses01F_impro01_F000',
    letter='F',
    start=100648,
    end=131776,
    label='neu',
    text='Excuse me.',
    manner='neu',
    votes={'E2': ('neu',), 'E3': ('neu', 'ang'), 'E4': ('hap',)},
    ratings={'E3': (3, 2, 2), 'E4': (2, 3, 3)},
    own_vote=('neu',),
    own_rating=(3, 2, 1),
    remarks={'E3': '', 'E4': 'mumbles'},
  )
  asides = [
    iemocap_plan.Aside('M', 131776, None, '[LAUGHTER]'),
    iemocap_plan.Aside('Ses01F_impro01_MXX0', 193600, 200000, '[BREATHING]'),
  ]
  dialogue = iemocap_plan.Dialogue('Ses01F_impro01', 1, [turn], asides)
  assert iemocap.evaluation(dialogue) == (
    '% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n'
    '\n'
    '[6.2905 - 8.2360]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n'
    'C-E2:\tNeutral;\t()\n'
    'C-E3:\tNeutral; Anger;\t()\n'
    'C-E4:\tHappiness;\t()\n'
    'C-F1:\tNeutral;\t()\n'
    'A-E3:\tval 3; act 2; dom  2;\t()\n'
    'A-E4:\tval 2; act 3; dom  3;\t(mumbles)\n'
    'A-F1:\tval 3; act 2; dom  1;\t()\n'
    '\n'
  )
  assert iemocap.transcription(dialogue) == (
    'Ses01F_impro01_F000 [006.2905-008.2360]: Excuse me.\n'
    'M: [LAUGHTER]\n'
    'Ses01F_impro01_MXX0 [012.1000-012.5000]: [BREATHING]\n'
  )


def test_each_evaluator_has_files_of_his_own(root):
  session = root / 'Session1/dialog/EmoEvaluation'
  block = (session / 'Ses01F_impro01.txt').read_text().split('\n\n')[1]
  name = block.split('\t')[1]
  for one in re.findall(r'^C-(E\d):', block, re.M):
    lines = (session / f'Categorical/Ses01F_impro01_{one.lower()}_cat.txt').read_text()
    assert re.match(rf'{name} (:[A-Z][a-z ]+; )+\(\)\n', lines)
  for one in re.findall(r'^A-(E\d):', block, re.M):
    lines = (session / f'Attribute/Ses01F_impro01_{one.lower()}_atr.txt').read_text()
    assert re.match(rf'{name} :act \d; :val \d; :dom \d; \([a-z ]*\)\n', lines)
  own = sorted(p.name for p in session.glob('Self-evaluation/Ses01F_impro01_*'))
  assert own == [f'Ses01F_impro01_{a}_{k}.txt' for a in ('f1', 'm1') for k in ('atr', 'cat')]


def test_every_official_label_is_the_majority_of_its_votes(root):
  labels = collections.Counter()
  for path in evaluations(root):
    for block in path.read_text().split('\n\n')[1:-1]:
      head, *lines = block.splitlines()
      named = [set(re.findall(r'(\w+);', line)) for line in lines if line.startswith('C-E')]
      assert len(named) == 3
      counts = collections.Counter(CODES[word] for words in named for word in words)
      (label, most), *others = [*counts.most_common(), ('', 0)]
      majority = most >= 2 and most > others[0][1]
      assert head.split('\t')[2] == (label if majority else 'xxx')
      labels[head.split('\t')[2]] += 1
  assert sum(labels.values()) == 140
  assert sum(labels[c] for c in ('neu', 'hap', 'exc', 'sad', 'ang')) == 100


def test_sentences_are_cut_from_the_speaker_s_channel(root):
  speakers = set()
  for path in evaluations(root):
    dialogue, rate = soundfile.read(
      root / path.parts[-4] / f'dialog/wav/{path.stem}.wav', dtype='int16'
    )
    assert rate == 16000
    assert dialogue.shape[1] == 2
    for line in re.findall(r'^\[.*', path.read_text(), re.M):
      start, end, name = re.match(r'\[([\d.]+) - ([\d.]+)\]\t(\w+)', line).groups()
      folder = root / path.parts[-4] / f'sentences/wav/{path.stem}'
      sentence, rate = soundfile.read(folder / f'{name}.wav', dtype='int16')
      channel = 'FM'.index(name[-4])
      cut = dialogue[round(float(start) * 16000) : round(float(end) * 16000), channel]
      assert rate == 16000
      np.testing.assert_array_equal(sentence, cut)
      assert np.std(sentence) > 30  # somebody speaks
      speakers.add(name[:5] + name[-4])
  assert len(speakers) == 10


def test_the_litter_of_the_real_release_is_there(root):
  assert (root / 'Session1/dialog/EmoEvaluation/._Ses01F_impro01.txt').stat().st_size < 100
  assert (root / 'Session1/dialog/wav/Ses01F_impro01.pk').is_file()
  assert any(root.glob('Session5/sentences/wav/*/._Ses05*.wav'))
  assert list((root / 'Session2/dialog/avi/DivX').iterdir()) == []


def test_truth_says_what_it_is(root):
  truth = files.read_json(root / 'truth.json')
  assert (truth['generated'], truth['seed'], truth['size']) == (True, 3, 'tiny')
  assert truth['utterances'] == {s: 28 for s in '12345'}
  assert truth['four_class'] == {s: 20 for s in '12345'}
  assert truth['tables']['text']['sad'] == dict(neu=0.03, hap=0.03, sad=0.70, ang=0.24)
  assert 'nothing about human emotion' in truth['statement']


# Coming to stand in place.


def test_the_same_seed_gives_the_same_bytes_in_other_processes(root, tmp_path):
  dialogues = iemocap_plan.plan(3, 'tiny')[:8]
  job = functools.partial(iemocap.write_dialogue, tmp_path)
  assert len(list(parallel.map_processes(functools.partial(job, 3), dialogues, 2))) == 8
  again, first = content(tmp_path), content(root)
  assert len(again) > 8 * 15
  assert again == {path: first[path] for path in again}


def test_another_seed_gives_another_release(tmp_path):
  one, same, other = (
    content(emodb.write(tmp_path / name, seed=seed, size='tiny'))
    for name, seed in (('a', 1), ('b', 1), ('c', 2))
  )
  assert one == same
  assert set(one) != set(other)


def test_a_release_already_there_is_left_alone(root):
  before = (root / 'truth.json').stat()
  assert iemocap.write(root.parent, seed=3, size='tiny') == root
  assert (root / 'truth.json').stat().st_mtime_ns == before.st_mtime_ns
  with pytest.raises(ValueError, match='already holds .* seed=3, .* asked for .* seed=4'):
    iemocap.write(root.parent, seed=4, size='tiny')


def test_what_was_not_generated_is_never_written_over(tmp_path):
  licensed = tmp_path / 'IEMOCAP_full_release/README.txt'
  licensed.parent.mkdir()
  licensed.write_text('licensed')
  with pytest.raises(ValueError, match='was not generated here'):
    iemocap.write(tmp_path, size='tiny')
  assert content(tmp_path) == {'IEMOCAP_full_release/README.txt': b'licensed'}


def test_nothing_half_written_is_left_behind(tmp_path, monkeypatch):
  def fail(*args):
    raise RuntimeError('no voice')

  monkeypatch.setattr(voice, 'say', fail)
  with pytest.raises(RuntimeError, match='no voice'):
    iemocap.write(tmp_path, size='tiny')
  assert list(tmp_path.iterdir()) == []


# EmoDB.


def test_emodb_has_ten_speakers_and_seven_emotions(tmp_path):
  folder = emodb.write(tmp_path / 'emodb', size='tiny')
  names = sorted(p.stem for p in folder.glob('wav/*.wav'))
  assert len(names) == 60
  assert all(re.fullmatch(r'(03|08|09|1[0-6])[ab](0\d|10)[WLEAFTN][a-z]', n) for n in names)
  assert len({n[:2] for n in names}) == 10
  assert {n[5] for n in names} == set('WLEAFTN')
  samples, rate = soundfile.read(folder / f'wav/{names[0]}.wav', dtype='int16')
  assert (samples.ndim, rate) == (1, 16000)


def test_emodb_counts_and_best_accuracies():
  clips = emodb.plan(0, 'small')
  assert collections.Counter(c.name[5] for c in clips) == dict(
    W=127, L=81, E=46, A=69, F=71, T=62, N=79
  )
  assert len({c.name for c in clips}) == 535
  truth = emodb.describe(clips, seed=0, size='small')
  four = dict(neutral=79, happiness=71, sadness=62, anger=127)
  assert truth['four_class'] == four
  assert truth['utterances'] == four | dict(boredom=81, disgust=46, fear=69)
  assert truth['bayes_accuracy'] == {'audio': 0.66, 'chance': 0.374631}  # 127 of 339
  assert truth['seven_classes']['bayes_accuracy'] == {'audio': 0.66, 'chance': 0.237383}


# The program.


def test_a_corpus_is_found_by_its_file(tmp_path):
  assert {'emodb', 'iemocap'} <= set(synthetic.corpora())
  assert 'release' not in synthetic.corpora()
  with pytest.raises(ValueError, match="corpus='voice' .* there are: emodb, emorynlp, iemocap"):
    synthetic.write('voice', tmp_path)
  with pytest.raises(ValueError, match="size='huge' .*: tiny, small, full"):
    synthetic.write('iemocap', tmp_path, size='huge')


def test_the_program_prints_where_the_release_stands(tmp_path, capsys):
  program.main(['emodb', '--out', str(tmp_path / 'x'), '--size', 'tiny', '--seed', '5'])
  assert capsys.readouterr().out.startswith(str(tmp_path / 'x'))
  with pytest.raises(SystemExit, match='ValueError: .* seed=5'):
    program.main(['emodb', '--out', str(tmp_path / 'x'), '--size', 'tiny'])
