"""Runs that begin with another program's checkpoints: a run folder as training would leave it.

Each member gets its fitted values and one checkpoint, from which it is scored or trained on.
`imported.json` says which file each came from; `run.json` is written once the run sees data.
"""

import dataclasses
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax

from emojax.data import fitted as fitted_lib
from emojax.io import parameters
from emojax.protocols import protocol as protocol_lib
from emojax.train import (
  checkpoint,
  control,
  experiment,
  functional,
  lane,
  members,
  optim,
  run_folder,
  step,
)
from emojax.train import state as state_lib
from emojax.types import StreamSpec, Tree

PHASE = 'select'


@dataclasses.dataclass(frozen=True)
class Source:
  """What a checkpoint holds of one member, in our names and orientation.

  Attributes:
    params: dotted path -> values of the best parameters.
    moments: 'mu', 'nu' -> Adam's means of gradients and of their squares, like `params`; {}: they
      are lost, and Adam begins anew.
    step: updates that led there, 1 or more.
    progress: where control stands.
    about: what `imported.json` says of it: JSON, with the name of its `file`.
  """

  file: pathlib.Path
  seed: int
  params: Mapping[str, np.ndarray]
  moments: Mapping[str, Mapping[str, np.ndarray]]
  step: int
  progress: control.Progress
  about: Mapping[str, Any]


def check_new(out: str | pathlib.Path) -> pathlib.Path:
  """`out` if it is absent or an empty folder."""
  out = pathlib.Path(out)
  if out.exists() and not (out.is_dir() and not any(out.iterdir())):
    raise ValueError(f'{out} is there already and not an empty folder; choose another --out.')
  return out


def write(
    out: str | pathlib.Path, config: ml_collections.ConfigDict, sources: Iterable[Source],
    specs: Mapping[str, StreamSpec], fitted: fitted_lib.Fitted, about: Mapping[str, Any]) -> None:
  """Makes the run folder `out`; it is there as a whole, or not at all.

  Args:
    config: whose members are those of `sources`, in their order; of one fold, each alone.
    specs: what the model must know of each stream.
    about: what `imported.json` says besides the members.

  Raises:
    ValueError: if `out` is not empty, or a source's parameters do not fit the model.
  """
  out = check_new(out)
  protocol = protocol_lib.load(config.protocol)
  listed = experiment.list_members(config, protocol)
  heads = experiment.make_heads(config, protocol)
  make = experiment.make_model(config, specs, heads)
  tx = optim.of_config(config.optim)
  out.parent.mkdir(parents=True, exist_ok=True)
  beside = pathlib.Path(tempfile.mkdtemp(dir=out.parent, prefix=f'.{out.name}.'))
  try:
    whole = beside / 'run'
    whole.mkdir()
    folder, found = run_folder.RunFolder(whole), {}
    like = state_lib.init([make], tx, [0], restores=config.control.decay_times > 0)
    for member, source in zip(listed, sources, strict=True):
      state = _state(member, source, functional.shapes(make)[0], like)
      fitted.save(folder.member(member.name) / f'fitted_{PHASE}')
      _checkpoints(folder.member(member.name)).save(
        source.step, state, step.zero_sums(heads, 1), lane.meta(
          [lane.Saved(member.name, source.step, source.progress)]))
      found[member.name] = {'step': source.step, **source.about}
    folder.write_config(config)
    widths = {name: spec.width for name, spec in specs.items() if not spec.vocabulary_size}
    folder.sealed.write_json(run_folder.IMPORTED, {**about, 'widths': widths, 'members': found})
    os.replace(whole, out)
  finally:
    shutil.rmtree(beside)


def is_as_imported(folder: run_folder.RunFolder, member: members.Member) -> bool:
  """Whether a member was imported and not trained on since."""
  listed = folder.imported
  there = _checkpoints(folder.member(member.name)).steps()
  return member.name in listed and there == [listed[member.name]['step']]


def _checkpoints(folder: pathlib.Path) -> checkpoint.Checkpoints:
  return checkpoint.Checkpoints(folder / f'checkpoints_{PHASE}', keep=1)


def _state(member: members.Member, source: Source, shapes: Tree, like: state_lib.TrainState,
           ) -> state_lib.TrainState:
  """The state of a member alone; `like`: of another, whose parameters have the same `shapes`."""

  def tree(values: Mapping[str, np.ndarray], what: str) -> Tree:
    filled = parameters.fill(shapes, values, f'{source.file} ({what})')
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32)[None], filled)

  params = tree(source.params, 'parameters')
  moments = {name: tree(values, f"Adam's {name}") for name, values in source.moments.items()}
  count = jnp.array([source.step], jnp.int32)
  state = like.replace(step=count, params=params, key=jax.random.key(member.seed)[None])
  if moments:
    state = state.replace(opt_state=optax.tree.set(state.opt_state, count=count, **moments))
  return state.replace(best=state_lib.snapshot(state, restores='opt_state' in like.best))
