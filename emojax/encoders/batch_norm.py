"""Batch normalisation over the real positions of a batch."""

import jax.numpy as jnp
from flax import nnx

from emojax.ops import affine, masking
from emojax.types import Array

EPS, MOMENTUM = 1e-5, 0.1


class BatchNorm(nnx.Module):
  """PyTorch's: while training by the batch's statistics, else by running ones.

  Running ones move by a tenth of the way; their variance is the unbiased one. Statistics are over
  everything that the mask calls real, on all devices; where nothing is, they stay.
  """

  def __init__(self, width: int):
    self.scale, self.shift = nnx.Param(jnp.ones(width)), nnx.Param(jnp.zeros(width))
    self.mean, self.variance = nnx.BatchStat(jnp.zeros(width)), nnx.BatchStat(jnp.ones(width))
    self.use_running_average = False  # `nnx.Module.train` and `eval` set it

  def __call__(self, x: Array, mask: Array) -> Array:
    """[..., D] with a mask [...] -> [..., D]; what stands where it is False is not read."""
    x = masking.clear(x, mask)
    mean, variance = self.mean[...].astype(x.dtype), self.variance[...].astype(x.dtype)
    if not self.use_running_average:
      mean, variance = self._of_batch(x, mask, mean, variance)
    rows = x.reshape(-1, x.shape[-1])
    factor = self.scale[...] / jnp.sqrt(variance + EPS)
    shift = self.shift[...] - mean * factor
    return (rows * affine.spread(factor, rows.shape[:1])
            + affine.spread(shift, rows.shape[:1])).reshape(x.shape)

  def _of_batch(self, x: Array, mask: Array, mean: Array, variance: Array) -> tuple[Array, Array]:
    """The batch's mean and biased variance; the running ones, which were given, move."""
    axes = tuple(range(mask.ndim))
    count = mask.sum().astype(x.dtype)
    new_mean = x.sum(axes) / count.clip(min=1)
    centred = masking.clear(x - affine.spread(new_mean, x.shape[:-1]), mask)
    new_variance = jnp.square(centred).sum(axes) / count.clip(min=1)
    unbiased = new_variance * count / (count - 1).clip(min=1)
    for running, before, now in ((self.mean, mean, new_mean), (self.variance, variance, unbiased)):
      running[...] = jnp.where(count > 0, before + MOMENTUM * (now - before), before).astype(
        running[...].dtype)
    return new_mean, new_variance


# Names of PyTorch's BatchNorm1d, after the path of the layer.
FROM_TORCH = (
  (r'norm\.weight$', 'norm.scale'), (r'norm\.bias$', 'norm.shift'),
  (r'norm\.running_mean$', 'norm.mean'), (r'norm\.running_var$', 'norm.variance'),
)
