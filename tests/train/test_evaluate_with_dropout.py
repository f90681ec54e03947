"""Dropout that stays on while evaluating, as FME has it: one draw for every utterance."""

import numpy as np
import pytest

from configs import iemocap_late_fusion_recurrent
from emojax.train import experiment, group_run, grouping, loop, progress, sharding

SEEDS = 2


@pytest.fixture(scope='module')
def predictions(data_dir):
  """Changes of the config -> test logits [M, N, K] of untrained members."""
  found = {}

  def predict(**changes):
    key = str(changes)
    if key not in found:
      config = iemocap_late_fusion_recurrent.get_config('tiny')
      config.data.path, config.mesh.data = str(data_dir), 1
      config.update_from_flattened_dict({
        'members.folds': '0', 'members.seeds': str(SEEDS), 'members.mode': 'vmap', **changes})
      opened = experiment.Experiment(config, sharding.make_placement(**config.mesh))
      trainer = group_run.Trainer(opened, loop.make_rules(config, opened), refit=False)
      group, = grouping.divide(opened.members, SEEDS)
      run = group_run.GroupRun(trainer, group, None, progress.Progress(SEEDS), [None] * SEEDS)
      state, _ = run.restore()
      answers = run.predict(state.best, 'test', range(SEEDS))
      found[key] = np.stack([logits['emotion'] for _, logits in answers])
    return found[key]

  return predict


def test_it_changes_what_is_answered_and_is_another_draw_for_each_member(predictions):
  silent, drawn = predictions(), predictions(evaluate_with_dropout=True)
  assert silent.shape == drawn.shape
  difference = drawn - silent
  assert (np.abs(difference).max(-1) > 1e-4).mean() > 0.9
  assert np.abs(difference[0] - difference[1]).max() > 1e-3


def test_an_utterance_has_its_own_masks_whatever_its_batch(predictions):
  np.testing.assert_allclose(
    predictions(evaluate_with_dropout=True),
    predictions(evaluate_with_dropout=True, **{'batch.evaluation_size': 7}), rtol=1e-4, atol=1e-5)


def test_without_it_nothing_is_drawn(predictions):
  np.testing.assert_allclose(predictions(), predictions(**{'model.dropout': 0.9}), rtol=1e-5)
