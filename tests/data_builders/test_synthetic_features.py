"""A generated table of features: drawn from the pinned model, and readable as its truth says."""

import csv
import functools
import itertools
import json

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from data_builders import synthetic, table
from data_builders.corpora import table_builder, table_description
from data_builders.synthetic import cmu, cues, mosei_features
from emojax.data import table as table_lib
from emojax.io import files, prepared
from emojax.protocols import protocol
from tests.data_builders import hand_made_tables as made

MODALITIES = ('text', 'audio', 'video')
SUBSETS = [s for r in (1, 2, 3) for s in itertools.combinations(MODALITIES, r)]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
  """A tiny table; the tests only read it."""
  return synthetic.write('mosei_features', tmp_path_factory.mktemp('out'), seed=5, size='tiny')


@pytest.fixture(scope='module')
def data(root, tmp_path_factory):
  """The same, prepared as a user does."""
  folder = tmp_path_factory.mktemp('data')
  assert table.main(['mosei/generated', str(root / 'features.npz'), str(root / 'labels.csv'),
                     '--data_dir', str(folder)]) == 0
  return folder


@functools.cache
def full_plan():
  return mosei_features.plan(0, 'full')


# The best that can be known, once more in the plainest way.


def every_case(subset, annotators=3):
  """(p, class, cues) of all combinations."""
  for label, p in cues.PRIOR.items():
    for shown in itertools.product(cues.CLASSES, repeat=len(subset)):
      chance = p
      for modality, cue in zip(subset, shown):
        chance *= cues.TABLES[modality][label][cue]
      yield chance, label, shown


def best_balanced(subset, emotion):
  """The mean of both recalls of whoever says yes where it is likelier among those who have it."""
  yes, no = {}, {}
  for chance, label, shown in every_case(subset):
    seen = 1 - (1 - cmu.SEEN[emotion][label]) ** 3  # by one of three, at least
    yes[shown] = yes.get(shown, 0) + chance * seen
    no[shown] = no.get(shown, 0) + chance * (1 - seen)
  have, lack = sum(yes.values()), sum(no.values())
  says = [shown for shown in yes if yes[shown] / have > no[shown] / lack]
  return (sum(yes[s] for s in says) / have + 1 - sum(no[s] for s in says) / lack) / 2


def best_of_sentiment(subset):
  """corr, mae, acc2_nonneg and acc7_away of the best answers to each combination of cues."""
  given = {}  # cues -> sentiment in thirds -> p
  for chance, label, shown in every_case(subset):
    for votes in itertools.product(cmu.SENTIMENT[label].items(), repeat=3):
      p = chance * votes[0][1] * votes[1][1] * votes[2][1]
      thirds = sum(vote for vote, _ in votes)
      given.setdefault(shown, {}).setdefault(thirds, 0)
      given[shown][thirds] += p

  def expected(score):
    return sum(score(cell) for cell in given.values())

  def mean(cell, power=1):
    return sum(p * (thirds / 3) ** power for thirds, p in cell.items())

  def held(rule):
    def most(cell):
      classes = {}
      for thirds, p in cell.items():
        classes[rule(thirds)] = classes.get(rule(thirds), 0) + p
      return max(classes.values())
    return most

  middle = expected(mean)
  explained = expected(lambda cell: mean(cell) ** 2 / sum(cell.values())) - middle ** 2
  spread = expected(lambda cell: mean(cell, 2)) - middle ** 2
  nearest = expected(lambda cell: min(
    sum(p * abs(thirds - guess) / 3 for thirds, p in cell.items()) for guess in range(-9, 10)))
  return {
    'corr': (explained / spread) ** 0.5, 'mae': nearest,
    'acc2_nonneg': expected(held(lambda thirds: thirds >= 0)),
    'acc7_away': expected(held(lambda thirds: -(-thirds // 3) if thirds > 0 else thirds // 3))}


def test_truth_says_the_best_of_each_set_of_modalities(root):
  truth = files.read_json(root / 'truth.json')
  assert {*truth['best_emotions']} == {'+'.join(s) for s in SUBSETS}
  assert {*truth['best_sentiment']} == {'chance', *truth['best_emotions']}
  for subset in SUBSETS:
    said, sentiment = (truth[f'best_{of}']['+'.join(subset)] for of in ('emotions', 'sentiment'))
    scores = {emotion: best_balanced(subset, emotion) for emotion in cmu.SEEN}
    assert said == pytest.approx(scores | {'ua': sum(scores.values()) / 6}, abs=2e-6)
    best = best_of_sentiment(subset)
    assert {name: sentiment[name] for name in best} == pytest.approx(best, abs=2e-6)
    assert truth['bayes_accuracy']['+'.join(subset)] == sentiment['acc2_nonneg']


def test_more_modalities_tell_more(root):
  best = files.read_json(root / 'truth.json')['best_emotions']
  for one, other in itertools.permutations(SUBSETS, 2):
    if {*one} < {*other}:
      assert best['+'.join(one)]['ua'] < best['+'.join(other)]['ua']


# What is written.


def test_files_are_what_a_user_would_have(root):
  assert sorted(path.name for path in root.iterdir()) == ['features.npz', 'labels.csv',
                                                          'truth.json']
  arrays = np.load(root / 'features.npz')
  with open(root / 'labels.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  assert arrays['ids'].tolist() == [row['id'] for row in rows] == [
    f'{row["video"]}_{row["clip"]}' for row in rows]
  for name, width, few, many in (
      ('text', 300, 5, 20), ('audio', 74, 10, 40), ('video', 35, 5, 30)):
    frames, lengths = arrays[name], arrays[f'{name}_lengths']
    assert (frames.shape, frames.dtype) == ((116, many, width), np.float32)
    assert few <= lengths.min() < lengths.max() <= many
    padding = np.arange(many) >= lengths[:, None]
    assert not frames[padding].any() and frames[~padding].any(1).all()
  parts = {part: {row['video'] for row in rows if row['split'] == part}
           for part in ('train', 'valid', 'test')}
  assert {part: len(videos) for part, videos in parts.items()} == {
    'train': 14, 'valid': 3, 'test': 4}
  assert len(set.union(*parts.values())) == 21


def test_the_seed_decides_every_byte(root, tmp_path):
  again = mosei_features.write(tmp_path / 'a', seed=5, size='tiny')
  other = mosei_features.write(tmp_path / 'b', seed=6, size='tiny')
  for name in ('features.npz', 'labels.csv', 'truth.json'):
    assert (again / name).read_bytes() == (root / name).read_bytes()
    assert (other / name).read_bytes() != (root / name).read_bytes()
  with pytest.raises(ValueError, match='size=.big. of mosei_features is none of: tiny, small'):
    mosei_features.write(tmp_path, size='big')


def test_full_has_the_utterances_of_the_standard_folds():
  assert [sum(u.part == part for u in full_plan()) for part in ('train', 'valid', 'test')] == [
    16327, 1871, 4662]


def test_labels_and_cues_are_drawn_by_the_tables():
  utterances = full_plan()
  expected = {emotion: sum(p * (1 - (1 - seen[y]) ** 3) for y, p in cues.PRIOR.items())
              for emotion, seen in cmu.SEEN.items()}
  there = np.array([u.emotions for u in utterances]) > 0
  assert dict(zip(cmu.SEEN, there.mean(0))) == pytest.approx(expected, abs=0.012)
  for modality, rows in cues.TABLES.items():
    shown = [u.cue[modality] for u in utterances]
    expected = {c: sum(p * rows[y][c] for y, p in cues.PRIOR.items()) for c in cues.CLASSES}
    assert {c: shown.count(c) / len(shown) for c in cues.CLASSES} == pytest.approx(
      expected, abs=0.012)
  assert np.mean([u.sentiment for u in utterances]) == pytest.approx(sum(
    p * vote * cues.PRIOR[y] for y, votes in cmu.SENTIMENT.items() for vote, p in votes.items()),
    abs=0.04)


@pytest.fixture(scope='module')
def some():
  """Utterances of 114 videos with their frames: modality -> [T, D] of each."""
  utterances = [u for u in mosei_features.plan(1, 'small') if u.part != 'train']
  utterances += mosei_features.plan(1, 'small')[:600]
  return utterances, {modality: [mosei_features.show(u, modality, 1) for u in utterances]
                      for modality in MODALITIES}


def hit_rate(utterances, modality, pooled):
  """Nearest mean (as far as numbers spread), fitted on half of the videos, asked of the others."""
  videos = sorted({u.video for u in utterances})
  fitted = np.isin([u.video for u in utterances], videos[::2])
  cue = np.array([u.cue[modality] for u in utterances])
  rule = LinearDiscriminantAnalysis().fit(pooled[fitted], cue[fitted])
  return rule.score(pooled[~fitted], cue[~fitted])


def test_a_simple_rule_reads_every_cue(some):
  utterances, shown = some
  means = {modality: np.stack([frames.mean(0) for frames in shown[modality]])
           for modality in MODALITIES}
  names = np.array([u.video for u in utterances])
  cue = np.array([u.cue['text'] for u in utterances])
  fitted = np.isin(names, sorted(set(names))[::2])
  # How much like the words of each lexicon is the word that is most like them?
  alike = np.stack([means['text'][fitted & (cue == c)].mean(0) for c in cues.CLASSES])
  alike -= means['text'][fitted].mean(0)
  words = np.stack([(frames @ alike.T).max(0) for frames in shown['text']])
  assert hit_rate(utterances, 'text', words) >= 0.99
  own = {modality: np.stack([means[modality][names == name].mean(0) for name in names])
         for modality in ('audio', 'video')}
  assert hit_rate(utterances, 'audio', means['audio'] - own['audio']) >= 0.99
  moves = np.stack([frames.std(0) for frames in shown['video']])
  assert hit_rate(utterances, 'video', np.concatenate(
    [moves, means['video'] - own['video']], axis=1)) >= 0.99


def test_no_speaker_needs_to_be_known_where_time_is_read(some):
  utterances, shown = some
  rise = np.stack([(np.linspace(-1, 1, len(frames)) @ frames) / len(frames)
                   for frames in shown['audio']])
  assert hit_rate(utterances, 'audio', rise) >= 0.99
  assert hit_rate(utterances, 'video', np.stack([
    frames.std(0) for frames in shown['video']])) >= 0.99


def test_a_mean_over_time_is_not_enough(some):
  utterances, shown = some
  for modality in MODALITIES:
    means = np.stack([frames.mean(0) for frames in shown[modality]])
    assert 0.5 < hit_rate(utterances, modality, means) < 0.97


# What is prepared.


def test_the_dataset_says_that_it_is_generated_and_what_is_best(root, data, capsys):
  about = prepared.Dataset(prepared.find(data, 'mosei', 'table_generated')).about
  truth = files.read_json(root / 'truth.json')
  assert about['generated'] is True and about['complete'] is True
  for name in ('statement', 'prior', 'bayes_accuracy', 'best_emotions', 'best_sentiment'):
    assert about[name] == truth[name]
  assert about['release'] == 'a generated release (version 1, seed 5, size tiny)'
  assert {name: feature['width'] for name, feature in about['features'].items()} == {
    'text': 300, 'audio': 74, 'video': 35}
  arguments = ['mosei/generated', *(str(root / name) for name in ('features.npz', 'labels.csv'))]
  assert table.main([*arguments, '--data_dir', str(data)]) == 0
  said = capsys.readouterr().out
  assert 'kept' in said and 'GENERATED: results on it say nothing' in said


@pytest.mark.parametrize('name, width', [
  ('emotion6', 6), ('sentiment', 1), ('sentiment2', None), ('sentiment7', None)])
def test_protocols_read_it(name, width, data, root):
  corpus = table_lib.load('mosei', data, table='generated', features=MODALITIES)
  assert not corpus.is_complete_release  # published counts need not hold
  asked = protocol.load(f'mosei/{name}')
  split = protocol.resolve(asked, 0, corpus.index, complete=corpus.is_complete_release)
  assert {part: len(split.rows[part]) for part in protocol.SPLITS} == {
    'train': 78, 'valid': 16, 'test': 22}
  [targets] = split.targets.values()
  assert targets.shape == ((116, width) if width else (116,))
  planned = {f'mosei/{u.id}': u for u in mosei_features.plan(5, 'tiny')}
  for row, id in enumerate(corpus.index['id'].tolist()):
    if name == 'emotion6':
      assert targets[row].tolist() == [value > 0 for value in planned[id].emotions]
    frames = corpus.feature('audio').read(row)
    np.testing.assert_array_equal(frames, mosei_features.show(planned[id], 'audio', 5))


def test_a_truth_beside_the_files_is_of_their_corpus(root, tmp_path):
  """Of real tables nothing changes: `truth.json` of another corpus, or none, says nothing."""
  for corpus, generated in (('mosi', False), ('toy', True)):
    path = made.write_npz(tmp_path / 't.npz')
    made.write_json(tmp_path / 'truth.json', {'corpus': 'toy', 'generated': True, 'statement': 's'})
    folder, _ = table_builder.prepare_table(
      corpus, 'mine', [path], tmp_path / 'data',
      description=made.write_json(tmp_path / 'd.json', made.PLAIN))
    about = json.loads((folder / prepared.METADATA).read_text())
    assert ('generated' in about) == ('release' in about) == generated
    assert [*about['files']] == ['t.npz', *(['truth.json'] if generated else [])]


def test_the_known_description_fits_what_is_written():
  described = table_description.load('generated', None, 'mosei')
  assert described.complete and {*described.features} == {*mosei_features.WIDTHS}
  with pytest.raises(ValueError, match='a table of mosei, not of'):
    table_description.load('generated', None, 'mosi')
