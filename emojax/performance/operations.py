"""How many operations the matrix products and convolutions of a program take, loops and all.

The compiler's own count (`cost_analysis`) takes the body of a loop once, however often it turns; of
an LSTM it misses nearly everything.
"""

import math
from collections.abc import Iterator
from typing import Any

from jax.extend import core


def flops(jaxpr: core.Jaxpr) -> int | None:
  """Multiplications and additions in one run, on all devices together.

  Args:
    jaxpr: of a traced function: `jitted.trace(...).jaxpr.jaxpr`.

  Returns:
    Their number; of branches, the costliest counts. None if there are some in what runs nobody
    knows how often: a while loop, a kernel of one's own.
  """
  found = 0
  for eqn in jaxpr.eqns:
    name = eqn.primitive.name
    if name == 'dot_general':
      (contracted, _), _ = eqn.params['dimension_numbers']
      sizes = eqn.invars[0].aval.shape
      found += 2 * eqn.outvars[0].aval.size * math.prod(sizes[axis] for axis in contracted)
    elif name == 'conv_general_dilated':
      kernel = eqn.invars[1].aval.shape  # with what a dilation puts between, which is zero
      out = eqn.params['dimension_numbers'].rhs_spec[0]
      found += 2 * eqn.outvars[0].aval.size * math.prod(kernel) // kernel[out]
    else:
      inside = [flops(inner) for inner in _inside(eqn.params)]
      if None in inside or name in ('while', 'pallas_call') and any(inside):
        return None
      times = 1
      if name == 'scan':
        times = eqn.params['length']
      elif name == 'shard_map':  # what is inside, each device does
        times = math.prod(eqn.params['mesh'].shape.values())
      found += times * (max(inside, default=0) if name == 'cond' else sum(inside))
  return found


def _inside(params: dict[str, Any]) -> Iterator[core.Jaxpr]:
  """The functions that an instruction calls."""
  for value in params.values():
    for one in value if isinstance(value, (list, tuple)) else [value]:
      if isinstance(one, core.ClosedJaxpr):
        yield one.jaxpr
      elif isinstance(one, core.Jaxpr):
        yield one
