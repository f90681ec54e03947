"""Blocks of the post-norm transformer that MCAN, MAT and MNT are made of.

Source: Yu et al., "Deep Modular Co-Attention Networks" (CVPR 2019); Delbrouck et al., "Modulated
Fusion using Transformer" (NLPBT 2020). Sizes are spelled as there: `hidden` H, `feed_forward` F.
"""

import dataclasses
import functools

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import linear
from emojax.ops import affine, attention, masking, normalise
from emojax.types import Array

NORMS = {'torch_std': normalise.torch_std, 'standard': normalise.standard,
         'torch': functools.partial(normalise.standard, eps=1e-5)}  # PyTorch's LayerNorm


@dataclasses.dataclass(frozen=True)
class Shape:
  """What all blocks of one network share."""

  hidden: int
  feed_forward: int
  num_heads: int
  dropout: float  # on attention weights, on residual branches and inside every MLP
  norm: str = 'torch_std'  # the originals divide by (unbiased std + eps); 'standard' is usual
  empty: str = 'uniform'  # what attention gives where nothing is real, see `ops.masking.softmax`

  def __post_init__(self):
    if self.hidden % self.num_heads:
      raise ValueError(f'num_heads={self.num_heads} does not divide hidden={self.hidden}.')
    if self.norm not in NORMS:
      raise ValueError(f'norm={self.norm!r}; there are: {", ".join(NORMS)}.')
    if self.empty not in ('uniform', 'zero'):
      raise ValueError(f"empty={self.empty!r}; there are: 'uniform', 'zero'.")


class Norm(nnx.Module):
  """Layer norm over the last axis, of the kind that `shape.norm` names."""

  def __init__(self, width: int, shape: Shape):
    self.scale = nnx.Param(jnp.ones(width))
    self.shift = nnx.Param(jnp.zeros(width))
    self.function = shape.norm

  def __call__(self, x: Array, more: tuple[Array, Array] | None = None) -> Array:
    """`more`: what is added to scale and shift [B, H], the same for all steps of an example."""
    if more:
      scale, shift = (affine.repeat(p[...][None] + m, x.shape[1])
                      for p, m in zip((self.scale, self.shift), more))
    else:
      scale, shift = (affine.spread(p[...], x.shape[:-1]) for p in (self.scale, self.shift))
    return NORMS[self.function](x, scale, shift)


class MLP(nnx.Module):
  """Linear, ReLU, dropout, linear."""

  def __init__(self, width: int, middle: int, out: int, dropout: float, *, rngs: nnx.Rngs):
    self.input = linear.Linear(width, middle, rngs=rngs)
    self.dropout = dropout_lib.Dropout(dropout)
    self.output = linear.Linear(middle, out, rngs=rngs)

  def __call__(self, x: Array) -> Array:
    return self.output(self.dropout(nnx.relu(self.input(x))))


class Attention(nnx.Module):
  """Multi-head attention with separate, biased projections; only sources are masked."""

  def __init__(self, shape: Shape, source_length: int, *, rngs: nnx.Rngs):
    self.query = linear.Linear(shape.hidden, shape.hidden, rngs=rngs)
    self.key = linear.Linear(shape.hidden, shape.hidden, rngs=rngs)
    self.value = linear.Linear(shape.hidden, shape.hidden, rngs=rngs)
    self.merge = linear.Linear(shape.hidden, shape.hidden, rngs=rngs)
    self.dropout = dropout_lib.Dropout(shape.dropout)
    self.num_heads, self.empty, self.source_length = shape.num_heads, shape.empty, source_length

  def __call__(self, x: Array, source: Array, mask: Array) -> Array:
    """Queries from `x` [B, Q, H] over `source` [B, S, H], masked by `mask` [B, S] -> [B, Q, H]."""
    parts = self.query(x), self.key(source), self.value(source)
    query, key, value = (attention.split_heads(part, self.num_heads) for part in parts)
    weights = attention.weights(query, key, mask, empty=self.empty)
    weights = self.dropout(weights, time=2, pad_to={3: max(self.source_length, mask.shape[1])})
    return self.merge(attention.join_heads(jnp.einsum('BHQS,BHSD->BHQD', weights, value)))


class Residual(nnx.Module):
  """norm(x + dropout(branch))."""

  def __init__(self, shape: Shape):
    self.dropout = dropout_lib.Dropout(shape.dropout)
    self.norm = Norm(shape.hidden, shape)

  def __call__(
      self, x: Array, branch: Array, more: tuple[Array, Array] | None = None) -> Array:
    return self.norm(x + self.dropout(branch), more)


class SelfAttentionBlock(nnx.Module):
  """Self-attention, then an MLP, each added and normalised."""

  def __init__(self, shape: Shape, length: int, *, rngs: nnx.Rngs):
    self.attention = Attention(shape, length, rngs=rngs)
    self.after_attention = Residual(shape)
    self.mlp = MLP(shape.hidden, shape.feed_forward, shape.hidden, shape.dropout, rngs=rngs)
    self.after_mlp = Residual(shape)

  def __call__(self, x: Array, mask: Array, modulation: Array | None = None) -> Array:
    """`modulation` [B, 4H] is added to scale and shift of the first norm, then of the second."""
    first = second = None
    if modulation is not None:
      *first, scale, shift = jnp.split(modulation, 4, axis=-1)
      second = scale, shift
    x = self.after_attention(x, self.attention(x, x, mask), first)
    return self.after_mlp(x, self.mlp(x), second)


class AttentionPool(nnx.Module):
  """A learned weighted mean over time ("AttFlat", one glimpse), then linear to `width`."""

  def __init__(self, shape: Shape, width: int, *, rngs: nnx.Rngs):
    self.score = MLP(shape.hidden, shape.feed_forward, 1, shape.dropout, rngs=rngs)
    self.merge = linear.Linear(shape.hidden, width, rngs=rngs)
    self.empty = shape.empty

  def __call__(self, x: Array, mask: Array) -> tuple[Array, Array]:
    """[B, T, H] -> ([B, width], the weights [B, T])."""
    weights = masking.softmax(self.score(x)[..., 0], mask, empty=self.empty)
    return self.merge(jnp.einsum('BT,BTH->BH', weights, x)), weights


# The names of an original's state dict, rewritten from the top down into paths of these modules; a
# model puts its own rows before them.
FROM_TORCH = (
  (r'^enc_list\.(\d+)\.', r'encoder.\1.'),
  (r'^dec_list\.(\d+)\.', r'decoder.\1.'),
  (r'\.mhatt\.', '.attention.'),
  (r'\.norm1\.', '.after_attention.norm.'),
  (r'\.norm2\.', '.after_mlp.norm.'),
  (r'\.ffn\.mlp\.', '.mlp.'),
  (r'^attflat_lang\.', 'text_pool.'),
  (r'^attflat_img\.', 'audio_pool.'),
  (r'_pool\.mlp\.', '_pool.score.'),
  (r'\.linear_v\.', '.value.'),
  (r'\.linear_k\.', '.key.'),
  (r'\.linear_q\.', '.query.'),
  (r'\.linear_merge\.', '.merge.'),
  (r'\.fc\.linear\.', '.input.'),
  (r'\.(mlp|score)\.linear\.', r'.\1.output.'),
  (r'^proj_norm\.', 'norm.'),
  (r'^proj\.', 'heads.{head}.'),
  (r'\.a_2$', '.scale'),
  (r'\.b_2$', '.shift'),
  (r'\.weight$', '.kernel'),
)
