"""A prepared `base` of its own for each test that builds features from it."""

import shutil

import pytest


@pytest.fixture(scope='session')
def iemocap_base(tmp_path_factory):
  """The data folder of a generated miniature of IEMOCAP, `base` alone."""
  from data_builders import synthetic
  from data_builders.corpora import prepare

  release = synthetic.write('iemocap', tmp_path_factory.mktemp('release'), size='tiny')
  data_dir = tmp_path_factory.mktemp('iemocap_base')
  prepare.prepare('iemocap', 'base', data_dir, manual_dir=release, workers=1)
  return data_dir


@pytest.fixture
def with_base(iemocap_base, tmp_path):
  """Makes data folders that hold a copy of it."""

  def _make(name):
    return shutil.copytree(iemocap_base, tmp_path / name)

  return _make
