"""Joining, stopping together and leaving; real processes over loopback where there are several."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

from emojax.train import processes

ROOT = pathlib.Path(__file__).parents[2]
OWN = ('EMOJAX_COORDINATOR', 'EMOJAX_NUM_PROCESSES', 'EMOJAX_PROCESS_ID')
SLURM = {'SLURM_JOB_ID': '71', 'SLURM_STEP_NODELIST': 'node[1-2]', 'SLURM_NTASKS': '2',
         'SLURM_STEP_NUM_TASKS': '2', 'SLURM_PROCID': '1', 'SLURM_LOCALID': '0'}


@pytest.fixture
def surroundings(monkeypatch):
  """Sets variables of the environment; those of other launchers are gone."""
  for name in list(os.environ):
    if name.startswith(('EMOJAX_', 'SLURM_', 'OMPI_', 'TPU_')):
      monkeypatch.delenv(name)

  def settle(variables):
    for name, value in variables.items():
      monkeypatch.setenv(name, value)

  return settle


def _free_port():
  with socket.create_server(('127.0.0.1', 0)) as server:
    return server.getsockname()[1]


def _processes(program, count=2, timeout=60):
  """`count` joined processes; they end with this block."""
  start = ('import os, signal, sys, time\nfrom emojax.train import processes\n'
           'processes.start(heartbeat_timeout=4, initialization_timeout=60)\n')
  port = _free_port()
  return [subprocess.Popen(
    ['timeout', '-s', 'KILL', str(timeout), sys.executable, '-uc', start + program], cwd=ROOT,
    env=os.environ | dict(zip(OWN, (f'127.0.0.1:{port}', str(count), str(i))))
    | {'XLA_FLAGS': '', 'JAX_PLATFORMS': 'cpu'},
    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for i in range(count)]


@pytest.mark.parametrize('variables', [
  {},
  {'EMOJAX_TRACEBACK': '1'},
  {'SLURM_JOB_ID': '71', 'SLURM_NTASKS': '8', 'SLURM_PROCID': '0'},  # in the batch script
  SLURM | {'SLURM_STEP_NUM_TASKS': '1', 'SLURM_NTASKS': '1', 'SLURM_PROCID': '0'},
  {'OMPI_COMM_WORLD_SIZE': '1', 'OMPI_COMM_WORLD_RANK': '0'},
  {'TPU_WORKER_HOSTNAMES': 'localhost'},
])
def test_one_process_is_what_a_run_is_unless_something_says_more(surroundings, variables):
  surroundings(variables)
  assert processes.start() is False


def test_off_is_off(surroundings):
  surroundings(SLURM | {OWN[0]: 'nonsense'})
  assert processes.start('off') is False


def _own(address, count, index):
  return dict(zip(OWN, (address, count, index)))


@pytest.mark.parametrize('variables, said', [
  ({OWN[0]: 'node1:1234', OWN[1]: '2'},
   'EMOJAX_COORDINATOR=node1:1234 EMOJAX_NUM_PROCESSES=2: all three or none; EMOJAX_PROCESS_ID is '
   'not set'),
  ({OWN[0]: 'node1:1234', OWN[2]: '0', 'EMOJAX_NUM_PROCESS': '2'},
   r'EMOJAX_NUM_PROCESSES is not set \(but EMOJAX_NUM_PROCESS is\)'),
  (_own('node1', '2', '0'), 'COORDINATOR=node1 .* has to be host:port'),
  (_own(':1234', '2', '0'), 'has to be host:port'),
  (_own('node1:70000', '2', '0'), 'has to be host:port'),
  (_own('node1:1234', 'two', '0'), 'NUM_PROCESSES=two .*: EMOJAX_NUM_PROCESSES has to be a whole'),
  (_own('node1:1234', '2', '-1'), 'PROCESS_ID=-1: EMOJAX_PROCESS_ID has to be a whole number'),
  (_own('node1:1234', '2', '2'), 'PROCESS_ID=2: EMOJAX_PROCESS_ID counts from 0, .* less than'),
  (_own('node1:1234', '0', '0'), 'less than EMOJAX_NUM_PROCESSES'),
  (SLURM | {'SLURM_PROCID': '2'}, 'SLURM_PROCID counts from 0'),
  (SLURM | {'SLURM_STEP_NUM_TASKS': 'x'}, 'SLURM_STEP_NUM_TASKS has to be a whole number'),
  ({name: value for name, value in SLURM.items() if name != 'SLURM_JOB_ID'},
   'SLURM_JOB_ID is not set, so jax cannot find the others'),
  ({'OMPI_COMM_WORLD_SIZE': '2', 'OMPI_COMM_WORLD_RANK': '1', 'OMPI_COMM_WORLD_LOCAL_RANK': '1'},
   'OMPI_MCA_orte_hnp_uri is not set, .*launch/mpirun.sh does, or give --distributed=off'),
])
def test_surroundings_set_by_half_or_wrong_are_named(surroundings, variables, said):
  surroundings(variables)
  with pytest.raises(ValueError, match=said):
    processes.start()


def test_an_unknown_word_is_named():
  with pytest.raises(ValueError, match="--distributed='yes'; there are: auto, on, off"):
    processes.start('yes')


def test_a_first_process_that_does_not_answer_is_named(surroundings):
  port = _free_port()
  surroundings(_own(f'127.0.0.1:{port}', '2', '1'))
  with pytest.raises(ValueError, match=f'127.0.0.1:{port} .* no process listens there within 1 s'):
    processes.start(initialization_timeout=1)


def test_a_port_in_use_is_named(surroundings):
  with socket.create_server(('', 0)) as taken:
    port = taken.getsockname()[1]
    surroundings(_own(f'127.0.0.1:{port}', '2', '0'))
    with pytest.raises(ValueError, match=f'127.0.0.1:{port} .* has to listen .*in use'):
      processes.start()


def test_on_wants_a_cluster():
  program = "from emojax.train import processes; processes.start('on', initialization_timeout=5)"
  done = subprocess.run([sys.executable, '-c', program], cwd=ROOT, capture_output=True, text=True,
                        timeout=60, env=os.environ | {'JAX_PLATFORMS': 'cpu'})
  assert 'ValueError: --distributed=on: jax could not join the processes' in done.stderr


def test_sigterm_is_a_request_as_long_as_somebody_listens():
  heard = []
  before = signal.signal(signal.SIGTERM, lambda *_: heard.append('outside'))
  try:
    with processes.StopRequest() as stop:
      assert not stop.requested()
      os.kill(os.getpid(), signal.SIGTERM)
      assert stop.requested() and stop.requested()
      assert not heard
    os.kill(os.getpid(), signal.SIGTERM)
    assert heard == ['outside']
  finally:
    signal.signal(signal.SIGTERM, before)


def test_asking_costs_nothing_in_a_single_process():
  with processes.StopRequest() as stop:
    start = time.perf_counter()
    for _ in range(10_000):
      stop.requested()
  assert time.perf_counter() - start < 0.05  # 5 us each; it is 0.1


def test_processes_stop_at_the_same_call_whichever_is_asked():
  program = '''
print(processes.describe())
index = int(os.environ['EMOJAX_PROCESS_ID'])
with processes.StopRequest() as stop:
  for call in range(10_000):
    if stop.requested():
      print('stops at', call)
      sys.exit(processes.STOPPED)
    if call == 30 and index == 1:
      os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.004 + 0.003 * index)
'''
  ended = [(p.communicate()[0].splitlines(), p.returncode) for p in _processes(program)]
  (first, _), (second, _) = ended
  assert [status for _, status in ended] == [75, 75]
  host = socket.gethostname()
  assert first[0] == f'process 0 of 2 on {host}, 1 local device, 2 global'
  assert second[0] == f'process 1 of 2 on {host}, 1 local device, 2 global'
  assert first[-1] == second[-1] and int(first[-1].removeprefix('stops at ')) > 30


def test_joining_twice_is_an_error():
  program = '''
try:
  processes.start()
except RuntimeError as error:
  print(error)
'''
  (process,) = _processes(program, count=1)
  assert 'call it once' in process.communicate()[0]


def test_an_error_of_one_process_ends_all_at_once():
  program = '''
import jax
from jax.experimental import multihost_utils
multihost_utils.process_allgather(jax.numpy.zeros(()))
if jax.process_index() == 1:
  raise OSError('the disk is full')
start = time.monotonic()
try:
  multihost_utils.process_allgather(jax.numpy.zeros(()))
finally:
  print(time.monotonic() - start < 3)
'''
  first, second = _processes(program)
  output, said = second.communicate()
  assert second.returncode == 1 and 'the disk is full' in said and 'this process leaves' in said
  output, said = first.communicate()
  assert first.returncode != 0 and 'another one ended first' in said
  assert output.splitlines()[-1] == 'True'


def test_a_process_that_falls_silent_ends_the_others_in_time():
  program = '''
import jax
jax.device_count()
if jax.process_index() == 1:
  os.kill(os.getpid(), signal.SIGKILL)
time.sleep(50)
'''
  first, second = _processes(program)
  second.communicate()
  start = time.monotonic()
  _, said = first.communicate()
  assert first.returncode == -signal.SIGABRT or first.returncode == 128 + signal.SIGABRT
  assert time.monotonic() - start < 30  # the timeout is 4 s, noticed a few s later
  assert 'heartbeat' in said
