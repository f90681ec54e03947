"""What the training of a config costs: time, compilations, operations, memory, waiting for data.

The steps, batches and members are those that training begins with (`GroupRun`); nothing is
saved, and nothing of the test part is read.
"""

import collections
import contextlib
import itertools
import os
import platform
import re
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import ml_collections
import numpy as np

from emojax.data import plan as plan_lib
from emojax.performance import collectives, operations, peaks
from emojax.train import experiment, group_run, grouping, loop, progress, run_folder, sharding

PARTS = {'train': 'train', 'eval': 'valid'}  # step -> on which part it is measured
LEAST_ROUNDS = 3
# Beside the rounds, the steps of a stretch with real feeds, in shares of the time for the rounds.
STRETCH = 0.2
_COMPILE = '/jax/core/compile/backend_compile_duration'
_LOWER = '/jax/core/compile/jaxpr_to_mlir_module_duration'
_TRACE = '/jax/core/compile/jaxpr_trace_duration'

Say = Callable[[str], None]


def measure(desk: 'Desk', *, rounds: int, seconds: float, say: Say,
            profile: str | None = None) -> dict[str, Any]:
  """Measures the steps of a group; JSON.

  Args:
    rounds: at most so many, each of one turn of every step at every padded shape.
    seconds: after which no further round begins, if `LEAST_ROUNDS` are done.
    say: gets a line now and then.
    profile: a folder for a trace of a few steps.
  """
  programs = [Program(desk, kind, lengths, steps)
              for kind in PARTS for lengths, steps in desk.shapes(kind).items()]
  say(f'{desk.run.name}: {len(programs)} programs to compile')
  for program in programs:
    program.compile()
    say(f'{program}: first step after {program.first["first_s"]:.1f} s, of which XLA compiled '
        f'{program.first["compile_s"]:.1f} s')
  with compilations() as later, others() as taken:
    made = take_turns(programs, rounds=rounds, seconds=seconds)
    found = {kind: report(desk, kind, [p for p in programs if p.kind == kind]) for kind in PARTS}
    for kind in PARTS:
      say(f'{kind}: {found[kind]["ms"]["median"]:.4g} ms a step, '
          f'{found[kind]["examples_per_s"]:.4g} examples/s')
    feeding = desk.stretch(
      most=int(1e3 * STRETCH * seconds / found['train']['ms']['median']) + 1)
    say(f'{feeding["waiting_share"]:.1%} of {feeding["steps"]} steps went into waiting for data')
  if profile:
    trace(programs, profile)
    say(f'{profile} holds a trace (tensorboard --logdir {profile}, or ui.perfetto.dev)')
  return desk.about | {'start_s': desk.start} | found | {
    'feeding': feeding, 'compilations_later': len(later[_COMPILE]), 'rounds': made,
    'others_share': _rounded(taken['share']), 'memory': memory(desk, programs)}


class Desk:
  """The first group of members that a config trains, with the state that its steps go on from.

  Attributes:
    about: what is measured, and where.
    start: the seconds it took to open the data, to prepare members and batches, to make the state.
  """

  def __init__(self, config: ml_collections.ConfigDict):
    clock = [time.perf_counter()]
    placement = sharding.make_placement(**config.mesh)
    opened = experiment.Experiment(config, placement, without=('test',))
    clock.append(time.perf_counter())
    trainer = group_run.Trainer(opened, loop.make_rules(config, opened), refit=False)
    group = grouping.divide(opened.members, loop.largest_group(opened, None))[0]
    self.run = group_run.GroupRun(
      trainer, group, None, progress.Progress(len(group)), [None] * len(group))
    self._lanes = self.run.lanes
    clock.append(time.perf_counter())
    self.state, self._sums = self.run.restore()
    self._out = jax.block_until_ready(self.state)
    clock.append(time.perf_counter())
    self.start = _rounded(dict(zip(
      ('data', 'members', 'state'), (b - a for a, b in itertools.pairwise(clock)), strict=True)))
    self.about = {
      'dataset': opened.about['dataset'],
      'members': [lane.name for lane in self._lanes],
      'batch': {'train': config.batch.size, 'eval': config.batch.evaluation_size},
      'mesh': dict(placement.mesh.shape),
      'device': device_of(placement.mesh),
      'precision': {
        'parameters': ','.join(sorted({str(x.dtype) for x in jax.tree.leaves(self.state.params)})),
        'products': jax.config.jax_default_matmul_precision or 'default'},
      'loader': type(self._lanes[0].data.loader).__name__.lower(),
      'versions': run_folder.versions(), 'commit': run_folder.commit()}

  def plans(self, kind: str) -> list[plan_lib.Plan]:
    """Each member's."""
    return [lane.data.train_plan if kind == 'train' else lane.data.plans[PARTS[kind]]
            for lane in self._lanes]

  def spans(self, kind: str) -> list[tuple[int, int]]:
    """Each member's first epoch."""
    return [(0, plan.steps_per_epoch) for plan in self.plans(kind)]

  def shapes(self, kind: str) -> dict[plan_lib.Lengths, list[int]]:
    """Padded lengths -> the steps of an epoch that have them."""
    found = collections.defaultdict(list)
    every = self.run.loader.lengths(self.plans(kind), self.spans(kind))
    for number, lengths in enumerate(every):
      found[lengths].append(number)
    return dict(sorted(found.items()))

  def examples(self, kind: str, steps: int | None = None) -> int:
    """The real examples of all members in the first steps of an epoch; None: in all."""
    return sum(int((planned.rows != plan_lib.FILLER).sum()) for plan in self.plans(kind)
               for planned in plan.epoch(0)[:steps])

  def feed(self, kind: str, number: int) -> tuple:
    """What step `number` of an epoch takes: (feed, lengths, active)."""
    spans = [(min(number, last), min(number + 1, last)) for _, last in self.spans(kind)]
    feed, lengths, active = next(iter(self.run.loader.feeds(self.plans(kind), spans)))
    return feed, lengths, self._active(active)

  def arguments(self, kind: str, feed: Any, lengths: plan_lib.Lengths, active: Any) -> tuple:
    """What the step `kind` is called with."""
    if kind == 'eval':
      return (self.state.params, self.state.model_state, self.run.loader.data, feed, lengths)
    return (self.state, self._sums, self.run.loader.data, feed, self.run.constant, active, lengths)

  def step(self, kind: str) -> Callable:
    """The compiled step."""
    return self.run.train_step if kind == 'train' else self.run.eval_step

  def go(self, kind: str, *feed: Any) -> None:
    """Sends a step to the device."""
    out = self.step(kind)(*self.arguments(kind, *feed))
    if kind == 'train':
      self.state, self._sums = out
    self._out = out

  def wait(self) -> None:
    """Until all that was sent is done."""
    jax.block_until_ready(self._out)

  def stretch(self, most: int) -> dict[str, Any]:
    """Trains as `loop` does, at full speed, from an epoch's first step on."""
    spans = [(first, min(last, most)) for first, last in self.spans('train')]
    began, waited, steps = time.perf_counter(), 0.0, 0
    for feed, lengths, active, wait in group_run.timed(
        self.run.loader.feeds(self.plans('train'), spans)):
      self.go('train', feed, lengths, self._active(active))
      waited += wait
      steps += 1
    self.wait()
    seconds = time.perf_counter() - began
    return _rounded({
      'steps': steps, 'seconds': seconds, 'waiting_share': waited / seconds,
      'examples_per_s': self.examples('train', steps) / seconds})

  def _active(self, active: Sequence[bool]) -> jax.Array:
    return self.run.placement.spread(np.array(active))


class Program:
  """One step at one padded shape, on the first batch that has it.

  Attributes:
    count: steps of an epoch. times: seconds per step, one for each turn.
    Once it is compiled: `first`, what its first run took; `estimate`, seconds of the next; `flops`,
    see `operations`; `compiled`, what the compiler says of it.
  """

  def __init__(self, desk: Desk, kind: str, lengths: plan_lib.Lengths, steps: Sequence[int]):
    """`steps`: those of an epoch that have this shape."""
    self._desk, self.kind, self.lengths, self.count = desk, kind, lengths, len(steps)
    self._feed = desk.feed(kind, steps[0])
    self.times = []

  def __str__(self) -> str:
    return ' '.join([self.kind, *(f'{name}:{length}' for name, length in self.lengths)])

  def run(self, count: int) -> float:
    """Runs so many steps; seconds per step."""
    began = time.perf_counter()
    for _ in range(count):
      self._desk.go(self.kind, *self._feed)
    self._desk.wait()
    return (time.perf_counter() - began) / count

  def compile(self) -> None:
    """Runs the step for the first time, and asks the compiler what it costs."""
    with compilations() as seen:
      seconds = self.run(1)
    self.first = {
      'compilations': len(seen[_COMPILE]), 'first_s': seconds, 'compile_s': sum(seen[_COMPILE]),
      # a function's trace holds those of all it calls
      'trace_s': max(seen[_TRACE], default=0.0) + sum(seen[_LOWER])}
    self.estimate = self.run(1)
    traced = self._desk.step(self.kind).trace(
      *self._desk.arguments(self.kind, *self._feed))  # all of this was made for the first run
    self.flops = operations.flops(traced.jaxpr.jaxpr)
    compiled = traced.lower().compile()
    cost, text = compiled.cost_analysis() or {}, compiled.as_text()
    self.compiled = {
      'flops': cost.get('flops'), 'bytes': cost.get('bytes accessed'),
      'loops': text.count(' while('), 'memory': _memory_of(compiled.memory_analysis()),
      'collectives': collectives.totals(collectives.read(text))}

  def report(self) -> dict[str, Any]:
    """All that is known of it."""
    return _rounded({'lengths': dict(self.lengths), 'steps': self.count, 'ms': spread(self.times),
                     **self.first, 'flops': self.flops, 'compiled': self.compiled})


def take_turns(programs: Sequence[Program], *, rounds: int, seconds: float) -> int:
  """Times all programs in rounds of one turn each, in changing order; how many rounds there were.

  A turn begins with an untimed step, which fills the caches that others have emptied.
  """
  each = seconds / rounds / len(programs)
  until = time.perf_counter() + seconds
  for number in range(rounds):
    if number >= LEAST_ROUNDS and time.perf_counter() > until:
      return number
    for program in programs[::-1] if number % 2 else programs:
      program.run(1)
      program.times.append(program.run(max(int(each / program.estimate) - 1, 1)))
  return rounds


def report(desk: Desk, kind: str, programs: Sequence[Program]) -> dict[str, Any]:
  """A step over an epoch: its shapes weigh as often as the plan has them.

  `flops` counts the matrix products that the model needs, of all devices together (see
  `operations`). `compiled` is what the compiler says of one device's program, where the body of a
  loop counts once; `flops_per_byte` is the ratio of those two, its arithmetic intensity.
  """
  steps = sum(p.count for p in programs)

  def over_epoch(each: Sequence[float | None]) -> float | None:
    return None if None in each else sum(
      p.count * x for p, x in zip(programs, each, strict=True)) / steps

  times = [over_epoch(turns) for turns in zip(*(p.times for p in programs), strict=True)]
  step, examples = statistics.median(times), desk.examples(kind)
  flops = over_epoch([p.flops for p in programs])
  operated, moved = (
    over_epoch([p.compiled[name] for p in programs]) for name in ('flops', 'bytes'))
  return _rounded({
    'ms': spread(times),
    'steps_per_epoch': steps,
    'examples_per_epoch': examples,
    'examples_per_s': examples / (steps * step),
    'compilations': sum(p.first['compilations'] for p in programs),
    'compile_s': sum(p.first['compile_s'] for p in programs),
    'first_step_s': programs[0].first['first_s'],
    'flops': flops,
    'flops_per_s': None if flops is None else flops / step,
    'utilisation': utilisation(desk.about, None if flops is None else flops / step),
    'compiled': {'flops': operated, 'bytes': moved,
                 'flops_per_byte': operated / moved if operated and moved else None},
    'shapes': [p.report() for p in programs]})


def utilisation(about: Mapping[str, Any], flops_per_s: float | None) -> dict[str, Any]:
  """The share of what the devices could compute; null with the reason where that is not known."""
  if flops_per_s is None:
    return {'share': None, 'why': 'products in a loop whose turns nobody knows'}
  device = about['device']
  peak, made_of = peaks.peak(device['kind'], *about['precision'].values())
  if peak is None:
    return {'share': None, 'why': made_of}
  return {'share': flops_per_s / (peak * device['count']), 'peak': peak, 'of': made_of}


def spread(seconds: Sequence[float]) -> dict[str, Any]:
  """Turns in ms.

  `noise`: the median of every other turn over that of the rest; 1 where nothing disturbs.
  """
  ms = 1e3 * np.array(seconds)
  return {'median': np.median(ms), 'quartiles': [np.quantile(ms, 0.25), np.quantile(ms, 0.75)],
          'range': [ms.min(), ms.max()],
          'noise': np.median(ms[::2]) / np.median(ms[1::2]) if len(ms) > 1 else None}


def memory(desk: Desk, programs: Sequence[Program]) -> dict[str, Any]:
  """The most that was in use; bytes.

  `device_peak`: on the fullest device since the process began; null where the backend does not
  count it. `compiled`: what the compiler has set aside on each device for the largest program.
  `process_peak`: the most of the host's memory that this process has held.
  """
  counted = [(device.memory_stats() or {}).get('peak_bytes_in_use')
             for device in desk.run.placement.mesh.local_devices]
  sizes = [p.compiled['memory']['total'] for p in programs if p.compiled['memory']]
  kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  return {'device_peak': None if None in counted else max(counted),
          'compiled': max(sizes, default=None), 'process_peak': 1024 * kibibytes}


def _memory_of(stats: Any) -> dict[str, int] | None:
  """A program's bytes on a device, as its compiler counts them."""
  if stats is None:
    return None
  found = {'arguments': stats.argument_size_in_bytes, 'results': stats.output_size_in_bytes,
           'shared': stats.alias_size_in_bytes,  # by arguments and results
           'temporary': stats.temp_size_in_bytes, 'code': stats.generated_code_size_in_bytes}
  return found | {'total': sum(found.values()) - 2 * found['shared']}


@contextlib.contextmanager
def compilations() -> Iterator[Mapping[str, list[float]]]:
  """Listens to JAX: what happens meanwhile -> the seconds of each time."""
  seen = collections.defaultdict(list)

  def listen(event: str, seconds: float, **_) -> None:
    seen[event].append(seconds)

  jax.monitoring.register_event_duration_secs_listener(listen)
  try:
    yield seen
  finally:
    jax.monitoring.unregister_event_duration_listener(listen)


@contextlib.contextmanager
def others() -> Iterator[Mapping[str, float | None]]:
  """Finds the share of all processors' time that other processes take meanwhile; None: unknown."""
  found, before, own = {'share': None}, _busy(), time.process_time()
  began = time.perf_counter()
  yield found
  if before is not None:
    theirs = _busy() - before - (time.process_time() - own)
    found['share'] = max(theirs / (time.perf_counter() - began) / os.cpu_count(), 0.0)


def _busy() -> float | None:
  """Seconds that the processors of the machine have worked since it started; None: unknown."""
  with contextlib.suppress(OSError), open('/proc/stat', encoding='utf-8') as file:
    user, nice, system, _, _, *more = map(int, file.readline().split()[1:9])  # idle, waiting
    return (user + nice + system + sum(more)) / os.sysconf('SC_CLK_TCK')


def trace(programs: Sequence[Program], folder: str, steps: int = 3) -> None:
  """Writes a trace of a few steps of each program."""
  with jax.profiler.trace(folder):
    for program, number in itertools.product(programs, range(steps)):
      with jax.profiler.StepTraceAnnotation(str(program), step_num=number):
        program.run(1)


def device_of(mesh: jax.sharding.Mesh) -> dict[str, Any]:
  """What the devices of a mesh are; CPUs go by the processor, and by how much of it we may use."""
  first = mesh.devices.ravel()[0]
  found = {'platform': first.platform, 'kind': first.device_kind, 'count': mesh.size}
  if first.platform == 'cpu':
    found |= {'processor': processor(), 'cores': len(os.sched_getaffinity(0))}
  return found


def processor() -> str:
  """The processor's name."""
  with contextlib.suppress(OSError), open('/proc/cpuinfo', encoding='utf-8') as file:
    if found := re.search(r'model name\s*:\s*(.+)', file.read()):
      return found[1]
  return platform.processor() or platform.machine()


def _rounded(value: Any) -> Any:
  """JSON, numbers that are no integers with four digits that count."""
  if isinstance(value, dict):
    return {key: _rounded(x) for key, x in value.items()}
  if isinstance(value, list):
    return [_rounded(x) for x in value]
  if isinstance(value, float):
    return int(value) if value.is_integer() else float(f'{value:.4g}')
  return value
