"""What a run writes while it trains: lines in files, charts for TensorBoard, words to the log.

    log = writers.MetricsLog(folder / 'metrics.jsonl')  # the record: deterministic
    writer = writers.make_writer(folder)                # the charts: clu's interface, asynchronous
    with writers.metric_writers.ensure_flushes(writer):
      writer.write_scalars(step, {'train/loss': 0.7, 'valid/loss': 0.8})

clu's `metric_writers` and `periodic_actions` are to be reached through this module: clu itself
imports TensorFlow with them, for a writer that we do not use.
"""

import importlib
import json
import math
import os
import pathlib
import sys
import time
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from clu import parameter_overview

from emojax.io import checksums, files


def _import_without_tensorflow(name: str) -> types.ModuleType:
  """Imports a clu module with a stand-in for the one file of it that needs TensorFlow.

  The stand-in is used even where TensorFlow is installed: importing that takes 10 s and 0.8 GB. An
  upstream fix is open since 2024 (google/CommonLoopUtils#358).
  """
  needs_tensorflow = 'clu.metric_writers.summary_writer'
  if needs_tensorflow not in sys.modules:
    stand_in = types.ModuleType(needs_tensorflow)
    stand_in.SummaryWriter = _NoSummaryWriter
    sys.modules[needs_tensorflow] = stand_in
  return importlib.import_module(name)


class _NoSummaryWriter:
  def __init__(self, *_, **__):
    raise NotImplementedError(
      'clu writes summaries with TensorFlow, which emojax does without; '
      'use emojax.train.writers.make_writer.')


metric_writers = _import_without_tensorflow('clu.metric_writers')
periodic_actions = _import_without_tensorflow('clu.periodic_actions')


def make_writer(
    folder: str | os.PathLike, *, just_logging: bool = False, resumed_at: int | None = None
) -> metric_writers.MultiWriter:
  """An asynchronous writer to the log and to TensorBoard files under `folder`/events.

  A mistake in a value surfaces at the next write or flush, since writing happens in threads.

  Args:
    just_logging: no files; for all processes but the first.
    resumed_at: the restored step. Points that an earlier process wrote after it are hidden.
  """
  writers = [_LoggingWriter()]
  if not just_logging:
    writers.append(TensorBoardWriter(pathlib.Path(folder) / 'events', resumed_at=resumed_at))
  return metric_writers.AsyncMultiWriter(writers)


def parameter_table(params: Mapping[str, Any]) -> str:
  """A table of names, shapes, types and sizes, with the total; `params` is a nested plain dict."""
  return parameter_overview.get_parameter_overview(params, include_stats=False)


class MetricsLog:
  """A file of one JSON object per line, `{"step": 10, "train/loss": 0.7, ...}`, keys sorted.

  The same values give the same bytes: floats are written so that they read back exactly, and
  nothing is added (clock times go to a log of their own, `timing.jsonl`). NaN and infinities, which
  JSON lacks, become the strings 'nan', 'inf', '-inf', which `float` reads. A line has left the
  process when `write` returns. A last line that a killed process left unfinished is no line;
  opening cuts it off.
  """

  def __init__(self, path: str | os.PathLike):
    self.path = pathlib.Path(path)
    self.path.parent.mkdir(parents=True, exist_ok=True)
    with open(self.path, 'a+b') as file:
      file.seek(0)
      file.truncate(file.read().rfind(b'\n') + 1)

  def write(self, step: int, values: Mapping[str, Any]) -> None:
    """Appends one line; a value is a number, a string, None, or an array of numbers (members)."""
    if 'step' in values:
      raise ValueError(f"'step' is the line's own key; {self.path.name} got it as a value too.")
    row = {'step': int(step)} | {key: _plain(value) for key, value in values.items()}
    with open(self.path, 'a', encoding='utf-8') as file:
      file.write(json.dumps(row, sort_keys=True, allow_nan=False) + '\n')

  def read(self) -> list[dict[str, Any]]:
    """All lines, in order."""
    return [row for _, row in self._lines()]

  def mark(self) -> dict[str, Any]:
    """What the file holds now, JSON: its length and checksum. `cut` goes back to it."""
    content = self.path.read_bytes()
    return {'bytes': len(content), 'xxh3': checksums.of_bytes(content)}

  def cut(self, mark: Mapping[str, Any], *, later: bool) -> None:
    """Drops what was written after `mark` was made; `later`: keeps it, and only checks the rest.

    Raises:
      ValueError: if what stood there then is not what stands there now.
    """
    content = self.path.read_bytes()
    before = content[:mark['bytes']]
    if len(before) < mark['bytes'] or checksums.of_bytes(before) != mark['xxh3']:
      raise ValueError(f'{self.path} is not as it was written: restore it from a copy, or delete '
                       f'{self.path.parent} to train this member again.')
    if len(content) > len(before) and not later:
      files.write_bytes(self.path, before)

  def truncate(self, keep: Callable[[dict[str, Any]], bool]) -> int:
    """Drops, atomically, the lines for which `keep` is false; says how many they were.

    After restoring step 100: `log.truncate(lambda row: row['step'] <= 100)`. What is kept stays as
    it was, byte for byte.
    """
    lines = self._lines()
    kept = [line for line, row in lines if keep(row)]
    if len(kept) < len(lines):
      files.write_bytes(self.path, b''.join(kept))
    return len(lines) - len(kept)

  def _lines(self) -> list[tuple[bytes, dict[str, Any]]]:
    lines = []
    for number, line in enumerate(self.path.read_bytes().splitlines(keepends=True), start=1):
      try:
        lines.append((line, json.loads(line)))
      except ValueError as error:
        raise ValueError(f'{self.path}, line {number} is damaged ({error}); delete it.') from error
    return lines


def _plain(value: Any) -> Any:
  """`value` as JSON knows it."""
  if value is None or isinstance(value, str):
    return value
  if not isinstance(value, (list, float)):
    value = np.asarray(value).tolist()
  if isinstance(value, list):
    return [_plain(element) for element in value]
  return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class TensorBoardWriter(metric_writers.MetricWriter):
  """Writes TensorBoard event files without TensorFlow.

  What stands before the first slash of a name becomes the run, a sub-folder of its own:
  'train/loss' and 'valid/loss' are the chart 'loss' of the runs `train` and `valid`, which
  TensorBoard lays over each other. Names without a slash go to the folder itself.

  clu calls by keyword: the arguments keep the names of its interface.
  """

  def __init__(self, folder: str | os.PathLike, *, resumed_at: int | None = None):
    self._folder = pathlib.Path(folder)
    self._purge_step = None if resumed_at is None else resumed_at + 1
    self._runs = {}  # run name -> tensorboardX.SummaryWriter, made when first needed

  def write_scalars(self, step, scalars):
    for name, value in scalars.items():
      run, tag = self._run_and_tag(name)
      run.add_scalar(tag, np.asarray(value).item(), step)

  def write_images(self, step, images):
    """Images [H, W, C] or [N, H, W, C]: uint8, or floats in 0..1. Needs pillow (extra `viz`)."""
    for name, image in images.items():
      run, tag = self._run_and_tag(name)
      image = np.asarray(image)
      if image.ndim == 3:
        run.add_image(tag, image, step, dataformats='HWC')
      else:
        for i, one in enumerate(image):
          run.add_image(f'{tag}/{i}', one, step, dataformats='HWC')

  def write_audios(self, step, audios, *, sample_rate):
    """Sounds [N, T, C], floats in -1..1, mono or stereo; `sample_rate` in Hz."""
    for name, sounds in audios.items():
      run, tag = self._run_and_tag(name)
      for i, sound in enumerate(np.asarray(sounds)):
        run.add_audio(f'{tag}/{i}', sound, step, sample_rate=sample_rate)

  def write_texts(self, step, texts):
    """Texts, which TensorBoard shows as Markdown: indent tables by four spaces."""
    for name, text in texts.items():
      run, tag = self._run_and_tag(name)
      run.add_text(tag, text, step)

  def write_histograms(self, step, arrays, num_buckets=None):
    for name, array in arrays.items():
      run, tag = self._run_and_tag(name)
      run.add_histogram(tag, np.asarray(array), step, bins=(num_buckets or {}).get(name) or 30)

  def write_hparams(self, hparams):
    """A flat mapping; what is not a number, a truth value or a string is shown as its `str`."""
    from tensorboardX import summary

    shown = {key: value if isinstance(value, (bool, int, float, str)) else str(value)
             for key, value in hparams.items()}
    for part in summary.hparams(shown, {}):
      self._run('').file_writer.add_summary(part)

  def write_summaries(self, step, values, metadata=None):
    raise NotImplementedError('raw summaries need TensorFlow; write scalars, images or texts.')

  def write_videos(self, step, videos):
    raise NotImplementedError('videos are not written; write some of their frames as images.')

  def flush(self):
    """Writes what has arrived; tensorboardX's own thread may still hold the last few points."""
    for run in self._runs.values():
      run.flush()

  def close(self):
    for run in self._runs.values():
      run.close()
    self._runs.clear()

  def _run_and_tag(self, name: str):
    run, slash, tag = name.partition('/')
    return (self._run(run), tag) if slash else (self._run(''), name)

  def _run(self, name: str):
    if name not in self._runs:
      import tensorboardX

      # The suffix keeps a run that is resumed within the same second from overwriting its file.
      self._runs[name] = tensorboardX.SummaryWriter(
        str(self._folder / name), purge_step=self._purge_step,
        filename_suffix=f'.{time.time_ns()}')
    return self._runs[name]


class _LoggingWriter(metric_writers.LoggingWriter):
  """Logs scalars, to six digits, and nothing else."""

  def write_scalars(self, step, scalars):
    super().write_scalars(step, {name: np.asarray(value).item() for name, value in scalars.items()})

  def _write_nothing(self, *_, **__):
    """Images, texts and the like are of use in TensorBoard only."""

  write_summaries = write_images = write_videos = write_audios = _write_nothing
  write_texts = write_histograms = write_hparams = _write_nothing
