"""Several processes as one run: how they join, how they stop together, how one of them leaves.

A run is one process unless its surroundings say otherwise (`start`). Joined processes watch each
other: one that is silent for `HEARTBEAT` seconds counts as dead, and the others end; at once, if it
was the first one, or if they were in a collective on CPUs. So a run loses its last steps, never one
process and not the next; who started the processes starts all of them again.
"""

import difflib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable
from typing import NoReturn

import jax
from jax.experimental import multihost_utils

STOPPED = 75  # exit status of a run that was told to stop and saved: start me again (EX_TEMPFAIL)
HEARTBEAT = 30  # s; jax's own is 100. The heart beats in a thread that Python cannot hold up
INITIALIZATION = 300  # s, jax's own: the machines of a job come up minutes apart
SHUTDOWN = 300  # s, jax's own: the first process still writes when the others are done
CHOICES = ('auto', 'on', 'off')

_OWN = ('EMOJAX_COORDINATOR', 'EMOJAX_NUM_PROCESSES', 'EMOJAX_PROCESS_ID')
# What jax reads in a cluster: the number of tasks, which one this is, and the rest.
_CLUSTERS = {
  'ompi': ('OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_LOCAL_RANK',
           'OMPI_MCA_orte_hnp_uri'),
  'slurm': ('SLURM_STEP_NUM_TASKS', 'SLURM_PROCID', 'SLURM_LOCALID', 'SLURM_JOB_ID',
            'SLURM_NTASKS', 'SLURM_STEP_NODELIST'),
}
_HOSTS = ('TPU_PROCESS_ADDRESSES', 'TPU_WORKER_HOSTNAMES')  # of a TPU slice, with commas between


def start(
  distributed: str = 'auto', *, heartbeat_timeout: int = HEARTBEAT,
  initialization_timeout: int = INITIALIZATION, shutdown_timeout: int = SHUTDOWN,
) -> bool:
  """Joins the processes of this run, where there are several; before anything touches a device.

  Args:
    distributed: 'auto' joins where EMOJAX_COORDINATOR (host:port), EMOJAX_NUM_PROCESSES and
      EMOJAX_PROCESS_ID are set, else where this is one of several tasks of an Open MPI job, of a
      Slurm step (`srun`, not the batch script) or of a TPU slice whose hosts the environment
      lists. 'on' joins there and wherever jax detects a cluster, or fails. 'off' joins nothing.
    heartbeat_timeout: s of silence after which a process counts as dead.
    initialization_timeout: s to wait until all have come.
    shutdown_timeout: s that a process which is done waits for the others.

  Returns:
    Whether this process joined. If so, an exception that nobody catches ends it by `leave`.

  Raises:
    ValueError: surroundings set by half or without sense; a first process that does not answer or
      cannot listen. (Where another one is missing, jax ends this process, with status 134.)
    RuntimeError: if it has joined before, or if devices are in use already.
  """
  if distributed not in CHOICES:
    raise ValueError(f'--distributed={distributed!r}; there are: {", ".join(CHOICES)}.')
  if distributed == 'off':
    return False
  if jax.distributed.is_initialized():
    raise RuntimeError('processes.start has joined the processes already; call it once.')
  found = _own() or _cluster()
  if not found and distributed == 'auto':
    return False
  arguments, words = found or ({}, '--distributed=on')
  print(f'joins the processes of a run ({words}); waits for all of them, up to '
        f'{initialization_timeout} s.', file=sys.stderr, flush=True)
  if arguments.get('process_id') == 0:
    _check_port(arguments['coordinator_address'], words)
  elif 'process_id' in arguments:
    _reach(arguments['coordinator_address'], words, initialization_timeout)
  try:
    jax.distributed.initialize(
      **arguments, initialization_timeout=initialization_timeout,
      heartbeat_timeout_seconds=heartbeat_timeout, shutdown_timeout_seconds=shutdown_timeout)
  except (ValueError, jax.errors.JaxRuntimeError) as error:
    raise ValueError(f'{words}: jax could not join the processes: {error} (Is there a cluster, and '
                     f'the port of process 0 free?)') from error
  sys.excepthook = _leave_after(sys.excepthook)
  return True


def describe() -> str:
  """'process 1 of 2 on HOST, 1 local device, 2 global'; counts from 0. Only after `start`."""
  local = jax.local_device_count()
  return (f'process {jax.process_index()} of {jax.process_count()} on {socket.gethostname()}, '
          f'{local} local device{"s"[:local > 1]}, {jax.device_count()} global')


def is_first() -> bool:
  """Whether this is the process that speaks and writes for all."""
  return jax.process_index() == 0


def leave(status: int) -> NoReturn:
  """Ends this process after an error of its own, without the wait for the others.

  They may be waiting for this one in turn. That it is gone, they see as for one that died.
  """
  if not jax.distributed.is_initialized():
    sys.exit(status)
  print('this process leaves, so the others end too. If its error speaks of Gloo, NCCL or a closed '
        'connection, another one ended first, and the cause is in the output of that one.',
        file=sys.stderr)
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(status)


class StopRequest:
  """Whether SIGTERM has asked the run to stop; several processes hear it at the same call.

      with StopRequest() as stop:
        for step in steps:
          ...
          if stop.requested():
            save, and exit with STOPPED

  Made after `start`, one for a whole program: until it is left, SIGTERM ends nothing by itself.

  With several processes jax agrees on the call: one more than the most that any of them had made
  when the first SIGTERM came to one of them. Hence all have to make the same calls, one per step; a
  process that makes no more of them (it finished, or waits for ever) does not learn of the request,
  which the others then meet alone. If SIGTERM comes after all have made their last call, none of
  them stops: the run ends as if it had not come.
  """

  def __init__(self):
    self._is_shared = jax.process_count() > 1
    self._is_requested = False
    self._calls = 0

  def __enter__(self):
    if not self._is_shared:  # else jax listens, since it joined
      self._before = signal.signal(signal.SIGTERM, self._hear)
    return self

  def __exit__(self, *_):
    if not self._is_shared:
      signal.signal(signal.SIGTERM, self._before)

  def requested(self) -> bool:
    """True from the call on at which all processes have to stop."""
    if self._is_shared and not self._is_requested:
      self._calls += 1  # not the step: a run that trains members in turn begins anew at 0
      self._is_requested = multihost_utils.reached_preemption_sync_point(self._calls)
    return self._is_requested

  def _hear(self, *_):
    self._is_requested = True


def _own() -> tuple[dict, str] | None:
  """What our own variables say: arguments for jax, and how they are set."""
  if not any(os.environ.get(name) for name in _OWN):
    return None
  words = _given(_OWN)
  if missing := [name for name in _OWN if not os.environ.get(name)]:
    close = difflib.get_close_matches(missing[0], set(os.environ) - set(_OWN), 1, 0.8)
    raise ValueError(f'{words}: all three or none; {", ".join(missing)} is not set'
                     f'{f" (but {close[0]} is)" if close else ""}.')
  address = os.environ[_OWN[0]]
  host, _, port = address.rpartition(':')
  if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
    raise ValueError(f'{words}: EMOJAX_COORDINATOR has to be host:port, of the first process.')
  count, index = _place(*_OWN[1:], words)
  return dict(coordinator_address=address, num_processes=count, process_id=index,
              cluster_detection_method='deactivate'), words


def _cluster() -> tuple[dict, str] | None:
  """The cluster of whose several tasks this is one: arguments for jax, and what says so."""
  for method, names in _CLUSTERS.items():
    words = _given(names)
    if os.environ.get(names[0], '1') == '1':
      continue
    _place(*names[:2], words)
    if missing := [name for name in names if name not in os.environ]:
      raise ValueError(
        f'{words}: one of several tasks, but {", ".join(missing)} is not set, so jax cannot find '
        f'the others (Open MPI 5 never sets OMPI_MCA_orte_hnp_uri). Set {", ".join(_OWN)}, as '
        f'launch/mpirun.sh does, or give --distributed=off.')
    return dict(cluster_detection_method=method), words
  if several := [name for name in _HOSTS if ',' in os.environ.get(name, '')]:
    return {}, _given(several)
  return None


def _place(count_name: str, index_name: str, words: str) -> tuple[int, int]:
  """Number of processes, and which one this is, from the environment."""
  count, index = os.environ[count_name], os.environ.get(index_name, '')
  for name, value in ((count_name, count), (index_name, index)):
    if not value.isdecimal():
      raise ValueError(f'{words}: {name} has to be a whole number.')
  if int(index) >= int(count):
    raise ValueError(
      f'{words}: {index_name} counts from 0, so it has to be less than {count_name}.')
  return int(count), int(index)


def _given(names: Iterable[str]) -> str:
  """'A=1 B=2', for those of the variables that are set."""
  return ' '.join(f'{name}={os.environ[name]}' for name in names if os.environ.get(name))


def _check_port(address: str, words: str) -> None:
  """Refuses a port in use; jax, which is to listen there, may crash on one."""
  is_dual = socket.has_dualstack_ipv6()
  try:
    socket.create_server(
      ('', int(address.rpartition(':')[2])), dualstack_ipv6=is_dual,
      family=socket.AF_INET6 if is_dual else socket.AF_INET).close()
  except OSError as error:
    raise ValueError(f'{words}: the first process has to listen at that port, and cannot: {error}. '
                     'Choose another one.') from error


def _reach(address: str, words: str, timeout: int) -> None:
  """Waits until the first process listens; without one, jax would abort this process."""
  host, _, port = address.rpartition(':')
  deadline = time.monotonic() + timeout
  while True:
    try:
      socket.create_connection((host.strip('[]'), int(port)), timeout=5).close()
      return
    except OSError as error:
      if time.monotonic() > deadline:
        raise ValueError(
          f'{words}: no process listens there within {timeout} s ({error}). Is process 0 running '
          f'on that host, and is the port open between the hosts?') from error
    time.sleep(0.2)


def _leave_after(hook):
  """An exception hook that shows the exception as `hook` does, then leaves the other processes."""
  def show_and_leave(kind, error, trace):
    hook(kind, error, trace)
    leave(130 if issubclass(kind, KeyboardInterrupt) else 1)

  return show_and_leave
