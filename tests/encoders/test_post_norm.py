"""Blocks of MCAN, MAT and MNT: against numpy, under padding, and what their Shape refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import post_norm
from emojax.train import functional
from emojax.types import ModelOutput, Stream

B, T, H = 2, 3, 4


def shape_of(**changes):
  return post_norm.Shape(**{'hidden': H, 'feed_forward': 5, 'num_heads': 2, 'dropout': 0.5,
                            'norm': 'standard', 'empty': 'zero'} | changes)


def numpy_parameters(module):
  return jax.tree.map(np.asarray, nnx.to_pure_dict(nnx.state(module, nnx.Param)))


def dense(p, x):
  return x @ p['kernel'] + p['bias']


def softmax(scores, mask):
  weights = np.where(mask, np.exp(scores), 0)
  return weights / weights.sum(-1, keepdims=True)


def attended(p, x, source, mask, heads):
  """Loops over rows and heads."""
  query, key, value = (dense(p[name], s) for name, s in
                       (('query', x), ('key', source), ('value', source)))
  width = query.shape[-1] // heads
  result = np.zeros_like(query)
  for row in range(len(x)):
    for head in range(heads):
      mine = slice(head * width, (head + 1) * width)
      scores = query[row, :, mine] @ key[row, :, mine].T / width**0.5
      result[row, :, mine] = softmax(scores, mask[row][None]) @ value[row, :, mine]
  return dense(p['merge'], result)


@pytest.fixture
def frames():
  random = np.random.default_rng(0)
  x, source = random.normal(size=(2, B, T, H)).astype(np.float32)
  return x, source, np.array([[True, True, True], [True, True, False]])


def test_attention(frames):
  x, source, mask = frames
  layer = post_norm.Attention(shape_of(), T, rngs=nnx.Rngs(0))
  found = jax.jit(lambda *a: layer(*a))(x[:, :2], source, mask)
  np.testing.assert_allclose(
    found, attended(numpy_parameters(layer), x[:, :2], source, mask, heads=2), rtol=1e-4, atol=1e-6)


def test_self_attention_block(frames):
  x, _, mask = frames
  block = post_norm.SelfAttentionBlock(shape_of(norm='torch_std'), T, rngs=nnx.Rngs(0))
  p = numpy_parameters(block)

  def norm(y):  # scale one, shift zero, as it starts
    return (y - y.mean(-1, keepdims=True)) / (y.std(-1, ddof=1, keepdims=True) + 1e-6)

  y = norm(x + attended(p['attention'], x, x, mask, heads=2))
  y = norm(y + dense(p['mlp']['output'], np.maximum(dense(p['mlp']['input'], y), 0)))
  np.testing.assert_allclose(jax.jit(lambda *a: block(*a))(x, mask), y, rtol=1e-4, atol=1e-5)
  for name in ('after_attention', 'after_mlp'):
    np.testing.assert_array_equal(p[name]['norm']['scale'], np.ones(H))
    np.testing.assert_array_equal(p[name]['norm']['shift'], np.zeros(H))


@pytest.mark.parametrize('empty', ['zero', 'uniform'])
def test_attention_pool(frames, empty):
  x, _, mask = frames
  mask = np.concatenate([mask[1:], np.zeros((1, T), bool)])
  layer = post_norm.AttentionPool(shape_of(empty=empty), 6, rngs=nnx.Rngs(0))
  p = numpy_parameters(layer)
  score = dense(p['score']['output'], np.maximum(dense(p['score']['input'], x), 0))[..., 0]
  weights = np.stack([softmax(score[0], mask[0]), np.full(T, 1 / T if empty == 'uniform' else 0)])
  vector, found = jax.jit(lambda *a: layer(*a))(x, mask)
  np.testing.assert_allclose(found, weights, rtol=1e-5, atol=1e-7)
  np.testing.assert_allclose(vector, dense(p['merge'], np.einsum('bt,bth->bh', weights, x)),
                             rtol=1e-4, atol=1e-6)
  assert vector.shape == (B, 6)


class Training(nnx.Module):
  """A block, and a residual connection around nothing."""

  requires = ('frames',)

  def __init__(self, rngs):
    self.block = post_norm.SelfAttentionBlock(shape_of(), 6, rngs=rngs)
    self.residual = post_norm.Residual(shape_of())

  def __call__(self, inputs):
    x, mask = inputs['frames'].values, inputs['frames'].mask
    return ModelOutput({
      'block': self.block(x, mask),
      'nothing': self.residual(x, jnp.zeros_like(x)),
      'itself': self.residual(jnp.zeros_like(x), x)}, {}, {})


@jax.jit
def train(key, x, mask):
  params, state = functional.init(Training, jax.random.key(0))
  inputs = {'frames': Stream(x, mask)}
  return functional.apply(functional.graph(Training), params, state, inputs, key=key)[0].heads


def test_in_training_padding_further_changes_no_real_position_either(frames):
  x, _, mask = frames
  short = np.asarray(train(jax.random.key(3), x, mask)['block'])
  wider = [(0, 1), (0, 2)]  # a row and two steps more
  x_long, mask_long = np.pad(x, [*wider, (0, 0)], constant_values=7), np.pad(mask, wider)
  long = train(jax.random.key(3), x_long, mask_long)['block']
  np.testing.assert_allclose(long[:B, :T], short, rtol=1e-5, atol=1e-6)
  assert abs(short - train(jax.random.key(4), x, mask)['block']).max() > 0.1


def test_in_training_only_the_branch_is_dropped(frames):
  x, _, mask = frames
  found = train(jax.random.key(3), x, mask)
  centred = x - x.mean(-1, keepdims=True)
  normalised = centred / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
  np.testing.assert_allclose(found['nothing'], normalised, rtol=1e-4, atol=1e-5)
  assert abs(found['itself'] - normalised).max() > 0.1


@pytest.mark.parametrize('changes, message', [
  (dict(num_heads=3), r'num_heads=3 does not divide hidden=4\.'),
  (dict(norm='batch'), r"norm='batch'; there are: torch_std, standard, torch\."),
  (dict(empty='mean'), r"empty='mean'; there are: 'uniform', 'zero'\."),
])
def test_a_wrong_shape_is_answered(changes, message):
  with pytest.raises(ValueError, match=message):
    shape_of(**changes)
