"""Attention as a picture: who asks from top to bottom, where something is found from left to right.

What is given is drawn; padding is left out before.
"""

import dataclasses
import io
from collections.abc import Sequence

import numpy as np

ROW, COLUMN = 0.2, 0.24  # inches of a word as a row and as a column: 10 points fit
FINE = 0.12  # inches of a column that has no name
STRIP = 0.55  # inches of a single row
BAR = 0.12  # of the colour bar, its width
NARROW, WIDE = 5.0, 12.0  # inches: the least width, and the most of columns without names


@dataclasses.dataclass(frozen=True)
class Axis:
  """What the positions along one side are.

  Attributes:
    label: what is written along it, such as 's' for seconds.
    names: of each position, such as words; (): positions are numbers, multiples of `step`.
  """

  label: str
  names: Sequence[str] = ()
  step: float = 1.0


@dataclasses.dataclass(frozen=True)
class Panel:
  """Weights [L, T]; or [T], drawn as one row.

  Attributes:
    rows: what asks, L positions; None: the utterance as a whole.
    note: what a reader has to know beside it.
  """

  name: str
  weights: np.ndarray
  columns: Axis
  rows: Axis | None = None
  note: str = ''

  def __post_init__(self):
    sides = (self.columns,) if self.rows is None else (self.rows, self.columns)
    if self.weights.ndim != len(sides) or not self.weights.size or any(
        axis.names and len(axis.names) != size for axis, size in zip(sides, self.weights.shape)):
      raise ValueError(f'{self.name}: weights {self.weights.shape} for '
                       f'{[len(axis.names) or "numbered" for axis in sides]} positions; expected '
                       'one row [T], or [L, T], at least one weight, and a name for each or none.')

  @property
  def size(self) -> tuple[float, float]:
    """Inches of the weights alone."""
    columns = self.weights.shape[-1]
    width = COLUMN * columns if self.columns.names else min(FINE * columns, WIDE)
    height = STRIP if self.rows is None else max(ROW * len(self.weights), STRIP)
    return max(width, NARROW), height


def draw(panels: Sequence[Panel], title: str) -> bytes:
  """The panels of one utterance, one below the other, PNG.

  A row that is zero everywhere is grey: there nothing was looked for. Needs matplotlib; leaves no
  figure and no global state behind.
  """
  from matplotlib.figure import Figure

  beside = 1.0 + 0.09 * max(len(name) for panel in panels for name in _names(panel.rows))
  below = [0.7 + 0.075 * max(len(name) for name in _names(panel.columns)) for panel in panels]
  heights = [panel.size[1] + more for panel, more in zip(panels, below)]
  figure = Figure(figsize=(max(panel.size[0] for panel in panels) + beside,
                           sum(heights) + 0.3 * (1 + title.count('\n')) + 0.2),
                  dpi=100, layout='constrained')
  figure.suptitle(title, fontsize=11, parse_math=False)
  places = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
  for axes, panel in zip(places, panels):
    _draw(figure, axes, panel)
  content = io.BytesIO()
  figure.savefig(content, format='png')
  return content.getvalue()


def _names(axis: Axis | None) -> Sequence[str]:
  return axis.names if axis and axis.names else ('1000',)


def _draw(figure, axes, panel: Panel) -> None:
  import matplotlib

  weights = np.atleast_2d(panel.weights)
  rows, columns = weights.shape
  silent = np.broadcast_to((weights == 0).all(1, keepdims=True), weights.shape)
  shades = matplotlib.colormaps['viridis'].with_extremes(bad='0.85')
  # numbers count edges, so that a step ends where the next begins; names stand in the middle
  image = axes.imshow(
    np.ma.array(weights, mask=silent), cmap=shades, vmin=0, vmax=weights.max() or 1, aspect='auto',
    interpolation='nearest', extent=(0, columns * panel.columns.step, rows, 0))
  if panel.columns.names:
    axes.set_xticks((np.arange(columns) + 0.5) * panel.columns.step, panel.columns.names,
                    rotation=90, fontsize=10, parse_math=False)
  axes.set_xlabel(panel.columns.label)
  if panel.rows is None:
    axes.set_yticks([])
  else:
    axes.set_ylabel(panel.rows.label)
    if panel.rows.names:
      axes.set_yticks(np.arange(rows) + 0.5, panel.rows.names, fontsize=10, parse_math=False)
  axes.tick_params(length=2)
  notes = [panel.note, 'grey: looks for nothing' if silent.any() else '']
  said = '; '.join(filter(None, notes))
  axes.set_title(f'{panel.name}{said and f" ({said})"}', fontsize=10, loc='left')
  bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=panel.size[1] / BAR)
  if panel.size[1] < 3 * STRIP:  # no room for more
    bar.set_ticks([0, float(image.norm.vmax)], labels=['0', f'{image.norm.vmax:.2g}'])
