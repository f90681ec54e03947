"""What a person reads: the classification report as text, and the confusion matrix as a picture."""

from collections.abc import Sequence

import numpy as np

from emojax.metrics import classification
from emojax.metrics.results import Row


def classification_report(
    matrix: np.ndarray, class_names: Sequence[str], rows: Sequence[Row], *, words: str = ''
) -> str:
  """The report of one head on one split.

  Args:
    matrix: counts [K, K], row = label, column = prediction.
    class_names: one per class, in the protocol's order.
    rows: what `results.classification_rows` made of the same utterances; they say where the scores
      come from, their values and their intervals.
    words: what the protocol says about itself, for a leaky one (named `..._as_published`).

  Returns:
    Lines of text; '-' stands where a value is undefined. The first line of a leaky protocol's
    report says so.
  """
  first = rows[0]
  n, k, unit = first['n'], first['k'], first['unit']
  heading = [
    '{protocol}, fold {fold}, seed {seed}: {head} on {split}'.format(**first),
    f'{n:,} utterances ({first["n_excluded"]:,} excluded), {k:,} {unit}{"" if k == 1 else "s"}',
  ]
  if first['protocol'].endswith('_as_published'):
    heading.insert(0, f'chosen on test: not an honest estimate. {words}'.rstrip())
  blocks = [
    '\n'.join(heading),
    _aligned(_per_class(matrix, class_names)),
    _aligned(_scores(rows)),
    'rows: label, columns: prediction\n' + _aligned(_counts(matrix, class_names)),
  ]
  return '\n\n'.join(blocks) + '\n'


def confusion_picture(matrix: np.ndarray, class_names: Sequence[str], title: str) -> np.ndarray:
  """The confusion matrix as an image, uint8 [H, W, 3]: count and row percent in each cell.

  The shade is the row percent, so that rare classes are seen as well as common ones. Needs
  matplotlib (extra `viz`); leaves no figure and no global state behind.
  """
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure

  matrix = np.asarray(matrix)
  k = len(matrix)
  totals = matrix.sum(1, keepdims=True)
  share = matrix / np.maximum(totals, 1)
  side = 1.6 + 0.9 * k  # inches: a cell holds '12,345' at 10 points
  figure = Figure(figsize=(side, side), dpi=100, layout='constrained')
  canvas = FigureCanvasAgg(figure)
  axes = figure.add_subplot()
  axes.imshow(share, cmap='Blues', vmin=0, vmax=1)
  for row in range(k):
    for column in range(k):
      percent = f'{share[row, column]:.1%}' if totals[row, 0] else '-'
      axes.text(column, row, f'{matrix[row, column]:,}\n{percent}', ha='center', va='center',
                fontsize=10, color='white' if share[row, column] > 0.55 else 'black')
  axes.set_xticks(range(k), class_names, rotation=45, ha='right', rotation_mode='anchor')
  axes.set_yticks(range(k), class_names)
  axes.set(xlabel='prediction', ylabel='label')
  figure.suptitle(title, fontsize=11, wrap=True)
  canvas.draw()
  return np.asarray(canvas.buffer_rgba())[..., :3].copy()


_PER_CLASS = {
  'precision': classification.precision, 'recall': classification.recall, 'f1': classification.f1}


def _per_class(matrix: np.ndarray, class_names: Sequence[str]) -> list[list[str]]:
  scores = [f(matrix) for f in _PER_CLASS.values()]
  support = classification.support(matrix)
  return [['', *_PER_CLASS, 'support']] + [
    [name, *(_digits(score[c]) for score in scores), f'{support[c]:,}']
    for c, name in enumerate(class_names)]


def _scores(rows: Sequence[Row]) -> list[list[str]]:
  table = [['', 'value', '95 % interval']]
  for row in rows:
    useful = row['ci95'] is not None and 'reason' not in row
    interval = '{:.4f} .. {:.4f}'.format(*row['ci95']) if useful else row['reason']
    table.append([row['metric'], _digits(row['value']), interval])
  return table


def _counts(matrix: np.ndarray, class_names: Sequence[str]) -> list[list[str]]:
  return [['', *class_names]] + [
    [name, *(f'{count:,}' for count in row)] for name, row in zip(class_names, matrix, strict=True)]


def _aligned(table: list[list[str]]) -> str:
  """Columns two spaces apart: the first to the left, the others to the right."""
  widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
  return '\n'.join(
    '  '.join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
    for row in table)


def _digits(value: float | None) -> str:
  return '-' if value is None or np.isnan(value) else f'{value:.4f}'
