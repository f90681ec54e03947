"""FME's and MSE's processed files, made here in their layouts."""

import pickle
import re

import numpy as np
import pytest

from emojax.data import authors_mdre, fitted, processed, source
from emojax.features import words
from emojax.protocols import protocol as protocol_lib

NAMES = [f'Ses0{s}F_{scene}_{g}{i:03}' for s in range(1, 6)
         for scene in ('impro01', 'script01_1') for g in 'FM' for i in range(4)]
COUNT = len(NAMES)  # 80
LABELS = np.arange(COUNT) % 4
DIC = {'_PAD_': 0, '_UNK_': 1, 'yes': 2, ',': 3, 'i': 4, 'did': 5, 'do': 6, "n't": 7, '.': 8}
SAID = [2, 3, 4, 5, 8, 1]


def arrays():
  """File -> content of a whole folder; small, but for the widths that readers check."""
  random = np.random.default_rng(0)
  words_ = np.zeros((COUNT, 12), np.int64)
  words_[:, :6] = SAID
  counts = random.integers(1, 30, COUNT)
  counts[0] = 900  # cut at the 20 frames that are stored
  mfcc = random.normal(size=(COUNT, 20, 39))
  for row, count in enumerate(counts):
    mfcc[row, count:] = 0
  raw = np.zeros((COUNT, 500))
  for row in range(COUNT):
    raw[row, :5 * row] = random.normal(size=5 * row)
  return {
    'FC_ordered_ids.txt': NAMES, 'FC_label.txt': LABELS, 'FC_trans.npy': words_,
    'FC_MFCC12EDA.npy': mfcc, 'FC_MFCC12EDA_sequenceN.txt': counts,
    'FC_prodosy.npy': random.normal(size=(COUNT, 35)), 'FC_raw_audio.npy': raw, 'dic.pkl': DIC,
    'W_embedding.npy': random.normal(size=(len(DIC), 5)).astype(np.float32)}


def write(folder, contents):
  folder.mkdir(parents=True, exist_ok=True)
  for name, content in contents.items():
    path = folder / name
    if content is None:
      path.unlink(missing_ok=True)
    elif name.endswith('.txt'):
      path.write_text(''.join(f'{line}\n' for line in content))
    elif name.endswith('.pkl'):
      path.write_bytes(pickle.dumps(content, protocol=0))  # as Python 2 writes it
    else:
      np.save(path, content)
  return folder


PARTS = {'train': range(0, 50), 'dev': range(50, 62), 'test': range(62, 80)}


def write_set(folder, *, listed=True):
  """A set whose parts take the rows of the folder above it backwards."""
  whole = arrays()
  write(folder, {name: whole[name] for name in ('dic.pkl', 'W_embedding.npy')})
  rows = np.arange(COUNT)[::-1]
  for part, places in PARTS.items():
    own = rows[list(places)]
    write(folder, {
      f'{part}_label.npy': LABELS[own], f'{part}_nlp_trans.npy': whole['FC_trans.npy'][own],
      f'{part}_audio_mfcc.npy': whole['FC_MFCC12EDA.npy'][own],
      f'{part}_seqN.npy': whole['FC_MFCC12EDA_sequenceN.txt'][own],
      f'{part}_audio_prosody.npy': whole['FC_prodosy.npy'][own]})
  if listed:
    write(folder, {f'{folder.name}.txt': [' '.join(map(str, rows[list(places)]))
                                          for places in PARTS.values()]})
    write(folder.parent, {'FC_ordered_ids.txt': NAMES})
  return folder


@pytest.fixture
def whole(tmp_path):
  """Writes the folder with changes, and opens it."""
  def load(**changes):
    write(tmp_path, arrays() | {name.replace('__', '.'): c for name, c in changes.items()})
    return processed.load('iemocap', str(tmp_path))

  return load


def test_a_folder_is_a_corpus(whole):
  corpus = whole()
  assert isinstance(corpus, source.Corpus) and not corpus.is_complete_release
  assert corpus.index['id'].tolist() == [f'iemocap/{name}' for name in NAMES]
  assert corpus.index['emotion'].tolist()[:4] == ['ang', 'hap', 'sad', 'neu']
  assert corpus.index['script'].tolist()[7:9] == ['', 'script01']
  assert corpus.index['speaker'].tolist()[4] == 'Ses01M'
  assert corpus.words[0] == ['yes', ',', 'i', 'did', '.', 'UNK'] and len(corpus.words) == COUNT
  assert corpus.transcripts.words[3] == corpus.words[3]
  assert len(corpus.about['fingerprint']) == 32


def test_words_and_vectors_are_the_originals_own_numbers(whole):
  corpus = whole()
  ids, table = corpus.word_cache()
  assert ids == {'UNK': 1, 'yes': 2, ',': 3, 'i': 4, 'did': 5, 'do': 6, "n't": 7, '.': 8}
  np.testing.assert_array_equal(table, arrays()['W_embedding.npy'])
  fitted.checked_word_cache(ids, table, 'clean', 5)
  tokens = words.tokenizer('as_given')(corpus.words[0])
  assert words.lookup(tokens, ids, 8).tolist() == [*SAID, 0, 0], 'the row of FC_trans again'


def test_frames_are_those_of_their_row_without_filling(whole):
  corpus, given = whole(), arrays()
  mfcc, prosody, sound = (corpus.feature(name) for name in ('mfcc_mdre', 'prosody', 'waveform_fme'))
  counts = given['FC_MFCC12EDA_sequenceN.txt']
  assert mfcc.lengths.tolist() == np.minimum(counts, 20).tolist() and mfcc.width == 39
  np.testing.assert_array_equal(
    mfcc.read(3), given['FC_MFCC12EDA.npy'][3, :counts[3]].astype(np.float32))
  assert prosody.width == 35 and set(prosody.lengths.tolist()) == {1}
  np.testing.assert_array_equal(prosody.read(9)[0], given['FC_prodosy.npy'][9].astype(np.float32))
  assert sound.lengths.tolist() == [5 * row for row in range(COUNT)] and sound.width == 1
  np.testing.assert_array_equal(
    sound.read(7)[:, 0], given['FC_raw_audio.npy'][7, :35].astype(np.float32))


def test_arrays_are_mapped_and_not_read(tmp_path, monkeypatch):
  write(tmp_path, arrays())
  modes, load = {}, np.load
  monkeypatch.setattr(np, 'load', lambda path, **how: (
    modes.update({path.name: how.get('mmap_mode')}), load(path, **how))[1])
  corpus = processed.load('iemocap', str(tmp_path))
  corpus.word_cache()
  assert modes == dict.fromkeys(
    ('FC_trans.npy', 'FC_MFCC12EDA.npy', 'FC_prodosy.npy', 'FC_raw_audio.npy', 'W_embedding.npy'),
    'r')


def test_most_files_may_be_absent_until_they_are_asked_for(whole):
  corpus = whole(FC_raw_audio__npy=None, FC_trans__npy=None, dic__pkl=None, FC_prodosy__npy=None)
  assert corpus.feature('mfcc_mdre').width == 39
  with pytest.raises(ValueError, match=r"no FC_raw_audio\.npy, from which 'waveform_fme' is read; "
                                       'there are: mfcc_mdre'):
    corpus.feature('waveform_fme')
  with pytest.raises(ValueError, match='files of iemocap hold mfcc_mdre; .logmel_mat. was asked'):
    corpus.feature('logmel_mat')
  with pytest.raises(ValueError, match='has no words of iemocap: .*FC_label.txt'):
    corpus.words  # noqa: B018
  with pytest.raises(ValueError, match=r'lacks dic\.pkl'):
    corpus.word_cache()


@pytest.mark.parametrize('name', ['fme_as_published', 'mse_as_published', 'tab_as_published',
                                  'loso5', 'loso5_improvised', 'loso10', 'loso4_sessions1to4'])
def test_protocols_are_served(whole, name):
  corpus, protocol = whole(), protocol_lib.load(f'iemocap/{name}')
  for fold in range(len(protocol.folds)):
    rows = protocol_lib.resolve(protocol, fold, corpus.index).rows
    assert all(len(rows[part]) for part in protocol_lib.SPLITS)


@pytest.mark.parametrize('changes, message', [
  (dict(FC_label__txt=LABELS[1:]), r'FC_ordered_ids\.txt has 80 lines, FC_label\.txt 79; they are'),
  (dict(FC_label__txt=None), r'lacks FC_label\.txt; it holds: FC_MFCC12EDA\.npy'),
  (dict(FC_label__txt=[*LABELS[1:], 4]), r'expected labels 0 to 3; row 79 has 4 \(1 such'),
  (dict(FC_label__txt=[*LABELS[1:], 'hap']), r"an integer a line, found line 80, 'hap' \(1 such"),
  (dict(FC_ordered_ids__txt=[*NAMES[1:], 'Ses06F_impro01_F000']),
   r"1 lines are no name of an IEMOCAP utterance .*: line 80, 'Ses06F_impro01_F000'"),
  (dict(FC_ordered_ids__txt=[*NAMES[1:], NAMES[5]]), rf'1 utterances stand .*{NAMES[5]} '),
  (dict(FC_trans__npy=np.zeros((79, 12), int)), r'FC_trans\.npy has 79 rows, FC_ordered_ids'),
  (dict(FC_trans__npy=np.zeros((80, 12))),
   r'FC_trans\.npy: expected integers \[N, any\], found float64 \[80, 12\]'),
  (dict(FC_MFCC12EDA__npy=np.zeros((80, 20, 38))),
   r'expected floating-point numbers \[N, any, 39\], found float64 \[80, 20, 38\]'),
  (dict(FC_MFCC12EDA__npy=np.zeros((80, 20, 39), int)), r'floating-point .* found int64'),
  (dict(FC_MFCC12EDA_sequenceN__txt=[3] * 70), r'sequenceN\.txt has 70 rows, FC_ordered'),
  (dict(FC_prodosy__npy=np.zeros((80, 35, 1))), r'\[N, 35\], found float64 \[80, 35, 1\]'),
  (dict(FC_raw_audio__npy=np.array([['a']], object)), r'FC_raw_audio\.npy cannot be read'),
  (dict(dic__pkl={'yes': 2}), "expected '_PAD_' at 0, '_UNK_' at 1 .* '_PAD_' at None"),
  (dict(dic__pkl=DIC | {'gap': 20}), 'every number up to the last once; .* last number is 20'),
  (dict(dic__pkl=['yes']), 'dic.pkl is no vocabulary'),
])
def test_what_does_not_fit_is_named(whole, changes, message):
  with pytest.raises(ValueError, match=message):
    whole(**changes)


def test_what_only_a_row_tells_is_named_when_it_is_read(whole):
  given = arrays()
  given['FC_MFCC12EDA.npy'][4, 0, 0] = np.nan
  given['FC_trans.npy'][2, 0] = 9
  corpus = whole(FC_MFCC12EDA__npy=given['FC_MFCC12EDA.npy'], FC_trans__npy=given['FC_trans.npy'])
  with pytest.raises(ValueError, match=rf'12EDA\.npy: iemocap/{NAMES[4]} has values .* not finite'):
    corpus.feature('mfcc_mdre').read(4)
  with pytest.raises(ValueError, match=rf'FC_trans\.npy: iemocap/{NAMES[2]} has the word 9, but'):
    corpus.words[2]
  corpus = whole(FC_MFCC12EDA_sequenceN__txt=[-3] * COUNT)
  with pytest.raises(ValueError, match=r'sequenceN\.txt: expected counts, found -3'):
    corpus.feature('mfcc_mdre')


@pytest.mark.parametrize('table, message', [
  (np.zeros((8, 5), np.float32), r'dic\.pkl has 9 words, W_embedding\.npy 8 vectors'),
  (np.full((9, 5), np.inf, np.float32), 'finite vectors'),
  (np.zeros(9, np.float32), r'\[N, any\], found float32 \[9\]')])
def test_vectors_that_do_not_fit_are_refused(whole, table, message):
  corpus = whole(W_embedding__npy=table)
  with pytest.raises(ValueError, match=message):
    corpus.word_cache()


def test_nothing_in_a_vocabulary_is_run(tmp_path, capsys):
  class Malice:
    def __reduce__(self):
      return print, ('executed',)

  write(tmp_path, arrays() | {'dic.pkl': {'_PAD_': Malice()}})
  with pytest.raises(ValueError, match=r'dic\.pkl is refused'):
    processed.load('iemocap', str(tmp_path))
  assert 'executed' not in capsys.readouterr().out


def test_the_fingerprint_is_of_what_is_there(whole):
  one, other = whole().about['fingerprint'], whole(FC_label__txt=LABELS[::-1]).about['fingerprint']
  assert whole().about['fingerprint'] == one != other
  changed = arrays()['FC_prodosy.npy'] + 1
  assert whole(FC_prodosy__npy=changed).about['fingerprint'] != one


def test_a_set_has_three_parts_and_the_names_of_the_folder_above(tmp_path):
  corpus = processed.load('iemocap', str(write_set(tmp_path / 'four/audio_woZ_set01')))
  assert corpus.index['id'].tolist() == [f'iemocap/{name}' for name in NAMES[::-1]]
  assert corpus.index['split'].tolist() == ['train'] * 50 + ['valid'] * 12 + ['test'] * 18
  assert corpus.index['emotion'].tolist()[:2] == ['neu', 'sad']
  given = arrays()
  mfcc = corpus.feature('mfcc_mdre')
  for row in (0, 55, 79):  # one of each part
    there = given['FC_MFCC12EDA.npy'][COUNT - 1 - row]
    np.testing.assert_array_equal(mfcc.read(row), there[:mfcc.lengths[row]].astype(np.float32))
  assert corpus.words[79] == ['yes', ',', 'i', 'did', '.', 'UNK']
  split = protocol_lib.resolve(protocol_lib.load('iemocap/mse_set_as_published'), 0, corpus.index)
  assert [len(split.rows[part]) for part in protocol_lib.SPLITS] == [50, 12, 18]
  with pytest.raises(ValueError, match=r'no FC_raw_audio\.npy'):
    corpus.feature('waveform_fme')


def test_a_set_alone_has_numbers_for_names(tmp_path):
  corpus = processed.load('iemocap', str(write_set(tmp_path / 'set', listed=False)))
  assert corpus.index['id'].tolist()[49:51] == ['iemocap/set/train/00049', 'iemocap/set/dev/00000']
  assert 'speaker' not in corpus.index
  protocol = protocol_lib.load('iemocap/mse_set_as_published')
  assert len(protocol_lib.resolve(protocol, 0, corpus.index).rows['test']) == 18
  with pytest.raises(ValueError, match=r"loso5 needs the index columns \['session', 'speaker'\]"):
    protocol_lib.resolve(protocol_lib.load('iemocap/loso5'), 0, corpus.index)


def test_a_set_that_does_not_hang_together_is_answered(tmp_path):
  folder = write_set(tmp_path / 'four/set01')
  np.save(folder / 'dev_seqN.npy', np.ones(11, int))
  with pytest.raises(ValueError, match=r'dev_seqN\.npy has 11 rows, its labels 12'):
    processed.load('iemocap', str(folder))
  (folder / 'dev_seqN.npy').unlink()
  with pytest.raises(ValueError, match=r'lacks dev_seqN\.npy, but has the other parts of seqN'):
    processed.load('iemocap', str(folder))
  write_set(folder)
  (folder / 'set01.txt').write_text('1 2\n3\n4\n')
  with pytest.raises(ValueError, match='expected three lines of 50, 12, 18 .* 3 lines of 2, 1, 1'):
    processed.load('iemocap', str(folder))


def test_of_several_originals_one_must_be_named(tmp_path):
  write(tmp_path, arrays())
  (tmp_path / 'IEMOCAP_SPLIT').mkdir()
  (tmp_path / 'IEMOCAP_SPLIT/train_split.txt').write_text('')
  with pytest.raises(ValueError, match='files of several originals; name the folder of one'):
    processed.load('iemocap', str(tmp_path))


def test_what_would_have_been_read_is_named(tmp_path):
  with pytest.raises(ValueError, match=re.escape(
      'there is no traindev_sentences.p in IEMOCAP, data/IEMOCAP or itself, nor '
      'FC_ordered_ids.txt or train_label.npy in itself, nor IEMOCAP_SPLIT/train_split.txt in '
      'itself or data; it holds: nothing')):
    processed.load('iemocap', str(tmp_path))


def test_where_sound_ends_is_found_by_halves():
  random = np.random.default_rng(0)
  for length in (0, 1, 63, 64, 65, 400, 499, 500):
    samples = np.zeros(500)
    samples[:length] = random.normal(size=length)
    samples[3:20:5] = 0  # a few samples of exactly the mean
    if length in (0, 1):
      samples[length:] = 0
    assert authors_mdre._sounding(samples) == length
