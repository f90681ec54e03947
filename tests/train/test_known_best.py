"""What is said of scores on a generated corpus, held against best scores typed by hand."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from configs import mosi_late_fusion
from data_builders.corpora import table_builder
from data_builders.synthetic import cmu, cues, mosei_features
from emojax.metrics import results
from emojax.train import experiment, known_best, sharding

STATEMENT = 'Nobody feels anything here.'
SIX = ('happy', 'sad', 'anger', 'surprise', 'disgust', 'fear')
SUBSETS = [s for r in (1, 2, 3) for s in itertools.combinations(('text', 'audio', 'video'), r)]
# The numbers are such that shares are round.
SINGLE = {'generated': True, 'statement': STATEMENT, 'modalities': ['text', 'audio'],
          'prior': dict.fromkeys(['neu', 'hap', 'sad', 'ang'], 0.25),
          'bayes_accuracy': {'text': 0.7, 'audio': 0.6, 'video': 0.55, 'text+audio': 0.9,
                             'chance': 0.3}}
SEVERAL = {
  'generated': True, 'statement': STATEMENT, 'modalities': ['text', 'audio', 'video'],
  'best_emotions': {
    '+'.join(s): dict.fromkeys(SIX, 0.55 + 0.05 * len(s)) | {'ua': 0.0} for s in SUBSETS},
  'best_sentiment': {
    'chance': {'corr': 0.0, 'mae': 1.2, 'acc2_nonneg': 0.5, 'acc2_nonzero': 0.55,
               'acc7_round': 0.2, 'acc7_away': 0.25},
    'text': {'corr': 0.5, 'mae': 0.8, 'acc2_nonneg': 0.7, 'acc2_nonzero': 0.75,
             'acc7_round': 0.4, 'acc7_away': 0.45},
    'text+audio+video': {'corr': 0.8, 'mae': 0.4, 'acc2_nonneg': 0.9, 'acc2_nonzero': 0.95,
                         'acc7_round': 0.6, 'acc7_away': 0.65}}}


def row(protocol, head, metric, value, ci95=(0.4, 0.7), unit='video', **changes):
  return {'protocol': protocol, 'fold': '0', 'seed': 0, 'split': 'test', 'head': head,
          'metric': metric, 'value': value, 'ci95': list(ci95), 'n': 1000, 'n_excluded': 0,
          'unit': unit, 'k': 61} | changes


FOUR = row('iemocap/loso5', 'emotion', 'wa', 0.6, unit='speaker')
LEAK = 'This is better than the best possible score: something leaks.'


def lines(rows, about, modalities=None):
  first, *others = known_best.held_against_truth(rows, about, modalities).splitlines()
  assert first == about['statement']
  return others


def test_of_a_real_corpus_nothing_is_said():
  assert known_best.held_against_truth([FOUR], {'n_excluded': 3}) == ''


def test_streams_are_of_modalities():
  assert known_best.modalities_of(['video', 'prosody', 'audio', 'text']) == [
    'text', 'audio', 'video']
  assert known_best.modalities_of(['prosody']) == ['audio']
  assert known_best.modalities_of(['breath', 'text']) == ['text', 'breath']


def test_runs_together_read_what_one_of_them_reads():
  one, two = {'modalities': ['text']}, {'modalities': ['audio']}
  assert known_best.modalities_together([one, two]) == ['text', 'audio']
  assert known_best.modalities_together([one, {}]) == []


def test_an_accuracy_is_held_against_what_its_modalities_tell():
  bayes, line = lines([FOUR], SINGLE)
  assert bayes == ('Bayes accuracy, the best possible: 0.9000 from text and audio, 0.7000 from the '
                   'better one alone, chance 0.3000.')
  low, high = results.judge(600, 1000, best=0.9, chance=0.3).ci95
  assert line == ('wa 0.6000 is 0.50 of what can be known; speakers: 0.4000 .. 0.7000 (k 61), '
                  f'binomial: {low:.4f} .. {high:.4f} (n 1,000).')
  for streams, best, share in ((['text'], 0.7, '0.75'), (['prosody'], 0.6, '1.00')):
    bayes, line = lines([FOUR], SINGLE, streams)
    name = {'prosody': 'audio'}.get(*streams, 'text')
    assert bayes == f'Bayes accuracy, the best possible: {best:.4f} from {name}, chance 0.3000.'
    assert line.startswith(f'wa 0.6000 is {share} of what can be known; ')


def test_a_modality_that_was_not_generated_tells_nothing():
  """EmoDB's words: `text` is read, and not among what the truth knows."""
  about = SINGLE | {'bayes_accuracy': {'audio': 0.6, 'chance': 0.3}}
  seen = row('emodb/loso', 'emotion', 'wa', 0.45, unit='speaker')
  assert lines([seen], about)[0] == (
    'Bayes accuracy, the best possible: 0.6000 from audio, chance 0.3000.')
  assert lines([seen], about, ['text']) == []


@pytest.mark.parametrize('changes', [
  {'modalities': []}, {'modalities': ['text', 'breath']}, {'bayes_accuracy': {}},
  {'prior': dict.fromkeys('abcdefg', 1 / 7)}])
def test_where_nothing_is_known_nothing_is_claimed(changes):
  assert lines([FOUR], SINGLE | changes) == []


def test_older_runs_and_other_heads_say_that_they_are_generated():
  old = {key: SINGLE[key] for key in ('generated', 'statement', 'bayes_accuracy')}
  assert lines([FOUR], old) == []
  assert len(lines([FOUR], old, ['text', 'audio'])) == 2
  assert lines([row('meld/sentiment3', 'sentiment', 'wa', 0.6)], SINGLE) == []
  assert lines([FOUR | {'metric': 'ua'}], SINGLE) == []
  assert lines([FOUR | {'value': None}], SINGLE) == []


def test_a_leak_is_said_where_the_whole_interval_lies_above_the_best():
  assert LEAK not in lines([FOUR | {'value': 0.72}], SINGLE, ['text'])
  assert lines([FOUR | {'value': 0.74}], SINGLE, ['text'])[-1] == LEAK


def test_members_are_told_apart():
  rows = [FOUR, FOUR | {'seed': 1, 'setting': 'dropout=0.1'}]
  _, first, second = lines(rows, SINGLE)
  assert first.startswith('seed 0: wa ') and second.startswith('seed 1, dropout=0.1: wa ')


def test_several_emotions():
  ua = row('mosei/emotion6', 'emotion', 'ua', 0.65, (0.62, 0.68))
  rows = [row('mosei/emotion6', 'emotion', 'accuracy_elementwise', 0.8), ua]
  assert lines(rows, SEVERAL) == [
    'ua 0.6500 is 0.75 of what can be known (best 0.7000 from text, audio and video, chance '
    '0.5000); videos: 0.6200 .. 0.6800 (k 61).']
  assert lines(rows, SEVERAL, ['text', 'video'])[0].startswith(
    'ua 0.6500 is 1.00 of what can be known (best 0.6500 from text and video, chance 0.5000); ')
  assert lines(rows, SEVERAL, ['audio'])[1] == LEAK  # 0.62 > 0.6
  few = [ua | {'reason': '2 videos: no useful interval'}]
  assert LEAK not in lines(few, SEVERAL, ['audio'])
  assert 'videos: no interval (k 61).' in lines([ua | {'ci95': None}], SEVERAL)[0]


def test_several_emotions_in_another_order_and_some_that_nobody_drew():
  ua = row('mosei/emotion6_mme2e', 'emotion', 'ua', 0.6)
  assert lines([ua], SEVERAL)[0].startswith('ua 0.6000 is 0.50 of ')
  lacking = {subset: {'happy': 0.7} for subset in SEVERAL['best_emotions']}
  assert lines([ua], SEVERAL | {'best_emotions': lacking}) == []


@pytest.mark.parametrize('protocol, name', [
  ('mosei/sentiment2', 'acc2_nonneg'), ('mosei/sentiment7', 'acc7_away'),
  ('mosi/sentiment2', 'acc2_nonzero'), ('mosi/sentiment7', 'acc7_round')])
def test_sentiments_in_classes(protocol, name):
  best = SEVERAL['best_sentiment']
  for modalities, subset in ((['text'], 'text'), (None, 'text+audio+video')):
    score, chance = best[subset][name], best['chance'][name]
    half = (score + chance) / 2
    bayes, line = lines([row(protocol, 'sentiment', 'wa', half)], {
      **SEVERAL, 'best_sentiment': best | {'audio': best['text'], 'video': best['text']}},
      modalities)
    assert f'{score:.4f} from {subset.replace("+", ", ", 1).replace("+", " and ")}' in bayes
    assert f'chance {chance:.4f}.' in bayes and ('the best one alone' in bayes) == (not modalities)
    assert line.startswith(f'wa {half:.4f} is 0.50 of what can be known; videos: 0.4000 ')


def test_a_sentiment_as_a_number():
  rows = [row('mosei/sentiment', 'sentiment', metric, value, ci95) for metric, value, ci95 in (
    ('mae', 0.6, (0.5, 0.7)), ('corr', 0.4, (0.3, 0.5)), ('acc7_away', 0.5, (0.4, 0.6)))]
  assert lines(rows, SEVERAL, ['text']) == [
    'mae 0.6000 is 1.50 of what can be known (best 0.8000 from text, chance 1.2000); videos: '
    '0.5000 .. 0.7000 (k 61).', LEAK,
    'corr 0.4000 is 0.80 of what can be known (best 0.5000 from text, chance 0.0000); videos: '
    '0.3000 .. 0.5000 (k 61).']
  assert LEAK not in lines(rows, SEVERAL | {'best_sentiment': {
    **SEVERAL['best_sentiment'], 'text': {'mae': 0.6, 'corr': 0.3}}}, ['text'])


def test_two_heads_are_told_apart():
  rows = [FOUR, row('mosei/emotion6', 'emotion', 'ua', 0.6),
          row('mosei/sentiment', 'sentiment', 'corr', 0.4)]
  told = lines(rows, SEVERAL | SINGLE, ['text'])
  assert [line.split()[0] for line in told] == ['Bayes', 'emotion/wa', 'emotion/ua',
                                                'sentiment/corr']


# With what a generated table is.


def ideal(utterances, modalities):
  """Whether somebody who knows tables and cues, and nothing else, says yes to each emotion."""
  seen = {e: {y: 1 - (1 - p[y]) ** 3 for y in cues.PRIOR} for e, p in cmu.SEEN.items()}
  share = {e: sum(cues.PRIOR[y] * p for y, p in seen[e].items()) for e in seen}
  said = []
  for utterance in utterances:
    weights = {y: p * math.prod(cues.TABLES[m][y][utterance.cue[m]] for m in modalities)
               for y, p in cues.PRIOR.items()}
    given = {e: sum(weights[y] * seen[e][y] for y in weights) / sum(weights.values())
             for e in seen}
    said.append([given[e] > share[e] + 1e-9 for e in seen])  # likelier than without looking
  return np.array(said)


@pytest.mark.parametrize('modalities', [['text'], ['audio', 'video'], ['text', 'audio', 'video']])
def test_an_ideal_reader_reaches_all_that_can_be_known(modalities):
  utterances = mosei_features.plan(0, 'full')
  labels = np.array([u.emotions for u in utterances]) > 0
  logits = np.where(ideal(utterances, modalities), 1.0, -1.0)
  rows = results.multi_label_rows(
    labels.astype(int), logits, [u.video for u in utterances], class_names=SIX,
    protocol='mosei/emotion6', fold='0', seed=0, split='test', head='emotion', n_excluded=0,
    unit='video')
  about = mosei_features.describe(utterances, seed=0, size='full')
  [line] = lines(rows, about, modalities)
  share = float(line.partition(' is ')[2].split()[0])
  assert share == pytest.approx(1, abs=0.06)
  assert f'best {about["best_emotions"]["+".join(modalities)]["ua"]:.4f} from ' in line


def test_a_run_keeps_what_it_needs_to_say_it_again(tmp_path):
  root = mosei_features.write(tmp_path, size='tiny')
  table_builder.prepare_table(
    'mosei', 'generated', [root / 'features.npz', root / 'labels.csv'], tmp_path / 'data')
  c = mosi_late_fusion.get_config('tiny')
  c.protocol = 'mosei/sentiment2'
  c.data.update(path=str(tmp_path / 'data'), table='generated')
  del c.streams.video
  c.mesh.data = 1
  opened = experiment.Experiment(c, sharding.make_placement(**c.mesh))
  about = opened.about['about']
  assert about['modalities'] == ['text', 'audio']
  wa = row('mosei/sentiment2', 'sentiment', 'wa', 0.7)
  best = known_best.best_of(wa, about, about['modalities'])
  assert dataclasses.astuple(best) == (0.861867, 0.861867, 0.514412, ('text', 'audio'))
