"""Measures what the training of a config costs; prints one line of JSON.

    python -m emojax.bench --config=configs/iemocap_mat.py --config.data.path=DATA [--out=FILE]

Steps of the first group of members (ten in one program: --config.members.seeds=10
--config.members.mode=vmap) with the config's data, batches and mesh: their times, compilations,
operations, memory, collectives, and the share of time that goes into waiting for data. Nothing is
saved but what --out and --profile name, and nothing of the test part is read. Standard error tells
what goes on.

--against=FILE compares with a line from before. --mesh=1,2,4,8 adds how steps scale over so many
simulated devices, which share this machine's cores: what they show is what dividing the work costs,
never how much faster it gets.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from typing import Any

from absl import app, flags, logging
from ml_collections import config_flags

from emojax import program
from emojax.io import files

BUSY = 0.25  # of the cores, by the load average before: others would disturb what is measured
DISTURBED = 0.05  # of the processors' time: so much went to others while steps were timed
SIMULATED = ('simulated devices share the cores of one machine: step times show what dividing the '
             'work costs, not how much faster it gets')


def define_flags() -> None:
  """The program's flags; not at import, since other programs have some of the same names."""
  config_flags.DEFINE_config_file('config', None, 'The experiment: configs/NAME.py[:words].')
  flags.DEFINE_integer('rounds', 10, 'How often each step has its turn, at most.', lower_bound=2)
  flags.DEFINE_float('seconds', 20, 'How long the rounds take; compiling comes on top.',
                     lower_bound=0)
  flags.DEFINE_string('out', None, 'The file for the line.')
  flags.DEFINE_string('against', None, 'A line from before to compare with.')
  flags.DEFINE_string('mesh', '', 'Numbers of simulated devices to scale over: 1,2,4,8.')
  flags.DEFINE_string('profile', None, 'A folder for a trace of a few steps.')
  flags.mark_flag_as_required('config')


def main(argv):
  if len(argv) > 1:
    raise app.UsageError(f'unexpected arguments: {argv[1:]}')
  logging.set_verbosity(logging.WARNING)
  given, load, began = flags.FLAGS, os.getloadavg()[0], time.perf_counter()
  counts = device_counts(given.mesh)
  with contextlib.redirect_stdout(sys.stderr):  # what libraries print is no result
    import jax

    from emojax.performance import against, measure  # after the flags were read

    jax.config.update('jax_enable_compilation_cache', False)  # or there is nothing to time
    before = against.read(given.against) if given.against else None
    imports = round(time.perf_counter() - began, 3)
    if load > BUSY * os.cpu_count():
      say(f'warning: the machine is busy (load average {load:.2f} on {os.cpu_count()} cores); '
          'times will be too long and vary.')
    desk = measure.Desk(given.config)
    line = {'config': config_flags.get_config_filename(given['config']),
            'overrides': overrides(given['config'])} | desk.about
    if before:
      against.check(before, line)
    line |= measure.measure(desk, rounds=given.rounds, seconds=given.seconds,
                            profile=given.profile, say=say)
    line['start_s'] = {'imports': imports} | line['start_s']
    line['load'] = load
    if (line['others_share'] or 0) > DISTURBED:
      say(f'warning: other processes took {line["others_share"]:.0%} of the processors\' time; do '
          'not rely on these times.')
    if before:
      say(against.table(before, line))
    if counts:
      line['scaling'] = {'about': SIMULATED, 'devices': [scale(count) for count in counts]}
      say(scaling_table(line['scaling']))
  text = json.dumps(line, allow_nan=False)
  if given.out:
    files.write_text(given.out, text + '\n')
  print(text)


def say(line: str) -> None:
  """Tells what goes on."""
  print(line, file=sys.stderr, flush=True)


def overrides(flag: flags.Flag) -> dict[str, Any]:
  """The fields that the command line changes, but where the data lies: its fingerprint counts."""
  changed = config_flags.get_override_values(flag)
  return json.loads(json.dumps(
    {name: value for name, value in sorted(changed.items()) if name != 'data.path'}, default=str))


def device_counts(text: str) -> list[int]:
  """'1,2,4' -> [1, 2, 4]."""
  words = [word.strip() for word in text.split(',')] if text else []
  if any(not word.isdecimal() or int(word) < 1 for word in words):
    raise ValueError(f'--mesh={text!r}: expected numbers of devices with commas between, such as '
                     '1,2,4,8.')
  return [int(word) for word in words]


def scale(count: int) -> dict[str, Any]:
  """What this command measures in a process of its own, on `count` simulated devices."""
  say(f'{count} simulated devices:')
  xla_flags = f'{os.environ.get("XLA_FLAGS", "")} --xla_force_host_platform_device_count={count}'
  later = ['--mesh=', '--out=', '--against=', '--profile=']  # of a flag, the last one counts
  ended = subprocess.run(
    [sys.executable, '-m', 'emojax.bench', *sys.argv[1:], *later], check=False,
    stdout=subprocess.PIPE, text=True,
    env=os.environ | {'JAX_PLATFORMS': 'cpu', 'XLA_FLAGS': xla_flags.strip()})
  if ended.returncode:
    raise ValueError(f'--mesh: on {count} simulated devices it ended with status '
                     f'{ended.returncode}; its reason stands above.')
  line = json.loads(ended.stdout)
  return {'count': count, 'mesh': line['mesh'], 'batch': line['batch']} | {
    kind: {'ms': line[kind]['ms'], 'shapes': [
      {'lengths': shape['lengths'], **shape['compiled']} for shape in line[kind]['shapes']]}
    for kind in ('train', 'eval')}


def scaling_table(scaling: dict[str, Any]) -> str:
  """Step times and collectives by the number of devices; collectives of the first shape."""
  rows = [f'{"devices":>7}  {"train ms":>9}  {"eval ms":>9}  collectives of a training step']
  for found in scaling['devices']:
    spoken = ', '.join(
      f'{total["count"]} {kind} ({total["bytes"]:,} bytes)'
      for kind, total in found['train']['shapes'][0]['collectives'].items()) or 'none'
    rows.append(f'{found["count"]:>7}  {found["train"]["ms"]["median"]:>9.4g}  '
                f'{found["eval"]["ms"]["median"]:>9.4g}  {spoken}')
  return '\n'.join([*rows, scaling['about']])


if __name__ == '__main__':
  define_flags()
  program.run(main)
