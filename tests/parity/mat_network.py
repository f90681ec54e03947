"""MAT's and MNT's forward pass, loss and gradients at the original's parameters, in float64."""

import jax
import jax.numpy as jnp
import numpy as np

from emojax.io import parameters
from emojax.models import mat, mnt
from emojax.tasks import multi_label, single_label
from emojax.train import functional
from emojax.types import Stream, StreamSpec
from tests.parity import case as case_lib

HEAD = 'emotion'
MODULES = {'Model_MAT': mat, 'Model_MNT': mnt}


def build(about, num_rows: int, lengths: tuple[int, int], num_classes: int):
  """(our model module, make) of the configuration that a case's json states."""
  module = MODULES[about['model']]
  config = about['config']
  streams = {
    'text': StreamSpec(config['word_embed_size'], lengths[0], vocabulary_size=num_rows),
    'audio': StreamSpec(config['audio_feat_size'], lengths[1]),
  }
  sizes = dict(hidden=config['hidden_size'], feed_forward=config['ff_size'],
               num_layers=config['layer'], num_heads=config['multi_head'],
               dropout_input=config.get('dropout_i', 0.0), dropout=config.get('dropout_r', 0.0),
               dropout_output=config.get('dropout_o', 0.0))
  return module, lambda rngs: module.Model(streams, {HEAD: num_classes}, **sizes, rngs=rngs)


def inputs(ids, frames) -> dict[str, Stream]:
  """The original's padded arrays as streams; a frame counts as real up to the last non-zero one."""
  real = np.abs(frames).sum(-1) > 0
  last = np.where(real.any(1), real.shape[1] - real[:, ::-1].argmax(1), 0)
  return {
    'text': Stream(jnp.asarray(ids), jnp.asarray(ids != 0)),
    'audio': Stream(jnp.asarray(frames), jnp.arange(frames.shape[1])[None] < last[:, None]),
  }


def imported(module, make, arrays, source: str):
  """Arrays under the original's names as our nested parameters."""
  values = parameters.rename(arrays, module.FROM_TORCH, head=HEAD)
  return parameters.fill(functional.shapes(make)[0], values, source)


def check(case: case_lib.Case) -> None:
  arrays = case.arrays
  x, y, target = arrays['in/x'], arrays['in/y'], arrays['in/target']
  module, make = build(case.about, arrays['param/embedding.weight'].shape[0],
                       (x.shape[1], y.shape[1]), case.about['ans_size'])
  graphdef, model_state = functional.graph(make), functional.init(make, jax.random.key(0))[1]
  params = imported(module, make, case.under('param/'), case.stem)
  kind = multi_label if target.ndim == 2 else single_label
  head = kind.Head(HEAD, tuple(map(str, range(case.about['ans_size']))), reduction='sum')
  if 'in/class_weight' in arrays:
    weight = arrays['in/class_weight'][target]
  else:
    weight = np.ones(len(target))

  def loss(params):
    output, _ = functional.apply(graphdef, params, model_state, inputs(x, y))
    losses = head.loss(output.heads[HEAD], jnp.asarray(target))
    return head.reduce(losses, jnp.asarray(weight)), output

  (value, output), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
  logits = output.heads[HEAD]
  case_lib.assert_close(output.features['fused'], arrays['inter/proj_norm'], relative=1e-9,
                        what='the fused vector')
  case_lib.assert_close(logits, arrays['out/logits'], relative=1e-9, what='logits')
  case_lib.assert_close(value, arrays['out/loss'], relative=1e-9, what='loss')
  np.testing.assert_array_equal(head.decide(logits), arrays['out/pred'])
  wanted = parameters.rename(case.under('grad/'), module.FROM_TORCH, head=HEAD)
  found = parameters.flatten(gradients)
  assert wanted.keys() == found.keys()
  for name, gradient in wanted.items():
    case_lib.assert_close(found[name], gradient, relative=1e-8, noise=1e-14,
                          what=f'gradient of {name}')
