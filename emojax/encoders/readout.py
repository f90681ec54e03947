"""What late fusion ends with: a vector of each modality becomes one, which linear heads read."""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import dropout as dropout_lib
from emojax.encoders import linear
from emojax.types import Array, ModelOutput

FUSIONS = ('sum', 'concatenate')


class Readout(nnx.Module):
  """Sum or concatenation, dropout, one linear layer per head."""

  def __init__(
      self,
      modalities: Sequence[str],
      width: int,
      heads: Mapping[str, int],
      fusion: str,
      dropout: float,
      *,
      rngs: nnx.Rngs,
  ):
    """`width`: of each modality's vector; `heads`: head name -> output width."""
    if fusion not in FUSIONS:
      raise ValueError(f'fusion={fusion!r}; there are: {", ".join(FUSIONS)}.')
    if not modalities:
      raise ValueError('late fusion reads at least one stream; config.streams is empty.')
    self.fusion, self.modalities = fusion, tuple(modalities)
    self.dropout = dropout_lib.Dropout(dropout)
    fused = width if fusion == 'sum' else width * len(self.modalities)
    self.heads = nnx.Dict({
      name: linear.Linear(fused, out, rngs=rngs) for name, out in heads.items()})

  def __call__(self, vectors: Mapping[str, Array]) -> ModelOutput:
    """`vectors`: modality -> [B, width]."""
    parts = [vectors[modality] for modality in self.modalities]
    fused = sum(parts) if self.fusion == 'sum' else jnp.concatenate(parts, axis=-1)
    dropped = self.dropout(fused, time=0)
    return ModelOutput(
      heads={name: head(dropped) for name, head in self.heads.items()},
      features={'fused': fused}, aux_loss={})
