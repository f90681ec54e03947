"""Late fusion of logits: each modality decides alone, a learned weight for each joins them.

Source: Dai et al. 2021 (MME2E), `affines` and `weighted_fusion` of its baselines.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import initial, linear, modalities
from emojax.ops import masking
from emojax.types import Array, ModelOutput


class WeightedLogits(nnx.Module):
  """Linear, ReLU and linear for each modality, then a weighted sum; of one alone there is none."""

  def __init__(self, widths: Mapping[str, tuple[int, int]], heads: Mapping[str, int], *,
               rngs: nnx.Rngs):
    """`widths`: modality -> width of its vector, and of its hidden layer."""
    self.modalities = modalities.there(widths)  # in the order of the weights
    self.hidden = nnx.Dict({
      name: linear.Linear(*widths[name], rngs=rngs) for name in self.modalities})
    self.logits = nnx.Dict({
      name: nnx.Dict({head: linear.Linear(widths[name][1], out, rngs=rngs)
                      for head, out in heads.items()})
      for name in self.modalities})
    number = len(self.modalities)
    self.fusion = nnx.Dict({
      head: nnx.Param(initial.uniform(number**-0.5)(rngs.params(), (1, number)))
      for head in heads if number > 1})

  def __call__(self, vectors: Mapping[str, Array], there: Mapping[str, Array]) -> ModelOutput:
    """Modality -> [B, width]; one adds nothing where `there`, bool [B], is False."""
    hidden = {name: nnx.relu(self.hidden[name](vectors[name])) for name in self.modalities}
    alone = {name: {head: layer(hidden[name]) for head, layer in self.logits[name].items()}
             for name in self.modalities}
    heads = {}
    for head in self.logits[self.modalities[0]]:
      stacked = jnp.stack([masking.clear(alone[name][head], there[name])
                           for name in self.modalities], axis=-1)
      heads[head] = stacked @ self.fusion[head][...][0] if head in self.fusion else stacked[..., 0]
    features = {f'{head}_{name}': logits for name, found in alone.items()
                for head, logits in found.items()}
    return ModelOutput(heads=heads, features={**vectors, **features}, aux_loss={})


# The names of the authors' code.
FROM_TORCH = (
  (r'^(\w+)\.t\.', r'\1.text.'), (r'^(\w+)\.a\.', r'\1.audio.'), (r'^(\w+)\.v\.', r'\1.video.'),
  (r'^affines\.(\w+)\.0\.', r'readout.hidden.\1.'),
  (r'^affines\.(\w+)\.2\.', r'readout.logits.\1.{head}.'),
  (r'^weighted_fusion\.weight$', 'readout.fusion.{head}'),
  (r'\.weight$', '.kernel'),
)
