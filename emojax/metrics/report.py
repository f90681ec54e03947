"""What a person reads: the classification report as text, and the confusion matrix as a picture."""

from collections.abc import Mapping, Sequence

import numpy as np

from emojax.metrics import classification, multi_label, results
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
  return _page(
    _heading(rows, words),
    _aligned(_per_class(
      {name: f(matrix) for name, f in _PER_CLASS.items()}, classification.support(matrix),
      class_names)),
    _aligned(_scores(rows)),
    'rows: label, columns: prediction\n' + _aligned(_counts(matrix, class_names, class_names)))


def multi_label_report(
    counts: np.ndarray, class_names: Sequence[str], rows: Sequence[Row], *, words: str = '',
    thresholds: np.ndarray | None = None,
) -> str:
  """The report of one multi-label head on one split, in the form of `classification_report`.

  Args:
    counts: [K, 2, 2], of each class; row = label no or yes, column = decision no or yes.
    rows: what `results.multi_label_rows` made of the same utterances; those of single classes
      have a table of their own, without intervals.
    thresholds: probabilities above which it decided, [K] or [N, K]; None: it has none.
  """
  support = multi_label.support(counts)
  share = [f'{s / n:.1%}' if n else '-' for s, n in zip(support, np.sum(counts, (1, 2)))]
  values, single = {row['metric']: row['value'] for row in rows}, set(
    results.of_single_classes(class_names))
  per_class = _per_class(
    {metric: [values[f'{metric}_{name}'] for name in class_names] for metric in results.OF_EACH},
    support, class_names)
  more = [['share', *share]]
  if thresholds is not None:
    more.append(['threshold', *map(_range, np.reshape(thresholds, (-1, len(class_names))).T)])
  cells = np.reshape(counts, (-1, 4))[:, ::-1]
  return _page(
    _heading(rows, words),
    _aligned([[*line, *cells] for line, *cells in zip(per_class, *more, strict=True)]),
    _aligned(_scores([row for row in rows if row['metric'] not in single])),
    'label: decision\n' + _aligned(
      _counts(cells, class_names, ['yes: yes', 'yes: no', 'no: yes', 'no: no'])))


def value_report(
    labels: np.ndarray, outputs: np.ndarray, names: Sequence[str], rows: Sequence[Row], *,
    words: str = ''
) -> str:
  """The report of predicted numbers, in the form of `classification_report`.

  Args:
    labels, outputs: numbers [N, K].
    names: of the K values.
    rows: what `results.value_rows` made of the same utterances.
  """
  table = [['', 'label mean', 'sd', 'predicted mean', 'sd']]
  for name, wanted, found in zip(names, np.transpose(labels), np.transpose(outputs), strict=True):
    table.append([name, *(_digits(f(x) if len(x) else None)
                          for x in (wanted, found) for f in (np.mean, np.std))])
  return _page(_heading(rows, words), _aligned(table), _aligned(_scores(rows)))


def confusion_picture(matrix: np.ndarray, class_names: Sequence[str], title: str) -> np.ndarray:
  """The confusion matrix as an image, uint8 [H, W, 3]: count and row percent in each cell.

  The shade is the row percent, so that rare classes are seen as well as common ones. Needs
  matplotlib (extra `viz`); leaves no figure and no global state behind.
  """
  side = _side(len(matrix))
  figure = _figure(side, side, title)
  _draw(figure.add_subplot(), matrix, class_names)
  return _pixels(figure)


def multi_label_picture(counts: np.ndarray, class_names: Sequence[str], title: str) -> np.ndarray:
  """The 2 x 2 matrices [K, 2, 2] of all classes side by side, each as in `confusion_picture`."""
  columns = min(len(counts), 3)
  lines = -(-len(counts) // columns)
  figure = _figure(columns * _side(2), lines * (_side(2) + 0.3), title)
  places = figure.subplots(lines, columns, squeeze=False).ravel()
  for axes, (matrix, name) in zip(places, zip(counts, class_names, strict=True)):
    _draw(axes, matrix, ['no', 'yes'])
    axes.set_title(name, fontsize=11)
  for axes in places[len(counts):]:
    axes.remove()
  return _pixels(figure)


def value_picture(
    labels: np.ndarray, outputs: np.ndarray, names: Sequence[str], title: str,
    bounds: tuple[float, float],
) -> np.ndarray:
  """Prediction against label, each value [N, K] for itself, as an image, uint8 [H, W, 3].

  Utterances are counted in cells of a grid, darker for more; on the line both are equal. The axes
  show `bounds`, which the labels lie in, that of the predictions as much more as these need. See
  `confusion_picture`.
  """
  from matplotlib import colors

  figure = _figure(len(names) * 4.2, 4.4, title)
  for axes, name, wanted, found in zip(
      figure.subplots(1, len(names), squeeze=False)[0], names, np.transpose(labels),
      np.transpose(outputs), strict=True):
    x, y = _edges(*bounds), _edges(min([bounds[0], *found]), max([bounds[1], *found]))
    counts, _, _ = np.histogram2d(wanted, found, bins=(x, y))
    mesh = axes.pcolormesh(x, y, np.ma.masked_equal(counts.T, 0), cmap='viridis_r',
                           norm=colors.LogNorm(1, max(counts.max(), 2)))
    figure.colorbar(mesh, ax=axes, label='utterances', format='%d')
    axes.plot(bounds, bounds, color='tab:red', linewidth=1)
    axes.set(xlabel='label', ylabel='prediction')
    axes.set_title(name, fontsize=11)
  return _pixels(figure)


def _edges(low: float, high: float) -> np.ndarray:
  """Of the cells of a grid whose first and last are around `low` and `high`."""
  half = (high - low) / 48
  return np.linspace(low - half, high + half, 26)


def _side(num_classes: int) -> float:
  return 1.6 + 0.9 * num_classes  # inches: a cell holds '12,345' at 10 points


def _figure(width: float, height: float, title: str):
  from matplotlib.figure import Figure

  figure = Figure(figsize=(width, height), dpi=100, layout='constrained')
  figure.suptitle(title, fontsize=11, wrap=True)
  return figure


def _draw(axes, matrix: np.ndarray, class_names: Sequence[str]) -> None:
  matrix = np.asarray(matrix)
  k = len(matrix)
  totals = matrix.sum(1, keepdims=True)
  share = matrix / np.maximum(totals, 1)
  axes.imshow(share, cmap='Blues', vmin=0, vmax=1)
  for row in range(k):
    for column in range(k):
      percent = f'{share[row, column]:.1%}' if totals[row, 0] else '-'
      axes.text(column, row, f'{matrix[row, column]:,}\n{percent}', ha='center', va='center',
                fontsize=10, color='white' if share[row, column] > 0.55 else 'black')
  axes.set_xticks(range(k), class_names, rotation=45, ha='right', rotation_mode='anchor')
  axes.set_yticks(range(k), class_names)
  axes.set(xlabel='prediction', ylabel='label')


def _pixels(figure) -> np.ndarray:
  from matplotlib.backends.backend_agg import FigureCanvasAgg

  canvas = FigureCanvasAgg(figure)
  canvas.draw()
  return np.asarray(canvas.buffer_rgba())[..., :3].copy()


_PER_CLASS = {
  'precision': classification.precision, 'recall': classification.recall, 'f1': classification.f1}


def _page(*blocks: str) -> str:
  return '\n\n'.join(blocks) + '\n'


def _heading(rows: Sequence[Row], words: str) -> str:
  """Where scores come from (rows of an ensemble have `members`); a leaky protocol says so first."""
  first = rows[0]
  n, k, unit = first['n'], first['k'], first['unit']
  who = f'ensemble of {first["members"]}' if 'members' in first else f'seed {first["seed"]}'
  lines = [
    '{protocol}, fold {fold}, {who}: {head} on {split}'.format(who=who, **first)
    + (f', {first["setting"]}' if 'setting' in first else ''),
    f'{n:,} utterances ({first["n_excluded"]:,} excluded), {k:,} {unit}{"" if k == 1 else "s"}',
  ]
  if first['protocol'].endswith('_as_published'):
    lines.insert(0, f'chosen on test: not an honest estimate. {words}'.rstrip())
  elif words:
    lines.insert(0, words)
  return '\n'.join(lines)


def _per_class(
    scores: Mapping[str, Sequence[float | None]], support: np.ndarray, class_names: Sequence[str],
) -> list[list[str]]:
  return [['', *scores, 'support']] + [
    [name, *(_digits(score[c]) for score in scores.values()), f'{support[c]:,}']
    for c, name in enumerate(class_names)]


def _scores(rows: Sequence[Row]) -> list[list[str]]:
  table = [['', 'value', '95 % interval']]
  for row in rows:
    useful = row['ci95'] is not None and 'reason' not in row
    interval = '{:.4f} .. {:.4f}'.format(*row['ci95']) if useful else row['reason']
    table.append([row['metric'], _digits(row['value']), interval])
  return table


def _counts(
    counts: np.ndarray, names: Sequence[str], columns: Sequence[str]) -> list[list[str]]:
  return [['', *columns]] + [
    [name, *(f'{count:,}' for count in row)] for name, row in zip(names, counts, strict=True)]


def _aligned(table: list[list[str]]) -> str:
  """Columns two spaces apart: the first to the left, the others to the right."""
  widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
  return '\n'.join(
    '  '.join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
    for row in table)


def _digits(value: float | None) -> str:
  return '-' if value is None or np.isnan(value) else f'{value:.4f}'


def _range(values: np.ndarray) -> str:
  """'0.35', or '0.30..0.45' where folds differ."""
  ends = dict.fromkeys(f'{value:.2f}' for value in (values.min(initial=1), values.max(initial=0)))
  return '..'.join(ends) if len(values) else '-'
