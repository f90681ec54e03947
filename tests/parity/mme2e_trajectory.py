"""Twenty updates of MME2E's baselines by our step: Adam, clipping, the cosine schedule, float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from emojax.io import parameters
from emojax.train import functional, optim, step
from emojax.train import state as state_lib
from emojax.types import Batch
from tests.parity import case as case_lib
from tests.parity import mme2e_network
from tests.parity.mme2e_network import HEAD

KINDS = {'LF_RNN': 'lf_rnn', 'LF_Transformer': 'lf_transformer'}


def check(case: case_lib.Case) -> None:
  about, arrays = case.about, case.arrays
  if about['model'] not in KINDS:
    pytest.skip(f'{about["model"]} is not built yet')
  module, make = mme2e_network.build(KINDS[about['model']], about)
  batches = []
  while f'in/{len(batches)}/labels' in arrays:
    inputs, target = mme2e_network.batch(case, f'in/{len(batches)}/')
    batch = Batch(inputs, {HEAD: target}, jnp.ones(len(target)), jnp.arange(len(target)))
    batches.append(jax.tree.map(lambda x: x[None], batch))
  head = mme2e_network.head_of(target)
  graphdef = functional.graph(make)
  tx = optim.build('adam', clip_norm=about['clip'])
  state = state_lib.init([make], tx, [0], restores=False)
  params = jax.tree.map(
    lambda x: x[None], mme2e_network.imported(case, module, make, 'param/'))
  state = jax.tree.map(jnp.copy, state.replace(
    params=params, opt_state=jax.vmap(tx.init)(params),
    best={'params': params, 'model_state': state.model_state}))
  span = about['cosine_T_max']
  schedule = 'cosine' if span else 'constant'
  settings = step.Settings(
    learning_rate=jnp.array([about['lr']]), loss_weight={HEAD: jnp.ones(1)},
    positive_weight={HEAD: jnp.asarray(arrays['in/pos_weight'])[None]},
    span=jnp.array([span or 1.0]))
  train_step = step.make_train_step(
    graphdef, [head], tx, lambda _, feed, lengths: feed, schedule=schedule)

  @jax.jit
  def observe(params, model_state, batch):
    def loss(params):
      output, _ = functional.apply(graphdef, params, model_state, batch.inputs)
      return head.loss(output.heads[HEAD], batch.targets[HEAD],
                       settings.positive_weight[HEAD][0]).mean()

    value, gradient = jax.value_and_grad(loss)(params)
    return value, optax.tree.norm(gradient)

  seen, rates = [], []
  for number in range(about['steps']):
    batch = batches[number % len(batches)]
    seen.append(observe(*jax.tree.map(
      lambda x: x[0], (state.params, state.model_state, batch))))
    rates.append(about['lr'] * float(optim.SCHEDULES[schedule](number, span)))
    state, _ = train_step(
      state, step.zero_sums([head], members=1), None, batch, settings, jnp.array([True]), ())
  losses, norms = zip(*seen)
  case_lib.assert_close(losses, arrays['out/losses'], relative=1e-9, what='losses')
  case_lib.assert_close(norms, arrays['out/grad_norms_before_clip'], relative=1e-8, what='norms')
  assert rates == pytest.approx(arrays['out/lrs_per_group'][:, 0], rel=1e-12)
  found = parameters.flatten(state.params)
  wanted = mme2e_network.renamed(case.under('after/'), module, about['args']['modalities'])
  assert wanted.keys() == found.keys()
  for name, value in wanted.items():
    case_lib.assert_close(np.asarray(found[name])[0], value, relative=1e-6, what=name)
