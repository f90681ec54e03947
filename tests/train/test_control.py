"""Save, restore, cut, stop: each rule by hand, and the path that `refit` repeats."""

import dataclasses
import itertools
import json

import pytest

from emojax.train import control
from emojax.train.control import Action, Progress, Rules

SAVE, KEEP, RESTORE, STOP = Action.SAVE_BEST, Action.KEEP, Action.RESTORE, Action.STOP


def run(rules, scores):
  """(progress, actions, rate scale before each evaluation), stopping where control says so."""
  progress, actions, scales = Progress(), [], []
  for score in scores:
    scales.append(control.rate_scale(rules, progress))
    progress, action = control.decide(rules, progress, score)
    actions.append(action)
    if progress.stopped:
      break
  return progress, actions, scales


def test_better_is_strictly_better():
  progress, actions, _ = run(Rules('wa'), [0.5, 0.5, 0.4, 0.6, 0.6])
  assert actions == [SAVE, KEEP, KEEP, SAVE, KEEP]
  assert (progress.best, progress.best_evaluation, progress.evaluations) == (0.6, 4, 5)


def test_the_first_score_is_the_best_so_far_whatever_it_is():
  for score in (0.0, -3.0, float('-inf')):
    assert run(Rules('wa'), [score])[1] == [SAVE]


def test_a_loss_is_best_where_it_is_least():
  rules = Rules('loss', smaller_is_better=True, patience=2)
  progress, actions, _ = run(rules, [3.0, 2.0, 2.5, 1.0, 1.0, 4.0])
  assert actions == [SAVE, SAVE, KEEP, SAVE, KEEP, STOP]
  assert (progress.best, progress.best_evaluation) == (1.0, 4)


def test_patience_counts_evaluations_since_the_best():
  rules = Rules('wa', patience=3)
  assert run(rules, [5, 4, 4, 6, 4, 4, 5, 9])[1] == [SAVE, KEEP, KEEP, SAVE, KEEP, KEEP, STOP]
  assert run(rules, [5, 4, 4, 4, 9])[0].stopped


def test_without_patience_it_never_stops():
  progress, actions, _ = run(Rules('wa'), [1.0] + [0.0] * 50)
  assert actions == [SAVE] + [KEEP] * 50 and not progress.stopped


def test_cuts_come_first_each_with_a_return_then_patience():
  rules = Rules('wa', decay=0.2, decay_times=2, patience=2)
  progress, actions, scales = run(rules, [5, 4, 6, 6, 6, 6, 9])
  assert actions == [SAVE, RESTORE, SAVE, RESTORE, KEEP, STOP]
  assert scales == pytest.approx([1, 1, 0.2, 0.2, 0.04, 0.04])
  assert (progress.decays, progress.since_best, progress.stopped) == (2, 2, True)


def test_improving_does_not_give_cuts_back_but_starts_patience_anew():
  rules = Rules('wa', decay=0.5, decay_times=1, patience=2)
  _, actions, scales = run(rules, [5, 4, 6, 5, 7, 6, 6])
  assert actions == [SAVE, RESTORE, SAVE, KEEP, SAVE, KEEP, STOP]
  assert scales == [1, 1, 0.5, 0.5, 0.5, 0.5, 0.5]


def test_cuts_without_patience_go_on_at_the_last_rate():
  _, actions, scales = run(Rules('wa', decay=0.1, decay_times=1), [1, 0, 0, 0])
  assert actions == [SAVE, RESTORE, KEEP, KEEP] and scales == pytest.approx([1, 1, 0.1, 0.1])


def test_only_rules_with_cuts_restore():
  assert Rules('wa', decay_times=1).restores and not Rules('wa', decay=0.5).restores


def test_early_evaluations_do_not_count():
  rules = Rules('wa', decay=0.5, decay_times=1, patience=1, first_evaluation=3)
  progress, actions, _ = run(rules, [9, 8, 1, 2, 1, 1])
  assert actions == [KEEP, KEEP, SAVE, SAVE, RESTORE, STOP]
  assert (progress.best, progress.best_evaluation) == (2, 4)
  assert progress.best_path == ((4, 1.0),), 'they were trained all the same'


# Each number below is (evaluation intervals, rate scale), as a person would tell the story.
@pytest.mark.parametrize('scores, best_path', [
  ([5], [(1, 1)]),
  ([5, 6, 7], [(3, 1)]),
  # back to evaluation 1 with half the rate, better after one and after two more
  ([5, 4, 6, 7], [(1, 1), (2, 0.5)]),
  # back to 2; not better; back to 2 again, and the interval at half the rate is forgotten
  ([5, 6, 4, 4, 7], [(2, 1), (1, 0.25)]),
  # better at half the rate, then back there and a quarter
  ([5, 4, 6, 4, 7, 8], [(1, 1), (1, 0.5), (2, 0.25)]),
  # cuts used up: what is not better is trained through, not undone
  ([5, 4, 6, 4, 4, 7], [(1, 1), (1, 0.5), (2, 0.25)]),
])
def test_the_path_to_the_best_leaves_out_what_a_return_undid(scores, best_path):
  rules = Rules('wa', decay=0.5, decay_times=2, patience=9)
  assert run(rules, scores)[0].best_path == tuple(best_path)


def test_the_path_replays_to_the_best():
  """Brute force: a 'model' that is the list of rates it was trained with, restored for real."""
  rules = Rules('wa', decay=0.5, decay_times=2, patience=3)
  for scores in itertools.product((1, 2, 3), repeat=7):
    progress, model, best = Progress(), [], None
    for score in scores:
      model = [*model, control.rate_scale(rules, progress)]
      progress, action = control.decide(rules, progress, score)
      if action is SAVE:
        best = model
      elif action is RESTORE:
        model = best
      if progress.stopped:
        break
    assert best == [scale for count, scale in progress.best_path for _ in range(count)]
    assert model == [scale for count, scale in progress.path for _ in range(count)]
    counts = [count for count, _ in progress.best_path]
    assert all(counts) and progress.best == max(scores[:progress.evaluations])


@pytest.mark.parametrize('smaller', [False, True])
def test_nan_is_no_score(smaller):
  progress = run(Rules('emotion/ua', smaller_is_better=smaller), [0.5])[0]
  with pytest.raises(ValueError, match=r'evaluation 2: emotion/ua is NaN; .* validation split'):
    control.decide(Rules('emotion/ua', smaller_is_better=smaller), progress, float('nan'))


def test_nan_is_no_score_before_scores_count_either():
  with pytest.raises(ValueError, match='evaluation 1: wa is NaN'):
    control.decide(Rules('wa', first_evaluation=5), Progress(), float('nan'))


def test_deciding_changes_nothing_given():
  before = run(Rules('wa'), [1.0, 0.5])[0]
  copy = dataclasses.replace(before)
  assert control.decide(Rules('wa'), before, 2.0) == control.decide(Rules('wa'), copy, 2.0)
  assert before == copy


def test_progress_goes_through_json():
  for progress in (Progress(), run(Rules('wa', decay=0.1, decay_times=2), [5, 4, 6, 4, 3])[0]):
    text = json.dumps(dataclasses.asdict(progress))
    assert Progress.from_json(json.loads(text)) == progress
    assert hash(Progress.from_json(json.loads(text))) == hash(progress), 'tuples again, no lists'



def test_the_last_evaluation_counts_where_nothing_is_chosen():
  rules = Rules('emotion/wa', choose='last')
  progress = Progress()
  for number, score in enumerate((0.5, 0.9, 0.1), 1):
    progress, action = control.decide(rules, progress, score)
    assert action is Action.SAVE_BEST and progress.best_evaluation == number
  assert progress.best == 0.1


@pytest.mark.parametrize('settings', [{'choose': 'worst'}, {'choose': 'last', 'patience': 3},
                                      {'choose': 'last', 'decay_times': 1}])
def test_refuses_to_choose_and_not_to(settings):
  with pytest.raises(ValueError, match='choose'):
    Rules('emotion/wa', **settings)
