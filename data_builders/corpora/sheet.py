"""A sheet of a dozen utterances: the wave of each above its mel spectrogram.

Transcripts, which are licensed text, are not in it.
"""

import io
import itertools
import pathlib

import numpy as np

from data_builders.corpora import inspected
from emojax.features import logmel_mat, sound
from emojax.io import files

COLUMNS, ROWS = 3, 4
LABELS = ('emotion', 'sentiment')  # the title says the first that is there
POINTS = 800  # of the outline of a wave: as many as can be seen
INK = '#33506b'


def draw(about: inspected.Inspected, path: pathlib.Path) -> None:
  """Writes the picture, PNG.

  Raises:
    ValueError: if the dataset has no sound.
  """
  if 'sample_rate' not in about.data.read(0):
    raise ValueError(f'{about.name} has no sound to draw; --out is for a dataset with sound, such '
                     f'as {about.corpus}/base where its media are there.')
  from matplotlib.figure import Figure

  label = next((name for name in LABELS if about.has(name)), None)
  figure = Figure(figsize=(4.2 * COLUMNS, 2.4 * ROWS + 0.4), dpi=110)
  title, body = figure.subfigures(2, 1, height_ratios=(0.4, 2.4 * ROWS))
  title.suptitle(_title(about), fontsize=12, y=0.6)
  panels = body.subfigures(ROWS, COLUMNS).ravel()
  for panel, row in zip(panels, choose(about, label, len(panels))):
    name = about.columns['id'][row].partition('/')[2]
    said = f'   {_short(about.columns[label][row])}' if label else ''
    record = about.data.read(row)
    wave, rate = sound.as_float(record['audio']), int(record['sample_rate'])
    panel.suptitle(f'{name}{said}   {len(wave) / rate:.2f} s   peak {np.abs(wave).max():.2f}',
                   fontsize=9, y=0.97)
    _draw_one(panel, wave, rate)
  content = io.BytesIO()
  figure.savefig(content, format='png')
  files.write_bytes(path, content.getvalue())


def choose(about: inspected.Inspected, label: str | None, number: int) -> list[int]:
  """Rows spread over the classes of a label in turn, and over the dataset within each."""
  count = len(about.data)
  if label is None:
    groups = [np.arange(count)]
  elif about.columns[label].dtype.kind == 'U':
    groups = [np.flatnonzero(about.columns[label] == value)
              for value in np.unique(about.columns[label])]
  else:
    groups = [np.argsort(about.columns[label], kind='stable')]
  each = -(-number // len(groups))
  spread = [rows[(np.arange(n) * 2 + 1) * len(rows) // (2 * n)].tolist()
            for rows in groups for n in [min(each, len(rows))]]
  turns = itertools.zip_longest(*spread)
  chosen = [row for turn in turns for row in turn if row is not None][:number]
  return sorted(chosen, key=lambda row: next(k for k, rows in enumerate(spread) if row in rows))


def _short(value: np.generic) -> str:
  return f'{value:.2f}' if value.dtype.kind == 'f' else str(value)


def _title(about: inspected.Inspected) -> str:
  generated = '   (generated sound)' if about.data.about.get('generated') else ''
  return f'{about.name}: {len(about.data):,} utterances{generated}'


def _draw_one(panel, wave: np.ndarray, rate: int) -> None:
  """The outline of the wave, each as high as its loudest sample, and 80 mels below it."""
  seconds = len(wave) / rate
  top, bottom = panel.subplots(2, 1, sharex=True, height_ratios=(2, 3), gridspec_kw={
    'left': 0.03, 'right': 0.97, 'bottom': 0.11, 'top': 0.88, 'hspace': 0.06})
  low, high = _outline(wave)
  top.fill_between(np.linspace(0, seconds, len(low)), low, high, color=INK, linewidth=0.3)
  peak = max(np.abs(wave).max(), 1e-4)  # silence is a line
  top.set(ylim=(-1.05 * peak, 1.05 * peak), yticks=[])
  top.tick_params(labelbottom=False, length=0)
  try:
    mel = logmel_mat.log_mel(logmel_mat.resample(wave, rate), 1)  # [T, 80]
    bottom.imshow(mel.T, origin='lower', aspect='auto', cmap='magma', interpolation='nearest',
                  extent=(0, seconds, 0, mel.shape[1]))
  except ValueError as error:
    bottom.text(0.5, 0.5, str(error), transform=bottom.transAxes, ha='center', fontsize=7)
  bottom.set(xlim=(0, seconds), yticks=[])
  bottom.tick_params(labelsize=7, length=2)
  for axes in (top, bottom):
    axes.spines[:].set_visible(False)


def _outline(wave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Lowest and highest sample of each of `POINTS` stretches, or fewer."""
  points = min(POINTS, len(wave))
  edges = np.linspace(0, len(wave), points, endpoint=False).astype(int)
  return np.minimum.reduceat(wave, edges), np.maximum.reduceat(wave, edges)
