"""Every test runs on eight simulated devices; implicit rank promotion and warnings are errors."""

import fcntl
import os
import shutil
import tempfile

os.environ['JAX_PLATFORMS'] = 'cpu'
# Compiled programs are small and run few times: optimising them would take most of the suite time.
os.environ['XLA_FLAGS'] = ' '.join([
  os.environ.get('XLA_FLAGS', ''), '--xla_force_host_platform_device_count=8',
  '--xla_backend_optimization_level=0', '--xla_llvm_disable_expensive_passes=true',
  '--xla_cpu_use_fusion_emitters=false'])
# Other tests, and programs that tests start in processes of their own, need not compile the same.
# Every worker has its own: a program may be read while another worker still writes it.
os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', os.path.join(
  tempfile.gettempdir(), f'emojax-tests-compiled-{os.environ.get("PYTEST_XDIST_WORKER", "gw0")}'))
os.environ.setdefault('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0')

import jax
import pytest

jax.config.update('jax_numpy_rank_promotion', 'raise')


def pytest_addoption(parser):
  parser.addoption('--golden', default='tests/golden',
                   help='a folder of golden cases with an index.json, or a folder of such folders')


@pytest.fixture(scope='session')
def once(tmp_path_factory):
  """`once(name, make)`: a folder that `make` fills, whichever worker asks for it first."""
  shared = tmp_path_factory.getbasetemp()
  if 'PYTEST_XDIST_WORKER' in os.environ:
    shared = shared.parent

  def made(name, make):
    folder = shared / 'once' / name
    folder.parent.mkdir(exist_ok=True)
    with open(f'{folder}.lock', 'a+') as lock:
      fcntl.flock(lock, fcntl.LOCK_EX)
      lock.seek(0)
      if lock.read() != 'made':
        shutil.rmtree(folder, ignore_errors=True)
        make(folder)
        lock.write('made')
    return folder

  return made


@pytest.fixture(scope='session')
def data_dir(once, tmp_path_factory):
  """Generated miniatures, prepared, of corpora, one of which has text alone."""
  def make(folder):
    from data_builders import synthetic
    from data_builders.corpora import prepare

    releases = tmp_path_factory.mktemp('releases')
    for corpus, wanted in (
        ('emodb', None), ('iemocap', None), ('meld', None), ('emorynlp', 'text')):
      release = synthetic.write(corpus, releases / corpus, size='tiny')
      for config in prepare.configs(corpus, wanted):
        prepare.prepare(corpus, config, folder, manual_dir=release, workers=1)

  return once('prepared', make)


@pytest.fixture(scope='session')
def features_dir(data_dir, once):
  """The same with what FME and MSE read of IEMOCAP."""
  def make(folder):
    from data_builders.corpora import prepare

    shutil.copytree(data_dir, folder)
    for feature in ('mfcc_mdre', 'prosody_mdre', 'waveform_fme'):
      prepare.prepare('iemocap', feature, folder, workers=1)

  return once('features', make)


@pytest.fixture(scope='session')
def authors_dir(tmp_path_factory):
  """Processed files of five corpora, made up: what `config.data.path` names for them."""
  from tests.data import authors_files

  return authors_files.write(tmp_path_factory.mktemp('authors'))


@pytest.fixture(scope='session')
def mme2e_dir(tmp_path_factory):
  """MME2E's processed files of two corpora, made up."""
  from tests.data import mme2e_files

  return mme2e_files.write(tmp_path_factory.mktemp('mme2e'))


@pytest.fixture(scope='session')
def tables_dir(tmp_path_factory):
  """Tables of features, made up and prepared: what `config.data.path` names for them."""
  from tests.data import made_up_tables

  return made_up_tables.write(tmp_path_factory.mktemp('tables'))
