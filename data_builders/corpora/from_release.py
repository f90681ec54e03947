"""Records of `base`, from a raw release.

An origin is iterated once; it yields one item per planned row, a record, or None where there is
none. `finish` then says whether all is well, and what the metadata state.
"""

import dataclasses
import functools
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from data_builders.corpora import ledger, oddities, parallel, release

Record = dict[str, Any]
# (clips of one file, sample rate) -> of each (samples, '') or (None, the reason)
ReadFile = Callable[[Sequence[release.Clip], int], list[tuple[np.ndarray | None, str]]]

NO_SOUND = 'its sound is not in the release'
LONGEST = 60.0  # seconds: an utterance that lasts longer is noted


class FromRelease:
  """Every utterance of a release with its sound, in the order of the release."""

  def __init__(
    self, name: str, parsed: release.Release, *, read_file: ReadFile, sample_rate: int,
    partial: bool, workers: int):
    self._name, self._parsed, self._partial, self._workers = name, parsed, partial, workers
    self._read_file, self._sample_rate = read_file, sample_rate
    self._damaged: list[release.Exclusion] = []
    self._oddities = oddities.Oddities()
    self.ledger = ledger.Ledger(parsed.exclusions)
    _check_complete(name, parsed, partial)
    self._check_sounds()
    seconds = (u.end - u.start for u in parsed.utterances)
    self.num_bytes = sum(
      _file_bytes(sound) if math.isnan(told) else max(told, 0) * sample_rate * 2
      for sound, told in zip(parsed.sounds, seconds, strict=True) if sound)

  def __len__(self) -> int:
    return len(self._parsed.utterances)

  def __iter__(self) -> Iterator[Record | None]:
    parsed = self._parsed
    rows = zip(parsed.utterances, parsed.sounds, self._sounds(), strict=True)
    for utterance, clip, (samples, reason) in rows:
      if reason:
        file = str(clip.path.relative_to(parsed.root)) if clip else ''
        self._damaged.append(release.Exclusion(utterance.id, reason, file))
      if reason or self._damaged and not self._partial:
        yield None  # a build that is to fail only looks for more damage
      else:
        yield self._record(utterance, samples)

  def finish(self) -> dict[str, Any]:
    parsed = self._parsed
    if damaged := [lost for lost in self._damaged if lost.reason != NO_SOUND]:
      told = release.some([f'{lost.file} ({lost.reason})' for lost in damaged])
      _must_be_partial(
        self._name, parsed, self._partial, f'has {len(damaged):,} damaged sounds: {told}')
    if not len(self.ledger):
      raise ValueError(f'{self._name}: no utterance of the release in {parsed.root} can be used.')
    self.ledger.exclusions += self._damaged
    self.ledger.notes = parsed.notes
    return _about(parsed) | {
      'sample_rate': self._sample_rate, 'complete': not parsed.shortfalls and not self._damaged}

  def _check_sounds(self) -> None:
    """Accounts for media that are absent, before anything is read."""
    parsed = self._parsed
    missing = [u.id for u, sound in zip(parsed.utterances, parsed.sounds, strict=True) if not sound]
    text = f'Its text alone, without any sound, is {self._name}/text: build that by its name.'
    if len(missing) == len(self):
      raise ValueError(f'{self._name}: the release in {parsed.root} holds the sound of none of its '
                       f'{len(self):,} utterances. Unpack its media beside the labels. {text}')
    if missing:
      _must_be_partial(
        self._name, parsed, self._partial, f'lacks the sound of {len(missing):,} of {len(self):,} '
        f'utterances: {release.some(missing)}', text)

  def _sounds(self) -> Iterator[tuple[np.ndarray | None, str]]:
    """Of every utterance; clips of one file that follow each other come from one reading."""
    files = [list(clips) for _, clips in itertools.groupby(
      filter(None, self._parsed.sounds), key=lambda clip: clip.path)]
    read = functools.partial(_read, self._read_file, self._sample_rate)
    there = itertools.chain.from_iterable(parallel.map_threads(read, files, self._workers))
    return (next(there) if sound else (None, NO_SOUND) for sound in self._parsed.sounds)

  def _record(self, utterance: release.Utterance, samples: np.ndarray) -> Record:
    duration = len(samples) / self._sample_rate
    if math.isnan(utterance.end):
      utterance = dataclasses.replace(utterance, end=utterance.start + duration)
    if duration > LONGEST:
      self._parsed.notes.append(
        f'{utterance.id.partition("/")[2]} is an utterance of {duration:.0f} s')
    self._parsed.notes.extend(self._oddities.of(utterance.id, samples))
    row, texts = _fields(utterance)
    record = row | texts | {'audio': samples, 'sample_rate': self._sample_rate}
    self.ledger.add(record, row | {'num_samples': len(samples), 'duration': duration})
    return record


class TextFromRelease:
  """The same without media: transcripts and labels."""

  def __init__(self, name: str, parsed: release.Release, *, partial: bool):
    self._parsed = parsed
    self.ledger = ledger.Ledger(
      [lost for lost in parsed.exclusions if lost.reason != release.UNLABELLED])
    _check_complete(name, parsed, partial)
    self.num_bytes = sum(len(utterance.transcript) for utterance in parsed.utterances)

  def __len__(self) -> int:
    return len(self._parsed.utterances)

  def __iter__(self) -> Iterator[Record]:
    for utterance in self._parsed.utterances:
      row, texts = _fields(utterance)
      self.ledger.add(row | texts, row)
      yield row | texts

  def finish(self) -> dict[str, Any]:
    self.ledger.notes = self._parsed.notes
    return _about(self._parsed) | {'media': False, 'complete': not self._parsed.shortfalls}


def _about(parsed: release.Release) -> dict[str, Any]:
  """What the metadata say of a release, with or without its media."""
  return release.from_truth(parsed.truth) | {
    'notes': parsed.notes[:20], 'num_notes': len(parsed.notes)}


def _fields(utterance: release.Utterance) -> tuple[Record, Record]:
  """(what the index says too, the other fields as JSON)."""
  fields = vars(utterance)
  row = {k: value for k, value in fields.items() if isinstance(value, (str, int, float))}
  return row, {k: _json(value) for k, value in fields.items() if k not in row}


def _check_complete(name: str, parsed: release.Release, partial: bool) -> None:
  if not parsed.utterances:
    raise ValueError(f'{name}: no utterance of the release in {parsed.root} can be used. '
                     + '. '.join(parsed.shortfalls))
  if parsed.shortfalls:
    _must_be_partial(name, parsed, partial, 'is not complete: ' + '. '.join(parsed.shortfalls))


def _must_be_partial(
  name: str, parsed: release.Release, partial: bool, what: str, instead: str = '') -> None:
  if not partial:
    raise ValueError(
      f'{name}: the release in {parsed.root} {what}. Restore the files, or accept the release as '
      'it is with --partial (what is lost is then counted, and the dataset says complete=false).'
      + f' {instead}' * bool(instead))


def _read(
  read_file: ReadFile, sample_rate: int, clips: Sequence[release.Clip],
) -> list[tuple[np.ndarray | None, str]]:
  return read_file(clips, sample_rate)


def _file_bytes(clip: release.Clip) -> int:
  return clip.path.stat().st_size


def _json(value: Any) -> str:
  return json.dumps(value, default=vars, ensure_ascii=False)
