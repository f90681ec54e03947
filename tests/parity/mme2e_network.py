"""MME2E's baselines: logits together and by modality, of a smaller batch, losses and gradients.

All in float64, without dropout. Large gradients are stored in parts: the first 256 numbers, the
sum, the sum of squares and the product with cos(0), cos(1), ...
"""

import jax
import jax.numpy as jnp
import numpy as np

from emojax.io import parameters
from emojax.models import lf_rnn, lf_transformer
from emojax.tasks import multi_label
from emojax.train import functional
from emojax.types import Stream, StreamSpec
from tests.parity import case as case_lib

HEAD = 'emotion'
LETTERS = {'t': 'text', 'a': 'audio', 'v': 'video'}
MODULES = {'lf_rnn': lf_rnn, 'lf_transformer': lf_transformer}


def check(case: case_lib.Case) -> None:
  module, make = build(case.kind.split('/')[1], case.about)
  check_answers(case, module, make, imported(case, module, make, 'param/'))


def check_answers(case: case_lib.Case, module, make, params) -> None:
  """What a model with parameters `params`, in float64, makes of a case's inputs."""
  arrays = case.arrays
  graphdef, state = functional.graph(make), functional.init(make, jax.random.key(0))[1]
  inputs, target = batch(case, 'in/')
  head = head_of(target)
  weight = jnp.asarray(arrays['in/pos_weight'])

  def loss(params, inputs, target):
    output, _ = functional.apply(graphdef, params, state, inputs)
    losses = head.loss(output.heads[HEAD], target, weight)
    return head.reduce(losses, jnp.ones(len(losses))), output

  step = jax.jit(jax.value_and_grad(loss, has_aux=True))
  (value, output), gradients = step(params, inputs, target)
  close = lambda found, name: case_lib.assert_close(
    found, arrays[f'out/{name}'], relative=1e-9, what=name)
  close(output.heads[HEAD], 'logits')
  close(value, 'loss')
  for letter, name in LETTERS.items():
    if f'out/logits_{letter}' in arrays:
      close(output.features[f'{HEAD}_{name}'], f'logits_{letter}')
    if f'out/cls_{letter}' in arrays:
      close(output.features[name], f'cls_{letter}')
  _check_gradients(case, module, parameters.flatten(gradients))
  first = jax.tree.map(lambda x: x[:2], inputs)
  longest = {name: int(stream.mask.sum(1).max()) for name, stream in first.items()}
  first = {name: jax.tree.map(lambda x, n=longest[name]: x[:, :n], stream)
           for name, stream in first.items()}
  wider = {name: jax.tree.map(lambda x: jnp.pad(x, [(0, 0), (0, 3)] + [(0, 0)] * (x.ndim - 2)),
                              stream) for name, stream in first.items()}
  for few in first, wider:  # what counts is the longest of the batch, not how far it is padded
    found, _ = functional.apply(graphdef, params, state, few)
    close(found.heads[HEAD], 'logits_first_two_alone')


def _check_gradients(case: case_lib.Case, module, found) -> None:
  def close(values, wanted, what):
    relative = 1e-7 if wanted.dtype == np.float32 else 1e-8
    case_lib.assert_close(values, wanted, relative=relative, noise=1e-14, what=what)

  modalities = case.about['args']['modalities']
  names = {name: ours for name in case.under('param/')
           for ours in renamed({name: np.zeros((1, 1))}, module, modalities)}
  whole = renamed(case.under('grad/'), module, modalities)
  for name, gradient in whole.items():
    close(found[name], gradient, f'gradient of {name}')
  parts = case.under('gradhead/')
  for theirs, head in parts.items():
    value = np.asarray(found[names[theirs]])
    value = value.T if names[theirs].endswith(parameters.TRANSPOSED) else value
    close(value.ravel()[:len(head)], head, f'gradient of {theirs}')
    flat = value.ravel()
    sums = np.array([flat.sum(), flat @ flat, flat @ np.cos(np.arange(flat.size))])
    close(sums, case.arrays[f'gradstat/{theirs}'], f'sums of the gradient of {theirs}')
  assert len(whole) + len(parts) == len(found)


def build(kind: str, about):
  """(our module, make) of the configuration that a case's json states."""
  args, module = about['args'], MODULES[kind]
  text, audio, video = args['hfc_sizes']
  widths = {'t': text, 'a': audio, 'v': video}
  streams = {LETTERS[letter]: StreamSpec(widths[letter], 100) for letter in args['modalities']}
  sizes = {}
  if kind == 'lf_transformer':
    sizes = dict(num_layers=args['trans_nlayers'], feed_forward=about['transformer_ffn_dim'],
                 dropout=0.0)
  heads = {HEAD: args['num_emotions']}
  return module, lambda rngs: module.Model(streams, heads, **sizes, rngs=rngs)


def renamed(arrays, module, modalities: str) -> dict[str, np.ndarray]:
  """By our names; the original has layers of absent modalities too, and of one alone a weight."""
  found = {name: value for name, value in arrays.items()
           if name.split('.')[1] in modalities or name.startswith('weighted') and modalities[1:]}
  return parameters.rename(found, module.FROM_TORCH, head=HEAD)


def imported(case: case_lib.Case, module, make, prefix: str):
  """Our parameters in float64."""
  return filled(make, renamed(case.under(prefix), module, case.about['args']['modalities']),
                case.stem)


def filled(make, values, source: str):
  """Parameters by our dotted paths as the model's, in float64."""
  values = parameters.fill(functional.shapes(make)[0], values, source)
  return jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), values)


def batch(case: case_lib.Case, prefix: str) -> tuple[dict[str, Stream], jnp.ndarray]:
  """(inputs, target); frames are listed one utterance after the other, words are padded."""
  arrays, inputs = case.under(prefix), {}
  if 'texts' in arrays:
    lengths = arrays['text_lens_informative']
    places = np.arange(arrays['texts'].shape[1])
    inputs['text'] = Stream(jnp.asarray(arrays['texts'], jnp.float64),
                            jnp.asarray(places < lengths[:, None]))
  for ours, theirs in (('audio', 'audio'), ('video', 'img')):
    if f'{theirs}_features' in arrays:
      frames, lengths = arrays[f'{theirs}_features'], arrays[f'{theirs}_lens']
      mask = np.arange(lengths.max()) < lengths[:, None]
      values = np.zeros((*mask.shape, frames.shape[1]))
      values[mask] = frames
      inputs[ours] = Stream(jnp.asarray(values), jnp.asarray(mask))
  return inputs, jnp.asarray(arrays['labels'])


def head_of(target) -> multi_label.Head:
  return multi_label.Head(
    HEAD, tuple(map(str, range(target.shape[1]))), over_labels='mean')
