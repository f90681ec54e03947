"""The pure training and evaluation steps: arrays in, arrays out, no files, no host."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax
from clu import metrics
from flax import nnx

from emojax.train import functional
from emojax.train import state as state_lib
from emojax.types import Array, Batch

# data, feed, padded lengths -> batch; see `data.loader`
Read = Callable[[Any, Any, tuple[tuple[str, int], ...]], Batch]


@flax.struct.dataclass
class Settings:
  """What members of one program may differ in beside their data and dropout rates; each [M].

  Attributes:
    learning_rate: the rate, or a factor on the schedule where there is one.
    loss_weight: head -> its share in the total loss.
    weight_decay: decoupled from the gradient, as AdamW's; None: no member has any.
  """

  learning_rate: Array
  loss_weight: Mapping[str, Array]
  weight_decay: Array | None = None


def make_train_step(
    graphdef: nnx.GraphDef,
    heads: Sequence[Any],
    tx: optax.GradientTransformation,
    read: Read,
    *,
    schedule: Callable[[Array], Array] | None = None,
    members: int = 1,
    in_axes: Any = 0,
) -> Callable:
  """`step(state, sums, data, feed, settings, active, lengths) -> (state, sums)`.

  One update of every member, compiled once per `lengths`. `data` stays on the device between steps,
  `feed` comes with each step, `read` makes a batch of both; `settings` are `Settings`; a member
  whose `active` [M] is False keeps its state. `sums` are running metrics (`zero_sums`), merged here
  so that nothing is fetched from the device. State and sums are donated. (A group of one has to be
  active.)

  Args:
    heads: the task's heads: loss, reduce, decide.
    schedule: the learning rate by the number of updates made, times `Settings.learning_rate`.
    in_axes: `vmap`'s axes for (data, feed).
  """

  def gradients(state, sums, data, feed, settings, active, lengths):
    batch = read(data, feed, lengths)

    def total_loss(params):
      output, model_state = functional.apply(
        graphdef, params, state.model_state, batch.inputs,
        key=jax.random.fold_in(state.key, state.step))
      losses = {h.name: h.loss(output.heads[h.name], batch.targets[h.name]) for h in heads}
      total = sum(settings.loss_weight[h.name] * h.reduce(losses[h.name], batch.weight)
                  for h in heads)
      return total + sum(output.aux_loss.values()), (output, model_state, losses)

    (total, (output, model_state, losses)), found = jax.value_and_grad(
      total_loss, has_aux=True)(state.params)
    return found, model_state, sums.merge(
      _observe(heads, output.heads, losses, settings, batch, total, active))

  def update(state, found, model_state, settings, active):
    direction, opt_state = tx.update(found, state.opt_state, state.params)
    if settings.weight_decay is not None:
      direction = jax.tree.map(
        lambda d, p: d + settings.weight_decay.astype(p.dtype) * p, direction, state.params)
    factor = -settings.learning_rate * (1 if schedule is None else schedule(state.step))
    params = jax.tree.map(lambda p, d: p + factor.astype(p.dtype) * d, state.params, direction)
    after = state.replace(step=state.step + 1, params=params, model_state=model_state,
                          opt_state=opt_state)
    if members == 1:  # alone, a done member is not stepped; selecting costs a copy of the state
      return after
    return jax.tree.map(lambda new, old: jnp.where(active, new, old), after, state)

  def group(state, sums, data, feed, settings, active, lengths):
    solo = lambda *args: gradients(*args, lengths)
    axes = (0, 0, *(in_axes if isinstance(in_axes, tuple) else (in_axes, in_axes)), 0, 0)
    found, model_state, sums = state_lib.over_members(solo, members, in_axes=axes)(
      state, sums, data, feed, settings, active)
    # `vmap` for a group of one as well: where the member axis is taken off and put back, XLA
    # computes Adam's moments twice and copies the old ones.
    after = jax.vmap(update, spmd_axis_name='member')(state, found, model_state, settings, active)
    return after, sums

  return jax.jit(group, static_argnames='lengths', donate_argnums=(0, 1),
                 compiler_options=compiler_options())


def make_eval_step(
    graphdef: nnx.GraphDef, read: Read, *, members: int = 1, in_axes: Any = 0) -> Callable:
  """`step(params, model_state, data, feed, lengths) -> head name -> [M, B, width]`."""

  def group(params, model_state, data, feed, lengths):
    def one(params, model_state, data, feed):
      inputs = read(data, feed, lengths).inputs
      return functional.apply(graphdef, params, model_state, inputs)[0].heads

    axes = (0, 0, *(in_axes if isinstance(in_axes, tuple) else (in_axes, in_axes)))
    return state_lib.over_members(one, members, in_axes=axes)(params, model_state, data, feed)

  return jax.jit(group, static_argnames='lengths', compiler_options=compiler_options())


def compiler_options() -> dict[str, str]:
  """What XLA is told where its defaults cost us time.

  On CPUs it hands matrix products to YNNPACK, which is slower there than its own Eigen: up to 1.4
  times for [1280, 1024] x [1024, 512] on two AVX-512 cores, never faster in MAT as a whole.
  """
  return {'xla_cpu_experimental_ynn_fusion_type': ''} if jax.default_backend() == 'cpu' else {}


def zero_sums(heads: Sequence[Any], members: int) -> metrics.Collection:
  """Running metrics before the first step, with the member axis."""
  empty = _collection(tuple(h.name for h in heads)).empty()
  return jax.tree.map(lambda x: jnp.broadcast_to(x, (members, *jnp.shape(x))), empty)


def _observe(
    heads: Sequence[Any], outputs: Mapping[str, Array], losses: Mapping[str, Array],
    settings: Settings, batch: Batch, total: Array, active: Array) -> metrics.Collection:
  """The metrics of one step: means over examples, but for the batch's loss as it is reduced."""
  real = (batch.index >= 0) & active
  per_example = sum(settings.loss_weight[h.name] * losses[h.name] for h in heads)
  average = metrics.Average.from_model_output
  found = {
    'loss': average(per_example, mask=real),
    'batch_loss': average(total[None], mask=active[None]),
  }
  for h in heads:
    hit = h.decide(outputs[h.name]) == batch.targets[h.name]
    found[f'{h.name}_wa'] = average(hit.astype(jnp.float32), mask=real)
  return metrics.Collection.create_collection(**found)


@functools.cache  # another class would be another type to `jit`, and compiled again
def _collection(head_names: tuple[str, ...]) -> type[metrics.Collection]:
  names = ('loss', 'batch_loss', *(f'{name}_wa' for name in head_names))
  return metrics.Collection.create(**{name: metrics.Average for name in names})
