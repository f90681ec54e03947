"""PyTorch's transformer encoder behind a learned vector, whose place is then all that is read.

Source: Dai et al. 2021 (MME2E), `WrappedTransformerEncoder`. There are no positions: the order of
frames does not count.
"""

import math

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import initial, linear, post_norm
from emojax.ops import affine, attention
from emojax.types import Array


class SelfAttention(nnx.Module):
  """Multi-head attention whose queries, keys and values come from one product."""

  def __init__(self, shape: post_norm.Shape, length: int, *, rngs: nnx.Rngs):
    """`length`: the longest sequence."""
    d = shape.hidden
    xavier = math.sqrt(6 / (4 * d))  # of all three in one
    self.input = linear.Linear(d, 3 * d, bound=xavier, zero_bias=True, rngs=rngs)
    self.output = linear.Linear(d, d, zero_bias=True, rngs=rngs)
    self.dropout = dropout_lib.Dropout(shape.dropout)
    self.num_heads, self.length = shape.num_heads, length

  def __call__(self, x: Array, mask: Array, queries: int | None = None) -> Array:
    """[B, T, D], mask [B, T] -> [B, Q, D], for the first `queries` places; None: for all."""
    if queries is None:
      parts = jnp.split(self.input(x), 3, axis=-1)
    else:
      kernel, bias, d = self.input.kernel[...], self.input.bias[...], x.shape[-1]
      parts = [affine.affine(x[:, :queries], kernel[:, :d], bias[:d]),
               *jnp.split(affine.affine(x, kernel[:, d:], bias[d:]), 2, axis=-1)]
    query, key, value = (attention.split_heads(part, self.num_heads) for part in parts)
    weights = attention.weights(query, key, mask)
    weights = self.dropout(weights, time=2, pad_to={3: max(self.length, mask.shape[1])})
    return self.output(attention.join_heads(jnp.einsum('BHQS,BHSD->BHQD', weights, value)))


class Layer(nnx.Module):
  """Self-attention, then an MLP with ReLU, each added and normalised; dropout after each."""

  def __init__(self, shape: post_norm.Shape, length: int, *, rngs: nnx.Rngs):
    self.attention = SelfAttention(shape, length, rngs=rngs)
    self.after_attention = post_norm.Residual(shape)
    self.mlp = post_norm.MLP(
      shape.hidden, shape.feed_forward, shape.hidden, shape.dropout, rngs=rngs)
    self.after_mlp = post_norm.Residual(shape)

  def __call__(self, x: Array, mask: Array, queries: int | None = None) -> Array:
    """[B, T, D], mask [B, T] -> [B, Q, D], as `SelfAttention`."""
    x = self.after_attention(x[:, :queries], self.attention(x, mask, queries))
    return self.after_mlp(x, self.mlp(x))


class ClsTransformer(nnx.Module):
  """Layers over frames and a learned first vector; the last computes what stands there, no more."""

  def __init__(self, shape: post_norm.Shape, num_layers: int, length: int, identical: bool, *,
               rngs: nnx.Rngs):
    """Builds the layers.

    Args:
      length: the most frames.
      identical: all layers start as copies of one, as PyTorch's do.
    """
    if num_layers < 1:
      raise ValueError(f'num_layers={num_layers}: expected one layer or more.')
    self.cls = nnx.Param(initial.normal(1)(rngs.params(), (1, shape.hidden)))
    key = rngs.params()
    self.layers = nnx.List([
      Layer(shape, length + 1, rngs=nnx.Rngs(params=key) if identical else rngs)
      for _ in range(num_layers)])

  def __call__(self, x: Array, mask: Array) -> Array:
    """[B, T, D], mask [B, T] -> [B, D]."""
    first = affine.spread(self.cls[...][0], (len(x), 1)).astype(x.dtype)
    x = jnp.concatenate([first, x], axis=1)
    mask = jnp.pad(mask, ((0, 0), (1, 0)), constant_values=True)
    for layer in self.layers[:-1]:
      x = layer(x, mask)
    return self.layers[-1](x, mask, queries=1)[:, 0]


# The names of PyTorch's TransformerEncoder, after the path of this one.
FROM_TORCH = (
  (r'encoder\.layers\.', 'layers.'),
  (r'cls_emb\.weight$', 'cls'),
  (r'self_attn\.in_proj_weight$', 'attention.input.kernel'),
  (r'self_attn\.in_proj_bias$', 'attention.input.bias'),
  (r'self_attn\.out_proj\.', 'attention.output.'),
  (r'linear1\.', 'mlp.input.'), (r'linear2\.', 'mlp.output.'),
  (r'norm1\.', 'after_attention.norm.'), (r'norm2\.', 'after_mlp.norm.'),
  (r'norm\.weight$', 'norm.scale'), (r'norm\.bias$', 'norm.shift'),
)
