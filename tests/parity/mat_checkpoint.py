"""The original's checkpoints become a run: parameters, Adam's moments, flags; then its logits."""

import contextlib
import json
import pathlib
import tempfile

import jax
import numpy as np

from emojax import convert
from emojax.io import files, parameters, torch_files
from emojax.train import (
  checkpoint,
  experiment,
  finished,
  importing,
  loop,
  mat_checkpoint,
  optim,
  run_folder,
)
from emojax.train import state as state_lib
from emojax.train import step as step_lib
from tests.parity import case as case_lib

ROOT = pathlib.Path(__file__).parents[2]
MODELS = {'Model_MAT': 'mat', 'Model_MNT': 'mnt'}


def check(case: case_lib.Case) -> None:
  folder = (case.folder / case.stem).resolve()
  about = json.loads((case.folder / f'{case.stem.replace("ckpt", "ensemble")}.json').read_text())
  containers = [path for path in sorted(folder.glob('*.pkl')) if path.name != 'token_to_ix.pkl']
  assert {about['legacy_container_copy'], *about['checkpoints_in_order']} <= {
    path.name for path in containers}
  paths = [folder / name for name in about['checkpoints_in_order']]
  with tempfile.TemporaryDirectory() as work, jax.enable_x64(False):
    run = run_of(paths, pathlib.Path(work) / 'run', MODELS[about['args']['model']])
    like = _like(run)
    for member, path in zip(run.members, paths, strict=True):
      _check_member(run, member, path, _read(path, about), like)
    _check_logits(case, about, run)
  for path in set(containers) - set(paths):  # copies in other containers, 'legacy_best...'
    _read(path, about)
    [original] = [known for known in paths if path.name.endswith(known.name)]
    theirs, ours = mat_checkpoint.read(original), mat_checkpoint.read(path)
    jax.tree.map(np.testing.assert_array_equal, theirs.state_dict, ours.state_dict)
    jax.tree.map(np.testing.assert_array_equal, theirs.moments, ours.moments)
    assert (theirs.step, theirs.args, theirs.group) == (ours.step, ours.args, ours.group)


def run_of(paths, out: pathlib.Path, model: str) -> finished.Run:
  """The run that the files become."""
  with contextlib.chdir(ROOT):
    convert.convert(list(map(str, paths)), model, str(out))
  return finished.open_run(str(out))


def restored(run: finished.Run, member, like: state_lib.TrainState | None = None,
             ) -> tuple[int, state_lib.TrainState, dict]:
  """(step, state, meta) of a member's checkpoint, as training restores it."""
  kept = checkpoint.Checkpoints(run.folder.member(member.name) / 'checkpoints_select', keep=1)
  sums = step_lib.zero_sums(run.heads, 1)
  step, state, _, meta = kept.restore(like or _like(run), sums)
  return step, state, meta


def _like(run: finished.Run) -> state_lib.TrainState:
  """A state of the shapes of the run's members."""
  config = run.config
  fitted = experiment.kept_fitted(config, run.folder)[run.members[0].fold, False]
  specs = importing.specs(config, fitted, mat_checkpoint.WIDTHS)
  make = experiment.make_model(config, specs, run.heads)
  return state_lib.init(
    [make], optim.build('adam', clip_norm=config.optim.clip_norm), [0],
    restores=config.control.decay_times > 0)


def orientation(params, state_dict) -> dict[str, tuple[str, bool]]:
  """Our path -> (the original's name with the same values, whether they are transposed there).

  Found by the values alone: no name table has a say.
  """
  found = {}
  for path, ours in params.items():
    same = [(name, turned) for name, theirs in state_dict.items() for turned in (False, True)
            if np.array_equal(theirs.T if turned else theirs, ours)]
    names = {name for name, _ in same}
    assert len(names) == 1, f'{path} has the values of {sorted(names)}'
    found[path] = same[0]
  assert len({name for name, _ in found.values()}) == len(state_dict) == len(params)
  return found


def _read(path: pathlib.Path, about):
  """A file's content, which is what the case says."""
  content = torch_files.load(path)
  state_dict, optimizer, args = content['state_dict'], content['optimizer'], content['args'].state
  assert sorted(content) == about['top_level_keys']
  assert {name: list(value.shape) for name, value in state_dict.items()} == (
    about['state_dict_keys'])
  [group], [expected] = optimizer['param_groups'], about['optimizer']['param_groups']
  assert len(group['params']) == expected['params']
  assert all(sorted(entry) == about['optimizer']['state_entry_keys']
             for entry in optimizer['state'].values())
  assert {key: list(value) if isinstance(value, tuple) else value for key, value in group.items()
          if key != 'params'} == {k: v for k, v in expected.items() if k != 'params'}
  theirs = {k: v for k, v in about['args'].items() if k not in ('seed', 'loss_fn')}
  assert {key: args[key] for key in theirs} == theirs
  return content


def _check_member(run: finished.Run, member, path: pathlib.Path, content, like) -> None:
  state_dict, optimizer, args = content['state_dict'], content['optimizer'], content['args'].state
  entry = files.read_json(run.folder.path / run_folder.IMPORTED)['members'][member.name]
  assert member.seed == args['seed'] and entry['file'] == str(path)
  assert entry['args'] == {key: value for key, value in args.items() if key != 'loss_fn'}
  step, state, meta = restored(run, member, like)
  solo = jax.tree.map(lambda x: x[0], state)
  params = parameters.flatten(solo.params)
  moments = next(part for part in solo.opt_state if hasattr(part, 'mu'))
  assert step == solo.step == moments.count == float(optimizer['state'][0]['step'])
  assert meta['members'][0]['done'] == step
  where = orientation(params, state_dict)
  index = {name: number for number, name in enumerate(state_dict)}
  for tree, key in ((moments.mu, 'exp_avg'), (moments.nu, 'exp_avg_sq')):
    for ours, value in parameters.flatten(tree).items():
      name, turned = where[ours]
      wanted = optimizer['state'][index[name]][key]
      np.testing.assert_array_equal(value, wanted.T if turned else wanted, err_msg=ours)
  jax.tree.map(np.testing.assert_array_equal, solo.best['params'], solo.params)
  jax.tree.map(np.testing.assert_array_equal, solo.best['opt_state'], solo.opt_state)


def _check_logits(case: case_lib.Case, about, run: finished.Run) -> None:
  """The members' predictions are those of the original's ensembling."""
  arrays = case.folder / f'{case.stem.replace("ckpt", "ensemble")}.npz'
  with np.load(arrays, allow_pickle=False) as file:
    expected = file['out/logits']
  loop.predict_again(run.config, str(run.folder.path), 'test', str(case.folder / 'fixture/data'))
  [head] = run.heads
  for member, logits in zip(run.members, expected):
    found = run_folder.read_predictions(run.predictions_path(member, head.name, 'test'), head)
    assert [id.split('/')[-1] for id in found['id'].tolist()] == about['ids']
    case_lib.assert_close(found['logits'], logits, relative=1e-5, what=f'logits of {member.name}')
