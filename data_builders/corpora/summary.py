"""What `build` says of a prepared dataset."""

import collections
import json
import pathlib

from data_builders.corpora import ledger, release
from emojax.io import files, prepared


def text(name: str, folder: pathlib.Path, why: str, seconds: float) -> str:
  """Counts, duration, size and place, a few lines."""
  counts = files.read_json(folder / prepared.COUNTS)
  metadata = files.read_json(folder / prepared.METADATA)
  size = sum(path.stat().st_size for path in folder.iterdir())
  kept, excluded, listed = (f'{counts[name]:,} {name}' for name in ('kept', 'excluded', 'listed'))
  facts = [f'{kept} + {excluded} = {listed}']
  if 'seconds' in counts:
    facts.append(_duration(counts['seconds']) + ' of sound')
  facts.append(f'{size / 1e6:,.1f} MB')
  lines = [f'{name} {why if why == "kept" else f"built in {seconds:.1f} s ({why})"}: {folder}',
           ', '.join(facts)]
  for column in ledger.COUNTED:
    if len(counts.get(column, ())) > 1:
      lines.append(f'{column}: ' + ', '.join(
        f'{value} {number:,}' for value, number in counts[column].items()))
  lines += [f'excluded, {reason}: {release.some(ids)}' for reason, ids in _excluded(folder).items()]
  if notes := metadata.get('notes'):
    lines.append(f'{metadata["num_notes"]:,} oddities that cost nothing, see {prepared.NOTES}: '
                 + '; '.join(notes[:3]))
  if licence := metadata.get('extractor_licence'):
    lines.append(licence)
  if not metadata['complete']:
    lines.append('NOT COMPLETE: results on it are results on a part of the corpus')
  if metadata.get('generated'):
    lines.append('GENERATED: results on it say nothing about human emotion')
  return '\n  '.join(lines)


def _excluded(folder: pathlib.Path) -> dict[str, list[str]]:
  ids = collections.defaultdict(list)
  for line in (folder / prepared.EXCLUSIONS).read_text('utf-8').splitlines():
    exclusion = json.loads(line)
    ids[exclusion['reason']].append(exclusion['id'])
  return ids


def _duration(seconds: float) -> str:
  return f'{seconds / 3600:.2f} h' if seconds >= 3600 else f'{seconds / 60:.1f} min'
