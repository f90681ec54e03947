"""What a group of members carries from step to step, and what control does to it."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax

from emojax.io import parameters
from emojax.train import functional
from emojax.types import Array, Tree


@flax.struct.dataclass
class TrainState:
  """Every leaf has a leading member axis M."""

  step: Array  # [M] int32, updates made
  params: Tree
  model_state: Tree  # read or tracked, not trained: dropout rates, batch statistics
  opt_state: Any
  best: Tree  # {'params', 'model_state'} of the best evaluation, 'opt_state' if control restores
  key: Array  # [M], each member's own; never split, only folded with the step


def init(
    makes: Sequence[functional.Make],
    tx: optax.GradientTransformation,
    seeds: Sequence[int],
    *,
    restores: bool,
    shapes: Tree | None = None,
    begins: Sequence[Mapping[str, Array]] = (),
) -> TrainState:
  """The state of one group: `makes[m]` builds member m's model, `seeds[m]` is its seed.

  Each member is initialised at its own shapes; where they differ (vocabularies), zero rows are
  added behind, up to the largest.

  Args:
    restores: whether control ever goes back to the best, with its optimizer state.
    shapes: parameter shapes to pad to, if a member outside the group is larger (`largest`).
    begins: per member dotted path -> values that replace drawn ones; (): none does.
  """

  solo = []
  for make, seed, begin in zip(makes, seeds, begins or [{}] * len(makes), strict=True):
    key = jax.random.key(seed)
    params, model_state = functional.init(make, jax.random.fold_in(key, 2**31))  # no step has it
    params = parameters.unflatten(parameters.flatten(params) | dict(begin), params)
    solo.append((params if shapes is None else pad(params, shapes), model_state, key))
  return _assemble(solo, tx, restores)


@functools.partial(jax.jit, static_argnums=(1, 2))  # one program, not one for every shape of zeros
def _assemble(solo, tx: optax.GradientTransformation, restores: bool) -> TrainState:
  states = []
  for params, model_state, key in solo:
    state = TrainState(jnp.int32(0), params, model_state, tx.init(params), {}, key)
    states.append(state.replace(best=snapshot(state, restores=restores)))
  return stack(states)


def snapshot(state: TrainState, *, restores: bool) -> Tree:
  """What `best` keeps of a state."""
  kept = {'params': state.params, 'model_state': state.model_state}
  return kept | {'opt_state': state.opt_state} if restores else kept


def save_best(state: TrainState, chosen: Array) -> TrainState:
  """Copies the members of `chosen` [M] bool into `best`."""
  now = snapshot(state, restores='opt_state' in state.best)
  return state.replace(best=_where(chosen, now, state.best))


def restore_best(state: TrainState, chosen: Array) -> TrainState:
  """Sets members of `chosen` [M] bool back to their best; the step count (randomness) goes on."""
  now = snapshot(state, restores='opt_state' in state.best)
  return state.replace(**_where(chosen, state.best, now))


def stack(states: Sequence[TrainState]) -> TrainState:
  """Solo states as one group, every leaf padded with zeros up to the largest member's shape."""
  shapes = largest(states)
  return jax.tree.map(lambda *leaves: jnp.stack(leaves), *(pad(state, shapes) for state in states))


def largest(trees: Sequence[Tree]) -> Tree:
  """The largest shape of each leaf over trees of one structure."""

  def shape(*leaves):
    sizes = tuple(max(sizes) for sizes in zip(*(leaf.shape for leaf in leaves)))
    return jax.ShapeDtypeStruct(sizes, leaves[0].dtype)

  return jax.tree.map(shape, *trees)


def pad(tree: Tree, shapes: Tree) -> Tree:
  """Every leaf with zeros behind, up to the shape of `shapes`' leaf."""

  def one(leaf, like):
    if leaf.shape == like.shape:
      return leaf
    return jnp.pad(leaf, [(0, large - size) for size, large in zip(leaf.shape, like.shape)])

  return jax.tree.map(one, tree, shapes)


def strip(tree: Tree, abstract: Tree) -> Tree:
  """The inverse of the padding: each leaf of one member cut to the shape of `abstract`'s leaf."""
  return jax.tree.map(lambda x, like: x[tuple(slice(n) for n in like.shape)], tree, abstract)


def over_members(function: Callable, members: int, *, in_axes: Any = 0,
                 across: str | tuple[str, ...] = 'member') -> Callable:
  """`function` of one member, applied to a group of them along the leading axis of its arguments.

  A group of one is squeezed: `vmap` over a single member costs 10 to 19 %. `in_axes`: as `vmap`'s.
  `across`: the axis of the mesh that they lie over.
  """
  if members > 1:
    return jax.vmap(function, in_axes=in_axes, spmd_axis_name=across)

  def squeezed(*args):
    axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
    solo = [jax.tree.map(lambda x: x[0], arg) if axis == 0 else arg
            for arg, axis in zip(args, axes)]
    return jax.tree.map(lambda x: x[None], function(*solo))

  return squeezed


def _where(chosen: Array, yes: Tree, no: Tree) -> Tree:
  return jax.tree.map(
    lambda a, b: jnp.where(chosen.reshape(chosen.shape + (1,) * (a.ndim - 1)), a, b), yes, no)
