"""TFN and LMF: outputs, losses, gradients and batch statistics of both modes, and 20 updates.

The golden dropout is 0 everywhere. Updates are Adam's at 1e-3, LMF's factors at 3e-3 and with an L2
penalty of 0.002, as the cases say.
"""

import jax
import jax.numpy as jnp
import numpy as np

from emojax.io import parameters
from emojax.models import lmf, tfn
from emojax.tasks import regression, single_label
from emojax.train import functional, optim
from emojax.types import Stream, StreamSpec
from tests.parity import case as case_lib

HEAD = 'sentiment'
RATE, UPDATES = 1e-3, 20
NOT_OURS = ('output_range', 'output_shift', 'num_batches_tracked')
STATISTICS = ('mean', 'variance')


def check(case: case_lib.Case) -> None:
  about, arrays = case.about, case.arrays
  module, make = _build(about, arrays)
  head = (regression.Head(HEAD, ('sentiment',), reduction='sum') if about['output_dim'] == 1 else
          single_label.Head(HEAD, tuple(map(str, range(about['output_dim']))), reduction='sum'))
  y = arrays['in/y']
  target = jnp.asarray(y if about['output_dim'] == 1 else y.argmax(1))
  inputs = {
    name: _stream(arrays[f'in/{name}']) for name in ('audio', 'video', 'text')}
  graphdef = functional.graph(make)
  params, state = _filled(case, module, make, 'param/')

  def loss(params, state, training):
    output, after = functional.apply(
      graphdef, params, state, inputs, key=jax.random.key(0) if training else None)
    losses = head.loss(output.heads[HEAD], target)
    return head.reduce(losses, jnp.ones(len(losses))), (output, after)

  step = jax.jit(jax.value_and_grad(loss, has_aux=True), static_argnums=2)
  for mode, prefix in (('eval', 'grad/'), ('train', 'grad_train/')):
    (value, (output, after)), gradients = step(params, state, mode == 'train')
    outputs = {'output': output.heads[HEAD], 'loss': value}
    if mode == 'eval':
      outputs |= {f'{name}_h': output.features[name] for name in inputs}
    for name, found in outputs.items():
      case_lib.assert_close(
        found, arrays[f'out/{mode}_{name}'], relative=1e-9, what=f'{mode} {name}')
    found = parameters.flatten(gradients)
    wanted = _renamed(case, module, prefix)
    assert wanted.keys() == found.keys()
    for name, gradient in wanted.items():
      relative = 1e-7 if gradient.dtype == np.float32 else 1e-8
      case_lib.assert_close(found[name], gradient, relative=relative, noise=1e-13,
                            what=f'{mode} gradient of {name}')
  moved = parameters.flatten(after)
  for name, value in _renamed(case, module, 'out/buffer_after_train/').items():
    case_lib.assert_close(moved[name], value, relative=1e-9, what=f'{name} after a step')
  _check_updates(case, module, step, params, state)


def _check_updates(case: case_lib.Case, module, step, params, state) -> None:
  is_lmf = module is lmf
  tx = optim.build('adam', l2=0.002 if is_lmf else 0.0)
  factors = optim.rate_factors(r'factors\.=3' if is_lmf else '', params)
  optimizer, losses = tx.init(params), []
  for _ in range(UPDATES):
    (value, (_, state)), gradients = step(params, state, True)
    losses.append(float(value))
    direction, optimizer = tx.update(gradients, optimizer, params)
    params = jax.tree.map(lambda p, d, factor: p - RATE * factor * d, params, direction, factors)
  case_lib.assert_close(losses, case.arrays['out/train_losses'], relative=1e-6,
                        what='losses of the updates')
  (_, (output, _)), _ = step(params, state, False)
  case_lib.assert_close(output.heads[HEAD], case.arrays['out/eval_output_after'], relative=1e-6,
                        what='outputs after the updates')
  found = parameters.flatten(params) | parameters.flatten(state)
  wanted = _renamed(case, module, 'out/final_param/')
  assert set(parameters.flatten(params)) <= wanted.keys()
  for name, value in wanted.items():  # stored in single precision, which knows seven digits
    case_lib.assert_close(found[name], value, relative=1e-6, what=f'{name} after the updates')


def _build(about, arrays):
  widths = dict(zip(('audio', 'video', 'text'), about['input_dims_audio_video_text'], strict=True))
  specs = {name: StreamSpec(width, arrays['in/text'].shape[1] if name == 'text' else 1)
           for name, width in widths.items()}
  audio, video, text = about['hidden_dims']
  sizes = dict(hidden_audio=audio, hidden_video=video, hidden_text=text,
               text_out=about['text_out'], dropout_text=0.0, dropout_audio=0.0, dropout_video=0.0)
  if about['original'].endswith(':LMF'):
    module, sizes = lmf, sizes | {'rank': about['rank']}
  else:
    module = tfn
    sizes |= {'post_fusion': about['post_fusion_dim'], 'dropout_post': 0.0}
    if about['output_dim'] == 1:
      sizes['bounds'] = {HEAD: (-3.0, 3.0)}
  assert not about['use_softmax']
  heads = {HEAD: about['output_dim']}
  return module, lambda rngs: module.Model(specs, heads, **sizes, rngs=rngs)


def _stream(values: np.ndarray) -> Stream:
  values = values if values.ndim == 3 else values[:, None]
  return Stream(jnp.asarray(values, jnp.float64), jnp.ones(values.shape[:2], bool))


def _renamed(case: case_lib.Case, module, prefix: str) -> dict[str, np.ndarray]:
  theirs = {name: value for name, value in case.under(prefix).items()
            if not name.endswith(NOT_OURS)}
  return parameters.rename(theirs, module.FROM_TORCH, head=HEAD)


def _filled(case: case_lib.Case, module, make, prefix: str):
  """(parameters, model state) in float64."""
  values, shapes = _renamed(case, module, prefix), functional.shapes(make)
  drawn = parameters.flatten(functional.init(make, jax.random.key(0))[1])
  statistics = {name for name in values if name.split('.')[-1] in STATISTICS}
  params = parameters.fill(
    shapes[0], {n: v for n, v in values.items() if n not in statistics}, case.stem)
  state = parameters.unflatten(
    drawn | {name: values[name] for name in statistics}, shapes[1])
  return tuple(jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), tree)
               for tree in (params, state))
