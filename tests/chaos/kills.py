"""Programs killed at every kind of moment, and begun again: what is left is the same, bit for bit.

Scenario K of a seed is always the same command with the same moments; a moment of the CPU clock
falls on the same line of the program only about.
"""

import collections
import dataclasses
import functools
import random
import re
import shutil
import signal
import time
from collections.abc import Sequence

from tests.chaos import compare, moments, programs, workers, world

PREEMPTED = 75  # the exit code of a program that was told to end and can be begun again
GRACE = 30  # seconds until it has ended then
# What is killed, and how often of a hundred times.
KINDS = {'train': 40, 'save': 18, 'finish': 10, 'build': 10, 'evaluate': 8, 'SIGTERM': 14}
MAX_DELAY = 0.03  # seconds after a name appeared


@dataclasses.dataclass(frozen=True)
class Scenario:
  """`moments`: one for each kill."""

  number: int
  kind: str
  command: str
  moments: tuple[moments.Moment, ...]


@dataclasses.dataclass(frozen=True)
class Outcome:
  """What came of a scenario.

  Attributes:
    kills: how many hit. faults: what is not as promised, a line each.
    restart: seconds until a program that was begun again was where it had been; 0: unknown.
  """

  kills: int
  faults: tuple[str, ...]
  restart: float = 0.0


def draw(seed: int, number: int, runs: Sequence[str]) -> tuple[str, str, random.Random]:
  """(kind, command, what draws its moments) of a scenario."""
  rng = random.Random(f'{seed} {number}')
  kind, = rng.choices(list(KINDS), KINDS.values())
  name = rng.choice(runs)
  if kind == 'build':
    return kind, world.BUILD, rng
  if kind == 'evaluate':  # a refit has trained on validation too and has no score on it
    return kind, world.EVALUATE + rng.choice([run for run in runs if run != 'refit']), rng
  return kind, name, rng


def scenario(seed: int, number: int, made: world.World) -> Scenario:
  """Scenario `number`, with moments within what the undisturbed command took."""
  kind, command, rng = draw(seed, number, made.runs)
  reference = made.references[command]
  times = rng.choices((1, 2, 3), (6, 3, 1))[0]
  return Scenario(number, kind, command, tuple(_moment(rng, kind, reference) for _ in range(times)))


def _moment(rng: random.Random, kind: str, reference: world.Reference) -> moments.Moment:
  pattern = {'save': moments.SAVING, 'finish': moments.FINISHING, 'evaluate': moments.FINISHING,
             'build': moments.BUILDING}.get(kind)
  at_a_name = kind in ('save', 'finish') or pattern and rng.random() < 0.5
  if at_a_name:
    return moments.Moment(
      pattern=pattern, count=rng.randint(1, max(1, reference.names[pattern])),
      delay=rng.choice((0, rng.uniform(0, MAX_DELAY))))
  return moments.Moment(clock=rng.uniform(*reference.clock))


def run(made: world.World, chosen: Scenario) -> Outcome:
  """Kills, begins again, compares; the folder is kept if something is not as promised."""
  home = made.folder / f'kill_{chosen.number}'
  shutil.rmtree(home, ignore_errors=True)
  home.mkdir()
  folder, log = home / 'folder', home / 'log'
  (home / 'scenario').write_text(f'{chosen}\n')
  try:
    outcome = _run(made, chosen, folder, log)
  except (programs.Hang, world.Broken) as error:
    outcome = Outcome(0, (str(error),))
  if not outcome.faults:
    shutil.rmtree(home)
  return outcome


def _run(made, chosen, folder, log) -> Outcome:
  made.begin(chosen.command, folder)
  command, waiting = made.command(chosen.command, folder), list(chosen.moments)
  kills, stopped_at = 0, []
  while waiting:
    moment = waiting.pop(0)
    program = programs.Program(command, log)
    if moments.reached(program, moment, folder, world.SECONDS) and _hit(program, chosen.kind):
      kills += 1
      stopped_at = re.findall(r'stopped after step (\d+)', program.printed)
    elif code := program.wait(world.SECONDS):
      return Outcome(kills, (f'it ended with {code} before it was killed {moment}',))
    elif kills:  # begun again, it had less to do than until then
      stopped_at = []
      break
    else:
      shutil.rmtree(folder, ignore_errors=True)
      made.begin(chosen.command, folder)
      waiting.insert(0, dataclasses.replace(
        moment, clock=moment.clock * 0.8, count=max(1, moment.count - 1)))
  program = programs.Program(command, log)
  restart = _restart(program)
  if code := program.wait(world.SECONDS):
    return Outcome(kills, (f'begun again, it ended with {code}',))
  expected = made.references[chosen.command]
  look = compare.datasets if chosen.command == world.BUILD else compare.runs
  faults = workers.apart(look, expected.folder, folder)
  faults += [f'it saved and stopped after step {step}, but does not go on from there'
             for step in stopped_at if f'goes on after step {step}\n' not in program.printed]
  if made.report(program, folder) != expected.report:
    faults.append('what it printed differs')
  return Outcome(kills, tuple(faults), restart)


def _hit(program: programs.Program, kind: str) -> bool:
  """Kills it, or tells it to end; whether that ended it.

  Raises:
    programs.Hang: if it does not end in time. Broken: if it says neither that it is done nor that
      it is to be begun again.
  """
  if kind != 'SIGTERM':
    program.signal(signal.SIGKILL)
    return program.wait(world.SECONDS) == -signal.SIGKILL
  program.signal(signal.SIGTERM)
  code = program.wait(program.age + GRACE)
  if code not in (PREEMPTED, 0):
    raise world.Broken(f'told to end, it ended with {code}, expected {PREEMPTED}')
  return code == PREEMPTED


def _restart(program: programs.Program) -> float:
  """Seconds from the start of a program until it goes on with training; 0 if it does not."""
  while program.is_running and program.age < world.SECONDS:
    if 'goes on after step' in program.printed:
      return program.age
    time.sleep(0.01)
  return 0.0


def run_all(made: world.World, numbers: Sequence[int], seed: int, jobs: int,
            ) -> tuple[str, list[str]]:
  """Runs scenarios; returns a line of the table, and what is not as promised."""
  drawn = [draw(seed, number, made.runs) for number in numbers]
  made.prepare({command for _, command, _ in drawn}, jobs)
  chosen = [scenario(seed, number, made) for number in numbers]
  good, several, slowest, faults = collections.Counter(), 0, 0.0, []
  for one, outcome in workers.run(lambda _: functools.partial(run, made), chosen, jobs,
                                  10 * world.SECONDS):
    if isinstance(outcome, workers.Lost):
      outcome = Outcome(0, (f'{outcome.how}: {outcome.why}',))
    if outcome.faults:
      faults.append('\n  '.join([
        f'kill {one.number} of seed {seed}, {one.kind} of {one.command!r}, '
        f'{"; ".join(map(str, one.moments))}; kept in {made.folder}/kill_{one.number}:',
        *outcome.faults]))
      print(faults[-1], flush=True)
      continue
    good[one.kind] += 1
    several += outcome.kills > 1
    slowest = max(slowest, outcome.restart)
  kinds = ', '.join(f'{kind} {good[kind]}' for kind in KINDS if good[kind])
  return (f'kills {len(chosen)}: {good.total()} bit-identical ({kinds}), {several} with two or '
          f'more kills; slowest restart {slowest:.1f} s to its first step', faults)
