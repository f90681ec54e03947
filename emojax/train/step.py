"""The pure training and evaluation steps: arrays in, arrays out, no files, no host."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from clu import metrics
from flax import nnx

from emojax.train import functional, hiding, optim
from emojax.train import guard as guard_lib
from emojax.train import state as state_lib
from emojax.types import Array, Batch, StreamSpec, Tree

HIDING = 2**31 + 2  # folded into the key of a step, for what is hidden in it
# data, feed, padded lengths -> batch; see `data.loader`
Read = Callable[[Any, Any, tuple[tuple[str, int], ...]], Batch]


@flax.struct.dataclass
class Settings:
  """What members of one program may differ in beside their data and dropout rates; each [M].

  Attributes:
    learning_rate: the rate; with a schedule, that at its beginning.
    loss_weight: head -> its share in the total loss.
    weight_decay: decoupled from the gradient, as AdamW's; None: no member has any.
    positive_weight: head -> [M, K], factors on the loss of classes that are there, of heads that
      have any.
  """

  learning_rate: Array
  loss_weight: Mapping[str, Array]
  weight_decay: Array | None = None
  positive_weight: Mapping[str, Array] = flax.struct.field(default_factory=dict)
  span: Array | None = None


def make_train_step(
    graphdef: nnx.GraphDef,
    heads: Sequence[Any],
    tx: optax.GradientTransformation,
    read: Read,
    *,
    schedule: str = 'constant',
    factors: Tree | None = None,
    modality_dropout: float = 0.0,
    members: int = 1,
    in_axes: Any = 0,
    accumulate: int = 1,
    layout: state_lib.TrainState | None = None,
    guard: guard_lib.Guard = guard_lib.Guard(),  # noqa: B008, it is frozen
) -> Callable:
  """`step(state, sums, data, feed, settings, active, lengths) -> (state, sums)`.

  One update of every member, compiled once per `lengths`. `data` stays on the device between steps,
  `feed` comes with each step, `read` makes a batch of both; `settings` are `Settings`; a member
  whose `active` [M] is False keeps its state. `sums` are running metrics (`zero_sums`), merged here
  so that nothing is fetched from the device. State and sums are donated. (A group of one has to be
  active.)

  Args:
    heads: the task's heads: loss, reduce, decide.
    schedule: a key of `optim.SCHEDULES`.
    factors: what the rate of each parameter is multiplied with; None: with nothing.
    modality_dropout: see `hiding.at_random`.
    in_axes: `vmap`'s axes for (data, feed).
    accumulate: in how many parts, one after the other, a batch is run; it has to divide B. Only for
      models and heads that `check_accumulation` lets pass.
    layout: how the state lies on the mesh, and stays; see `sharding.Placement.layout`. None: as XLA
      likes.
    guard: what makes a batch a bad one.
  """

  def total(settings, losses, weight, whole):
    return sum(settings.loss_weight[h.name] * h.reduce(losses[h.name], weight, whole)
               for h in heads)

  @functools.partial(jax.value_and_grad, has_aux=True)
  def loss_of(params, state, settings, batch, rows, whole):
    """Of a batch or of a part of it: `rows` of a batch whose weights are `whole`."""
    key, inputs = jax.random.fold_in(state.key, state.step), batch.inputs
    if modality_dropout:
      inputs = hiding.at_random(inputs, modality_dropout, jax.random.fold_in(key, HIDING), rows)
    output, model_state = functional.apply(
      graphdef, params, state.model_state, inputs, key=key, rows=rows)
    weights = {name: (weight,) for name, weight in settings.positive_weight.items()}
    losses = {h.name: h.loss(output.heads[h.name], batch.targets[h.name], *weights.get(h.name, ()))
              for h in heads}
    loss = total(settings, losses, batch.weight, whole) + sum(output.aux_loss.values())
    return loss, (output.heads, model_state, losses)

  def gradients(state, sums, data, feed, settings, active, lengths):
    batch = read(data, feed, lengths)  # in parts, its inputs are not used, and XLA leaves them out
    if accumulate == 1:
      (loss, (outputs, model_state, losses)), found = loss_of(
        state.params, state, settings, batch, None, None)
    else:
      # Each shard sums its own gradients: they are exchanged once, and not once for each part.
      shards, lie_apart = _shards(layout)

      def of_shard(feed, rows):
        part = read(data, feed, lengths)
        (_, (outputs, _, losses)), found = loss_of(
          state.params, state, settings, part, rows, batch.weight)
        return found, (outputs, losses)

      def add(found, number):
        part = _part((feed, jnp.arange(len(batch.weight))), number, accumulate, shards)
        more, seen = state_lib.over_members(of_shard, shards, across=('data', 'fsdp'))(*part)
        return lie_apart(jax.tree.map(jnp.add, found, more)), seen

      zeros = jax.tree.map(lambda p: jnp.zeros((shards, *p.shape), p.dtype), state.params)
      found, parts = jax.lax.scan(add, lie_apart(zeros), jnp.arange(accumulate))
      found = jax.tree.map(lambda x: x.sum(0), found)
      outputs, losses = jax.tree.map(_join, parts)
      loss, model_state = total(settings, losses, batch.weight, None), state.model_state
    first_bad = guard_lib.FirstBad.from_model_output(
      guard.is_bad(loss, found) & active, state.step)
    return found, model_state, sums.merge(
      _observe(heads, outputs, losses, settings, batch, loss, active, first_bad))

  def update(state, found, model_state, settings, active):
    direction, opt_state = tx.update(found, state.opt_state, state.params)
    if settings.weight_decay is not None:
      direction = jax.tree.map(
        lambda d, p: d + settings.weight_decay.astype(p.dtype) * p, direction, state.params)
    if factors is not None:
      direction = jax.tree.map(lambda d, factor: factor * d, direction, factors)
    rate = -settings.learning_rate * optim.SCHEDULES[schedule](state.step, settings.span)
    params = jax.tree.map(lambda p, d: p + rate.astype(p.dtype) * d, state.params, direction)
    after = state.replace(step=state.step + 1, params=params, model_state=model_state,
                          opt_state=opt_state)
    if members == 1:  # alone, a done member is not stepped; selecting costs a copy of the state
      return after
    return jax.tree.map(lambda new, old: jnp.where(active, new, old), after, state)

  def group(state, sums, data, feed, settings, active, lengths):
    solo = lambda *args: gradients(*args, lengths)
    axes = (0, 0, *(in_axes if isinstance(in_axes, tuple) else (in_axes, in_axes)), 0, 0)
    found, model_state, sums = state_lib.over_members(solo, members, in_axes=axes)(
      state.replace(params=_whole(state.params, layout)), sums, data, feed, settings, active)
    if _is_divided(layout):
      found = jax.lax.with_sharding_constraint(found, layout.params)
    # `vmap` for a group of one as well: where the member axis is taken off and put back, XLA
    # computes Adam's moments twice and copies the old ones.
    after = jax.vmap(update, spmd_axis_name='member')(state, found, model_state, settings, active)
    return after, sums

  return jax.jit(group, static_argnames='lengths', donate_argnums=(0, 1),
                 out_shardings=None if layout is None else (layout, layout.step),
                 compiler_options=compiler_options())


def make_eval_step(
    graphdef: nnx.GraphDef, read: Read, *, members: int = 1, in_axes: Any = 0,
    layout: state_lib.TrainState | None = None) -> Callable:
  """`step(params, model_state, data, feed, lengths, keys=None, modalities=())`.

  Returns head name -> [M, B, width]. With `modalities`, a tuple, all others are hidden; each such
  set is compiled anew.

  With `keys` [M] dropout stays on. An utterance's masks follow from its member's key and its row in
  the dataset, so that its answer depends neither on its batch nor on when it is asked for.
  """

  def group(params, model_state, data, feed, lengths, keys=None, modalities=()):
    params = _whole(params, layout)

    def one(params, model_state, data, feed, key):
      batch = read(data, feed, lengths)
      rows = None if key is None else batch.index
      return functional.apply(
        graphdef, params, model_state, hiding.all_but(batch.inputs, modalities), key=key,
        rows=rows, training=False)[0].heads

    axes = (0, 0, *(in_axes if isinstance(in_axes, tuple) else (in_axes, in_axes)), 0)
    return state_lib.over_members(one, members, in_axes=axes)(
      params, model_state, data, feed, keys)

  return jax.jit(group, static_argnames=('lengths', 'modalities'),
                 compiler_options=compiler_options())


def check_accumulation(
    make: functional.Make, specs: Mapping[str, StreamSpec], heads: Sequence[Any]) -> None:
  """Refuses what makes the update of a batch in parts another than that of the whole.

  Raises:
    ValueError: naming model state that follows the batch, losses that the model adds by itself, and
      heads whose `reduce` does not add up.
  """
  faults = functional.beside_examples(make, specs)
  losses, weight = np.random.default_rng(0).uniform(size=(2, 8)).astype(np.float32)
  for h in heads:
    parts = sum(h.reduce(losses[i::2], weight[i::2], weight) for i in range(2))
    if not np.isclose(parts, h.reduce(losses, weight), rtol=1e-5):
      faults.append(f'the reduction of head {h.name}')
  if faults:
    raise ValueError('config.batch.accumulate: in parts, a batch would not train as it does whole, '
                     f'for {", ".join(faults)}; set it to 1.')


def compiler_options() -> dict[str, str]:
  """What XLA is told where its defaults cost us time.

  On CPUs it hands matrix products to YNNPACK, which is slower there than its own Eigen: up to 1.4
  times for [1280, 1024] x [1024, 512] on two AVX-512 cores, never faster in MAT as a whole.
  """
  return {'xla_cpu_experimental_ynn_fusion_type': ''} if jax.default_backend() == 'cpu' else {}


def zero_sums(heads: Sequence[Any], members: int) -> metrics.Collection:
  """Running metrics before the first step, with the member axis."""
  empty = _collection(tuple(map(_watched, heads))).empty()
  return jax.tree.map(lambda x: jnp.broadcast_to(x, (members, *jnp.shape(x))), empty)


def _watched(head: Any) -> str:
  return f'{head.name}_{head.watched}'


def _is_divided(layout: state_lib.TrainState | None) -> bool:
  """Whether any parameter lies divided over the mesh."""
  return layout is not None and any(
    sharding != layout.step for sharding in jax.tree.leaves(layout.params))


def _whole(params: Any, layout: state_lib.TrainState | None) -> Any:
  """Parameters as the model needs them: every device has all of its members'.

  They are brought together once a step. Left to itself, XLA may rather move activations, or parts
  of weights in every step of a loop over time.
  """
  return (jax.lax.with_sharding_constraint(params, layout.step) if _is_divided(layout) else params)


def _shards(layout: state_lib.TrainState | None) -> tuple[int, Callable]:
  """How many devices share a member's batch, and what keeps arrays [shards, ...] apart on them."""
  if layout is None:
    return 1, lambda tree: tree
  mesh, axes = layout.step.mesh, ('data', 'fsdp')
  apart = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(axes))
  return (math.prod(mesh.shape[axis] for axis in axes),
          lambda tree: jax.lax.with_sharding_constraint(tree, apart))


def _part(batch: Any, number: Array, parts: int, shards: int) -> Any:
  """Part `number` of arrays [B, ...], as [shards, B / parts / shards, ...].

  It is every `parts`-th example, not neighbours: each device has as much of it as of the batch, and
  nothing moves.
  """
  return jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(
    x.reshape(shards, -1, parts, *x.shape[1:]), number, axis=2, keepdims=False), batch)


def _join(parts: Array) -> Array:
  """All `_part`s [parts, shards, B / parts / shards, ...] as the batch [B, ...] they were of."""
  return jnp.moveaxis(parts, 0, 2).reshape(-1, *parts.shape[3:])


def _observe(
    heads: Sequence[Any], outputs: Mapping[str, Array], losses: Mapping[str, Array],
    settings: Settings, batch: Batch, total: Array, active: Array,
    first_bad: guard_lib.FirstBad) -> metrics.Collection:
  """The metrics of one step: means over examples, but for the batch's loss as it is reduced."""
  real = (batch.index >= 0) & active
  per_example = sum(settings.loss_weight[h.name] * losses[h.name] for h in heads)
  average = metrics.Average.from_model_output
  found = {
    'loss': average(per_example, mask=real),
    'batch_loss': average(total[None], mask=active[None]),
    'first_bad': first_bad,
  }
  for h in heads:
    seen = h.watch(outputs[h.name], batch.targets[h.name])
    found[_watched(h)] = average(seen.astype(jnp.float32), mask=real)
  return metrics.Collection.create_collection(**found)


@functools.cache  # another class would be another type to `jit`, and compiled again
def _collection(watched: tuple[str, ...]) -> type[metrics.Collection]:
  names = ('loss', 'batch_loss', *watched)
  return metrics.Collection.create(
    first_bad=guard_lib.FirstBad, **{name: metrics.Average for name in names})
