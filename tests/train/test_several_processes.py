"""Two real processes train what one does: batches, losses, evaluations, checkpoints."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys

import pytest

from emojax.train import loop, sharding
from tests.train import one_of_several

pytestmark = pytest.mark.slow
ROOT = pathlib.Path(__file__).parents[2]


def together(workdir, changes, stops):
  """The rows that each of two processes fed; they have one device each."""
  with socket.create_server(('127.0.0.1', 0)) as server:
    address = f'127.0.0.1:{server.getsockname()[1]}'
  flags = re.sub(r'device_count=\d+', 'device_count=1', os.environ['XLA_FLAGS'])
  logs = [pathlib.Path(f'{workdir}.log_{rank}') for rank in range(2)]
  started = []
  for rank, log in enumerate(logs):
    with open(log, 'wb') as out:
      started.append(subprocess.Popen(
        ['timeout', '-s', 'KILL', '300', sys.executable, '-m', 'tests.train.one_of_several',
         workdir, json.dumps(changes), json.dumps(stops)],
        cwd=ROOT, stdout=out, stderr=out, env=os.environ | {
          'XLA_FLAGS': flags, 'EMOJAX_COORDINATOR': address, 'EMOJAX_NUM_PROCESSES': '2',
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

  found, wanted = lines(shared), lines(tmp_path / 'whole')
  assert {name: [row['step'] for row in rows] for name, rows in found.items()} == dict.fromkeys(
    wanted, [4, 8])
  for name, rows in wanted.items():
    for row, same in zip(found[name], rows, strict=True):
      assert row == {name: value if isinstance(value, str) else pytest.approx(value, rel=1e-5)
                     for name, value in same.items()}
  for part in ('valid', 'test'):
    for table in (tmp_path / 'whole').glob(f'members/*/predictions_emotion_{part}.csv'):
      ids = lambda path: [row.split(',')[:5] for row in path.read_text().splitlines()]
      assert ids(table) == ids(shared / table.relative_to(tmp_path / 'whole'))
