"""Opening a prepared corpus: what its tables say, and what is answered where there are none."""

import shutil

import numpy as np
import pytest
import xxhash

from configs import iemocap_mat_clean
from emojax.data import processed, source
from emojax.io import checksums, files, prepared
from emojax.train import experiment, sharding

FEATURE = 'logmel_mat'


def prepare(root, config, about, **columns):
  """The folder of a dataset without its records."""
  folder = root / 'toy' / config / '1.0.0'
  folder.mkdir(parents=True)
  prepared.write_index(folder, {
    'id': ['toy/a', 'toy/b'], prepared.CHECKSUM: np.zeros(2, np.uint64), **columns})
  files.write_json(folder / 'dataset_info.json', {})
  files.write_json(folder / 'metadata.json', about)
  files.write_json(folder / prepared.COUNTS, {'listed': 5, 'kept': 2, 'excluded': 3})
  checksums.seal(folder, checksums.of_folder(folder))
  return folder


@pytest.fixture
def copy(data_dir, tmp_path):
  """A copy of prepared IEMOCAP, to be damaged; each config is one shard of 140 utterances."""
  shutil.copytree(data_dir / 'iemocap', tmp_path / 'data/iemocap')
  return tmp_path / 'data'


def hole(data_dir, config, where):
  """Zeros `where` in a shard, in shares of its length up to the last record; what that costs."""
  folder = prepared.find(data_dir, 'iemocap', config)
  shard, = folder.glob('*.array_record-*')
  content = shard.read_bytes()
  end = len(content.rstrip(b'\0')) - (2 << 16)  # behind the records stands what finds them
  start, stop = (int(share * end) for share in where)
  shard.write_bytes(content[:start] + bytes(stop - start) + content[stop:])
  return dict(prepared.damage(folder).lost)


def as_before(corpus, whole, config=FEATURE):
  """Asserts that what is left of a corpus is bit for bit what it was."""
  row_of = {id: row for row, id in enumerate(whole.index['id'].tolist())}
  rows = [row_of[id] for id in corpus.index['id'].tolist()]
  assert rows == sorted(rows)
  for name, column in whole.index.items():
    np.testing.assert_array_equal(corpus.index[name], column[rows])
  now, before = corpus.feature(config), whole.feature(config)
  np.testing.assert_array_equal(now.lengths, before.lengths[rows])
  for row, old in enumerate(rows):
    np.testing.assert_array_equal(now.read(row), before.read(old))
    assert len(now.read(row)) == now.lengths[row]


def test_a_corpus_is_its_index_and_what_it_says_of_itself(tmp_path):
  prepare(tmp_path, 'base', {'fingerprint': 'f', 'complete': True, 'generated': False},
          speaker=['1F', '1M'])
  corpus = source.load('toy', tmp_path)
  assert (corpus.name, corpus.path, corpus.num_excluded) == ('toy', str(tmp_path), 3)
  assert corpus.index['speaker'].tolist() == ['1F', '1M'] and corpus.about['fingerprint'] == 'f'
  assert corpus.is_complete_release


@pytest.mark.parametrize('about, expected', [
  ({'complete': True}, True), ({'complete': True, 'generated': False}, True),
  ({'complete': True, 'generated': True}, False), ({'complete': False}, False), ({}, False)])
def test_published_counts_hold_for_whole_real_releases(about, expected):
  assert source.Corpus('toy', None, {}, about, 0).is_complete_release is expected


def test_an_unprepared_corpus_is_answered_with_its_build_command(tmp_path):
  with pytest.raises(prepared.UnpreparedError) as caught:
    source.load('iemocap', tmp_path)
  message = str(caught.value)
  assert f'iemocap/base is not prepared under {tmp_path}; nothing is.' in message
  assert 'python -m data_builders.build iemocap/base --manual_dir' in message
  assert f'--data_dir {tmp_path}' in message


def test_text_stands_in_for_base_and_says_that_it_has_no_sound(tmp_path):
  said = {'fingerprint': 'f', 'complete': True}
  prepare(tmp_path, 'text', said | {'media': False}, transcript=['Well.', 'No, no!'])
  corpus = source.load('toy', tmp_path)
  assert corpus.about['media'] is False and corpus.words[1] == ['No,', 'no!']
  message = (f'toy/{FEATURE} is computed from sound, and of toy only `text` is prepared.*'
             f'build toy/{FEATURE} --manual_dir')
  with pytest.raises(prepared.UnpreparedError, match=message):
    corpus.feature(FEATURE)
  with pytest.raises(prepared.UnpreparedError, match=message):
    source.load('toy', tmp_path, features=[FEATURE])
  prepare(tmp_path, 'base', said | {'fingerprint': 'g'}, transcript=['Well.', 'No, no!'])
  assert source.load('toy', tmp_path).about['fingerprint'] == 'g'


def test_near_misses_are_named(tmp_path):
  prepare(tmp_path, 'base', {})
  with pytest.raises(prepared.UnpreparedError, match=r"is: toy/base \(did you mean 'toy/base'\?\)"):
    source.load('toi', tmp_path)


def test_the_default_place_is_tfds_own(tmp_path, monkeypatch):
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path / 'elsewhere'))
  for path in (None, ''):
    with pytest.raises(prepared.UnpreparedError, match='elsewhere'):
      source.load('toy', path)


def test_an_unprepared_feature_is_answered_with_its_build_command(tmp_path):
  prepare(tmp_path, 'base', {'fingerprint': 'f'})
  with pytest.raises(prepared.UnpreparedError, match=r'data_builders\.build toy/logmel --manual'):
    source.load('toy', tmp_path).feature('logmel')


def test_a_feature_of_another_build_is_refused(tmp_path):
  prepare(tmp_path, 'base', {'fingerprint': 'new'})
  prepare(tmp_path, 'logmel', {'base_fingerprint': 'old'}, length=np.array([3, 4]))
  with pytest.raises(ValueError, match=r'computed from another build of toy/base; build it again: '
                                       r'python -m data_builders\.build toy/logmel .*--overwrite'):
    source.load('toy', tmp_path).feature('logmel')


def test_the_width_of_a_feature_is_that_of_its_frames():
  reads = []

  def read(row):
    reads.append(row)
    return np.zeros((0, 80), np.float32)

  feature = source.Feature({}, np.array([0]), read)
  assert feature.width == feature.width == 80
  assert reads == [0], 'read once'


def test_words_are_the_transcript_split_at_white_space():
  corpus = source.Corpus('toy', None, {'transcript': np.array(["I'm  here.", '', 'so?'])}, {}, 0)
  assert corpus.words == [["I'm", 'here.'], [], ['so?']]
  said = corpus.transcripts
  assert said.words == corpus.words and said.index is corpus.index


def test_records_have_no_word_cache():
  with pytest.raises(ValueError, match=r"vectors='processed' .* config\.data\.source='processed'"):
    source.Corpus('toy', None, {}, {}, 0).word_cache()


def test_a_whole_corpus_is_the_same_in_quarantine(data_dir):
  one, two = (source.load('iemocap', data_dir, features=[FEATURE], damaged=how)
              for how in ('stop', 'quarantine'))
  folder = prepared.find(data_dir, 'iemocap')
  assert one.about == two.about == files.read_json(folder / 'metadata.json')
  assert one.num_excluded == two.num_excluded == 0 and 'exclusions' not in one.about
  assert len(one.index['id']) == 140
  as_before(two, one)


@pytest.mark.parametrize('holes', [
  {'base': (0.4, 0.5)}, {FEATURE: (0.1, 0.3)}, {'base': (0.4, 0.5), FEATURE: (0.45, 0.6)}])
def test_a_quarantine_excludes_exactly_what_is_lost(data_dir, copy, holes):
  lost = {config: hole(copy, config, where) for config, where in holes.items()}
  ids = {id for found in lost.values() for id in found}
  whole = source.load('iemocap', data_dir, features=[FEATURE])
  corpus = source.load('iemocap', copy, features=[FEATURE], damaged='quarantine')
  assert 0 < len(ids) < 70
  assert set(whole.index['id'].tolist()) - set(corpus.index['id'].tolist()) == ids
  assert corpus.num_excluded == len(ids)
  assert corpus.about['exclusions'] == {
    id: f'{config}: iemocap-utterances.array_record-00000-of-00001 is not as it was written'
    for id in ids for config in ['base' if id in lost.get('base', ()) else FEATURE]}
  assert corpus.about['complete'] is False and not corpus.is_complete_release
  as_before(corpus, whole)
  assert len(corpus.words) == len(corpus.transcripts.words) == 140 - len(ids)


def test_another_set_of_utterances_has_another_fingerprint(data_dir, copy):
  whole = source.load('iemocap', data_dir).about['fingerprint']
  lost = hole(copy, 'base', (0.4, 0.5))

  def fingerprint():
    return source.load('iemocap', copy, damaged='quarantine').about['fingerprint']

  joined = '\n'.join(sorted(lost)).encode()
  assert fingerprint() == f'{whole}-without-{xxhash.xxh3_64(joined).hexdigest()}'
  more = hole(copy, 'base', (0.7, 0.8))
  assert len(more) > len(lost) and not fingerprint().endswith(xxhash.xxh3_64(joined).hexdigest())


def test_damage_that_costs_nothing_changes_nothing(data_dir, copy):
  folder = prepared.find(copy, 'iemocap', FEATURE)
  shard, = folder.glob('*.array_record-*')
  shard.write_bytes(shard.read_bytes()[:-100])  # array_record finds no record any more
  with pytest.raises(ValueError, match='None of 140 utterances is lost'):
    source.load('iemocap', copy, features=[FEATURE])
  whole = source.load('iemocap', data_dir, features=[FEATURE])
  corpus = source.load('iemocap', copy, features=[FEATURE], damaged='quarantine')
  assert corpus.about == whole.about and corpus.num_excluded == 0
  as_before(corpus, whole)


def test_a_damaged_feature_stops_what_did_not_ask_for_it(copy):
  lost = hole(copy, FEATURE, (0.1, 0.3))
  for damaged in ('stop', 'quarantine'):  # its utterances were not taken out of the index
    with pytest.raises(ValueError, match=f'{len(lost)} of 140 utterances are lost: iemocap/Ses'):
      source.load('iemocap', copy, damaged=damaged).feature(FEATURE)


def test_nothing_left_is_an_error(copy):
  shard, = prepared.find(copy, 'iemocap').glob('*.array_record-*')
  shard.unlink()
  with pytest.raises(ValueError, match='not one utterance of iemocap is left; build it again'):
    source.load('iemocap', copy, damaged='quarantine')


def test_an_unknown_way_with_damage_is_refused(data_dir):
  with pytest.raises(ValueError, match="data.damaged='skip'; there are: 'stop', 'quarantine'"):
    source.load('iemocap', data_dir, damaged='skip')


def test_files_without_checksums_have_no_quarantine(authors_dir):
  with pytest.raises(ValueError, match="there is 'stop' alone; the authors' files have no checks"):
    processed.load('iemocap', str(authors_dir), damaged='quarantine')


def test_an_experiment_says_what_it_goes_on_without(copy):
  config = iemocap_mat_clean.get_config('tiny')
  config.data.path, config.mesh.data = str(copy), 1
  place = sharding.make_placement(**config.mesh)
  before = experiment.Experiment(config, place).about
  lost = hole(copy, FEATURE, (0.1, 0.3))
  with pytest.raises(ValueError, match='--config.data.damaged=quarantine'):
    experiment.Experiment(config, place)
  config.data.damaged = 'quarantine'
  about = experiment.Experiment(config, place).about
  assert about['dataset'].startswith(before['dataset'] + '-without-')
  assert about['about']['n_excluded'] == len(lost) > 0 == before['about']['n_excluded']
  assert list(about['about']['exclusions']) == list(lost)
