"""Damage to prepared datasets: named, or put aside; never a silent wrong read."""

import os
import pathlib
import random
import re
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

from data_builders import synthetic
from data_builders.corpora import prepare
from emojax.io import checksums, prepared

CONFIGS = ('base', 'logmel_mat')


@pytest.fixture(scope='module')
def built(tmp_path_factory):
  """A data_dir with 140 utterances, in three shards for each config."""
  root = tmp_path_factory.mktemp('built')
  release = synthetic.write('iemocap', root / 'release', size='tiny')
  for config in CONFIGS:
    prepare.prepare('iemocap', config, root / 'data', manual_dir=release, workers=1, num_shards=3)
  return root / 'data'


@pytest.fixture(scope='module')
def whole(built):
  """Config -> all records, as TFDS reads them."""
  return {config: list(tfds.builder_from_directory(
    str(prepared.find(built, 'iemocap', config))).as_data_source('all')) for config in CONFIGS}


@pytest.fixture(params=CONFIGS)
def folder(request, built, tmp_path):
  """A copy of a dataset, to be damaged."""
  good = prepared.find(built, 'iemocap', request.param)
  return pathlib.Path(shutil.copytree(good, tmp_path / good.relative_to(built)))


def shards(folder):
  return sorted(folder.glob('*.array_record-*'))


def flip(path, rng):
  """Changes one bit; returns where."""
  content = bytearray(path.read_bytes())
  at = rng.randrange(len(content))
  content[at] ^= 1 << rng.randrange(8)
  path.write_bytes(content)
  return at


def check_others(dataset, records, rows=None):
  """What is not lost is what it was; what is lost is refused by name. Returns the lost rows."""
  ids, lost = dataset.index['id'].tolist(), []
  for row in range(len(ids)) if rows is None else rows:
    if ids[row] in dataset.lost:
      lost.append(row)
      with pytest.raises(ValueError, match=re.escape(f'{ids[row]} is lost')):
        dataset.read(row)
      continue
    read = dataset.read(row)
    assert set(read) | {'id'} == set(records[row])
    assert records[row]['id'].decode() == ids[row]
    for name in set(read) - {'id'}:
      np.testing.assert_array_equal(read[name], records[row][name])
  assert set(dataset.lost) <= set(ids) and (rows is not None or len(lost) == len(dataset.lost))
  return lost


def test_a_whole_dataset_is_read_as_tfds_reads_it(folder, whole):
  dataset = prepared.Dataset(folder)
  assert len(dataset) == 140 and dataset.lost == {} and not prepared.damage(folder)
  assert check_others(dataset, whole[folder.parent.name]) == []
  assert prepared.CHECKSUM not in dataset.index and 'id' in dataset.index
  assert dataset.counts['kept'] == 140 and dataset.about['complete']


def test_every_file_is_sealed(folder):
  there = {path.name for path in folder.iterdir()} - {checksums.SEAL}
  assert set(checksums.sealed(folder)) == there
  assert {'index.parquet', 'metadata.json', 'counts.json', 'exclusions.jsonl', 'dataset_info.json',
          'features.json'} < there


@pytest.mark.parametrize('seed', range(4))
def test_a_changed_bit_of_any_file_is_found(folder, seed):
  rng = random.Random(seed)
  for path in sorted(folder.iterdir()):
    before = path.read_bytes()
    if not before:  # no exclusions
      path.write_bytes(b'\n')
    elif path.name != checksums.SEAL:
      flip(path, rng)
    else:  # not in the blanks of its layout, which say nothing
      at = before.index(b'"self"') + rng.randrange(1, 38)
      path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1:])
    with pytest.raises(ValueError, match=re.escape(path.name)):
      prepared.Dataset(folder)
    if '.array_record-' not in path.name:
      with pytest.raises(ValueError, match=re.escape(path.name)) as caught:
        prepared.Dataset(folder, quarantine=True)
      assert 'quarantine' not in str(caught.value)
    path.write_bytes(before)
  prepared.Dataset(folder)


def test_a_missing_file_is_named(folder):
  for path in sorted(folder.iterdir()):
    before = path.read_bytes()
    path.unlink()
    with pytest.raises(ValueError, match=re.escape(path.name)) as caught:
      prepared.Dataset(prepared.find(folder.parents[2], 'iemocap', folder.parent.name))
    assert ('has no checksums.json' if path.name == checksums.SEAL else 'is missing') in str(
      caught.value)
    path.write_bytes(before)


@pytest.mark.parametrize('seed', range(12))
def test_a_changed_bit_of_a_shard_costs_one_utterance_at_most(folder, whole, seed):
  rng = random.Random(seed)
  shard = rng.choice(shards(folder))
  flip(shard, rng)
  dataset = prepared.Dataset(folder, quarantine=True)
  # what array_record can still read is not lost
  plain = tfds.builder_from_directory(str(folder)).as_data_source('all')
  broken = []
  for row in range(140):
    try:
      plain[row]
    except (RuntimeError, IndexError):
      broken.append(row)
  lost = check_others(dataset, whole[folder.parent.name])
  assert len(lost) <= 1 and set(lost) <= set(broken)
  assert all(why == f'{shard.name} is not as it was written' for why in dataset.lost.values())


@pytest.mark.parametrize('share', [0, 0.1, 0.5, 0.9, 1])
def test_a_truncated_shard_loses_what_stood_behind_the_cut(folder, whole, share):
  shard = shards(folder)[1]
  content = shard.read_bytes()
  shard.write_bytes(content[:min(int(share * len(content)), len(content) - 1)])
  lost = check_others(prepared.Dataset(folder, quarantine=True), whole[folder.parent.name])
  assert lost == list(range(93 - len(lost), 93))  # a tail of the shard's rows 46 .. 92
  assert {0: len(lost) == 47, 1: not lost}.get(share, True)
  with pytest.raises(ValueError, match=re.escape(shard.name)):
    prepared.Dataset(folder)


def test_a_missing_shard_loses_its_utterances(folder, whole):
  shards(folder)[2].unlink()
  dataset = prepared.Dataset(folder, quarantine=True)
  assert check_others(dataset, whole[folder.parent.name]) == list(range(93, 140))
  assert set(dataset.lost.values()) == {f'{shards(folder)[0].name[:-14]}00002-of-00003 is missing'}


def test_a_link_that_leads_nowhere_is_a_missing_shard(folder):
  shard = shards(folder)[2]
  shard.unlink()
  shard.symlink_to(folder / 'moved')
  with pytest.raises(ValueError, match='00002-of-00003 is missing. 47 of 140 utterances are lost'):
    prepared.Dataset(folder)


def test_swapped_shards_lose_nothing(folder, whole):
  one, two, _ = shards(folder)
  one.rename(folder / 'aside')
  two.rename(one)
  (folder / 'aside').rename(two)
  with pytest.raises(ValueError, match='None of 140 utterances is lost'):
    prepared.Dataset(folder)
  assert check_others(
    prepared.Dataset(folder, quarantine=True), whole[folder.parent.name]) == []


def test_a_shard_of_another_dataset_is_not_taken(folder, built, whole):
  other = CONFIGS[1 - CONFIGS.index(folder.parent.name)]
  source = shards(prepared.find(built, 'iemocap', other))[0]
  shutil.copy(source, shards(folder)[0])
  dataset = prepared.Dataset(folder, quarantine=True)
  assert check_others(dataset, whole[folder.parent.name]) == list(range(46))


def test_what_is_said_of_damage(folder):
  shards(folder)[0].unlink()
  with pytest.raises(ValueError) as caught:
    prepared.Dataset(folder)
  ids = prepared.read_index(folder)['id'].tolist()
  release = '--manual_dir FOLDER-OF-THE-RELEASE ' if folder.parent.name == 'base' else ''
  assert str(caught.value) == (
    f'{folder}: iemocap-utterances.array_record-00000-of-00003 is missing. 46 of 140 utterances '
    f'are lost: {", ".join(ids[:8])} and 38 more. Build it again (python -m data_builders.build '
    f'iemocap/{folder.parent.name} {release}--data_dir {folder.parents[2]}), or restore what is '
    'damaged from a copy. A run goes on without what is lost with '
    '--config.data.damaged=quarantine.')


def test_quarantine_warns(folder, caplog):
  shards(folder)[0].unlink()
  prepared.Dataset(folder, quarantine=True)
  assert '46 of 140 utterances are lost: iemocap/Ses01F' in caplog.text
  assert 'Going on without' in caplog.text


def test_a_file_that_cannot_be_read_is_damaged(folder, monkeypatch):
  of_file = checksums.of_file

  def broken(path):
    if '.array_record-00001' in str(path):
      raise OSError(5, 'Input/output error')
    return of_file(path)

  monkeypatch.setattr(checksums, 'of_file', broken)
  with pytest.raises(ValueError, match=r'00001-of-00003 cannot be read \(Input/output error\)'):
    prepared.Dataset(folder)


def test_files_are_verified_once_per_process_until_they_change(folder, monkeypatch):
  hashed = []
  of_file = checksums.of_file
  monkeypatch.setattr(checksums, 'of_file', lambda path: hashed.append(path) or of_file(path))
  prepared.Dataset(folder)
  assert len(hashed) == len(list(folder.iterdir())) - 1
  prepared.Dataset(folder)
  assert len(hashed) == len(list(folder.iterdir())) - 1
  flip(shards(folder)[0], random.Random(0))
  with pytest.raises(ValueError):
    prepared.Dataset(folder)


@pytest.mark.parametrize('change', ['removed', 'replaced', 'flipped'])
def test_what_changes_while_it_is_in_use_is_refused(folder, built, change):
  dataset = prepared.Dataset(folder)
  one, two, _ = shards(folder)
  if change == 'removed':
    one.unlink()
  elif change == 'replaced':
    shutil.copy(two, one)
  else:
    content = bytearray(one.read_bytes())
    for at in range(100, len(content), 300):
      content[at] ^= 1
    one.write_bytes(content)
  with pytest.raises(ValueError, match='was changed while it was in use: iemocap/Ses01F_impro01_F'):
    dataset.read(0)


def test_an_unsealed_folder_is_refused(folder):
  (folder / checksums.SEAL).unlink()
  with pytest.raises(ValueError, match=r'has no checksums\.json.* Build it again: python -m '
                                       rf'data_builders\.build iemocap/{folder.parent.name} '):
    prepared.Dataset(folder, quarantine=True)


def test_strangers_in_the_folder_do_no_harm(folder):
  (folder / '.DS_Store').write_bytes(b'litter')
  os.mkdir(folder / 'notes')
  assert not prepared.damage(folder)


def test_datasets_are_listed(built, tmp_path):
  assert prepared.listed(built) == [built / 'iemocap' / config / '1.0.0' for config in CONFIGS]
  (tmp_path / 'iemocap/base/incomplete.AB_1.0.0').mkdir(parents=True)
  (tmp_path / 'iemocap/base/incomplete.AB_1.0.0/index.parquet').write_bytes(b'')
  (tmp_path / 'iemocap/base/1.0.0').mkdir()
  assert prepared.listed(tmp_path) == [] == prepared.listed(tmp_path / 'absent')
