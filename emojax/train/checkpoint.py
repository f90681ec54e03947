"""Checkpoints that are whole, verified, and never silently other than what was written.

Orbax writes a step atomically but restores flipped bits without a word, so a checksum of every file
of a committed step stands beside it. A step without checksums was not finished; a damaged one is
named and the newest good one is used.
"""

import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from absl import logging

from emojax.io import checksums, named_tensors, parameters
from emojax.train.state import TrainState
from emojax.types import Tree

TREES = ('params', 'model_state', 'opt_state', 'best')


class Checkpoints:
  """The checkpoints of one group of members, in one folder."""

  def __init__(self, folder: pathlib.Path, *, keep: int):
    self._folder = pathlib.Path(folder).absolute()
    self._keep = keep
    self._checkpointer = ocp.Checkpointer(ocp.CompositeCheckpointHandler())

  def save(self, step: int, state: TrainState, sums: Any, meta: Mapping[str, Any]) -> None:
    """Writes a step, then drops all but the latest `keep`.

    Args:
      sums: the running metrics since the last evaluation, a tree of arrays.
      meta: a JSON value.
    """
    folder = self._path(step)
    trees = _arrays(state) | {'sums': flax.serialization.to_state_dict(sums)}
    items = {name: ocp.args.StandardSave(tree) for name, tree in _on_host(trees).items()
             if not _is_empty(tree)}
    meta = {'parameters': _parameter_shapes(state), **meta}
    if jax.process_index() == 0:
      self._seal(step).unlink(missing_ok=True)  # saved again: until it is whole it is no checkpoint
    self._checkpointer.save(
      folder, ocp.args.Composite(meta=ocp.args.JsonSave(meta), **items), force=True)
    if jax.process_index() == 0:
      checksums.write(self._seal(step), checksums.of_folder(folder))
      self.tidy(last=step)

  def steps(self) -> list[int]:
    """The finished steps, ascending."""
    return sorted(int(p.stem) for p in self._folder.glob('[0-9]*.json') if p.stem.isdigit())

  def restore(self, like: TrainState, sums: Any,
              ) -> tuple[int, TrainState, Any, dict[str, Any]] | None:
    """The newest undamaged (step, state, sums, meta), in shapes and shardings of `like`, `sums`.

    None: there is none.

    Raises:
      ValueError: if all are damaged, or if one is of another model; its parameters are then named.
    """
    for step in self._whole():
      meta = self._read(step, {'meta': ocp.args.JsonRestore()})['meta']
      there = {name: tuple(shape) for name, shape in meta.pop('parameters').items()}
      named_tensors.check(_parameter_shapes(like), there, f'checkpoint {self._path(step)}')
      trees = _arrays(like) | {'sums': flax.serialization.to_state_dict(sums)}
      wanted = jax.tree.map(ocp.utils.to_shape_dtype_struct, trees)
      restored = {**trees, **self._read(step, {
        n: ocp.args.StandardRestore(t) for n, t in wanted.items() if not _is_empty(t)})}
      return (step, _state(restored), flax.serialization.from_state_dict(sums, restored['sums']),
              meta)
    if self.steps():
      raise ValueError(f'every checkpoint in {self._folder} is damaged; delete the folder to start '
                       'this member again.')
    return None

  def read_best(self) -> tuple[Tree, dict[str, Any]]:
    """`best` of the newest undamaged step, as numpy arrays [M, ...], and its meta.

    Raises:
      ValueError: if there is none.
    """
    for step in self._whole():
      meta = self._read(step, {'meta': ocp.args.JsonRestore()})['meta']
      folder, reader = self._path(step) / 'best', ocp.PyTreeCheckpointHandler()
      as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray),
                              reader.metadata(folder).tree)
      return reader.restore(folder, args=ocp.args.PyTreeRestore(restore_args=as_numpy)), meta
    raise ValueError(f'{self._folder} holds no checkpoint that is whole.')

  def _whole(self) -> Iterator[int]:
    """The undamaged steps, the newest first; damaged ones are named."""
    for step in reversed(self.steps()):
      if damage := self.damage(step):
        logging.warning('checkpoint %s is damaged (%s); trying the one before.',
                        self._path(step), damage)
      else:
        yield step

  def damage(self, step: int) -> str:
    """What is wrong with a step's files; empty if nothing."""
    try:
      sums = checksums.read(self._seal(step))
    except ValueError as error:
      return str(error)
    return '; '.join(f'{name} {wrong}'
                     for name, wrong in checksums.damage(self._path(step), sums).items())

  def tidy(self, last: int | None = None) -> None:
    """Drops all but the latest `keep` steps until `last`, and what a killed process has left.

    Later steps than `last` are damaged, or undone.
    """
    kept = [step for step in self.steps() if last is None or step <= last][-self._keep:]
    for step in {*self.steps()} - {*kept}:
      self._seal(step).unlink()
    for path in self._folder.glob('*'):
      if path.is_dir() and path.name not in map(str, kept):
        shutil.rmtree(path)

  def _read(self, step: int, args: Mapping[str, Any]) -> Mapping[str, Any]:
    return self._checkpointer.restore(self._path(step), ocp.args.Composite(**args))

  def _path(self, step: int) -> pathlib.Path:
    return self._folder / str(step)

  def _seal(self, step: int) -> pathlib.Path:
    return self._folder / f'{step}.json'


def _parameter_shapes(state: TrainState) -> dict[str, tuple[int, ...]]:
  return {name: tuple(leaf.shape) for name, leaf in parameters.flatten(state.params).items()}


def _is_empty(tree: Tree) -> bool:
  """Whether nothing is to be written: a model without dropout has no state, for one."""
  return not jax.tree.leaves(tree)


def _arrays(state: TrainState) -> dict[str, Any]:
  return {name: getattr(state, name) for name in TREES} | {
    'counters': {'step': state.step, 'key': state.key}}


def _on_host(tree: Tree) -> Tree:
  """What this process can read whole, as numpy arrays; keys, and what only several have, stay.

  Orbax would cut each array that several devices have among them, which for parameters of our sizes
  takes eight times as long as to write them.
  """
  leaves, structure = jax.tree.flatten(tree)
  whole = {n: leaf for n, leaf in enumerate(leaves)
           if (leaf.is_fully_addressable or leaf.is_fully_replicated)
           and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)}
  leaves = dict(enumerate(leaves)) | jax.device_get(whole)  # all at once: none waits for another
  return jax.tree.unflatten(structure, leaves.values())


def _state(items: Mapping[str, Any]) -> TrainState:
  return TrainState(**{name: items[name] for name in TREES}, **items['counters'])
