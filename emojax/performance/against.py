"""Two measurements of the same thing, side by side: what `measure` found before, and now."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

# What has to be equal; another commit or other versions are what one compares for.
SAME = ('config', 'overrides', 'dataset', 'members', 'device', 'mesh')
FIGURES = {  # as it is called -> where it stands
  'train step, ms': 'train.ms.median',
  'eval step, ms': 'eval.ms.median',
  'train examples/s': 'train.examples_per_s',
  'eval examples/s': 'eval.examples_per_s',
  'examples/s with feeding': 'feeding.examples_per_s',
  'share waiting for data': 'feeding.waiting_share',
  'train first step, s': 'train.first_step_s',
  'train compiling, s': 'train.compile_s',
  'eval compiling, s': 'eval.compile_s',
  'train compilations': 'train.compilations',
  'eval compilations': 'eval.compilations',
  'train FLOPs a step': 'train.flops',
  'eval FLOPs a step': 'eval.flops',
  'utilisation in training': 'train.utilisation.share',
  'train bytes a step, compiled': 'train.compiled.bytes',
  'eval bytes a step, compiled': 'eval.compiled.bytes',
  'memory of a device': 'memory.device_peak',
  'memory of a program': 'memory.compiled',
  'memory of the process': 'memory.process_peak',
}


def read(path: str) -> dict[str, Any]:
  """The line that `--out` wrote.

  Raises:
    ValueError: if there is none.
  """
  try:
    line = json.loads(pathlib.Path(path).read_text('utf-8'))
  except (OSError, ValueError) as error:
    raise ValueError(f'--against {path}: {error}; expected a file that python -m emojax.bench '
                     '--out FILE wrote.') from error
  lacking = [name for name in (*SAME, 'train', 'eval') if name not in line] if isinstance(
    line, dict) else ['an object']
  if lacking:
    raise ValueError(f'--against {path}: a line of python -m emojax.bench has {lacking[0]}, this '
                     'has not.')
  return line


def check(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
  """Lets pass lines of one config, with the same data, members and devices.

  Raises:
    ValueError: naming what differs.
  """
  different = []
  for name in SAME:
    if before[name] == now[name]:
      continue
    there, here = before[name], now[name]
    if isinstance(there, dict) and isinstance(here, dict):
      different += [f'{name}.{key} {there.get(key)!r} there, {here.get(key)!r} here'
                    for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    else:
      different.append(f'{name} {there!r} there, {here!r} here')
  if different:
    raise ValueError(f'--against: that is another measurement ({"; ".join(different)}). Compare '
                     'with one of the same config, data, members and devices.')


def table(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
  """Every figure that both have, with now / before; a step's with whether the quartiles overlap."""
  rows = [('', 'before', 'now', 'ratio', '')]
  for title, path in FIGURES.items():
    there, here = _at(before, path), _at(now, path)
    if there is None or here is None:
      continue
    ratio = f'{here / there:.3f}' if there else '-'
    rows.append((title, f'{there:,.5g}', f'{here:,.5g}', ratio, _note(before, now, path)))
  widths = [max(len(row[place]) for row in rows) for place in range(4)]
  lines = [f'{row[0]:<{widths[0]}}  ' + '  '.join(
    f'{cell:>{width}}' for cell, width in zip(row[1:], widths[1:])) + f'  {row[4]}' for row in rows]
  return '\n'.join([*(line.rstrip() for line in lines), _commits(before, now)])


def _at(line: Mapping[str, Any], path: str) -> Any:
  for name in path.split('.'):
    line = (line or {}).get(name)
  return line


def _note(before: Mapping[str, Any], now: Mapping[str, Any], path: str) -> str:
  """Of times that vary: whether they differ by more than they vary."""
  step, _, figure = path.partition('.')
  if figure != 'ms.median':
    return ''
  (least, most), (low, high) = (line[step]['ms']['quartiles'] for line in (before, now))
  return 'quartiles overlap: no difference' if low <= most and least <= high else ''


def _commits(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
  there, here = (line.get('commit') or 'an unknown commit' for line in (before, now))
  return f'before: {there}; now: {here}'
