"""Features by Apache Beam: the same dataset, byte for byte; where the extra `beam` is installed."""

import importlib.util

import pytest

from data_builders import build
from data_builders.corpora import beam_pipeline, prepare
from emojax.features import catalogue
from emojax.io import checksums, prepared

HAS_BEAM = bool(importlib.util.find_spec('apache_beam'))


@pytest.fixture
def data_dir(with_base):
  return with_base('data')


@pytest.mark.skipif(not HAS_BEAM, reason='needs the extra beam, in an environment of its own')
@pytest.mark.filterwarnings('default')  # Beam's own
@pytest.mark.parametrize('config', ['logmel_mat', 'mfcc_mdre'])
def test_a_pipeline_gives_the_dataset_of_any_build(data_dir, config, monkeypatch):
  expected, _ = prepare.prepare('iemocap', config, data_dir, workers=1)
  expected = expected.rename(data_dir / 'expected')
  filled = []
  fill = beam_pipeline.fill

  def counted(base, feature, folder, options):
    fill(base, feature, folder, options)
    filled.append(len(list(folder.iterdir())))

  monkeypatch.setattr(beam_pipeline, 'fill', counted)
  assert build.main([f'iemocap/{config}', '--data_dir', str(data_dir), '--workers', '1',
                     '--beam=--runner=DirectRunner --direct_num_workers=1']) == 0
  found = prepared.find(data_dir, 'iemocap', config)
  assert filled == [len(prepared.read_index(found)['id'])]
  assert checksums.of_folder(found) == checksums.of_folder(expected)
  assert not (found.parent / prepare.COMPUTED).exists()


@pytest.mark.skipif(not HAS_BEAM, reason='needs the extra beam, in an environment of its own')
@pytest.mark.filterwarnings('default')
def test_workers_that_see_another_folder_are_noticed(data_dir, monkeypatch):
  monkeypatch.setattr(beam_pipeline, '_compute', _elsewhere)
  with pytest.raises(ValueError, match='no worker of the pipeline left a value'):
    beam_pipeline.fill(prepared.find(data_dir, 'iemocap'), catalogue.FEATURES['mfcc_mdre'],
                       data_dir / 'computed', ['--runner=DirectRunner'])


def _elsewhere(row, **unused):
  del row, unused


@pytest.mark.skipif(HAS_BEAM, reason='Beam is installed')
def test_a_missing_extra_is_answered_with_the_command(data_dir, capsys):
  assert build.main(['iemocap/mfcc_mdre', '--data_dir', str(data_dir), '--beam']) == 1
  assert "pip install 'emojax[beam]'" in capsys.readouterr().err


def test_beam_is_for_one_feature(data_dir, capsys):
  with pytest.raises(SystemExit):
    build.main(['iemocap', '--data_dir', str(data_dir), '--beam'])
  assert '--beam computes one feature: iemocap/CONFIG' in capsys.readouterr().err
  assert build.main(['iemocap/base', '--data_dir', str(data_dir), '--overwrite', '--manual_dir',
                     str(data_dir), '--beam']) == 1
  assert 'iemocap/base is read from the release' in capsys.readouterr().err
