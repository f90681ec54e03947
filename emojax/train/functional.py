"""Flax NNX modules as pure functions of plain nested dicts: the only file that knows how.

A model is built once, abstractly or with values, and split into its graph (static), its parameters
(trained) and its model state (read: dropout rates, batch statistics). A step merges them, runs the
model and splits off the state again.
"""

import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from flax import nnx

from emojax.encoders import dropout
from emojax.io import parameters
from emojax.types import Array, ModelOutput, Stream, StreamSpec, Tree

Make = Callable[[nnx.Rngs], nnx.Module]


def graph(make: Make) -> nnx.GraphDef:
  """The static part of the model, without computing any value."""
  return nnx.split(nnx.eval_shape(lambda: make(nnx.Rngs(0))))[0]


def shapes(make: Make) -> tuple[Tree, Tree]:
  """(parameters, model state) as shapes and dtypes, without computing any value."""
  return jax.eval_shape(lambda: init(make, jax.random.key(0)))


def init(make: Make, key: Array) -> tuple[Tree, Tree]:
  """(parameters, model state) as nested dicts of arrays, drawn with `key`."""
  _, params, model_state = nnx.split(make(nnx.Rngs(params=key)), nnx.Param, ...)
  return nnx.to_pure_dict(params), nnx.to_pure_dict(model_state)


def beside_examples(make: Make, specs: Mapping[str, StreamSpec]) -> list[str]:
  """Names of what a training step makes of a batch as a whole: model state, losses it adds.

  Found by tracing, without computing any value.
  """
  graphdef, found = graph(make), []

  def inputs(spec: StreamSpec) -> Stream:
    shape = (2, spec.length) if spec.vocabulary_size else (2, spec.length, spec.width)
    values = jax.ShapeDtypeStruct(shape, jnp.int32 if spec.vocabulary_size else jnp.float32)
    return Stream(values, jax.ShapeDtypeStruct(shape[:2], jnp.bool_))

  def run(params: Tree, model_state: Tree, inputs: Mapping[str, Stream]) -> None:
    output, after = apply(graphdef, params, model_state, inputs, key=jax.random.key(0))
    before = parameters.flatten(model_state)
    found.extend(f'model state {name}' for name, value in parameters.flatten(after).items()
                 if value is not before[name])
    found.extend(f'aux_loss {name}' for name in output.aux_loss)

  jax.eval_shape(run, *shapes(make), {name: inputs(spec) for name, spec in specs.items()})
  return found


def apply(
    graphdef: nnx.GraphDef,
    params: Tree,
    model_state: Tree,
    inputs: Mapping[str, Stream],
    *,
    key: Array | None = None,
    rows: Array | None = None,
    training: bool = True,
) -> tuple[ModelOutput, Tree]:
  """Runs the model; with a `key` its randomness is drawn from it, without one it is silent.

  Args:
    rows: [B], where these examples stand in the batch of the step, if they are a part of it.
    training: whether randomness means that it is trained; else it is evaluated as it is, at random.

  Returns:
    The output and the new model state.
  """
  def run(tape: dropout.Tape | None, params: Tree, model_state: Tree, inputs: Mapping[str, Stream]):
    model = nnx.merge(graphdef, params, model_state, copy=True)
    absent = [name for name in model.requires if name not in inputs]
    if absent:
      raise ValueError(f'{type(model).__module__} requires {model.requires}; '
                       f'the batch lacks {absent}, it has {sorted(inputs)}.')
    model.train() if tape and training else model.eval()
    dropout.attach(model, tape)
    output = model(inputs)
    dropout.attach(model, None)
    return output, nnx.to_pure_dict(nnx.split(model, nnx.Param, ...)[2])

  if key is None:
    return run(None, params, model_state, inputs)
  tape = dropout.Tape()
  tape.record(functools.partial(run, tape), params, model_state, inputs)
  rates = dropout.rates(nnx.merge(graphdef, params, model_state, copy=True))
  if rows is None:
    rows = jnp.arange(len(next(iter(inputs.values())).mask), dtype=jnp.uint32)
  tape.draw(key, rows, rates)
  return run(tape, params, model_state, inputs)
