"""The FME models at the original's parameters, with the dropout masks of a case that has them."""

import jax
import jax.numpy as jnp
from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import fme, tf_readout
from emojax.io import parameters
from emojax.models import fme_attn, fme_audio, fme_text, fme_text_init
from emojax.train import functional
from emojax.types import ModelOutput, Stream, StreamSpec
from tests.parity import case as case_lib
from tests.parity import mdre_network
from tests.parity.mdre_network import HEAD

HEADS = {HEAD: len(mdre_network.LABELS)}


def check(case: case_lib.Case) -> None:
  module, make = _module_and_make(case)
  inputs = _inputs(case.arrays)
  features = mdre_network.check(case, module, make, inputs)
  values = parameters.rename(case.under('param/'), module.FROM_TF, head=HEAD, transposed=False)
  params = parameters.fill(functional.shapes(make)[0], values, case.stem)
  params = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), params)
  graphdef, model_state = functional.graph(make), functional.init(make, jax.random.key(0))[1]

  @jax.jit
  def intermediates(params):
    return _intermediates(case, nnx.merge(graphdef, params, model_state), inputs, features)

  found = intermediates(params)
  for name, value in found.items():
    # the states of 128 steps are stored in single precision, which knows seven digits
    case_lib.assert_close(value, case.arrays[f'out/{name}'], what=name,
                          relative=1e-7 if name == 'hidden_states' else 1e-9)
  known = {'final', 'logits', 'batch_loss', 'loss', 'accuracy', 'train_losses'}
  assert known | found.keys() == case.under('out/').keys()


def _intermediates(case, model, inputs, features) -> dict[str, jax.Array]:
  """What a case has of its network beside the answer, by the case's names."""
  _attach(case, model)
  if case.kind in ('mdre/fme_text', 'mdre/fme_text_init'):
    initial = inputs['initial'].values[:, 0] if 'initial' in inputs else None
    outputs, _ = model.text.stack(*model.text.words(inputs['text']), initial)
    return {'hidden_states': outputs.swapaxes(1, 2)}
  outputs = model.audio(inputs['audio']).values.swapaxes(1, 2)
  if case.kind == 'mdre/fme_audio':
    return {'hidden_states': outputs, 'cnn': model.audio.waveform(inputs['audio']).values}
  [drop], attention = model.text.stack.output_dropouts, features['attention']
  return {'audio_hidden_states': outputs,
          'hidden_states': drop(features['states']).swapaxes(1, 2),
          'attention_step1': attention[:, 1], 'attention_step127': attention[:, 127]}


class TextFromState(nnx.Module):
  """The text's part of `fme_text_init`, which alone the case has, from a given state."""

  requires = ('text', 'initial')

  def __init__(self, streams, heads, *, hidden: int, rngs: nnx.Rngs):
    self.text = fme.Text(streams['text'], hidden, 0.0, True, rngs=rngs)
    self.readout = tf_readout.Readout(hidden, heads, rngs=rngs)

  def __call__(self, inputs):
    fused = self.text.last(inputs['text'], inputs['initial'].values[:, 0])
    return ModelOutput(heads=self.readout(fused), features={'fused': fused}, aux_loss={})


def _module_and_make(case: case_lib.Case):
  """(our model's file, what builds it in the sizes of the case)."""
  config, arrays = case.about['config'], case.arrays
  streams, hidden = {}, config['H']
  if 'in/text' in arrays:
    words, width = arrays['param/embedding_layer/embed_matrix'].shape
    streams['text'] = StreamSpec(width, arrays['in/text'].shape[1], vocabulary_size=words)
  if 'in/audio' in arrays:
    streams['audio'] = StreamSpec(1, arrays['in/audio'].shape[1])
    stages = dict(filters=config['nf'], kernels=config['fl'], pools=config['pool'])
  if case.kind == 'mdre/fme_text':
    module, model, sizes = fme_text, fme_text.Model, dict(hidden=hidden, dropout=0.0)
  elif case.kind == 'mdre/fme_text_init':
    module, model, sizes = fme_text_init, TextFromState, dict(hidden=hidden)
  elif case.kind == 'mdre/fme_audio':
    module, model = fme_audio, fme_audio.Model
    sizes = dict(hidden=hidden, num_layers=config['layers'], dropout=0.0, **stages)
  else:
    module, sizes = fme_attn, dict(hidden_audio=hidden, hidden_text=hidden, **stages)
    sizes |= {f'dropout_{part}': 1 - config.get(f'keep_{part}', 1) for part in ('audio', 'text')}

    class model(fme_attn.Model):

      def __call__(self, inputs):
        _attach(case, self)
        return super().__call__(inputs)

  return module, lambda rngs: model(streams, HEADS, **sizes, rngs=rngs)


def _inputs(arrays) -> dict[str, Stream]:
  found = {}
  if 'in/text' in arrays:
    ids = jnp.asarray(arrays['in/text'])
    found['text'] = Stream(ids, ids != 0)
  for name, key, axis in (('audio', 'audio', 2), ('initial', 'initial_hidden_state', 1)):
    if f'in/{key}' in arrays:
      values = jnp.expand_dims(jnp.asarray(arrays[f'in/{key}'], jnp.float64), axis)
      found[name] = Stream(values, jnp.ones(values.shape[:2], bool))
  return found


class _Masks:
  """A tape that hands out the masks of a case, which stand [T, B, D] there."""

  def __init__(self, arrays):
    self._arrays = arrays

  def take(self, name: str, steps: int, width: int) -> jax.Array:
    part, _, place, _ = name.split('/')  # such as text/stack/input_dropouts/0
    side = {'input_dropouts': 'in', 'output_dropouts': 'out'}[place]
    kept = jnp.asarray(self._arrays[f'in/mask_{part}_{side}'] != 0).swapaxes(0, 1)
    assert kept.shape[1:] == (steps, width), name
    return kept


def _attach(case: case_lib.Case, model: nnx.Module) -> None:
  """Lets `model` drop what the case drops, at rates that are exact in double precision."""
  if 'in/mask_text_in' not in case.arrays:
    return
  dropout_lib.attach(model, _Masks(case.arrays))
  for path, layer in nnx.iter_modules(model):
    if isinstance(layer, dropout_lib.Dropout):
      layer.rate = dropout_lib.Rate(jnp.float64(1 - case.about['config'][f'keep_{path[0]}']))
