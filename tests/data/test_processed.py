"""Authors' processed files: what becomes a row, how it is spelled, what is answered where it fails.

The goldens (tests/parity/mat_loader.py) hold the original's own reading of such files.
"""

import importlib
import pickle
import shutil

import numpy as np
import pytest

from emojax.data import authors_mat, processed, source
from emojax.protocols import labels as labels_lib
from emojax.protocols import protocol as protocol_lib
from tests.data import authors_files

RANDOM = np.random.default_rng(0)


def mels(*keys, length=3):
  return {key: authors_files.frames(RANDOM, length) for key in keys}


def sentences(*keys):
  return {key: np.array(['Well,', 'done']) for key in keys}


def write_meld(folder, **changes):
  """Three utterances a split, out of order; `changes`: file name -> content, None: no file."""
  keys = ('dia2_utt0', 'dia10_utt1', 'dia2_utt10')
  for split in ('train', 'valid', 'test'):
    files = dict(sentences=sentences(*keys), mels=mels(*keys),
                 emotion=dict(zip(keys, (0, 4, 6))), sentiment=dict(zip(keys, (0, 1, 2))))
    files |= {what: changes[f'{split}_{what}'] for what in files if f'{split}_{what}' in changes}
    authors_files.write_part(folder, split, **{k: v for k, v in files.items() if v is not None})
  return folder


@pytest.fixture
def meld(tmp_path):
  """Writes MELD with changes, and opens it."""
  def load(**changes):
    write_meld(tmp_path / 'MELD', **changes)
    return processed.load('meld', str(tmp_path))

  return load


def test_a_tree_is_a_corpus(meld):
  corpus = meld()
  assert isinstance(corpus, source.Corpus) and corpus.name == 'meld'
  assert corpus.index['id'].tolist()[:4] == [
    'meld/train/dia2_utt0', 'meld/train/dia2_utt10', 'meld/train/dia10_utt1',
    'meld/valid/dia2_utt0']
  assert corpus.index['split'].tolist() == ['train'] * 3 + ['valid'] * 3 + ['test'] * 3
  assert corpus.index['dialogue'].tolist()[2:5] == ['train/dia10', 'valid/dia2', 'valid/dia2']
  assert corpus.index['emotion'].tolist()[:3] == ['neutral', 'anger', 'joy']
  assert corpus.index['sentiment'].tolist()[:3] == ['neutral', 'negative', 'positive']
  assert corpus.words == [['Well,', 'done']] * 9
  assert corpus.num_excluded == 0 and not corpus.exclusions and not corpus.is_complete_release
  assert corpus.about['labels'] == ['emotion', 'sentiment'] and corpus.about['listed'] == 9


def test_frames_are_those_of_their_row(tmp_path):
  keys = ('dia0_utt1', 'dia0_utt0')
  given = {keys[0]: authors_files.frames(RANDOM, 4), keys[1]: np.zeros((0, 80), np.float64)}
  write_meld(tmp_path / 'MELD', train_mels=given, train_sentences=sentences(*keys),
             train_emotion=dict.fromkeys(keys, 1), train_sentiment=dict.fromkeys(keys, 1))
  feature = processed.load('meld', str(tmp_path)).feature('logmel_mat')
  assert feature.lengths.tolist() == [0, 4] + [3] * 6 and feature.width == 80
  np.testing.assert_array_equal(feature.read(1), given['dia0_utt1'])
  assert feature.read(0).shape == (0, 80) and feature.read(0).dtype == np.float32


def test_there_is_one_feature(meld):
  with pytest.raises(ValueError, match="files of meld hold logmel_mat; 'mfcc' was asked for"):
    meld().feature('mfcc')


def test_incomplete_keys_are_left_out_and_named_neighbours_too(meld, caplog):
  both = ('dia2_utt0', 'dia2_utt10')  # one after the other: the original misses the second
  corpus = meld(train_mels=mels('dia10_utt1'), valid_sentences=sentences('dia10_utt1'),
                test_mels=mels(both[0]), test_sentences=sentences(both[0]))
  assert corpus.index['id'].tolist() == [
    'meld/train/dia10_utt1', 'meld/valid/dia10_utt1', 'meld/test/dia2_utt0']
  assert corpus.exclusions == (
    *((f'meld/train/{key}', 'without frames in train') for key in both),
    *((f'meld/valid/{key}', 'without words in valid') for key in both),
    ('meld/test/dia2_utt10', 'without words and frames in test'),
    ('meld/test/dia10_utt1', 'without words and frames in test'))
  assert corpus.num_excluded == 6 and corpus.about['listed'] == 9
  assert corpus.about['exclusions']['meld/valid/dia2_utt0'] == 'without words in valid'
  assert 'meld/train/dia2_utt0, meld/train/dia2_utt10' in caplog.text
  # words of what was left out are known nevertheless
  said = corpus.transcripts
  assert len(said.words) == 3 + 1 + 1 and said.index['split'].tolist().count('train') == 3
  assert said.index['dialogue'].tolist()[:3] == ['train/dia2', 'train/dia10', 'train/dia2']


def test_keys_of_no_label_file_are_no_rows_but_have_words(meld):
  corpus = meld(train_sentences=sentences('dia0_utt0', 'dia2_utt0', 'dia10_utt1', 'dia2_utt10'),
                train_mels=mels('dia0_utt0', 'dia2_utt0', 'dia10_utt1', 'dia2_utt10'))
  assert 'meld/train/dia0_utt0' not in corpus.index['id'].tolist()
  assert corpus.num_excluded == 0 and len(corpus.transcripts.words) == 10


def test_one_kind_of_labels_is_enough(meld):
  corpus = meld(**{f'{split}_sentiment': None for split in ('train', 'valid', 'test')})
  assert 'sentiment' not in corpus.index and corpus.about['labels'] == ['emotion']
  with pytest.raises(ValueError, match=r"meld/sentiment3 needs the index columns \['sentiment'\]"):
    protocol_lib.resolve(protocol_lib.load('meld/sentiment3'), 0, corpus.index)


def test_a_key_with_one_label_of_two_has_no_other(meld):
  corpus = meld(train_sentiment={'dia2_utt0': 0, 'dia10_utt1': 1})
  assert corpus.index['sentiment'].tolist()[:3] == ['neutral', '', 'positive']
  assert corpus.index['emotion'].tolist()[1] == 'anger'
  labels = protocol_lib.load('meld/sentiment3').labels['sentiment']
  assert labels.ids(corpus.index).tolist()[:3] == [0, -1, 1]


def test_the_fingerprint_is_of_what_was_read(tmp_path):
  write_meld(tmp_path / 'one' / 'MELD')
  def fingerprint(name):
    return processed.load('meld', str(tmp_path / name)).about['fingerprint']

  shutil.copytree(tmp_path / 'one', tmp_path / 'two')
  assert fingerprint('one') == fingerprint('two') and len(fingerprint('one')) == 32
  (tmp_path / 'two/MELD/notes.txt').write_text('not read')
  assert fingerprint('one') == fingerprint('two')
  authors_files.write_part(tmp_path / 'two/MELD', 'train',
                           emotion={'dia2_utt0': 1, 'dia10_utt1': 4, 'dia2_utt10': 6})
  assert fingerprint('one') != fingerprint('two')


@pytest.mark.parametrize('deeper', ['', 'data'])
def test_the_folder_itself_its_parent_or_the_archives_folder_will_do(tmp_path, deeper):
  write_meld(tmp_path / deeper / 'MELD')
  paths = (tmp_path, tmp_path / deeper / 'MELD')
  one, other = (processed.load('meld', str(path)) for path in paths)
  assert one.about == other.about


# Protocols that need what MAT's files do not have: other labels, other originals' lists and sets,
# and scripts, which the fixture has not.
OF_OTHERS = ('six', 'dimensions', 'mme2e', 'mse_set', 'script_disjoint')


@pytest.mark.parametrize('name', ['iemocap', 'mosi', 'mosei', 'meld', 'vgaf'])
def test_every_corpus_serves_its_protocols(name, authors_dir):
  corpus = processed.load(name, str(authors_dir))
  everything = importlib.import_module(f'emojax.protocols.{name}').PROTOCOLS.values()
  of_corpus = [protocol for protocol in everything
               if not any(part in protocol.name for part in OF_OTHERS)]
  assert of_corpus and corpus.num_excluded == 0
  for protocol in of_corpus:
    for fold in range(len(protocol.folds)):
      rows = protocol_lib.resolve(protocol, fold, corpus.index).rows
      assert all(len(rows[part]) for part in protocol_lib.SPLITS)


def test_iemocap_is_spelled_as_its_builder_spells_it(authors_dir, data_dir):
  ours, built = processed.load('iemocap', str(authors_dir)), source.load('iemocap', data_dir)
  names = ('speaker', 'session', 'gender', 'dialogue')
  for name in (*names, 'emotion'):
    assert set(ours.index[name].tolist()) & set(built.index[name].tolist()), name
  assert set(ours.index['speaker'].tolist()) == {f'Ses0{s}{g}' for s in range(1, 6) for g in 'FM'}
  assert set(ours.index['emotion'].tolist()) == {'neu', 'hap', 'sad', 'ang'}
  first = {name: ours.index[name][0] for name in ('id', 'split', *names)}
  assert first == {'id': 'iemocap/Ses02F_impro01_F000', 'split': 'traindev', 'speaker': 'Ses02F',
                   'session': '2', 'gender': 'F', 'dialogue': 'Ses02F_impro01'}


def test_real_iemocap_names_are_understood(tmp_path):
  keys = ['Ses01F_script01_1_M012', 'Ses05M_impro08b_FXX1', 'Ses03M_script02_2_MXX0']
  for split in ('traindev', 'test'):
    part = keys[:2] if split == 'traindev' else keys[2:]
    authors_files.write_part(tmp_path / 'IEMOCAP', split, sentences=sentences(*part),
                             mels=mels(*part), emotions=dict.fromkeys(part, 1))
  index = processed.load('iemocap', str(tmp_path)).index
  assert index['dialogue'].tolist() == [
    'Ses01F_script01_1', 'Ses05M_impro08b', 'Ses03M_script02_2']
  assert index['speaker'].tolist() == ['Ses01M', 'Ses05F', 'Ses03M']
  assert index['session'].tolist() == ['1', '5', '3']


def test_the_private_part_has_words_and_frames_but_no_labels(authors_dir):
  corpus = processed.load('mosei', str(authors_dir))
  private = corpus.index['split'] == 'private'
  assert private.sum() == 4 and np.isnan(corpus.index['sentiment'][private]).all()
  assert np.isnan(corpus.index['fear'][private]).all()
  assert not np.isnan(corpus.index['sentiment'][~private]).any()
  said = corpus.words[np.flatnonzero(private)[0]]
  assert all(type(word) is str for word in said) and said[-1].startswith('cue'), 'were bytes'
  for name in ('sentiment7', 'sentiment2', 'emotion6'):
    split = protocol_lib.resolve(protocol_lib.load(f'mosei/{name}'), 0, corpus.index)
    [targets] = split.targets.values()
    np.testing.assert_array_equal(labels_lib.labelled(targets), ~private)
    used = np.concatenate([split.rows[part] for part in protocol_lib.SPLITS])
    assert not private[used].any()
    np.testing.assert_array_equal(split.rows['unlabelled'], np.flatnonzero(private))


def test_the_private_part_may_be_absent(authors_dir, tmp_path):
  shutil.copytree(authors_dir / 'MOSEI', tmp_path / 'MOSEI')
  for path in (tmp_path / 'MOSEI').glob('private_*'):
    path.unlink()
  without, with_it = (processed.load('mosei', str(path)) for path in (tmp_path, authors_dir))
  assert 'private' not in without.index['split']
  assert without.about['fingerprint'] == with_it.about['fingerprint'], 'it may come later'


def test_labels_come_as_any_number_or_word_that_says_the_same(tmp_path):
  values = ['1', 2, b'3', np.int64(1), np.str_('2'), ' 3 ', np.array(1)]
  keys = [f'{i}_0' for i in range(len(values))]
  for split in ('train', 'valid'):
    authors_files.write_part(tmp_path / 'VGAF', split, sentences=sentences(*keys),
                             mels=mels(*keys), emotions=dict(zip(keys, values)))
  index = processed.load('vgaf', str(tmp_path)).index
  assert index['emotion'].tolist() == list('1231231') * 2
  assert index['video'].tolist()[:2] == ['train/0', 'train/1'] and len(index['id']) == 14


@pytest.mark.parametrize('name, message', [
  ('MELD', 'holds no processed MELD: there is no train_sentences.p in MELD, data/MELD or itself; '
           'it holds: nothing'),
  ('meld', r'itself \(did you mean meld\?\); it holds: meld'),
])
def test_an_empty_place_is_answered(tmp_path, name, message):
  if name != 'MELD':
    (tmp_path / name).mkdir()
  with pytest.raises(ValueError, match=message):
    processed.load('meld', str(tmp_path))


def test_no_path_and_no_such_corpus_are_answered(tmp_path):
  with pytest.raises(ValueError, match=r'config\.data\.path is empty; with data\.source'):
    processed.load('meld', '')
  with pytest.raises(ValueError, match="authors' data has no 'emodb'; there are: iemocap, mosi"):
    processed.load('emodb', str(tmp_path))


@pytest.mark.parametrize('changes, message', [
  (dict(valid_mels=None), 'lacks valid_mels.p'),
  (dict(test_sentiment=None), r'lacks test_sentiment\.p .did you mean test_sentences\.p'),
  ({f'{s}_{k}': None for s in ('train', 'valid', 'test') for k in ('emotion', 'sentiment')},
   r'lacks train_emotion\.p or train_sentiment\.p, valid_emotion\.p or .*; it holds: test_mels'),
])
def test_missing_files_are_named(meld, changes, message):
  with pytest.raises(ValueError, match=message):
    meld(**changes)


ONE = 'dia2_utt0'


@pytest.mark.parametrize('changes, message', [
  (dict(train_emotion={ONE: 7}), r'emotion\.p: dia2_utt0: expected an integer in 0..6, not 7'),
  (dict(train_emotion={ONE: 1.0}), 'an integer in 0..6, not 1.0'),
  (dict(train_emotion={ONE: True}), 'an integer in 0..6, not True'),
  (dict(train_emotion={ONE: 'joy'}), "an integer in 0..6, not 'joy'"),
  (dict(train_sentences={ONE: 'well done'}), "a list of words, not 'well done'"),
  (dict(train_sentences={ONE: np.array([['well'], ['done']])}), 'expected a list of words'),
  (dict(train_sentences={ONE: ['well', 3]}), r"expected a list of words, not \['well', 3\]"),
  (dict(train_sentences={ONE: [b'\xff']}), "train_sentences.p: dia2_utt0: 'utf-8' codec can't"),
  (dict(train_mels={ONE: np.ones((3, 81), np.float32)}), r'expected finite frames \[T, 80\]'),
  (dict(train_mels={ONE: np.ones((3, 80), np.int16)}), r'expected finite frames \[T, 80\]'),
  (dict(train_mels={ONE: np.full((3, 80), np.nan, np.float32)}), r'finite frames \[T, 80\]'),
  (dict(train_mels={ONE: [[1.0] * 80]}), r'finite frames \[T, 80\]'),
  (dict(train_mels={'utt0': np.ones((3, 80))}), "train_mels.p: 'utt0' is no key of MELD"),
  (dict(train_mels={3: np.ones((3, 80))}), 'train_mels.p: 3 is no key of MELD'),
])
def test_values_that_the_original_could_not_have_read_are_named(meld, changes, message):
  with pytest.raises(ValueError, match=message):
    meld(**changes)


def test_of_many_wrong_values_the_first_are_named(meld):
  with pytest.raises(ValueError, match=r'dia0_utt4: .* \.\.\. \(9 in all\)'):
    meld(train_emotion={f'dia0_utt{i}': 8 for i in range(9)})


def test_a_pickle_of_something_else_is_answered(tmp_path):
  folder = write_meld(tmp_path / 'MELD')
  (folder / 'train_mels.p').write_bytes(pickle.dumps([1, 2], protocol=3))
  with pytest.raises(ValueError, match=r'train_mels\.p holds a list; expected a dict by utterance'):
    processed.load('meld', str(tmp_path))


class Malice:
  def __reduce__(self):
    return print, ('executed',)


def test_nothing_in_a_pickle_is_run(tmp_path, capsys):
  folder = write_meld(tmp_path / 'MELD')
  (folder / 'train_mels.p').write_bytes(pickle.dumps({ONE: Malice()}, protocol=3))
  with pytest.raises(ValueError, match='train_mels'):
    processed.load('meld', str(tmp_path))
  assert 'executed' not in capsys.readouterr().out


def write_mosi(folder, trainval, test):
  for split, scores in (('trainval', trainval), ('test', test)):
    authors_files.write_part(folder, split, sentences=sentences(*scores), mels=mels(*scores),
                             sentiment=scores)


def test_no_utterance_stands_in_two_splits(tmp_path):
  write_mosi(tmp_path / 'MOSI', {'a_1': 1.0, 'b_1': -1.0}, {'b_1': 0.5, 'c_1': 1.0})
  with pytest.raises(ValueError, match=r'1 utterances .*: mosi/b_1 \(trainval and test\)'):
    processed.load('mosi', str(tmp_path))


def test_rows_keep_the_label_files_order(tmp_path):
  write_mosi(tmp_path / 'MOSI', {'b_10': 1.0, 'b_9': -1.0, 'a_1': np.float32(0.4)}, {'x_y_3': 3})
  index = processed.load('mosi', str(tmp_path)).index
  assert index['id'].tolist() == ['mosi/b_10', 'mosi/b_9', 'mosi/a_1', 'mosi/x_y_3']
  assert index['video'].tolist() == ['b', 'b', 'a', 'x_y']
  assert index['sentiment'].dtype == np.float64
  assert index['sentiment'].tolist() == [1, -1, np.float32(0.4), 3]


def test_a_score_that_is_no_number_is_told_when_it_is_asked_for(tmp_path):
  write_mosi(tmp_path / 'MOSI', {'a_1': 1.0, 'a_2': float('nan')}, {'c_1': 1.0})
  index = processed.load('mosi', str(tmp_path)).index
  with pytest.raises(ValueError, match='sentiment is no finite number for mosi/a_2'):
    protocol_lib.load('mosi/sentiment2').labels['sentiment'].ids(index)
  write_mosi(tmp_path / 'MOSI', {'a_1': 1.0, 'a_2': '1.0'}, {'c_1': 1.0})
  with pytest.raises(ValueError, match="a_2: expected a number, not '1.0'"):
    processed.load('mosi', str(tmp_path))


def test_not_one_complete_utterance_is_an_error(tmp_path):
  for split in ('trainval', 'test'):
    authors_files.write_part(tmp_path / 'MOSI', split, sentences=sentences('a_1'), mels=mels('b_1'),
                             sentiment={'a_1': 1.0})
  with pytest.raises(ValueError, match='not one utterance has label, words and frames'):
    processed.load('mosi', str(tmp_path))


IDS = {'UNK': 1, 'good': 1, 'day': 2, 'well known': 3}
TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


def write_cache(folder, ids=IDS, table=TABLE):
  folder.mkdir(exist_ok=True, parents=True)
  (folder / 'token_to_ix.pkl').write_bytes(pickle.dumps(ids, protocol=3))
  np.save(folder / 'train_glove.npy', table)


def test_the_originals_cache_files_are_read(tmp_path):
  write_cache(tmp_path / 'MELD', table=TABLE.astype(np.float64))
  write_meld(tmp_path / 'MELD')
  corpus = processed.load('meld', str(tmp_path))
  fingerprint = corpus.about['fingerprint']
  ids, table = corpus.word_cache()
  assert list(ids.items()) == list(IDS.items()) and table.dtype == np.float32
  np.testing.assert_array_equal(table, TABLE)
  write_cache(tmp_path / 'MELD', table=TABLE + 1)
  assert processed.load('meld', str(tmp_path)).about['fingerprint'] == fingerprint


@pytest.mark.parametrize('changes, message', [
  (dict(table=TABLE[:3]), r'needs 4 vectors \(ids up to 3\), train_glove\.npy has 3; they'),
  (dict(ids=IDS | {'night': 5}), "every id up to the last; there are 5 words, 'UNK' at 1, .* is 5"),
  (dict(ids={'UNK': 0, 'good': 1}), "expected 'UNK' at 1 .* 'UNK' at 0"),
  (dict(ids={'good': 1}), "'UNK' at None"),
  (dict(ids={}), 'there are 0 words'),
  (dict(ids=['UNK']), 'token_to_ix.pkl is no vocabulary'),
  (dict(ids={'UNK': 1.0}), 'token_to_ix.pkl is no vocabulary'),
  (dict(table=TABLE[0]), r'expected finite vectors \[V, D\], found float32 \(3,\)'),
  (dict(table=TABLE.astype(np.int32)), r'finite vectors \[V, D\], found int32'),
  (dict(table=np.full((4, 3), np.inf)), 'finite vectors'),
])
def test_cache_files_that_do_not_fit_are_refused(tmp_path, changes, message):
  write_cache(tmp_path, **changes)
  with pytest.raises(ValueError, match=message):
    authors_mat.read_word_cache(tmp_path)


def test_absent_or_damaged_cache_files_are_answered(tmp_path):
  with pytest.raises(ValueError, match=r'has no token_to_ix\.pkl\. The original writes it there'):
    authors_mat.read_word_cache(tmp_path)
  write_cache(tmp_path)
  (tmp_path / 'train_glove.npy').rename(tmp_path / 'train_glove2.npy')
  with pytest.raises(ValueError, match=r'train_glove\.npy \(did you mean train_glove2\.npy'):
    authors_mat.read_word_cache(tmp_path)
  (tmp_path / 'train_glove.npy').write_bytes(b'\x93NUMPY\x01\x00')
  with pytest.raises(ValueError, match=r'train_glove\.npy cannot be read'):
    authors_mat.read_word_cache(tmp_path)
