"""Run folders made of another program's checkpoints: whole or absent, and what opens them."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from configs import iemocap_mnt
from emojax.data import fitted as fitted_lib
from emojax.train import (
  experiment,
  finished,
  imported,
  importing,
  loop,
  mat_checkpoint,
  run_folder,
  sharding,
)

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden/mat'
MNT = GOLDEN / 'ckpt_tiny_mnt/best11.11111111111111_4.pkl'
NAME = 'session1-seed4'


def write(out, change=lambda source: source):
  """Imports MNT's checkpoint; the config it is of."""
  config = iemocap_mnt.get_config('processed,as_published')
  files = [mat_checkpoint.read(MNT)]
  mat_checkpoint.configure(config, files, 'mnt')
  config.mesh.data = 1
  fitted, about = mat_checkpoint.read_words(files, None, config)
  sources = [change(source) for source in mat_checkpoint.sources(files, config)]
  specs = importing.specs(config, fitted, mat_checkpoint.WIDTHS)
  imported.write(out, config, sources, specs, fitted, about)
  return config


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  out = tmp_path_factory.mktemp('runs') / 'run'
  return out, write(out)


@pytest.fixture
def copied(run, tmp_path):
  out = tmp_path / 'copy'
  shutil.copytree(run[0], out)
  return out


def test_a_misshapen_parameter_leaves_no_folder(tmp_path):
  def change(source):
    source.params['norm.other'] = source.params.pop('heads.emotion.kernel')
    source.params['heads.emotion.bias'] = np.zeros(5, np.float32)
    return source

  with pytest.raises(ValueError, match=r'_4.pkl \(parameters\) does not fit the model') as error:
    write(tmp_path / 'run', change)
  for part in ('+ norm.other (8, 4) is unknown', '- heads.emotion.kernel (8, 4) is missing',
               '! heads.emotion.bias is (5,), expected (4,)'):
    assert part in str(error.value)
  assert not list(tmp_path.iterdir())


def test_moments_of_another_shape_are_refused(tmp_path):
  def change(source):
    source.moments['nu']['heads.emotion.bias'] = np.zeros(5, np.float32)
    return source

  with pytest.raises(ValueError, match="Adam's nu"):
    write(tmp_path / 'run', change)


def test_a_folder_that_holds_something_is_refused(run, tmp_path):
  (tmp_path / 'empty').mkdir()
  write(tmp_path / 'empty')
  assert (tmp_path / 'empty/config.json').is_file()
  for there in (run[0], run[0] / 'config.json'):
    with pytest.raises(ValueError, match='is there already .* choose another --out'):
      write(there)


def test_the_folder_says_where_it_comes_from(run):
  out, _ = run
  described = json.loads((out / 'imported.json').read_text())
  entry = described['members'][NAME]
  assert entry['file'] == str(MNT) and entry['step'] == 4 and len(entry['xxh3']) == 32
  assert entry['args']['lr_base'] == 0.003 and entry['validation_accuracy'] == 1 / 9
  assert described['vocabulary']['rows'] == 47
  fitted = fitted_lib.load(out / 'members' / NAME / 'fitted_select')
  np.testing.assert_array_equal(fitted.vectors, np.load(MNT.parent / 'train_glove.npy'))
  assert not (out / 'run.json').exists()


def test_it_is_opened_until_it_is_trained_on(run, copied):
  assert [member.name for member in finished.open_run(run[0]).members] == [NAME]
  kept = copied / 'members' / NAME / 'checkpoints_select'
  shutil.copytree(kept / '4', kept / '8')
  shutil.copy(kept / '4.json', kept / '8.json')  # as if it had been stopped after step 8
  with pytest.raises(ValueError, match=f'not finished: 1 of 1 .*{NAME}.*training command again'):
    finished.open_run(copied)


def test_fitted_values_that_are_known_are_not_fitted_again(run, authors_dir):
  out, config = run
  config.data.path = str(authors_dir)
  placement = sharding.Placement(sharding.make_mesh(1, 1, 1))
  known = experiment.kept_fitted(config, run_folder.RunFolder(out))
  assert known.keys() == {(0, False)}
  opened = experiment.Experiment(config, placement, fitted=known)
  assert opened.fitted(0, False) is known[0, False]
  # these files have other words than the checkpoint, and no token_to_ix.pkl
  with pytest.raises(ValueError, match='token_to_ix.pkl'):
    experiment.Experiment(config, placement).fitted(0, False)


def test_its_predictions_say_what_they_were_made_of(copied):
  opened = finished.open_run(copied)
  assert opened.needs_predictions('test')
  loop.predict_again(opened.config, copied, 'test', str(GOLDEN / 'fixture/data'))
  opened = finished.open_run(copied)
  assert not opened.needs_predictions('test') and opened.described['about']['n_excluded'] == 0
  assert '9 utterances (0 excluded)' in opened.report('test')
  assert opened.config.data.path == str(GOLDEN / 'fixture/data')
