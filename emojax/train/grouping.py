"""Which members train together, in one program: `config.members.mode`.

A group saves what every program costs once: the start, the compilation, the sending of steps; on an
accelerator its members also fill a device that one small model leaves idle. On a CPU one member
fills all cores; what a group costs there, `tests/benchmarks/members_together.py` measures.
"""

from collections.abc import Callable, Sequence

import jax

from emojax.train.members import Member

MODES = ('auto', 'vmap', 'sequential')
# Of a device's memory, for what members carry from step to step; the rest is for activations.
SHARE_FOR_STATE = 0.5


def largest_group(
    mode: str, num_members: int, *, across: int, state_bytes: Callable[[], int]) -> int:
  """How many members may train together.

  Args:
    mode: 'vmap' (all), 'sequential' (one) or 'auto': as many as fit on an accelerator, one on a
      CPU.
    across: the size of the mesh's 'member' axis; above 1, members always train together.
    state_bytes: says how much a member carries from step to step, where that matters.

  Raises:
    ValueError: for a mode that there is not, or one that leaves the mesh's 'member' axis idle.
  """
  if mode not in MODES:
    raise ValueError(f'config.members.mode={mode!r}; there are: {", ".join(MODES)}.')
  if mode == 'sequential' and across > 1:
    raise ValueError(f"config.members.mode='sequential' trains one member at a time, but "
                     f"config.mesh.member={across} lays several over devices; choose one of both.")
  if mode == 'vmap':
    return num_members
  device = jax.local_devices()[0]
  if mode == 'sequential' or device.platform == 'cpu' and across == 1:
    return 1
  memory = (device.memory_stats() or {}).get('bytes_limit')
  if memory is None:
    return num_members
  fitting = int(SHARE_FOR_STATE * memory // state_bytes()) * across
  return max(min(num_members, fitting), across)


def divide(listed: Sequence[Member], largest: int) -> list[list[Member]]:
  """The members in their order, in groups of at most `largest`."""
  return [list(listed[start:start + largest]) for start in range(0, len(listed), largest)]
