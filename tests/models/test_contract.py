"""What every file in emojax/models promises, at its `tiny` size; a new file is found by its name.

`CLEAN` are the better values of options that keep an original's quirks; a model takes those that it
has. With them padding, batch mates and whatever stands under a False mask change nothing.
"""

import functools
import importlib
import inspect
import pkgutil
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from emojax import models
from emojax.io import parameters
from emojax.tasks import single_label
from emojax.train import functional
from emojax.types import Stream, StreamSpec

NAMES = [module.name for module in pkgutil.iter_modules(models.__path__)]
HEADS = {'emotion': 4, 'sentiment': 3}
STREAMS = {'text': StreamSpec(6, length=5, vocabulary_size=12), 'audio': StreamSpec(4, length=7)}
EVERY = STREAMS | {'prosody': StreamSpec(2, length=1)}  # vectors: only for who requires them
QUICK = {'xla_backend_optimization_level': 0}  # compile fast, run slowly
CLEAN = dict(norm='standard', empty='zero', mask_zero_frames=False, read_padding=False,
             memory_layout='transpose', text_state='final')
# Instead of its tiny preset's: frames of fewer samples than these streams have; all is trained.
STEPS = dict(kernels=(4, 3), pools=(2, 1))
INSTEAD = {'fme_audio': STEPS, 'fme_attn': STEPS, 'fme_text_init': STEPS | {'freeze_audio': False}}

# Parameters whose true gradient is zero; what is found there is rounding.
UNSEEN = (
  (r'\.key\.bias$', 'adds the same to all scores of a query, which softmax does not see'),
  (r'_pool\.score\.output\.bias$', 'adds the same to the scores of all steps'),
  (r'^attention\.score\.bias$', 'adds the same to the scores of all times'),
  (r'^rnns\.text\.backward\.weight_recurrent$', 'makes one step, from a state of zeros'),
)

# Row 0 has all; 1 a hole in both; 2 no words; 3 no audio. Shorter than the streams may be.
TEXT = np.array([[1, 1, 1, 0], [1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]], bool)
AUDIO = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
IDS = np.array([[3, 4, 5, 0], [6, 9, 3, 7], [0, 0, 0, 0], [8, 6, 0, 0]], np.int32)
FRAMES = np.random.default_rng(0).normal(size=(4, 5, 4)) * AUDIO[..., None]
PROSODY = np.array([[True], [True], [True], [False]])
VECTORS = np.random.default_rng(1).normal(size=(4, 1, 2)) * PROSODY[..., None]
TARGETS = {'emotion': np.array([0, 1, 2, 3]), 'sentiment': np.array([2, 0, 1, 1])}


@pytest.fixture(params=NAMES)
def name(request):
  with jax.enable_x64(True):
    yield request.param


def batch():
  return {'text': Stream(IDS, TEXT), 'audio': Stream(FRAMES, AUDIO),
          'prosody': Stream(VECTORS, PROSODY)}


@functools.cache
def built(name, clean):
  """(graph, parameters and model state in float64, the streams it reads)."""
  make, streams = maker(name, clean)
  params, state = drawn(make, 0)
  return functional.graph(make), params, state, streams


def drawn(make, seed):
  """(parameters in float64, model state)."""
  params, state = functional.init(make, jax.random.key(seed))
  return jax.tree.map(lambda x: np.asarray(x, np.float64), params), state


def maker(name, clean):
  """(how the model is built, the streams it reads)."""
  module = importlib.import_module(f'emojax.models.{name}')
  known = inspect.signature(module.Model.__init__).parameters
  options = {key: value for key, value in CLEAN.items() if clean and key in known}
  options = module.PRESETS['tiny'] | INSTEAD.get(name, {}) | options
  unknown = set(module.Model.requires) - set(EVERY)
  assert not unknown, f'{name} requires {unknown}; give them a spec and values in this file'
  # without a requirement it takes what there is
  streams = {stream: EVERY[stream] for stream in module.Model.requires or STREAMS}

  def make(rngs):
    return module.Model(streams, HEADS, **options, rngs=rngs)

  return make, tuple(streams)


@functools.partial(jax.jit, static_argnums=0, compiler_options=QUICK)
def evaluated(graph, params, state, inputs):
  return functional.apply(graph, params, state, inputs)[0]


def outputs(name, inputs=None, *, clean=True):
  """Head name -> logits."""
  graph, params, state, streams = built(name, clean)
  inputs = batch() if inputs is None else inputs
  found = evaluated(graph, params, state, {stream: inputs[stream] for stream in streams})
  return {head: np.asarray(logits) for head, logits in found.heads.items()}


def padded(inputs, content=0):
  """Every stream as long as its spec says, `content` in the new places; vectors stay."""
  result = {}
  for name, stream in inputs.items():
    more = EVERY[name].length - stream.mask.shape[1]
    assert more > 0 or EVERY[name].length == 1
    wider = [(0, 0), (0, more)] + [(0, 0)] * (stream.values.ndim - 2)
    result[name] = Stream(np.pad(stream.values, wider, constant_values=content),
                          np.pad(stream.mask, wider[:2]))
  return result


def test_there_is_a_tiny_preset(name):
  assert 'tiny' in importlib.import_module(f'emojax.models.{name}').PRESETS


def test_heads_have_their_widths_and_everything_is_finite(name):
  graph, params, state, streams = built(name, False)
  found = evaluated(graph, params, state, {stream: batch()[stream] for stream in streams})
  assert {head: logits.shape for head, logits in found.heads.items()} == {
    head: (4, width) for head, width in HEADS.items()}
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))
  assert all(np.ndim(value) == 0 for value in found.aux_loss.values())


def test_in_training_the_loss_is_finite_and_reaches_every_parameter(name):
  """Among three drawn ones, since a few units of ReLU may all be silent."""
  graph, _, state, streams = built(name, False)
  # a sigmoid of each class sees a bias that all classes share, their softmax would not
  heads = [single_label.Head(head, tuple('abcd'[:width]), cross_entropy='sigmoid')
           for head, width in HEADS.items()]

  def loss(params, inputs):
    output, _ = functional.apply(graph, params, state, inputs, key=jax.random.key(1))
    return sum(head.reduce(head.loss(output.heads[head.name], TARGETS[head.name]), jnp.ones(4))
               for head in heads) + sum(output.aux_loss.values())

  step, largest = jax.jit(jax.value_and_grad(loss), compiler_options=QUICK), {}
  for seed in range(3):
    value, gradients = step(drawn(maker(name, False)[0], seed)[0],
                            {stream: batch()[stream] for stream in streams})
    assert np.isfinite(value)
    for path, gradient in parameters.flatten(gradients).items():
      assert np.isfinite(gradient).all(), path
      largest[path] = np.maximum(abs(np.asarray(gradient)), largest.get(path, 0))
  ids = set(IDS[TEXT].tolist())
  for path, gradient in largest.items():
    if any(re.search(pattern, path) for pattern, _ in UNSEEN):
      assert gradient.max() < 1e-14, f'{path} is listed as unseen'
    elif path.endswith('embedding'):
      assert set(np.flatnonzero(gradient.any(1)).tolist()) - {0} == ids, path  # 0 is padding
    else:
      assert gradient.max() > 1e-8, path


def test_a_missing_stream_is_named(name):
  graph, params, state, streams = built(name, True)
  for absent in streams:
    inputs = {stream: batch()[stream] for stream in streams if stream != absent}
    message = rf"emojax\.models\.{name} requires .*lacks \['{absent}'\]"
    with pytest.raises(ValueError, match=message):
      functional.apply(graph, params, state, inputs)


def test_every_stream_may_be_absent(name):
  for absent in (*EVERY, 'all'):
    inputs = {stream: value.replace(mask=value.mask & (absent not in (stream, 'all')))
              for stream, value in batch().items()}
    assert all(np.isfinite(logits).all() for logits in outputs(name, inputs).values()), absent


def test_padding_further_changes_nothing(name):
  short, long = outputs(name), outputs(name, padded(batch()))
  for head in HEADS:
    np.testing.assert_allclose(long[head], short[head], rtol=1e-12, atol=1e-14)


def test_permuting_the_batch_permutes_the_output(name):
  order = np.array([2, 0, 3, 1])
  straight = outputs(name)
  for head, logits in outputs(name, jax.tree.map(lambda x: x[order], batch())).items():
    np.testing.assert_allclose(logits, straight[head][order], rtol=1e-12, atol=1e-14)
  assert len(np.unique(straight['emotion'], axis=0)) == 4, 'the rows should differ'


@pytest.mark.parametrize('clean', [True, False])
@pytest.mark.parametrize('content', [np.nan, np.inf, -1e30, 3.0])
def test_what_stands_under_a_false_mask_changes_no_bit(name, content, clean):
  inputs = batch()
  ids = 11 if np.isfinite(content) else -2**31  # a word of the vocabulary, or none
  hidden = {
    'text': Stream(np.where(TEXT, IDS, ids).astype(np.int32), TEXT),
    'audio': Stream(np.where(AUDIO[..., None], FRAMES, content), AUDIO),
    'prosody': Stream(np.where(PROSODY[..., None], VECTORS, content), PROSODY),
  }
  usual, found = outputs(name, inputs, clean=clean), outputs(name, hidden, clean=clean)
  for head in HEADS:
    np.testing.assert_array_equal(found[head], usual[head])
