"""Optimizers: everything but learning rate and decoupled weight decay, which the step adds last.

Both are kept out so that members of one program can differ in them, and so that control can scale a
member's rate without touching the optimizer's state.
"""

import optax

from emojax.types import Array

DECAYING = ('adamw',)


def build(
    name: str,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    clip_norm: float = 0.0,
) -> optax.GradientTransformation:
  """The transformation of gradients into a direction; the step takes `-learning_rate` times it.

  Args:
    name: 'adam' (PyTorch's: eps is added after the root), 'adamw' (the same, and the step decays
      weights) or 'sgd'.
    clip_norm: largest global L2 norm of the gradient, by PyTorch's rule; 0: none.
  """
  directions = {
    'adam': optax.scale_by_adam(b1, b2, eps),
    'adamw': optax.scale_by_adam(b1, b2, eps),
    'sgd': optax.identity(),
  }
  if name not in directions:
    raise ValueError(f'optim.name={name!r}; there are: {", ".join(directions)}.')
  clip = [clip_by_torch_norm(clip_norm)] if clip_norm > 0 else []
  return optax.chain(*clip, directions[name])


def check_weight_decay(name: str, weight_decay: float) -> None:
  """Refuses a decay with an optimizer that has none."""
  if weight_decay and name not in DECAYING:
    raise ValueError(f"optim.weight_decay={weight_decay} needs optim.name='adamw', not {name!r}.")


def clip_by_torch_norm(largest: float) -> optax.GradientTransformation:
  """Multiplies by min(1, largest / (norm + 1e-6)), as `torch.nn.utils.clip_grad_norm_`."""

  def update(updates, state, params=None):
    del params
    factor = _clip_factor(optax.tree.norm(updates), largest)
    return optax.tree.scale(factor, updates), state

  return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _clip_factor(norm: Array, largest: float) -> Array:
  return (largest / (norm + 1e-6)).clip(max=1.0)
