"""Optimizers: everything but learning rate and decoupled weight decay, which the step adds last.

Both are kept out so that members of one program can differ in them, and so that control can scale a
member's rate without touching the optimizer's state.
"""

import jax
import jax.numpy as jnp
import ml_collections
import optax

from emojax.types import Array

DECAYING = ('adamw',)


def of_config(settings: ml_collections.ConfigDict) -> optax.GradientTransformation:
  """The transformation that `config.optim` asks for."""
  left_out = 'learning_rate', 'weight_decay'  # the step's, in which members may differ
  return build(**{name: value for name, value in settings.items() if name not in left_out})


def build(
    name: str,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    clip_norm: float = 0.0,
    clip_value: float = 0.0,
) -> optax.GradientTransformation:
  """The transformation of gradients into a direction; the step takes `-learning_rate` times it.

  Args:
    name: 'adam' (PyTorch's: eps is added after the root), 'adamw' (the same, and the step decays
      weights), 'adam_tf1' (TensorFlow 1's, see `scale_by_adam_tf1`) or 'sgd'.
    clip_norm: largest global L2 norm of the gradient, by PyTorch's rule; 0: none.
    clip_value: largest absolute value of a gradient's entry, cut before its norm; 0: none.
  """
  directions = {
    'adam': optax.scale_by_adam(b1, b2, eps),
    'adamw': optax.scale_by_adam(b1, b2, eps),
    'adam_tf1': scale_by_adam_tf1(b1, b2, eps),
    'sgd': optax.identity(),
  }
  if name not in directions:
    raise ValueError(f'optim.name={name!r}; there are: {", ".join(directions)}.')
  clip = [optax.clip(clip_value)] if clip_value > 0 else []
  clip += [clip_by_torch_norm(clip_norm)] if clip_norm > 0 else []
  return optax.chain(*clip, directions[name])


def check_weight_decay(name: str, weight_decay: float) -> None:
  """Refuses a decay with an optimizer that has none."""
  if weight_decay and name not in DECAYING:
    raise ValueError(f"optim.weight_decay={weight_decay} needs optim.name='adamw', not {name!r}.")


def scale_by_adam_tf1(b1: float, b2: float, eps: float) -> optax.GradientTransformation:
  """Adam as TensorFlow 1 has it: eps is added before the bias of the root is corrected.

  Kingma and Ba, section 2, the more efficient order: m / (sqrt(v) + eps), times sqrt(1 - b2^t) /
  (1 - b1^t).
  """

  def update(updates, state, params=None):
    del params
    mu = optax.tree.update_moment(updates, state.mu, b1, 1)
    nu = optax.tree.update_moment_per_elem_norm(updates, state.nu, b2, 2)
    count = optax.safe_increment(state.count)
    factor = jnp.sqrt(1 - b2**count) / (1 - b1**count)
    directions = jax.tree.map(
      lambda m, v: factor.astype(m.dtype) * m / (jnp.sqrt(v) + eps), mu, nu)
    return directions, optax.ScaleByAdamState(count, mu, nu)

  return optax.GradientTransformation(optax.scale_by_adam(b1, b2).init, update)


def clip_by_torch_norm(largest: float) -> optax.GradientTransformation:
  """Multiplies by min(1, largest / (norm + 1e-6)), as `torch.nn.utils.clip_grad_norm_`."""

  def update(updates, state, params=None):
    del params
    factor = _clip_factor(optax.tree.norm(updates), largest)
    return optax.tree.scale(factor, updates), state

  return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _clip_factor(norm: Array, largest: float) -> Array:
  return (largest / (norm + 1e-6)).clip(max=1.0)
