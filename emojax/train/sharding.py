"""The device mesh, and how arrays lie on it: members over 'member', batches over 'data' too."""

from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

AXES = ('member', 'data', 'fsdp')


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


class Placement:
  """Puts host trees on a mesh."""

  def __init__(self, mesh: jax.sharding.Mesh):
    self.mesh = mesh
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

  def replicate(self, tree: Any) -> Any:
    """Every device has all of every array."""
    return self._place(tree, self.whole, is_whole=True)

  def spread(self, tree: Any) -> Any:
    """Arrays [M, ...], of which every process holds all, divided over the mesh's 'member' axis.

    Raises:
      ValueError: if the members do not divide over it.
    """
    across, sizes = self.mesh.shape['member'], {len(x) for x in jax.tree.leaves(tree)}
    if any(size % across for size in sizes):
      raise ValueError(
        f'config.mesh.member={across}: {max(sizes)} members that train together do not divide over '
        f'it; choose a divisor of {max(sizes)}, or 1.')
    return self._place(tree, self.members, is_whole=True)

  def feed(self, tree: Any) -> Any:
    """Arrays [M, b], of which this process holds its `local` rows, as global [M, B] arrays."""
    return self._place(tree, self.batch, is_whole=False)

  def _place(self, tree: Any, sharding: NamedSharding, *, is_whole: bool) -> Any:
    """`is_whole`: this process holds all of every array, not its part alone."""
    if jax.process_count() == 1:
      return jax.device_put(tree, sharding)

    def one(x):
      x = np.asarray(x)
      return jax.make_array_from_process_local_data(sharding, x, x.shape if is_whole else None)

    return jax.tree.map(one, tree)
