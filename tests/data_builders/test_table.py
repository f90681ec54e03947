"""Tables of features: what a description says, what files hold, and what becomes a dataset."""

import copy
import csv
import dataclasses
import pathlib
import shutil

import numpy as np
import pytest

from data_builders import table
from data_builders.corpora import (
  from_table,
  summary,
  table_builder,
  table_description,
  table_files,
  table_frames,
  table_rows,
)
from emojax.io import files, prepared
from tests.data_builders import hand_made_tables as made


def described(**changes):
  return table_description.parse(made.PLAIN | changes, 'mine.json')


def one_file(feature='voice', **changes):
  """A description of one file; `feature`: how the feature is described."""
  part = copy.deepcopy(made.PLAIN['files'][0]) | changes
  return described(files=[part | {'features': {'voice': feature}}])


def read(path, description, corpus='toy'):
  paths = [path] if isinstance(path, pathlib.Path) else path
  return table_rows.read(description, corpus, [table_files.File(p) for p in paths])


# --- descriptions ---


@pytest.mark.parametrize('name', table_description.known())
def test_known_descriptions_are_good(name):
  found = table_description.load(name, None, table_description.parse(
    files.read_json(table_description.TABLES / f'{name}.json'), name).corpora[0])
  assert found.about and found.licence and found.source and found.features


@pytest.mark.parametrize('change, message', [
  ({'licence': 3}, r'mine.json: licence: expected text, found 3'),
  ({'filez': []}, r"no field 'filez' \(did you mean 'files'\?\)"),
  ({'files': []}, 'expected at least one'),
  ({'files': [{'features': {'voice': {'key': 'v', 'padding': 'left'}}}]},
   r"padding='left'; there are: 'none', 'end', 'front'"),
  ({'files': [{'features': {'voice': {'key': 'v', 'nonfinite': 'skip'}}}]}, "nonfinite='skip'"),
  ({'files': [{'features': {'voice': {'key': 'v', 'padding': 'end', 'lengths': 'n'}}}]},
   'choose one'),
  ({'files': [{'features': {'voice': {'padding': 'end'}}}]}, "lacks the field 'key'"),
  ({'files': [{'id': 'k', 'features': {'v': 'v'}}, {'id': 'k', 'features': {'v': 'w'}}]},
   "feature 'v' is described twice"),
  ({'files': [{'id': 'k', 'features': {'v': 'v'}}, {'features': {'w': 'w'}}]}, 'without id'),
  ({'files': [{'id': 'k', 'columns': {'id': 'k'}, 'features': {'v': 'v'}}]}, "'id'"),
  ({'files': [{'id': {'key': 'k', 'match': 'a'}, 'features': {'v': 'v'}}]}, 'has no group'),
  ({'files': [{'id': {'key': 'k', 'match': '(a'}, 'features': {'v': 'v'}}]}, 'no regular expr'),
  ({'labels_from': 'text'}, "labels_from='text'; there are"),
  ({'labels_from': 'base'}, 'the corpus brings the columns'),
  ({'position': {'within': 'dialog', 'by': 'speaker'}}, "has no column 'dialog'; it has: speaker"),
  ({'files': [{'features': {'v': {'key': 'v', 'fitted_on': {'labels': True, 'where': {'s': ['a']}}
                                  }}}]}, "fitted_on: the table has no column 's'"),
])
def test_a_wrong_description_is_answered_with_what_is_wrong(change, message):
  with pytest.raises(ValueError, match=message):
    described(**change)


def test_an_unknown_table_is_answered_with_the_known_ones(tmp_path):
  with pytest.raises(ValueError, match=r"'bclstn' \(did you mean 'bclstm'\?\).*--description"):
    table_description.load('bclstn', None, 'mosi')
  with pytest.raises(ValueError, match=r"describes a table of mosi, not of 'iemocap'"):
    table_description.load('bclstm', None, 'iemocap')
  with pytest.raises(ValueError, match='there is no such file'):
    table_description.load('mine', tmp_path / 'mine.json', 'mosi')


# --- files ---


def test_npz_csv_and_pickle_give_the_same_rows(tmp_path):
  with open(tmp_path / 't.csv', 'w', newline='', encoding='utf-8-sig') as file:  # with a BOM
    writer = csv.writer(file)  # CRLF
    writer.writerow(['key', 'who', 'what', 'v_0', 'v_1'])
    writer.writerows(zip(*(made.arrays()[k] for k in ('key', 'who', 'what')),
                         *made.arrays()['voice'].T, strict=True))
  tables = [
    read(made.write_npz(tmp_path / 't.npz'), one_file()),
    read(tmp_path / 't.csv', one_file(['v_*'])),
    read(made.write_pickle(tmp_path / 't.pkl', made.arrays()), one_file())]
  for found in tables:
    assert found.ids == [f'toy/{id}' for id in made.IDS]
    assert found.columns == {'speaker': list('aabbcc'), 'emotion': ['sad', 'neu'] * 3}
    assert [found.features['voice'].read(row).tolist() for row in (0, 5)] == [[[0, 1]], [[10, 11]]]


def test_columns_are_renamed_taken_apart_and_typed(tmp_path):
  path = made.write_npz(
    tmp_path / 't.npz', vad=np.array([[1, 2.5, 3]] * 6), part=np.array([1, 2, 3, 1, 2, 3], np.int8))
  found = read(path, one_file(columns={
    'arousal': {'key': 'vad', 'take': 1}, 'session': 'part', 'number': 'part',
    'letter': {'key': 'key', 'match': '(.)(.)'}, 'absent': {'key': 'nowhere', 'optional': True}}))
  assert found.columns['arousal'] == [2.5] * 6
  assert found.columns['session'] == list('123123')  # as text, as protocols ask for it
  assert found.columns['number'] == [1, 2, 3, 1, 2, 3]
  assert found.columns['letter'] == [f'u_{n}' for n in range(1, 7)]
  assert 'absent' not in found.columns and found.notes == ['t.npz has no nowhere']


def test_a_csv_column_is_numbers_if_all_of_it_is(tmp_path):
  (tmp_path / 't.csv').write_text('id,video,score,mixed,f\na,1,0.5,1,1\nb,2,,x,2\n')
  found = read(tmp_path / 't.csv', described(files=[{
    'id': 'id', 'columns': {name: name for name in ('video', 'score', 'mixed')},
    'features': {'f': 'f'}}]))
  assert found.columns['video'] == ['1', '2']  # an id, whatever it looks like
  assert found.columns['score'][0] == 0.5 and np.isnan(found.columns['score'][1])
  assert found.columns['mixed'] == ['1', 'x']


@pytest.mark.parametrize('change, message', [
  ({'voice': None}, r"has no key 'voice'; there are: key, who, what"),
  ({'key': np.array(['u1', 'u2', 'u1', 'u4', 'u5', 'u6'])}, 'toy/u1 is there twice, in the rows 0'),
  ({'key': np.array(['u1', 'u2', '', 'u4', 'u5', 'u6'])}, 'row 2 .* has no id'),
  ({'who': np.array(['a'] * 5)}, 'speaker has 5 rows, what was read before it 6'),
  ({'who': np.ones((6, 2))}, 'who has 2 values per row; say which with take'),
  ({'voice': np.array(['x'] * 6)}, 'expected numbers'),
  ({'voice': np.ones((6, 0))}, '0 wide'),
])
def test_a_wrong_file_is_answered_with_what_is_wrong(change, message, tmp_path):
  with pytest.raises(ValueError, match=message):
    read(made.write_npz(tmp_path / 't.npz', **change), one_file())


def test_what_is_no_table_is_refused(tmp_path):
  whole = made.write_npz(tmp_path / 't.npz').read_bytes()
  (tmp_path / 'half.npz').write_bytes(whole[:len(whole) // 2])
  flipped = bytearray(whole)
  flipped[len(whole) // 2] ^= 255
  (tmp_path / 'flipped.npz').write_bytes(flipped)
  np.savez(tmp_path / 'objects.npz', key=np.array([{}], object))
  (tmp_path / 'twice.csv').write_text('a,a\n1,2\n')
  (tmp_path / 'ragged.csv').write_text('a,b\n1,2,3\n')
  (tmp_path / 'empty.csv').write_text('')
  made.write_pickle(tmp_path / 'list.pkl', [1, 2])
  made.write_pickle(tmp_path / 'hostile.pkl', {'train': pathlib.PurePosixPath('x')})
  for name, message in {
      'no.npz': 'no such file', 't.mat': 'no table', 'half.npz': 'no readable npz',
      'twice.csv': "'a' twice", 'ragged.csv': 'row 2 has 3 cells', 'empty.csv': 'empty',
      'list.pkl': 'expected a dict', 'hostile.pkl': 'is not allowed'}.items():
    with pytest.raises(ValueError, match=message):
      table_files.File(tmp_path / name)
  for name in ('flipped', 'objects'):
    with pytest.raises(ValueError, match='cannot be read'):
      opened = table_files.File(tmp_path / f'{name}.npz')
      [opened.read(key) for key in opened.keys]


# --- joining ---


def test_files_are_joined_by_id_and_what_one_lacks_is_excluded(tmp_path):
  made.write_npz(tmp_path / 'one.npz')
  (tmp_path / 'two.csv').write_text('name,score\nu6,6\nu2,2\nu9,9\n')
  found = read([tmp_path / 'one.npz', tmp_path / 'two.csv'], described(files=[
    made.PLAIN['files'][0], {'id': 'name', 'columns': {'score': 'score'}}]))
  assert found.ids == ['toy/u2', 'toy/u6'] and found.columns['score'] == [2, 6]
  assert found.features['voice'].read(1).tolist() == [[10, 11]]
  told = {e.id: (e.reason, e.file) for e in found.exclusions}
  assert told == {f'toy/u{n}': ('is not in two.csv', 'one.npz') for n in (1, 3, 4, 5)} | {
    'toy/u9': ('is not in one.npz', 'two.csv')}
  assert len(found.ids) + len(told) == 7


def test_files_that_share_no_id_are_refused_with_some_of_each(tmp_path):
  made.write_npz(tmp_path / 'one.npz')
  (tmp_path / 'two.csv').write_text('name,score\nv1,6\nv2,2\nv3,9\nv4,1\n')
  with pytest.raises(ValueError, match='toy/u1, toy/u2, toy/u3 and 3 more there, toy/v1, toy/v'):
    read([tmp_path / 'one.npz', tmp_path / 'two.csv'], described(files=[
      made.PLAIN['files'][0], {'id': 'name', 'columns': {'score': 'score'}}]))
  with pytest.raises(ValueError, match='the table has 1 files, 2 were given'):
    read([tmp_path / 'one.npz', tmp_path / 'two.csv'], one_file())


def test_position_counts_within_a_dialogue_in_the_order_of_time(tmp_path):
  path = made.write_npz(tmp_path / 't.npz', start=np.array([5, 2, 10, 9, 1, 0.5]))
  found = read(path, dataclasses.replace(
    one_file(columns={'speaker': 'who', 'start': 'start'}),
    position=table_description.Position('speaker', 'start')))
  assert found.ids == [f'toy/u{n}' for n in (2, 1, 4, 3, 6, 5)]
  assert found.columns['position'] == [0, 1] * 3
  assert found.features['voice'].read(0).tolist() == [[2, 3]]


# --- MMSA's pickles ---


@pytest.mark.parametrize('protocol', range(5))
@pytest.mark.parametrize('aligned', [True, False])
def test_mmsa_files(aligned, protocol, tmp_path):
  name = 'mmsa_aligned' if aligned else 'mmsa_unaligned'
  path = made.write_pickle(tmp_path / 'it.pkl', made.mmsa(aligned=aligned), protocol)
  found = read(path, table_description.load(name, None, 'mosi'), 'mosi')
  assert found.ids == [f'mosi/{s}vid_{n}' for s, k in (('train', 3), ('valid', 2), ('test', 2))
                       for n in range(k)]
  assert found.columns['split'] == ['train'] * 3 + ['valid'] * 2 + ['test'] * 2
  assert found.columns['video'][0] == 'trainvid' and found.columns['sentiment'][:3] == [-3, 0, 3]
  assert found.columns['transcript'][4] == 'THIS IS valid 1'
  shapes = {name: [f.read(row).shape for row in range(3)] for name, f in found.features.items()}
  assert shapes == {name: [(1, d), (2, d), (3, d)] for name, d in
                    {'text': 5, 'audio': 3, 'video': 2}.items()}


def test_an_id_in_two_splits_is_refused(tmp_path):
  value = made.mmsa(aligned=True)
  value['test']['id'][0] = value['train']['id'][0]
  path = made.write_pickle(tmp_path / 'it.pkl', value)
  with pytest.raises(ValueError, match='mosi/trainvid_0 stands in two splits, train and test'):
    read(path, table_description.load('mmsa_aligned', None, 'mosi'), 'mosi')


@pytest.mark.parametrize('key, value, message', [
  ('audio_lengths', [1, 2, 9], 'audio_lengths says 9 for row 2, whose audio has 4 frames'),
  ('audio_lengths', [1, 2], 'expected a length for each of the 3 rows'),
  ('audio_lengths', [1, 2, -1], 'says -1 for row 2'),
  ('text_bert', np.tile([1, 0, 1, 1], (3, 3, 1)), 'text_bert has gaps'),
  ('id', ['a', 'b', 'c'], r"has 'a', which does not match"),
])
def test_wrong_lengths_and_ids_are_refused(key, value, message, tmp_path):
  content = made.mmsa(aligned=False)
  content['train'][key] = value
  path = made.write_pickle(tmp_path / 'it.pkl', content)
  with pytest.raises(ValueError, match=message):
    read(path, table_description.load('mmsa_unaligned', None, 'mosi'), 'mosi')


# --- frames ---


@pytest.mark.parametrize('padding, expected', [
  ('none', [[0], [0], [1], [0], [2], [0]]), ('end', [[0], [0], [1], [0], [2]]),
  ('front', [[1], [0], [2], [0]])])
def test_padding_is_taken_off_one_side(padding, expected):
  about = table_description.Feature('v', padding=padding)
  rows = [np.array([[0], [0], [1], [0], [2], [0]], np.int64), np.zeros((6, 1), np.int64)]
  frames = table_frames.Frames('v', about, rows)
  assert frames.read(0).tolist() == expected and frames.read(0).dtype == np.float32
  assert len(frames.read(1)) == (6 if padding == 'none' else 0)


NOT_FINITE = [np.array([1, -np.inf]), np.array([3, 7]), np.array([2, 5])]


def frames(rule, rows=NOT_FINITE):
  return table_frames.finite(
    table_frames.Frames('v', table_description.Feature('v', nonfinite=rule), rows),
    ['a', 'b', 'c'], range(3))


def test_numbers_that_are_not_finite_follow_the_rule_and_are_counted():
  with pytest.raises(ValueError, match=r'v: 1 numbers of 1 utterances .* columns 1 .*: a\. Say'):
    frames('error')
  assert frames('zero').read(0).tolist() == [[1, 0]]
  assert frames('column_minimum').read(0).tolist() == [[1, 5]]
  assert frames('column_minimum').read(1).tolist() == [[3, 7]]
  assert frames('drop_row').dropped == {0: 'v: numbers are not finite'}
  for rule in ('zero', 'column_minimum', 'drop_row'):
    assert frames(rule).about == {'rule': rule, 'values': 1, 'utterances': 1, 'columns': [1]}


def test_the_minimum_of_a_column_is_for_minus_infinity_alone():
  with pytest.raises(ValueError, match='a has NaN or .inf; choose'):
    frames('column_minimum', [np.array([np.nan]), np.array([-np.inf]), np.array([1])])
  with pytest.raises(ValueError, match='no finite value at all'):
    frames('column_minimum', [np.array([-np.inf])] * 3)


def test_a_number_too_large_for_float32_is_not_finite():
  with pytest.raises(ValueError, match='1 numbers of 1 utterances are not finite'):
    frames('error', [np.array([1e300]), np.array([1.0]), np.array([1.0])])


def test_padding_may_be_anything():
  about = table_description.Feature('v', lengths=table_description.Column('n'))
  padded = table_frames.Frames('v', about, [np.array([[1.0], [np.nan]])], [1])
  assert table_frames.finite(padded, ['a'], [0]).about['values'] == 0


# --- datasets ---


def prepare(tmp_path, description=made.PLAIN, corpus='toy', **changes):
  path = made.write_npz(tmp_path / 't.npz', **changes)
  json = made.write_json(tmp_path / 'd.json', description)
  return table_builder.prepare_table(
    corpus, 'mine', [path], tmp_path / 'data', description=json)


@pytest.fixture(scope='module')
def built(tmp_path_factory):
  """A table of six with an utterance that is left out."""
  tmp_path = tmp_path_factory.mktemp('table')
  voice = made.arrays()['voice'].copy()
  voice[2, 1] = np.nan
  description = copy.deepcopy(made.PLAIN)
  description['files'][0]['features']['voice'] = {
    'key': 'voice', 'nonfinite': 'drop_row',
    'fitted_on': {'labels': True, 'where': {'speaker': ['a']}}}
  return tmp_path, prepare(tmp_path, description, voice=voice), description, voice


def test_a_table_becomes_a_sealed_dataset(built):
  _, (folder, why), _, _ = built
  assert why == 'new' and folder.parts[-3:] == ('toy', 'table_mine', '1.0.0')
  dataset = prepared.Dataset(folder)
  assert dataset.index['id'].tolist() == [f'toy/u{n}' for n in (1, 2, 4, 5, 6)]
  assert dataset.index['length_voice'].tolist() == [1] * 5
  assert dataset.read(4)['voice'].tolist() == [[10, 11]]
  assert dataset.counts | {} == {'listed': 6, 'kept': 5, 'excluded': 1,
                                 'emotion': {'neu': 3, 'sad': 2}}
  assert 'toy/u3' in (folder / prepared.EXCLUSIONS).read_text()
  assert dataset.about['features']['voice']['fitted_on'] == {
    'labels': True, 'where': {'speaker': ['a']}}
  assert table_builder.features_text(folder) == ['voice [2], fitted with labels on speaker=a']


def test_what_is_prepared_is_kept_until_something_changes(built):
  tmp_path, (folder, _), description, voice = built
  before = files.read_json(folder / prepared.METADATA)['fingerprint']
  assert prepare(tmp_path, description, voice=voice)[1] == 'kept'
  assert prepare(tmp_path, description, voice=voice + 1)[1] == 'replaced: its files changed'
  assert files.read_json(folder / prepared.METADATA)['fingerprint'] != before
  assert prepare(tmp_path, description | {'about': 'again'}, voice=voice)[1] == (
    'replaced: its description and its files changed')
  shard, = folder.glob('*.array_record*')
  shard.write_bytes(b'')
  assert prepare(tmp_path, description | {'about': 'again'}, voice=voice)[1].startswith(
    f'replaced: {shard.name} is not as it was written')


def test_nothing_is_left_of_a_table_that_is_refused(tmp_path):
  with pytest.raises(ValueError, match='not finite'):
    prepare(tmp_path, voice=np.full((6, 2), np.nan))
  with pytest.raises(ValueError, match=r"speaker='z', which no utterance has; there are: 'a', 'b'"):
    changed = copy.deepcopy(made.PLAIN)
    changed['files'][0]['features']['voice'] = {
      'key': 'voice', 'fitted_on': {'labels': True, 'where': {'speaker': ['z']}}}
    prepare(tmp_path, changed)
  with pytest.raises(ValueError, match='small letters'):
    prepare(tmp_path, corpus='../toy')
  assert not [path for path in (tmp_path / 'data').rglob('*') if path.is_file()
              and path.name != '.lock']


def test_labels_come_from_a_prepared_corpus_row_for_row(built, tmp_path):
  """The table of the fixture plays `base`: u1, u2, u4, u5, u6."""
  _, (folder, _), _, _ = built
  base = prepared.Dataset(folder)
  description = described(labels_from='base', files=[{
    'id': 'key', 'features': {'voice': {'key': 'voice', 'nonfinite': 'drop_row'}}}])
  voice = made.arrays()['voice'].copy()
  voice[3] = np.inf
  path = made.write_npz(tmp_path / 't.npz', voice=voice,
                        key=np.array(['u6', 'u5', 'x1', 'u4', 'x2', 'x3']))
  origin = from_table.FromTable(description, read(path, description), base=base, about={})
  records = list(origin)
  assert [len(record['voice']) for record in records] == [0, 0, 0, 1, 1]
  assert records[4]['voice'].tolist() == [[0, 1]]  # u6 comes first in the table
  assert {e.id: e.reason for e in origin.ledger.exclusions} == {
    'toy/u1': 'is not in the table', 'toy/u2': 'is not in the table',
    'toy/u4': 'voice: numbers are not finite'}
  about = origin.finish()
  assert about['base_fingerprint'] == base.about['fingerprint']
  assert '3 rows of the table are no utterances' in ' '.join(about['notes'])

  path = made.write_npz(tmp_path / 't.npz', key=np.array([f'x{n}' for n in range(6)]))
  with pytest.raises(ValueError, match=r'share no id: toy/x0, toy/x1, toy/x2 and 3 more there, t'):
    from_table.FromTable(description, read(path, description), base=base, about={})


def test_the_fingerprint_is_of_labels_too(tmp_path):
  found = []
  for what in ('neu', 'sad'):
    path = made.write_npz(tmp_path / 't.npz', what=np.array([what] * 6))
    origin = from_table.FromTable(described(), read(path, described()), base=None, about={})
    list(origin)
    found.append(origin.ledger.fingerprint)
  assert found[0] != found[1]


def test_half_of_the_utterances_missing_is_told_in_a_line(built, tmp_path):
  _, (folder, _), _, _ = built
  ids = ['u1', 'u2', 'x1', 'x2', 'x3', 'x4']
  path = made.write_npz(tmp_path / 't.npz', key=np.array(ids))
  json = made.write_json(tmp_path / 'd.json', {**made.PLAIN, 'labels_from': 'base', 'files': [
    {'id': 'key', 'features': {'v': 'voice'}}]})
  (tmp_path / 'data/toy').mkdir(parents=True)
  shutil.copytree(folder.parent, tmp_path / 'data/toy/base')
  built_now, _ = table_builder.prepare_table(
    'toy', 'more', [path], tmp_path / 'data', description=json)
  said = summary.text('toy/more', built_now, 'new', 0.0)
  assert '2 kept + 3 excluded = 5 listed' in said
  assert 'excluded, is not in the table: toy/u4, toy/u5, toy/u6' in said
  assert prepared.Dataset(built_now).index['length_v'].tolist() == [1, 1, 0, 0, 0]


def test_the_program_says_what_it_built_and_what_is_wrong(tmp_path, capsys):
  path = made.write_pickle(tmp_path / 'aligned_50.pkl', made.mmsa(aligned=True))
  arguments = ['mosei/mmsa_aligned', str(path), '--data_dir', str(tmp_path / 'data')]
  assert table.main(arguments) == 0
  said = capsys.readouterr().out
  assert '7 kept + 0 excluded = 7 listed' in said and 'video [2]' in said
  assert table.main(['mosei/mmsa', *arguments[1:]]) == 1
  assert "no table is known as 'mmsa'" in capsys.readouterr().err


def test_known_tables_that_are_numbered_say_so(tmp_path):
  np.savez(tmp_path / 't.npz', **{f'{split}_{name}': np.ones((2, 20, 3)) for split in
                                  ('train', 'valid', 'test') for name in ('audio', 'video', 'y')})
  description = table_description.load('mfn_pom', None, 'pom')
  with pytest.raises(ValueError, match='train_y has 60 values per row'):
    read(tmp_path / 't.npz', dataclasses.replace(description, files=[dataclasses.replace(
      description.files[0], columns={'y': table_description.Column('{split}_y')})]), 'pom')
