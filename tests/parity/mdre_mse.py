"""The four MSE models at the original's parameters; sizes are those of the case's arrays."""

import jax.numpy as jnp

from emojax.models import mse_are, mse_mdre, mse_mdrea, mse_tre
from emojax.types import Stream, StreamSpec
from tests.parity import case as case_lib
from tests.parity import mdre_network

MODULES = {
  'mdre/mse_are': mse_are,
  'mdre/mse_mdre': mse_mdre,
  'mdre/mse_mdrea': mse_mdrea,
  'mdre/mse_tre': mse_tre,
}


def check(case: case_lib.Case) -> None:
  module, inputs = MODULES[case.kind], _inputs(case.arrays)
  sizes = _sizes(case)

  def make(rngs):
    return module.Model(_specs(case.arrays), {mdre_network.HEAD: 4}, **sizes, rngs=rngs)

  features = mdre_network.check(case, module, make, inputs)
  if 'out/attention' in case.arrays:
    case_lib.assert_close(features['attention'], case.arrays['out/attention'], relative=1e-9,
                          what='attention')


def _inputs(arrays) -> dict[str, Stream]:
  found = {}
  for name, values, lengths in (('audio', 'mfcc', 'mfcc_seq'), ('text', 'text', 'text_seq')):
    if f'in/{values}' in arrays:
      array = jnp.asarray(arrays[f'in/{values}'])
      real = jnp.arange(array.shape[1])[None] < arrays[f'in/{lengths}'][:, None]
      array = array if name == 'text' else array.astype(jnp.float64)
      found[name] = Stream(array, real)
  if 'in/prosody' in arrays:
    vector = jnp.asarray(arrays['in/prosody'], jnp.float64)[:, None]
    found['prosody'] = Stream(vector, jnp.ones(vector.shape[:2], bool))
  return found


def _specs(arrays) -> dict[str, StreamSpec]:
  found = {}
  if 'in/mfcc' in arrays:
    _, length, width = arrays['in/mfcc'].shape
    found['audio'] = StreamSpec(width, length)
    found['prosody'] = StreamSpec(arrays['in/prosody'].shape[1], 1)
  if 'in/text' in arrays:
    words, width = arrays['param/embed_layer/embed_matrix'].shape
    found['text'] = StreamSpec(width, arrays['in/text'].shape[1], vocabulary_size=words)
  return found


def _sizes(case: case_lib.Case) -> dict[str, int]:
  """Hidden sizes and numbers of layers, read from the names and shapes of the variables."""
  found = {}
  several = 'in/mfcc' in case.arrays and 'in/text' in case.arrays
  for name in ('audio', 'text'):
    biases = case.under(f'param/{name}_GRU/rnn/multi_rnn_cell/')
    biases = [bias for path, bias in biases.items() if path.endswith('candidate/bias')]
    if biases:
      suffix = f'_{name}' if several else ''
      found |= {f'hidden{suffix}': len(biases[0]), f'num_layers{suffix}': len(biases),
                f'dropout{suffix}': 0.0}
  return found
