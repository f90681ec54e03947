"""What every golden network of `mdre` holds: outputs, loss, gradients and 20 updates, in float64.

Updates are TensorFlow 1's Adam at rate 3e-3, gradients clipped to [-10, 10], as the cases say.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from emojax.io import parameters
from emojax.tasks import single_label
from emojax.train import functional, optim
from tests.parity import case as case_lib

HEAD = 'emotion'
LABELS = 'angry', 'happy', 'sad', 'neutral'
RATE, UPDATES = 3e-3, 20


def check(case: case_lib.Case, module, make, inputs):
  """Compares all; returns the features of the first forward pass, for what a case has beside.

  Args:
    module: our model's file, with its table `FROM_TF`.
    make: builds the model.
    inputs: what the model reads.
  """
  def renamed(prefix):
    return parameters.rename(case.under(prefix), module.FROM_TF, head=HEAD, transposed=False)

  graphdef, model_state = functional.graph(make), functional.init(make, jax.random.key(0))[1]
  params = parameters.fill(functional.shapes(make)[0], renamed('param/'), case.stem)
  params = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), params)
  head = single_label.Head(HEAD, LABELS, cross_entropy='sigmoid')
  labels = case.arrays['in/labels']
  target = jnp.asarray(labels.argmax(1))

  def loss(params):
    output, _ = functional.apply(graphdef, params, model_state, inputs)
    losses = head.loss(output.heads[HEAD], target)
    return head.reduce(losses, jnp.ones(len(losses))), output

  step = jax.jit(jax.value_and_grad(loss, has_aux=True))
  (value, output), gradients = step(params)
  logits = output.heads[HEAD]
  case_lib.assert_close(output.features['fused'], case.arrays['out/final'], relative=1e-9,
                        what='the fused vector')
  case_lib.assert_close(logits, case.arrays['out/logits'], relative=1e-9, what='logits')
  case_lib.assert_close(head.loss(logits, target), case.arrays['out/batch_loss'].mean(1),
                        relative=1e-9, what='losses of examples')
  case_lib.assert_close(value, case.arrays['out/loss'], relative=1e-9, what='loss')
  assert (head.decide(logits) == target).mean() == pytest.approx(case.arrays['out/accuracy'])
  wanted, found = renamed('grad/'), parameters.flatten(gradients)
  assert wanted.keys() == found.keys()
  for name, gradient in wanted.items():
    # large arrays are stored in single precision, which knows seven digits
    relative = 1e-7 if gradient.dtype == np.float32 else 1e-8
    case_lib.assert_close(found[name], gradient, relative=relative, noise=1e-14,
                          what=f'gradient of {name}')
  _check_updates(case, renamed('after20/'), step, params)
  return output.features


def _check_updates(case: case_lib.Case, wanted, step, params) -> None:
  tx = optim.build('adam_tf1', clip_value=10.0)

  @jax.jit
  def update(params, optimizer, gradients):
    direction, optimizer = tx.update(gradients, optimizer, params)
    return optax.apply_updates(params, jax.tree.map(lambda x: -RATE * x, direction)), optimizer

  optimizer, losses = tx.init(params), []
  for _ in range(UPDATES):
    (value, _), gradients = step(params)
    losses.append(float(value))
    params, optimizer = update(params, optimizer, gradients)
  case_lib.assert_close(losses, case.arrays['out/train_losses'], relative=1e-6,
                        what='losses of the updates')
  found = parameters.flatten(params)
  assert wanted
  for name, value in wanted.items():
    case_lib.assert_close(found[name], value, relative=1e-6, what=f'{name} after the updates')
