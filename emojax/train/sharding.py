"""The device mesh, and how arrays lie on it.

Members lie over 'member', batches over 'data' and 'fsdp', and parameters, with all that is kept of
them, over 'fsdp', as rules over their names say.
"""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from emojax import near
from emojax.io import parameters
from emojax.train import name_rules
from emojax.types import Array

AXES = ('member', 'data', 'fsdp')
PLACES = ('first', 'last', 'largest', 'whole')  # which axis of a parameter a rule divides
LEAST = 4096  # elements: without a rule, smaller parameters are not worth dividing


def make_mesh(member: int, data: int, fsdp: int) -> jax.sharding.Mesh:
  """A mesh with the axes `AXES`; one size may be -1, for all devices that are left.

  Sizes that multiply to fewer devices than there are take the first ones, in a single process.
  """
  sizes, devices = [member, data, fsdp], jax.devices()
  if sizes.count(-1) == 1:
    known = -int(np.prod(sizes))
    sizes[sizes.index(-1)] = max(len(devices) // max(known, 1), 1)
  count = int(np.prod(sizes))
  if min(sizes) < 1 or count > len(devices) or count < len(devices) and jax.process_count() > 1:
    raise ValueError(
      f'config.mesh: member={member}, data={data}, fsdp={fsdp} do not multiply to the '
      f'{len(devices)} devices there are; give one of them as -1.')
  return jax.make_mesh(tuple(sizes), AXES, axis_types=(AxisType.Auto,) * 3, devices=devices[:count])


def make_placement(*, rules: str = '', **sizes: int) -> 'Placement':
  """The placement that `config.mesh` describes: `make_mesh`'s sizes, and `parse`'s rules."""
  return Placement(make_mesh(**sizes), rules)


class Placement:
  """Puts host trees on a mesh, and fetches them."""

  def __init__(self, mesh: jax.sharding.Mesh, rules: str = ''):
    """`rules`: which parameters are divided over 'fsdp', see `parse`."""
    self.mesh, self._rules = mesh, parse(rules)
    self.whole = NamedSharding(mesh, PartitionSpec())
    self.members = NamedSharding(mesh, PartitionSpec('member'))
    self.batch = NamedSharding(mesh, PartitionSpec('member', ('data', 'fsdp')))

  @property
  def shards(self) -> int:
    """Into how many parts a batch is divided."""
    return self.mesh.shape['data'] * self.mesh.shape['fsdp']

  def local(self, batch_size: int) -> slice:
    """The part of a batch's rows that this process has to read."""
    if batch_size % self.shards:
      raise ValueError(f'a batch of {batch_size} does not divide over {self.shards} devices.')
    indices = self.batch.addressable_devices_indices_map((self.mesh.shape['member'], batch_size))
    spans = [index[1].indices(batch_size)[:2] for index in indices.values()]
    return slice(min(start for start, _ in spans), max(stop for _, stop in spans))

  def layout(self, state: Any) -> Any:
    """A sharding for every leaf of a `TrainState`, whose leaves may be shapes alone.

    Parameters lie as the rules say; so does what an optimizer keeps of each, and its best. All else
    is divided over members only.

    Raises:
      ValueError: if the rules do not fit the parameters.
    """
    shapes = {name: leaf.shape[1:] for name, leaf in parameters.flatten(state.params).items()}
    axes = divided(shapes, self._rules, self.mesh.shape['fsdp'])

    def one(path, leaf) -> NamedSharding:
      words = jax.tree_util.keystr(path, simple=True, separator='.').split('.')
      names = ('.'.join(words[start:]) for start in range(len(words)))
      name = next((name for name in names if shapes.get(name) == leaf.shape[1:]), None)
      if axes.get(name) is None:
        return self.members
      return NamedSharding(self.mesh, PartitionSpec('member', *[None] * axes[name], 'fsdp'))

    return jax.tree_util.tree_map_with_path(one, state)

  def lay(self, state: Any) -> Any:
    """A `TrainState`, of which every process holds all, on the mesh as `layout` says."""
    self._check_members(state)
    return self._place(state, self.layout(state))

  def replicate(self, tree: Any) -> Any:
    """Every device has all of every array."""
    return self._place(tree, self.whole)

  def spread(self, tree: Any) -> Any:
    """Arrays [M, ...], of which every process holds all, divided over the mesh's 'member' axis.

    Raises:
      ValueError: if the members do not divide over it.
    """
    self._check_members(tree)
    return self._place(tree, self.members)

  def feed(self, tree: Any) -> Any:
    """Arrays [M, b], of which this process holds its `local` rows, as global [M, B] arrays."""
    if jax.process_count() == 1:
      return jax.device_put(tree, self.batch)
    mine = self.local(self.shards)  # counted in shards

    def one(x):
      each = x.shape[1] // (mine.stop - mine.start)
      rows = lambda index: slice(*(at - mine.start * each for at in index.indices(
        each * self.shards)[:2]))
      return jax.make_array_from_callback(
        (x.shape[0], each * self.shards, *x.shape[2:]), self.batch,
        lambda index: x[(index[0], rows(index[1]), *index[2:])])

    return jax.tree.map(one, tree)

  def fetch(self, tree: Any) -> Any:
    """The arrays of a tree on the host; every process gets all of them, and has to ask."""
    return jax.device_get(tree if jax.process_count() == 1 else self._gather(tree))

  def agreed(self, answer: int) -> int:
    """What the first process answers, for all."""
    if jax.process_count() == 1:
      return answer
    return multihost_utils.broadcast_one_to_all(np.array(answer)).item()

  def wait_for_all(self, what: str) -> None:
    """Returns once every process is here."""
    if jax.process_count() > 1:
      multihost_utils.sync_global_devices(what)

  @functools.cached_property
  def _gather(self):
    return jax.jit(lambda tree: tree, out_shardings=self.whole)

  def _check_members(self, tree: Any) -> None:
    across, sizes = self.mesh.shape['member'], {len(x) for x in jax.tree.leaves(tree)}
    if any(size % across for size in sizes):
      raise ValueError(
        f'config.mesh.member={across}: {max(sizes)} members that train together do not divide over '
        f'it; choose a divisor of {max(sizes)}, or 1.')

  def _place(self, tree: Any, shardings: Any) -> Any:
    """`shardings`: one for each leaf, or for all. Every process holds all of every array."""
    if jax.process_count() == 1:
      return jax.device_put(tree, shardings)
    if isinstance(shardings, NamedSharding):
      shardings = jax.tree.map(lambda _: shardings, tree)
    return jax.tree.map(_from_whole, tree, shardings)


def _from_whole(x: Array, sharding: NamedSharding) -> jax.Array:
  """An array over several processes, each of which holds all of it."""
  if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
    words = _from_whole(jax.random.key_data(x), sharding)
    return jax.random.wrap_key_data(words, impl=jax.random.key_impl(x))
  x = np.asarray(x)
  return jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])


def parse(rules: str) -> tuple[name_rules.Rule, ...]:
  """Rules whose values are of `PLACES`: 'largest' is the largest axis that fsdp divides."""
  def place(name: str) -> str:
    if name not in PLACES:
      raise ValueError(near.hint(name, PLACES))
    return name

  expected = f'PATTERN=PLACE with a place of {", ".join(PLACES)}'
  return name_rules.parse(rules, 'config.mesh.rules', expected, place)


def divided(shapes: Mapping[str, tuple[int, ...]], rules: tuple[name_rules.Rule, ...],
            fsdp: int) -> dict[str, int | None]:
  """Parameter -> the axis that is divided over 'fsdp'; None: every device has all of it.

  Parameters without a rule are divided along their largest axis that `fsdp` divides, if they have
  at least `LEAST` elements.

  Raises:
    ValueError: for a rule that decides nothing, or an axis that `fsdp` does not divide.
  """
  axes = {name: _axis(name, shapes[name], rule, fsdp)
          for name, rule in name_rules.choose(rules, shapes).items()}
  return axes if fsdp > 1 else dict.fromkeys(axes)


def _axis(name: str, shape: tuple[int, ...], rule: name_rules.Rule | None, fsdp: int) -> int | None:
  if rule and rule.value == 'whole':
    return None
  fitting = [axis for axis, size in enumerate(shape) if size % fsdp == 0]
  largest = max(fitting, key=lambda axis: shape[axis], default=None)
  if rule is None:
    return largest if np.prod(shape) >= LEAST else None
  axis = {'first': 0, 'last': len(shape) - 1, 'largest': largest}[rule.value]
  if axis not in fitting:
    there = ('; the largest axis that it divides has size '
             f'{shape[largest]}' if fitting else '; it divides none of its axes')
    raise ValueError(f'{rule}: config.mesh.fsdp={fsdp} does not divide the {rule.value} axis of '
                     f'{name} {shape}{there}. Give {name} an earlier rule, or another fsdp.')
  return axis

