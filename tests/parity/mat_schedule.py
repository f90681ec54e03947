"""Save, decay-and-restore and stop for scripted accuracies."""

import pytest

from emojax.train import control
from tests.parity import case as case_lib


def check(case: case_lib.Case) -> None:
  for script in case.about['cases']:
    rules = control.Rules('wa', decay=script['lr_decay'], decay_times=script['lr_decay_times'],
                          patience=script['early_stop'], first_evaluation=script['eval_start'])
    progress, rates, actions = control.Progress(), [], []
    for accuracy in script['accuracies'][:script['max_epoch']]:
      rates.append(script['lr_base'] * control.rate_scale(rules, progress))
      progress, action = control.decide(rules, progress, accuracy)
      actions.append(action)
      if progress.stopped:
        break
    if script['error']:
      # The original looks for a better score than 0.0 and then reloads a file it never wrote. Our
      # first evaluation is always the best so far.
      assert script['accuracies'] == [0.0] and actions == [control.Action.SAVE_BEST]
      continue
    assert len(actions) == script['epochs_run']
    assert rates == pytest.approx(script['lr_per_epoch'], rel=1e-12)
    assert _epochs(actions, control.Action.SAVE_BEST) == script['saved_at_epoch']
    assert _epochs(actions, control.Action.RESTORE) == script['reloaded_after_epoch']
    assert progress.stopped == script['early_stopped']


def _epochs(actions, wanted):
  return [epoch for epoch, action in enumerate(actions, start=1) if action is wanted]
