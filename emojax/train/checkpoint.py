"""Checkpoints that are whole, verified, and never silently other than what was written.

Orbax writes a step atomically but restores flipped bits without a word, so a checksum of every file
of a committed step stands beside it. A step without checksums was not finished; a damaged one is
named and the newest good one is used.
"""

import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import jax
import orbax.checkpoint as ocp
import xxhash
from absl import logging

from emojax.io import files, parameters
from emojax.train.state import TrainState

TREES = ('params', 'model_state', 'opt_state', 'best')


class Checkpoints:
  """The checkpoints of one member, in one folder."""

  def __init__(self, folder: pathlib.Path, *, keep: int):
    self._folder = pathlib.Path(folder).absolute()
    self._keep = keep
    self._checkpointer = ocp.Checkpointer(ocp.CompositeCheckpointHandler())

  def save(self, step: int, state: TrainState, meta: Mapping[str, Any]) -> None:
    """Writes `state` and the JSON value `meta` as `step`, then drops all but the latest `keep`."""
    folder = self._path(step)
    items = {name: ocp.args.StandardSave(tree) for name, tree in _arrays(state).items()}
    meta = {'parameters': _parameter_shapes(state), **meta}
    self._checkpointer.save(
      folder, ocp.args.Composite(meta=ocp.args.JsonSave(meta), **items), force=True)
    if jax.process_index() == 0:
      files.write_json(self._sums(step), _checksums(folder))
      for old in self.steps()[:-self._keep]:
        self._sums(old).unlink()
        shutil.rmtree(self._path(old))

  def steps(self) -> list[int]:
    """The finished steps, ascending."""
    return sorted(int(p.stem) for p in self._folder.glob('[0-9]*.json') if p.stem.isdigit())

  def restore(self, like: TrainState) -> tuple[int, TrainState, dict[str, Any]] | None:
    """The newest undamaged (step, state, meta), in shapes and shardings of `like`; None: none.

    Raises:
      ValueError: if all are damaged, or if one is of another model; its parameters are then named.
    """
    for step in reversed(self.steps()):
      damage = self.damage(step)
      if damage:
        logging.warning('checkpoint %s is damaged (%s); trying the one before.',
                        self._path(step), damage)
        continue
      meta = self._read(step, {'meta': ocp.args.JsonRestore()})['meta']
      there = {name: tuple(shape) for name, shape in meta.pop('parameters').items()}
      parameters.check(_parameter_shapes(like), there, f'checkpoint {self._path(step)}')
      wanted = jax.tree.map(ocp.utils.to_shape_dtype_struct, _arrays(like))
      restored = self._read(step, {n: ocp.args.StandardRestore(t) for n, t in wanted.items()})
      return step, _state(restored), meta
    if self.steps():
      raise ValueError(f'every checkpoint in {self._folder} is damaged; delete the folder to start '
                       'this member again.')
    return None

  def damage(self, step: int) -> str:
    """What is wrong with a step's files; empty if nothing."""
    written, found = files.read_json(self._sums(step)), _checksums(self._path(step))
    wrong = [f'{name} is missing' for name in written if name not in found]
    wrong += [f'{name} is not as written' for name, value in written.items()
              if name in found and found[name] != value]
    return '; '.join(wrong)

  def _read(self, step: int, args: Mapping[str, Any]) -> Mapping[str, Any]:
    return self._checkpointer.restore(self._path(step), ocp.args.Composite(**args))

  def _path(self, step: int) -> pathlib.Path:
    return self._folder / str(step)

  def _sums(self, step: int) -> pathlib.Path:
    return self._folder / f'{step}.json'


def _parameter_shapes(state: TrainState) -> dict[str, tuple[int, ...]]:
  return {name: tuple(leaf.shape) for name, leaf in parameters.flatten(state.params).items()}


def _arrays(state: TrainState) -> dict[str, Any]:
  return {name: getattr(state, name) for name in TREES} | {
    'counters': {'step': state.step, 'key': state.key}}


def _state(items: Mapping[str, Any]) -> TrainState:
  return TrainState(**{name: items[name] for name in TREES}, **items['counters'])


def _checksums(folder: pathlib.Path) -> dict[str, str]:
  """Relative path -> xxh3 of every file below `folder`."""
  return {str(path.relative_to(folder)): xxhash.xxh3_128_hexdigest(path.read_bytes())
          for path in sorted(folder.rglob('*')) if path.is_file()}
