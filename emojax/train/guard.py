"""What happens when a batch's loss is no longer finite, or explodes.

The step notes the first such batch without asking the host. At the next evaluation the member
stops and the batch is named; or, by config, all go back to the last checkpoint and leave the batch
out.
"""

import dataclasses

import flax.struct
import jax.numpy as jnp
import numpy as np
import optax
from clu import metrics

from emojax.types import Array, Tree

NEVER = np.iinfo(np.int32).max


@dataclasses.dataclass(frozen=True)
class Guard:
  """How one experiment reacts.

  Attributes:
    action: 'stop' the member, or 'skip' the batch.
    largest_loss: of a batch; more counts as an explosion. 0: any finite one will do.
    most_skips: batches of a member that are left out before it stops after all.
  """

  action: str = 'stop'
  largest_loss: float = 0.0
  most_skips: int = 3

  def __post_init__(self):
    if self.action not in ('stop', 'skip'):
      raise ValueError(f"config.guard.action={self.action!r}; there are: 'stop', 'skip'.")

  def is_bad(self, loss: Array, gradients: Tree) -> Array:
    """Whether a batch is to blame: for its loss, a scalar, or where it can be skipped, for these.

    A batch whose gradients are not finite ruins the parameters; the next one's loss shows it.
    """
    bad = ~jnp.isfinite(loss)
    if self.largest_loss:
      bad |= loss > self.largest_loss
    if self.action == 'skip':
      bad |= ~jnp.isfinite(optax.tree.norm(gradients))
    return bad


@flax.struct.dataclass
class FirstBad(metrics.Metric):
  """A running minimum: how many updates came before the first bad one; `NEVER` if none was."""

  updates: Array

  @classmethod
  def empty(cls) -> 'FirstBad':
    return cls(jnp.int32(NEVER))

  @classmethod
  def from_model_output(cls, bad: Array, updates: Array) -> 'FirstBad':
    return cls(jnp.where(bad, updates, NEVER).astype(jnp.int32))

  def merge(self, other: 'FirstBad') -> 'FirstBad':
    return FirstBad(jnp.minimum(self.updates, other.updates))

  def compute(self) -> Array:
    return self.updates


def planned_step(updates: int, skipped: tuple[int, ...]) -> int:
  """The planned step of the update that came after `updates` others; skipped steps made none."""
  step = updates
  for left_out in sorted(skipped):
    step += left_out <= step
  return step
