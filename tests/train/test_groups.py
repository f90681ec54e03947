"""Members in one program against each of them alone, through the loop's own pieces."""

import json

import jax
import numpy as np
import pytest

from configs import iemocap_mat
from emojax.io import parameters
from emojax.train import experiment, group_run, loop, members, progress, sharding

GRID = {'members.folds': '0,3', 'members.seeds': '2', 'members.grid': 'learning_rate=1e-3,5e-4'}
STEPS = 20


def make_config(data_dir, **changes):
  config = iemocap_mat.get_config('tiny')
  config.protocol = 'iemocap/loso5'
  config.data.path = str(data_dir)
  config.checkpoint.every_seconds = 0.0
  config.mesh.data = 1
  config.update_from_flattened_dict(GRID | changes)
  return config


def run_of(trainer, group):
  """A group in float64, before its first step."""
  run = group_run.GroupRun(trainer, group, None, progress.Progress(1), [None] * len(group))
  run.loader.data = in_double(run.loader.data)
  run.clock = lambda step: None
  state, sums = run.restore()
  return run, state.replace(
    params=in_double(state.params), opt_state=in_double(state.opt_state)), sums


def through(run, state, sums, spans):
  """The state after an interval, and the training metrics of each member."""
  rates = [lane.learning_rate for lane in run.lanes]
  state, sums, _ = run._interval(state, sums, spans, rates)
  return state, run._training_metrics(sums, range(len(run.lanes)))


def in_double(tree):
  return jax.tree.map(lambda x: x.astype(np.float64) if x.dtype == np.float32 else x, tree)


def trainer_on(config, members_across):
  opened = experiment.Experiment(
    config, sharding.Placement(sharding.make_mesh(members_across, 1, 1)))
  return group_run.Trainer(opened, loop.make_rules(config, opened), refit=False)


@pytest.fixture(scope='module')
def grouped(data_dir):
  """Eight members after 20 steps in one program over two devices; one of them went only 7."""
  with jax.enable_x64(True):
    trainer = trainer_on(make_config(data_dir, **{'members.mode': 'vmap'}), 2)
    run, state, sums = run_of(trainer, trainer.opened.members)
    spans = [(0, 7 if m == 2 else STEPS) for m in range(8)]
    state, found = through(run, state, sums, spans)
  assert not state.params['front']['embedding'].sharding.is_fully_replicated
  return trainer, run, state, found, spans


@pytest.fixture(scope='module')
def on_one_device(grouped):
  return trainer_on(grouped[0].config, 1)


@pytest.mark.parametrize('m', range(8))
def test_each_member_is_its_solo_run(grouped, on_one_device, m):
  _, run, state, found, spans = grouped
  with jax.enable_x64(True):
    solo, alone, sums = run_of(on_one_device, [run.lanes[m].data.member])
    alone, expected = through(solo, alone, sums, [spans[m]])
  assert state.step.tolist()[m] == alone.step.tolist()[0] == spans[m][1]
  values, wanted = parameters.flatten(state.params), parameters.flatten(alone.params)
  for name, value in wanted.items():  # absolute: Adam amplifies the noise of key biases, whose
    # true gradient is zero
    np.testing.assert_allclose(values[name][m], value[0], rtol=1e-9, atol=1e-9, err_msg=name)
  assert found[m] == pytest.approx(expected[0], rel=1e-9)


def test_members_that_do_not_divide_over_the_mesh_are_answered():
  placement = sharding.Placement(sharding.make_mesh(4, 2, 1))
  with pytest.raises(ValueError, match='mesh.member=4: 6 members .* divisor of 6'):
    placement.spread(np.zeros(6))


def test_members_have_vocabularies_of_different_size(grouped):
  _, run, _, _, _ = grouped
  sizes = {lane.data.member.fold: len(lane.data.fitted.vocabulary) for lane in run.lanes}
  assert len(set(sizes.values())) == 2


def test_batches_are_the_members_own(grouped):
  trainer, run, _, _, spans = grouped
  plans = [lane.data.train_plan for lane in run.lanes]
  for number, (feed, _, active) in enumerate(run.loader.feeds(plans, spans)):
    assert active == tuple(number < stop for _, stop in spans)
    for m, lane in enumerate(run.lanes):
      used = np.asarray(feed.row)[m]
      rows = np.flatnonzero(np.isin(np.arange(len(lane.data.truncated)), trainer.opened._used))
      found = np.where(used >= 0, rows[used], -1)
      np.testing.assert_array_equal(
        found, plans[m][number].rows if active[m] else np.full_like(used, -1))


@pytest.mark.slow
def test_a_group_writes_what_its_members_write_alone(data_dir, tmp_path):
  """One of them diverges: it is named, and the others go on."""
  reports = {}
  for mode in ('sequential', 'vmap'):
    config = make_config(data_dir, **{
      'members.mode': mode, 'members.seeds': '1', 'members.folds': '3',
      'members.grid': 'learning_rate=1e-3,1e38,5e-4'})
    reports[mode] = loop.train_and_evaluate(config, tmp_path / mode)
    assert loop.train_and_evaluate(config, tmp_path / mode) == reports[mode]
    assert 'session4-seed0-learning_rate=1e+38: train/loss is nan after step 2' in reports[mode]
  assert 'learning_rate=0.0005' in reports['vmap']
  for one in sorted((tmp_path / 'sequential/members').iterdir()):
    other = tmp_path / 'vmap/members' / one.name
    lines, others = (
      [json.loads(line) for line in (path / 'metrics.jsonl').read_text().splitlines()]
      for path in (one, other))
    assert [row['action'] for row in lines] == [row['action'] for row in others]
    for row, same in zip(lines, others, strict=True):
      assert float(row['train/loss']) == pytest.approx(
        float(same['train/loss']), rel=1e-5, nan_ok='1e+38' in one.name)
  rows = json.loads((tmp_path / 'vmap/result.json').read_text())
  of_members = [row for row in rows if row['fold'] == 'session4' and row['split'] == 'test'
                and row['metric'] == 'wa']
  assert [row['setting'] for row in of_members] == [
    'learning_rate=0.001', 'learning_rate=1e+38', 'learning_rate=0.0005']
  assert [row['value'] is None for row in of_members] == [False, True, False]
  assert 'train/loss is nan' in of_members[1]['reason'] and of_members[1]['n'] == 0


@pytest.mark.parametrize('grid, words', [
  ('weight_decay=0,1', ['weight_decay', 'learning_rate, heads.emotion.weight, dropout']),
  ('dropout=0,0.1', ['dropout=0 is another program']),
  ('learning_rate', ['expected fields with different numbers']),
  ('learning_rate=1e-3,1e-3', ['different numbers']),
  ('learning_rate=1;learning_rate=2', ['twice']),
])
def test_wrong_grids_are_answered(grid, words):
  with pytest.raises(ValueError) as error:
    points = members.points(grid)
    members.check(points, ['learning_rate', 'heads.emotion.weight', 'dropout'])
  for word in words:
    assert word in str(error.value)


def test_points_are_all_combinations():
  found = members.points('learning_rate=1e-4,5e-5; dropout=0.1,0.2')
  assert [dict(point) for point in found] == [
    {'learning_rate': rate, 'dropout': dropout} for rate in (1e-4, 5e-5) for dropout in (0.1, 0.2)]
  assert members.points('') == [()]
