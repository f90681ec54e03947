"""A config's training in emojax, ready to be timed: utterances on the device, compiled steps."""

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import flax
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from emojax import program
from emojax.data import loader as loader_lib
from emojax.data import plan as plan_lib
from emojax.train import experiment, functional, optim, sharding, step
from emojax.train import state as state_lib
from emojax.types import StreamSpec

FOUR = types.SimpleNamespace(names=tuple('abcd'))


def start(device: str) -> None:
  """Chooses the device; computes as the programs do, see `program.keep_memory`."""
  program.keep_memory()
  jax.config.update('jax_cpu_enable_async_dispatch', False)
  jax.config.update('jax_platforms', device)


class Stream:
  """Rows of a padded array, as the loader reads them; text is ids, without a width."""

  truncated = None

  def __init__(self, values: np.ndarray, lengths: np.ndarray, vocabulary: int = 0):
    width = values.shape[2] if values.ndim == 3 else 300
    self.values, self.lengths = values, lengths
    self.spec = StreamSpec(width, values.shape[1], vocabulary_size=vocabulary)

  def example(self, row: int) -> np.ndarray:
    return self.values[row, :self.lengths[row]]


class Corpus:
  """Utterances on the first device; whoever trains on them shares their arrays."""

  def __init__(self, streams: Mapping[str, Stream], labels: np.ndarray,
               about: types.SimpleNamespace = FOUR):
    """`labels`: integers, or floating numbers where the head wants them; `about`: the classes'
    `names`, and of numbers the least and the largest, `low` and `high`.
    """
    self.about = about
    self.placement = sharding.Placement(sharding.make_mesh(1, 1, 1))
    self.specs = {name: stream.spec for name, stream in streams.items()}
    self.rows = np.arange(len(labels))
    self._labels = labels.astype(np.float32 if labels.dtype.kind == 'f' else np.int32)
    self._streams, self._placed = streams, {}

  def loader(self, names: Sequence[str]) -> loader_lib.Resident:
    """The loader of one member that reads these streams."""
    for name in set(names) - set(self._placed):
      self._placed[name] = loader_lib.place(
        self._streams[name], self.rows, self.placement.replicate)
    return loader_lib.Resident(
      {name: self._placed[name] for name in names}, {'emotion': self._labels},
      np.ones(len(self.rows), np.float32), self.rows, put=self.placement.feed,
      replicate=self.placement.replicate, local=self.placement.local)

  def plan(self, names: Sequence[str], batch_size: int, seed: int,
           buckets: Mapping[str, tuple[int, ...]] | None) -> plan_lib.Plan:
    """The batches of one member."""
    return plan_lib.Plan(
      self.rows, {name: self._streams[name].lengths for name in names},
      {name: self.specs[name].length for name in names},
      batch_size=batch_size, sampler='reshuffle', seed=seed, buckets=buckets)


class Side:
  """The compiled steps of a config, for members that train together."""

  def __init__(
      self,
      corpus: Corpus,
      config: ml_collections.ConfigDict,
      *,
      batch_size: int,
      seeds: Sequence[int] = (0,),
  ):
    """`config` says the model, the head `emotion`, the optimizer and `batch.buckets`; there is one
    member for each seed. A model that requires no stream reads all."""
    self.size, place = len(seeds), corpus.placement
    names = (experiment.module('models', config.model.name, 'model').Model.requires
             or tuple(corpus.specs))
    buckets = dict(config.batch.get('buckets') or {})
    self.plans = [corpus.plan(names, batch_size, seed, buckets or None) for seed in seeds]
    self._loader = loader_lib.Group([corpus.loader(names) for _ in seeds], spread=place.spread)
    settings = config.heads.emotion
    heads = [experiment.module('tasks', settings.kind, 'kind').Head.of(
      'emotion', corpus.about, settings)]
    make = experiment.make_model(config, {name: corpus.specs[name] for name in names}, heads)

    tx, graphdef = optim.of_config(config.optim), functional.graph(make)
    each, weights = jnp.ones(self.size), settings.get('class_weights', 'none')
    weights = {} if isinstance(weights, str) else {
      'emotion': jnp.tile(jnp.array(weights), (self.size, 1))}
    self.state = place.spread(state_lib.init([make] * self.size, tx, seeds, restores=False))
    self._sums = place.spread(step.zero_sums(heads, self.size))
    self._settings = place.spread((
      step.Settings(1e-4 * each, {'emotion': each}, positive_weight=weights), each > 0))
    common = dict(members=self.size, in_axes=(self._loader.in_axes, 0))
    self._train = step.make_train_step(graphdef, heads, tx, self._loader.read, **common)
    self._eval = step.make_eval_step(graphdef, self._loader.read, **common)

  def feeds(self, first: int, last: int) -> Iterator[tuple[Any, plan_lib.Lengths]]:
    """(feed, lengths) of every member's steps `first` to `last` (exclusive)."""
    spans = [(first, last)] * self.size
    return (made[:2] for made in self._loader.feeds(self.plans, spans))

  def compile_epoch(self) -> None:
    """Trains once on each padded shape of an epoch."""
    [plan], shapes = self.plans, {}
    for number in range(plan.steps_per_epoch):
      shapes.setdefault(plan[number].lengths, number)
    for number in shapes.values():
      for feed, lengths in self.feeds(number, number + 1):
        self.train(feed, lengths)

  def train_epoch(self, number: int) -> None:
    """Trains on every utterance once; returns when it has."""
    [plan] = self.plans
    steps = plan.steps_per_epoch
    for feed, lengths in self.feeds(number * steps, (number + 1) * steps):
      self.train(feed, lengths)
    jax.block_until_ready(self.state)

  def first_step(self) -> Callable[[], None]:
    """What trains on the first batch, and returns when it has."""
    feed = next(self.feeds(0, 1))

    def train() -> None:
      self.train(*feed)
      jax.block_until_ready(self.state)

    return train

  def train(self, feed, lengths) -> None:
    self.state, self._sums = self._train(
      self.state, self._sums, self._loader.data, feed, *self._settings, lengths)

  def evaluate(self, feed, lengths):
    return self._eval(self.state.params, self.state.model_state, self._loader.data, feed, lengths)


def about() -> dict[str, str]:
  """Versions, and the device that the steps run on."""
  return {'jax': jax.__version__, 'flax': flax.__version__, 'device': jax.devices()[0].device_kind}
