"""The launchers, with small commands in place of a run, and stand-ins for what a cluster has."""

import contextlib
import os
import pathlib
import random
import shlex
import signal
import socket
import subprocess
import sys
import time

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[1]
LAUNCH = ROOT / 'launch'
SCRIPTS = sorted(path.name for path in LAUNCH.iterdir() if path.suffix in ('.sh', '.sbatch'))


@pytest.fixture(autouse=True)
def heard():
  """What is ignored here, as under nohup, bash could not hear either."""
  before = {number: signal.signal(number, signal.SIG_DFL)
            for number in (signal.SIGHUP, signal.SIGINT)
            if signal.getsignal(number) is signal.SIG_IGN}
  yield
  for number, handler in before.items():
    signal.signal(number, handler)


def _command(program):
  """A shell command that is given to a launcher; `i` is the process's number."""
  return ['bash', '-c', f'i=$EMOJAX_PROCESS_ID; {program}']


@contextlib.contextmanager
def _start(*arguments, **settings):
  """`local.sh`; it is killed, and what it started with it, where a test leaves it running."""
  with subprocess.Popen(
      ['bash', LAUNCH / 'local.sh', *map(str, arguments)], text=True, stdout=subprocess.PIPE,
      stderr=subprocess.PIPE, **settings) as launcher:
    try:
      yield launcher
    finally:
      launcher.kill()


def _local(*arguments, **settings):
  """(status, lines of output, sorted, what the launcher said) of `local.sh`."""
  with _start(*arguments, **settings) as launcher:
    output, said = launcher.communicate(timeout=60)
  return launcher.returncode, sorted(output.splitlines()), said


def _wait(condition, seconds=20):
  deadline = time.monotonic() + seconds
  while not condition():
    assert time.monotonic() < deadline, 'this did not come true in time'
    time.sleep(0.02)


def _lives(pid):
  with contextlib.suppress(FileNotFoundError, ProcessLookupError):
    return pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
  return False


def _pids(folder, count):
  """The process ids that `count` processes have noted in files of their own."""
  paths = [folder / f'{i}.pid' for i in range(count)]
  _wait(lambda: all(path.exists() and path.read_text().endswith('\n') for path in paths))
  return [int(line) for path in paths for line in path.read_text().split()]


@pytest.mark.parametrize('name', SCRIPTS)
def test_bash_can_read_the_scripts(name):
  subprocess.run(['bash', '-n', LAUNCH / name], check=True)


def test_processes_know_who_they_are_and_their_lines_say_it():
  with socket.create_server(('127.0.0.1', 0)) as free:
    port = free.getsockname()[1]
  program = 'echo "$i of $EMOJAX_NUM_PROCESSES at $EMOJAX_COORDINATOR, GPU $JAX_LOCAL_DEVICE_IDS"'
  status, output, said = _local(2, '--port', port, '--', *_command(f'{program}; echo oh >&2'),
                                env=os.environ | {'JAX_LOCAL_DEVICE_IDS': ''})
  assert (status, said) == (0, '')
  assert output == [f'[0] 0 of 2 at 127.0.0.1:{port}, GPU 0', '[0] oh',
                    f'[1] 1 of 2 at 127.0.0.1:{port}, GPU 1', '[1] oh']


def test_a_failure_starts_all_again_and_the_attempts_are_counted(tmp_path):
  program = f'echo $i >>{tmp_path}/starts$i; [ $i = 1 ] && exit 3; exec sleep 30'
  status, _, said = _local(2, '--restarts', 1, '--', *_command(program))
  assert status == 3
  assert said.splitlines() == [
    'local.sh: process 1 ended with status 3', 'local.sh: process 0 was killed by signal 15 (TERM)',
    'local.sh: starts all again, attempt 2 of 2',
    'local.sh: process 1 ended with status 3', 'local.sh: process 0 was killed by signal 15 (TERM)']
  assert (tmp_path / 'starts0').read_text() == '0\n0\n'


def test_a_run_that_asks_for_it_is_started_again_and_not_counted(tmp_path):
  program = f'echo x >>{tmp_path}/$i; [ $(wc -l <{tmp_path}/$i) = 4 ] || exit 75'
  status, _, said = _local(2, '--restarts', 0, '--', *_command(program))
  assert status == 0 and said.count('ask to be started again') == 3


def test_a_killed_process_is_named_and_the_others_may_save(tmp_path):
  program = (f'trap "echo saves; exit 75" TERM; touch {tmp_path}/$i; '
             f'[ $i = 1 ] && while [ ! -e {tmp_path}/0 ]; do sleep 0.02; done && kill -9 $$; '
             'while true; do sleep 0.05; done')
  status, output, said = _local(2, '--restarts', 0, '--', *_command(program))
  assert (status, output) == (128 + 9, ['[0] saves'])
  assert said == 'local.sh: process 1 was killed by signal 9 (KILL)\n'


def test_who_does_not_heed_sigterm_is_killed_after_the_grace(tmp_path):
  program = (f'trap "" TERM; [ $i = 0 ] && exit 1; echo $$ >{tmp_path}/0.pid; '
             'while true; do sleep 0.1; done')
  status, _, said = _local(2, '--restarts', 0, '--grace', 1, '--', *_command(program))
  assert status == 1
  assert 'kills what is left after 1 s' in said and 'process 1 was killed by signal 9' in said
  assert not _lives(*_pids(tmp_path, 1))


@pytest.mark.parametrize('number, status', [
  (signal.SIGTERM, 75), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_to_the_launcher_is_passed_on(tmp_path, number, status):
  program = (f'trap "sleep 0.3; echo saved; exit 75" TERM INT; echo $$ >{tmp_path}/$i.pid; '
             'while true; do sleep 0.05; done')
  with _start(2, '--', *_command(program)) as launcher:
    _pids(tmp_path, 2)
    launcher.send_signal(number)
    output, said = launcher.communicate(timeout=20)
  assert launcher.returncode == status
  assert sorted(output.splitlines()) == ['[0] saved', '[1] saved']
  assert 'again' not in said


def test_a_second_signal_kills(tmp_path):
  program = f'trap "" TERM; echo $$ >{tmp_path}/$i.pid; while true; do sleep 0.1; done'
  with _start(2, '--', *_command(program)) as launcher:
    pids = _pids(tmp_path, 2)
    launcher.terminate()
    time.sleep(0.5)
    assert all(map(_lives, pids)) and launcher.poll() is None
    launcher.terminate()
    assert launcher.wait(timeout=20) == 75
  assert not any(map(_lives, pids))


def test_a_run_that_was_done_when_it_was_told_to_stop_is_done(tmp_path):
  program = f'trap "exit 0" TERM; echo $$ >{tmp_path}/$i.pid; while true; do sleep 0.05; done'
  with _start(2, '--', *_command(program)) as launcher:
    _pids(tmp_path, 2)
    launcher.terminate()
    assert launcher.wait(timeout=20) == 0


def test_nothing_outlives_a_killed_launcher(tmp_path):
  program = f'trap "" TERM; sleep 600 & echo $! $$ >{tmp_path}/$i.pid; wait; sleep 600'
  with _start(2, '--grace', 1, '--', *_command(program)) as launcher:
    pids = _pids(tmp_path, 2)
    assert len(pids) == 4 and all(map(_lives, pids))
    launcher.kill()
    _wait(lambda: not any(map(_lives, pids)))


def test_nothing_outlives_a_process(tmp_path):
  program = f'sleep 600 & echo $! >{tmp_path}/$i.pid'
  assert _local(2, '--', *_command(program))[0] == 0
  assert not any(map(_lives, _pids(tmp_path, 2)))


def test_a_port_in_use_is_named():
  with socket.create_server(('127.0.0.1', 0)) as taken:
    port = taken.getsockname()[1]
    status, _, said = _local(1, '--port', port, '--', 'true')
  assert status == 2 and f'port {port} of 127.0.0.1 is in use' in said


@pytest.mark.parametrize('arguments, said', [
  ([], "not ''"), (['two', '--', 'true'], "not 'two'"), ([0, '--', 'true'], "not '0'"),
  ([2], 'no command'), ([2, '--'], 'no command'), ([2, 'true'], "called 'true'"),
  ([2, '--restart', '1', '--', 'true'], "called '--restart'"),
  ([2, '--restarts', 'all', '--', 'true'], "--restarts wants a whole number, not 'all'"),
])
def test_a_wrong_call_is_answered_with_the_right_one(arguments, said):
  status, _, answer = _local(*arguments)
  assert status == 2 and said in answer
  assert 'bash launch/local.sh N [--restarts R] [--grace SECONDS] [--port P] -- COMMAND' in answer


def _stand_in(folder, **programs):
  """An environment that finds these bash programs before all others."""
  for name, text in programs.items():
    path = folder / name
    path.write_text(f'#!/usr/bin/env bash\n{text}\n')
    path.chmod(0o755)
  return os.environ | {'PATH': f'{folder}:{os.environ["PATH"]}'}


# What Slurm sets in the two tasks of a step; a random job, as jax takes the port from its number.
SRUN = f'''
while [[ $1 == --* ]]; do shift; done
export SLURM_JOB_ID={random.randrange(10**6)} SLURM_STEP_NODELIST=localhost
export SLURM_NTASKS=2 SLURM_STEP_NUM_TASKS=2
SLURM_PROCID=0 SLURM_LOCALID=0 "$@" & first=$!
SLURM_PROCID=1 SLURM_LOCALID=1 "$@"
highest=$?
wait $first; (($? > highest)) && highest=$?
exit $highest
'''


def _sbatch(folder, *command, **settings):
  environment = _stand_in(folder, srun=SRUN, scontrol=f'echo "$@" >>{folder}/asked')
  environment |= {'SLURM_JOB_ID': '71', **settings}
  return subprocess.run(['bash', LAUNCH / 'slurm.sbatch', *command], cwd=ROOT, env=environment,
                        capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize('status, asked', [(0, ''), (3, ''), (75, 'requeue 71\n')])
def test_a_slurm_job_that_saved_is_queued_again(tmp_path, status, asked):
  (tmp_path / 'asked').touch()
  done = _sbatch(tmp_path, 'bash', '-c', f'exit $((SLURM_PROCID * {status}))')
  assert done.returncode == status
  assert (tmp_path / 'asked').read_text() == asked


def test_slurm_gets_its_settings_before_the_first_command():
  lines = (LAUNCH / 'slurm.sbatch').read_text().splitlines()
  commands = [i for i, line in enumerate(lines) if line and not line.startswith('#')]
  settings = [line for line in lines[:commands[0]] if line.startswith('#SBATCH ')]
  assert {'#SBATCH --signal=TERM@120', '#SBATCH --requeue'} <= set(settings)
  assert not [line for line in lines[commands[0]:] if line.startswith('#SBATCH')]


ALL_REDUCE = '''
from emojax.train import processes
assert processes.start(heartbeat_timeout=10, initialization_timeout=60)
import jax, numpy as np
from jax.experimental import multihost_utils
print(processes.describe())
mine = np.float32(jax.process_index() + 1)
mesh = jax.make_mesh((2,), ('data',), axis_types=(jax.sharding.AxisType.Auto,))
of_all = multihost_utils.host_local_array_to_global_array(
  mine[None], mesh, jax.sharding.PartitionSpec('data'))
print(f'sum {jax.jit(jax.numpy.sum)(of_all)}')
'''


@pytest.mark.slow
def test_the_tasks_of_a_slurm_step_find_each_other(tmp_path):
  done = _sbatch(tmp_path, sys.executable, '-c', ALL_REDUCE, XLA_FLAGS='', JAX_PLATFORMS='cpu')
  assert done.returncode == 0, done.stderr
  assert done.stdout.count('sum 3.0') == 2
  for i in range(2):
    assert f'process {i} of 2 on {socket.gethostname()}, 1 local device, 2 global' in done.stdout


def test_open_mpi_gets_the_options_and_its_ranks_become_processes(tmp_path):
  ranks = '''
    echo "mpirun $1 $2 $3 $4"
    shift 5
    export OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_LOCAL_RANK=1
    exec "$@"'''
  environment = _stand_in(tmp_path, mpirun=ranks) | {'EMOJAX_COORDINATOR': 'node7:1234'}
  rank = ('echo $i of $EMOJAX_NUM_PROCESSES at $EMOJAX_COORDINATOR, GPU $JAX_LOCAL_DEVICE_IDS; '
          'exit 75')
  done = subprocess.run(
    ['bash', LAUNCH / 'mpirun.sh', '2', '--oversubscribe', '--', *_command(rank)],
    env=environment, capture_output=True, text=True)
  assert done.returncode == 75
  assert done.stdout == ('mpirun -n 2 --oversubscribe -x\n'
                         '1 of 2 at node7:1234, GPU 1\n')


def test_every_host_of_a_tpu_gets_the_words_of_the_command(tmp_path):
  environment = _stand_in(tmp_path, gcloud='printf "%s\\n" "$@"')
  done = subprocess.run(
    ['bash', LAUNCH / 'tpu_vm.sh', 'slice', 'europe-west4-b', 'python', '-m', 'emojax.main',
     "--config.note=two words, one's own"], env=environment, capture_output=True, text=True)
  *gcloud, remote = done.stdout.splitlines()
  assert gcloud == ['compute', 'tpus', 'tpu-vm', 'ssh', 'slice', '--zone=europe-west4-b',
                    '--worker=all']
  assert shlex.split(remote.removeprefix('--command=')) == [
    'cd', 'emojax', '&&', 'exec', 'python', '-m', 'emojax.main',
    "--config.note=two words, one's own", '--distributed=on']


def test_the_job_set_agrees_with_itself():
  jobs = yaml.safe_load((LAUNCH / 'gke_jobset.yaml').read_text())
  name, (group,) = jobs['metadata']['name'], jobs['spec']['replicatedJobs']
  job = group['template']['spec']
  pod = job['template']['spec']
  (container,) = pod['containers']
  settings = {setting['name']: setting for setting in container['env']}
  host, port = settings['EMOJAX_COORDINATOR']['value'].split(':')
  assert host == f'{name}-{group["name"]}-0-0.{name}'
  assert int(port) == container['ports'][0]['containerPort']
  assert job['completions'] == job['parallelism'] == int(settings['EMOJAX_NUM_PROCESSES']['value'])
  assert job['completionMode'] == 'Indexed' and 'valueFrom' in settings['EMOJAX_PROCESS_ID']
  assert pod['restartPolicy'] == 'Never'  # else a podFailurePolicy is refused
  on_status = job['podFailurePolicy']['rules'][0]
  assert on_status['onExitCodes'] == {
    'containerName': container['name'], 'operator': 'In', 'values': [75]}
  assert {mount['name'] for mount in container['volumeMounts']} == {
    volume['name'] for volume in pod['volumes']}
