"""A whole training run: Adam, clipping, decay with return to the best, early stop, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax.io import parameters
from emojax.tasks import single_label
from emojax.train import control, functional, optim, step
from emojax.train import state as state_lib
from emojax.types import Batch
from tests.parity import case as case_lib
from tests.parity import mat_network
from tests.parity.mat_network import HEAD


def check(case: case_lib.Case) -> None:
  about, arrays, config = case.about, case.arrays, case.about['config']
  train = _batches(case, 'in/train')
  evaluation = _batches(case, 'in/eval')
  num_classes = arrays['out/eval_logits'].shape[-1]
  rows = arrays['param/embedding.weight'].shape[0]
  lengths = (train[0].inputs['text'].mask.shape[2], train[0].inputs['audio'].mask.shape[2])
  module, make = mat_network.build(about, rows, lengths, num_classes)
  graphdef = functional.graph(make)
  head = single_label.Head(HEAD, tuple(map(str, range(num_classes))), reduction='sum')
  tx = optim.build('adam', clip_norm=max(config['grad_norm_clip'], 0))
  rules = control.Rules('wa', decay=config['lr_decay'], decay_times=config['lr_decay_times'],
                        patience=config['early_stop'], first_evaluation=config['eval_start'])

  state = state_lib.init([make], tx, [0], restores=rules.restores)
  params = mat_network.imported(module, make, case.under('param/'), case.stem)
  params = jax.tree.map(lambda x: jnp.asarray(x)[None], params)
  state = state.replace(params=params, opt_state=jax.vmap(tx.init)(params))
  state = state.replace(best=state_lib.snapshot(state, restores=rules.restores))
  # copies: the step donates its state, and a buffer may be donated once
  state = jax.tree.map(jnp.copy, state)

  def read(_, feed, lengths):
    return feed

  train_step = step.make_train_step(graphdef, [head], tx, read)
  eval_step = step.make_eval_step(graphdef, read)
  progress, losses, rates, accuracies = control.Progress(), [], [], []
  chosen = jnp.array([True])
  for epoch in range(config['max_epoch']):
    rate = config['lr_base'] * control.rate_scale(rules, progress)
    settings = step.Settings(jnp.array([rate]), {HEAD: jnp.ones(1)})
    for batch in train:
      sums = step.zero_sums([head], members=1)
      state, sums = train_step(state, sums, None, batch, settings, chosen, ())
      losses.append(float(sums.batch_loss.compute()[0]))
      rates.append(rate)
    logits = np.concatenate([
      eval_step(state.params, state.model_state, None, batch, ())[HEAD][0] for batch in evaluation])
    case_lib.assert_close(logits, arrays['out/eval_logits'][epoch], relative=1e-6,
                          what=f'logits after epoch {epoch + 1}')
    labels = np.concatenate([batch.targets[HEAD][0] for batch in evaluation])
    accuracies.append(100 * (logits.argmax(-1) == labels).mean())
    progress, action = control.decide(rules, progress, accuracies[-1])
    if action is control.Action.SAVE_BEST:
      state = state_lib.save_best(state, chosen)
    elif action is control.Action.RESTORE:
      state = state_lib.restore_best(state, chosen)
    if progress.stopped:
      break

  assert progress.stopped == about['early_stopped'] and epoch + 1 == about['epochs_run']
  assert accuracies == pytest.approx(arrays['out/eval_accuracy'], rel=1e-12)
  assert rates == pytest.approx(arrays['out/lr'], rel=1e-12)
  # the running metrics are float32 sums, so a loss is known to 1e-7 here; `mat/mat` cases pin it
  assert losses == pytest.approx(arrays['out/loss'], rel=1e-6)
  trees = {'out/last_param/': state.params, 'out/best_param/': state.best['params']}
  for prefix, tree in trees.items():
    found = parameters.flatten(tree)
    wanted = parameters.rename(case.under(prefix), module.FROM_TORCH, head=HEAD)
    assert wanted, prefix
    for name, value in wanted.items():
      case_lib.assert_close(found[name][0], value, relative=1e-6, what=f'{prefix}{name}')


def _batches(case: case_lib.Case, prefix: str) -> list[Batch]:
  """The batches `prefix0`, `prefix1`, ... of one member; class weights as example weights."""
  batches = []
  while f'{prefix}{len(batches)}/x' in case.arrays:
    x, y, target = (case.arrays[f'{prefix}{len(batches)}/{key}'] for key in ('x', 'y', 'target'))
    weight = case.arrays.get('in/class_weight', np.ones(target.max() + 1))[target]
    batch = Batch(mat_network.inputs(x, y), {HEAD: target}, weight, np.arange(len(target)))
    batches.append(jax.tree.map(lambda a: jnp.asarray(a)[None], batch))
  return batches
