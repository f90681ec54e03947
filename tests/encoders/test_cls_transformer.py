"""The learned first place: order does not count, nor padding, and only what is read is computed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from emojax.encoders import cls_transformer, post_norm
from emojax.io import parameters

SHAPE = post_norm.Shape(6, 10, 2, 0.0, 'torch')
X = np.random.default_rng(0).normal(size=(3, 5, 6))
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


def made(num_layers=2, identical=False):
  model = cls_transformer.ClsTransformer(SHAPE, num_layers, 5, identical, rngs=nnx.Rngs(0))
  return jax.tree.map(lambda x: x.astype(jnp.float64), model)


def test_the_last_layer_computes_the_first_place_as_if_it_computed_all():
  model = made()
  x = jnp.concatenate([jnp.broadcast_to(model.cls[...], (3, 1, 6)), X], axis=1)
  mask = jnp.asarray(np.pad(MASK, ((0, 0), (1, 0)), constant_values=True))
  for layer in model.layers:
    x = layer(x, mask)
  np.testing.assert_allclose(model(jnp.asarray(X), jnp.asarray(MASK)), x[:, 0], rtol=1e-12)


def test_neither_order_nor_what_is_masked_counts():
  model = made()
  wanted = np.asarray(model(jnp.asarray(X), jnp.asarray(MASK)))
  order = [3, 0, 4, 2, 1]
  np.testing.assert_allclose(
    model(jnp.asarray(X[:, order]), jnp.asarray(MASK[:, order])), wanted, rtol=1e-10)
  changed = np.where(MASK[..., None], X, 1e3)
  np.testing.assert_array_equal(model(jnp.asarray(changed), jnp.asarray(MASK)), wanted)
  assert len(np.unique(wanted.round(6), axis=0)) == 3  # with nothing real, the vector's own answer


def test_layers_start_alike_or_not():
  for identical in (True, False):
    first, second = (parameters.flatten(nnx.to_pure_dict(nnx.state(layer, nnx.Param)))
                     for layer in made(identical=identical).layers)
    same = all(np.array_equal(first[name], second[name]) for name in first)
    assert same == identical
  with pytest.raises(ValueError, match='num_layers=0: expected one layer or more'):
    made(0)


def test_attention_starts_as_pytorchs():
  layer = cls_transformer.SelfAttention(post_norm.Shape(300, 8, 4, 0.0), 5, rngs=nnx.Rngs(0))
  kernel, out = np.asarray(layer.input.kernel[...]), np.asarray(layer.output.kernel[...])
  assert kernel.shape == (300, 900) and not np.asarray(layer.input.bias[...]).any()
  for values, bound in ((kernel, np.sqrt(6 / 1200)), (out, 300**-0.5)):
    assert abs(values).max() <= bound
    assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.01)
