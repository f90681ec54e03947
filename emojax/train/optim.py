"""Optimizers: everything but learning rate and decoupled weight decay, which the step adds last.

Both are kept out so that members of one program can differ in them, and so that control can scale a
member's rate without touching the optimizer's state.
"""

import math

import jax
import jax.numpy as jnp
import ml_collections
import optax

from emojax.io import parameters
from emojax.train import name_rules
from emojax.types import Array, Tree

DECAYING = ('adamw',)

# (updates made, updates that it takes) -> a factor on the learning rate. 'cosine' falls to 0, and
# rises again if it goes on, as PyTorch's.
SCHEDULES = {
  'constant': lambda step, span: 1.0,
  'cosine': lambda step, span: 0.5 * (1 + jnp.cos(math.pi * step / span)),
}


def of_config(settings: ml_collections.ConfigDict) -> optax.GradientTransformation:
  """The transformation that `config.optim` asks for."""
  # the step's: members may differ in them, or they come after the direction
  left_out = 'learning_rate', 'weight_decay', 'rate_factors', 'schedule'
  return build(**{name: value for name, value in settings.items() if name not in left_out})


def rate_factors(rules: str, params: Tree) -> Tree:
  """What each parameter's learning rate is multiplied with, in the nested form of `params`.

  Args:
    rules: see `name_rules`, such as 'factors=3; text=0.1'; what no rule names has 1.

  Raises:
    ValueError: for a factor that is not a number from 0, or a rule that decides nothing.
  """
  def factor(text: str) -> float:
    if not 0 <= float(text) < math.inf:
      raise ValueError
    return float(text)

  parsed = name_rules.parse(rules, 'config.optim.rate_factors',
                            'PATTERN=FACTOR with a number from 0', factor)
  chosen = name_rules.choose(parsed, parameters.flatten(params))
  return parameters.unflatten(
    {name: rule.value if rule else 1.0 for name, rule in chosen.items()}, params)


def build(
    name: str,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    clip_norm: float = 0.0,
    clip_value: float = 0.0,
  l2: float = 0.0,
) -> optax.GradientTransformation:
  """The transformation of gradients into a direction; the step takes `-learning_rate` times it.

  Args:
    name: 'adam' (PyTorch's: eps is added after the root), 'adamw' (the same, and the step decays
      weights), 'adam_tf1' (TensorFlow 1's, see `scale_by_adam_tf1`) or 'sgd'.
    clip_norm: largest global L2 norm of the gradient, by PyTorch's rule; 0: none.
    clip_value: largest absolute value of a gradient's entry, cut before its norm; 0: none.
    l2: added to the gradient, times the parameter, after it was cut: PyTorch's `weight_decay` of
      Adam and SGD, which Adam then scales like the rest of the gradient.
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
  decay = [optax.add_decayed_weights(l2)] if l2 > 0 else []
  return optax.chain(*clip, *decay, directions[name])


def check_schedule(name: str) -> None:
  """Refuses a schedule that there is not."""
  if name not in SCHEDULES:
    raise ValueError(f'config.optim.schedule={name!r}; there are: {", ".join(SCHEDULES)}.')


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
