"""What a score on a generated corpus says: how it stands to the best possible one.

The best possible scores of every set of modalities are part of such a corpus (`truth.json`, and the
metadata of what was built from it). They are known of

    one class (head emotion)          wa            `bayes_accuracy`
    a sentiment divided into classes  wa            `best_sentiment`, acc2_nonneg, acc7_away ...
    a sentiment as a number           corr, mae     `best_sentiment`
    several emotions                  ua            `best_emotions`; chance is 0.5
"""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from emojax import phrase
from emojax.metrics import results, values
from emojax.protocols import protocol as protocol_lib
from emojax.types import MODALITIES, modalities_of

# what a run keeps of a corpus' metadata to say this again later; `modalities` comes with it
KEPT = ('generated', 'statement', 'prior', 'bayes_accuracy', 'best_emotions', 'best_sentiment')
CHANCE = 'chance'

_OF_RULES = {'nonneg2': 'acc2_nonneg', 'nonzero2': 'acc2_nonzero', 'round7': 'acc7_round',
             'away7': 'acc7_away'}


@dataclasses.dataclass(frozen=True)
class Best:
  """The best possible score.

  Attributes:
    alone: that of the best single modality.
    chance: what guessing reaches.
    modalities: which tell something.
  """

  score: float
  alone: float
  chance: float
  modalities: tuple[str, ...]

  def __str__(self) -> str:
    return f'{self.score:.4f} from {phrase.listed(self.modalities)}'


def modalities_together(abouts: Sequence[Mapping[str, Any]]) -> list[str]:
  """All modalities that several runs read; none if one of the runs does not say."""
  if not all('modalities' in about for about in abouts):
    return []
  return modalities_of(name for about in abouts for name in about['modalities'])


def held_against_truth(
    rows: Sequence[results.Row], about: Mapping[str, Any],
    modalities: Sequence[str] | None = None) -> str:
  """What scores on a generated corpus say, and how they stand to the best possible ones.

  Args:
    rows: of all that is reported.
    about: what a run keeps of the corpus, see `KEPT`, and the `modalities` that its model reads.
    modalities: those that were read in fact, or names of streams; None: all in `about`.

  Returns:
    '' of a corpus that is none.
  """
  if not about.get('generated'):
    return ''
  read = modalities_of(about.get('modalities', ()) if modalities is None else modalities)
  found = [(row, best) for row in rows if row['value'] is not None
           and (best := best_of(row, about, read))]
  lines, heads = [about['statement']], {row['head'] for row, _ in found}
  lines += dict.fromkeys(_bayes_line(best) for row, best in found if row['metric'] == 'wa')
  for row, best in found:
    alike = [other for other, _ in found if (other['head'], other['metric']) == (
      row['head'], row['metric'])]
    whose = [f'seed {row["seed"]}', *([row['setting']] if 'setting' in row else [])]
    lines.append((f'{", ".join(whose)}: ' if len(alike) > 1 else '')
                 + (f'{row["head"]}/' if len(heads) > 1 else '') + _line(row, best))
    if _beats(row, best):
      lines.append('This is better than the best possible score: something leaks.')
  return '\n'.join(lines)


def best_of(
    row: results.Row, about: Mapping[str, Any], modalities: Sequence[str]) -> Best | None:
  """The best possible score of a row's head and metric from these modalities.

  Returns:
    None where it is not known, or these modalities tell nothing.
  """
  known = _known(row, about)
  telling = {name for subset in known for name in subset.split('+')} - {CHANCE}
  if set(modalities) - {*MODALITIES}:
    return None  # nobody knows what a stream of another name tells
  read = tuple(name for name in MODALITIES if name in modalities and name in telling)
  if not read or '+'.join(read) not in known:
    return None
  score, chance, single = known['+'.join(read)], known[CHANCE], [known[name] for name in read]
  alone = min(single) if values.smaller_is_better(row['metric']) else max(single)
  return None if score == chance else Best(score, alone, chance, read)


def _known(row: results.Row, about: Mapping[str, Any]) -> Mapping[str, float]:
  """Best score of a row's head and metric by set of modalities, 'chance' among them; or nothing."""
  labels, metric = protocol_lib.load(row['protocol']).labels[row['head']], row['metric']
  if labels.form == 'class':
    classes = len(about.get('prior', labels.names))  # of which the Bayes accuracy is
    is_known = (row['head'], metric) == ('emotion', 'wa') and classes == len(labels.names)
    return about.get('bayes_accuracy', {}) if is_known else {}
  if labels.form == 'several classes':
    if metric != 'ua' or not all(
        {*labels.names} <= {*scores} for scores in about.get('best_emotions', {}).values()):
      return {}
    return {CHANCE: 0.5} | {
      subset: statistics.fmean(scores[name] for name in labels.names)
      for subset, scores in about.get('best_emotions', {}).items()}
  if labels.form == 'ordered class':
    name = _OF_RULES.get(labels.rule) if metric == 'wa' else None
  else:
    name = metric if metric in ('corr', 'mae') else None
  if not name or 'sentiment' not in labels.columns:
    return {}
  return {subset: scores[name] for subset, scores in about.get('best_sentiment', {}).items()}


def _bayes_line(best: Best) -> str:
  better = f', {best.alone:.4f} from the {"better" if len(best.modalities) == 2 else "best"} one '
  return (f'Bayes accuracy, the best possible: {best}'
          + (f'{better}alone' if len(best.modalities) > 1 else '')
          + f', chance {best.chance:.4f}.')


def _line(row: results.Row, best: Best) -> str:
  is_accuracy = row['metric'] == 'wa'
  share = _judged(row, best).known_share if is_accuracy else _share(row, best)
  clusters = '{:.4f} .. {:.4f}'.format(*row['ci95']) if row['ci95'] else 'no interval'
  line = (f'{row["metric"]} {row["value"]:.4f} is {share:.2f} of what can be known'
          + ('' if is_accuracy else f' (best {best}, chance {best.chance:.4f})')
          + f'; {row["unit"]}s: {clusters} (k {row["k"]})')
  if is_accuracy:
    line += ', binomial: {:.4f} .. {:.4f} (n {:,})'.format(*_judged(row, best).ci95, row['n'])
  return line + '.'


def _judged(row: results.Row, best: Best) -> results.Judgement:
  """Of an accuracy: utterances are independent there."""
  return results.judge(
    round(row['value'] * row['n']), row['n'], best=best.score, chance=best.chance)


def _share(row: results.Row, best: Best) -> float:
  sign = -1 if values.smaller_is_better(row['metric']) else 1
  return results.known_share(sign * row['value'], sign * best.score, sign * best.chance)


def _beats(row: results.Row, best: Best) -> bool:
  """Whether the whole interval is better than the best."""
  if row['metric'] == 'wa':
    return _judged(row, best).beats_best
  if not row['ci95'] or 'reason' in row:  # of too few units
    return False
  low, high = row['ci95']
  return high < best.score if values.smaller_is_better(row['metric']) else low > best.score
