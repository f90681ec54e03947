"""Two real processes train what one does: batches, losses, evaluations, checkpoints."""

import json
import pathlib
import socket
import subprocess
import sys

import pytest

from emojax.train import loop, sharding
from tests import light
from tests.train import one_of_several

pytestmark = pytest.mark.slow
ROOT = pathlib.Path(__file__).parents[2]


def together(workdir, changes, stops):
  """The rows that each of two processes fed; they have one device each."""
  with socket.create_server(('127.0.0.1', 0)) as server:
    address = f'127.0.0.1:{server.getsockname()[1]}'
  logs = [pathlib.Path(f'{workdir}.log_{rank}') for rank in range(2)]
  started = []
  for rank, log in enumerate(logs):
    with open(log, 'wb') as out:
      started.append(subprocess.Popen(
        ['timeout', '-s', 'KILL', '300', sys.executable, '-m', 'tests.train.one_of_several',
         workdir, json.dumps(changes), json.dumps(stops)],
        cwd=ROOT, stdout=out, stderr=out, env=light.environment() | {
          'EMOJAX_COORDINATOR': address, 'EMOJAX_NUM_PROCESSES': '2',
          'EMOJAX_PROCESS_ID': str(rank)}))
  ends = [process.wait() for process in started]
  assert ends == [0, 0], '\n'.join(log.read_text()[-3000:] for log in logs)
  return [json.loads(pathlib.Path(f'{workdir}.fed_{rank}').read_text()) for rank in range(2)]


def lines(workdir):
  """Member -> the lines of its `metrics.jsonl`."""
  return {path.parent.name: [json.loads(line) for line in path.read_text().splitlines()]
          for path in sorted(workdir.glob('members/*/metrics.jsonl'))}


@pytest.mark.parametrize('mesh, more', [
  ({'mesh.data': 2}, {}),  # each process has half of every batch
  ({'mesh.member': 2, 'mesh.data': 1}, {'members.seeds': '2', 'members.mode': 'vmap'})])
def test_two_processes_stop_go_on_and_hand_over_to_one(
    data_dir, tmp_path, monkeypatch, mesh, more):
  """Of eight steps, the two stop within the first epoch and within the second; one ends the run."""
  changes = {'data.path': str(data_dir), 'mesh.data': 1} | more
  noted = []
  monkeypatch.setattr(sharding.Placement, 'feed', sharding.Placement.feed)
  one_of_several.note_feeds(noted)
  loop.train_and_evaluate(one_of_several.make_config(changes), tmp_path / 'whole')
  expected = noted.copy()
  assert len(lines(tmp_path / 'whole')) == (2 if more else 1)

  shared = tmp_path / 'shared'
  first, second = together(shared, changes | mesh, [1, 1])  # after steps 2 and 5
  noted.clear()
  loop.train_and_evaluate(one_of_several.make_config(changes), shared)
  if 'mesh.member' not in mesh:
    first = [[mine + others for mine, others in zip(*both)] for both in zip(first, second)]
  else:
    assert first == second
  assert first + noted == expected
  assert_alike(shared, tmp_path / 'whole')


def test_a_process_that_is_killed_is_launched_again(data_dir, tmp_path, monkeypatch):
  """Process 1 gets SIGKILL before its seventh feed of eight; the checkpoint before has step 4."""
  changes = {'data.path': str(data_dir), 'mesh.data': 1}
  noted = []
  monkeypatch.setattr(sharding.Placement, 'feed', sharding.Placement.feed)
  one_of_several.note_feeds(noted)
  loop.train_and_evaluate(one_of_several.make_config(changes), tmp_path / 'whole')

  shared = tmp_path / 'shared'
  said = subprocess.run(
    ['timeout', '-s', 'KILL', '300', 'bash', 'launch/local.sh', '2', '--', sys.executable, '-m',
     'tests.train.one_of_several', shared, json.dumps(changes | {'mesh.data': 2}), '[]', '6'],
    cwd=ROOT, env=light.environment(), capture_output=True, text=True)
  assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-3000:]
  assert 'process 1 was killed by signal 9' in said.stderr
  assert 'goes on after step 4' in said.stdout

  def fed(rank, life):
    text = pathlib.Path(f'{shared}.fed_{rank}.{life}').read_text()
    return [json.loads(line) for line in text.splitlines()]

  first, second = ([[[*mine, *others] for mine, others in zip(*both)]
                    for both in zip(fed(0, life), fed(1, life))] for life in range(2))
  assert len(first) == 6 and first == noted[:6]
  assert second == noted[-len(second):] and len(second) < len(noted)
  assert_alike(shared, tmp_path / 'whole')


def assert_alike(shared, whole):
  """Losses and scores of two runs within 1e-5, predicted utterances the same."""
  found, wanted = lines(shared), lines(whole)
  assert {name: [row['step'] for row in rows] for name, rows in found.items()} == dict.fromkeys(
    wanted, [4, 8])
  for name, rows in wanted.items():
    for row, same in zip(found[name], rows, strict=True):
      assert row == {name: value if isinstance(value, str) else pytest.approx(value, rel=1e-5)
                     for name, value in same.items()}
  for part in ('valid', 'test'):
    for table in whole.glob(f'members/*/predictions_emotion_{part}.csv'):
      ids = lambda path: [row.split(',')[:5] for row in path.read_text().splitlines()]
      assert ids(table) == ids(shared / table.relative_to(whole))
