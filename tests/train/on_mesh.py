"""A small MAT on random examples, trained on any mesh: what tests of the step share."""

import jax
import jax.numpy as jnp
import numpy as np

from emojax.data import loader as loader_lib
from emojax.data import plan as plan_lib
from emojax.models import mat
from emojax.tasks import single_label
from emojax.train import functional, optim, step
from emojax.train import state as state_lib
from emojax.types import StreamSpec

N, LENGTHS, BATCH = 70, {'text': 6, 'audio': 9}, 16  # of five batches, the last has 6 examples
SPECS = {'text': StreamSpec(8, 6, vocabulary_size=30), 'audio': StreamSpec(5, 9)}
CLEAN = dict(mat.PRESETS['tiny'], norm='standard', empty='zero', mask_zero_frames=False)
HEAD = single_label.Head('emotion', ('a', 'b', 'c'))


def make(rngs):
  return mat.Model(SPECS, {'emotion': 3}, **CLEAN, rngs=rngs)


class Random:
  """A stream of random examples of random length."""

  def __init__(self, name, seed):
    self.spec = SPECS[name]
    random = np.random.default_rng(seed)
    self.lengths = random.integers(1, self.spec.length + 1, N)
    self._examples = [
      random.integers(1, 30, n) if self.spec.vocabulary_size else
      random.normal(size=(n, self.spec.width)).astype(np.float32) for n in self.lengths]

  def example(self, row):
    return self._examples[row]


class Run:
  """Members on their way, one of each seed, with batches of their own.

  Attributes:
    state, train_step, eval_step: as the loop has them.
  """

  def __init__(self, placement, *, seeds=(0,), optimizer='adam', accumulate=1, buckets=None,
               head=HEAD, restores=False, double=False):
    """`double`: in float64, under `jax.enable_x64`."""
    self.placement, self._head, self._double = placement, head, double
    readers = {name: Random(name, seed) for seed, name in enumerate(SPECS)}
    rows, random = np.arange(N), np.random.default_rng(7)
    placed = {name: loader_lib.place(reader, rows, placement.replicate)
              for name, reader in readers.items()}
    self.resident = loader_lib.Resident(
      placed, {'emotion': random.integers(0, 3, N).astype(np.int32)},
      random.choice([0.5, 1, 2], N).astype(np.float32), rows, put=placement.feed,
      replicate=placement.replicate, local=placement.local)
    self._plans = [
      plan_lib.Plan(rows, {n: r.lengths for n, r in readers.items()}, LENGTHS, batch_size=BATCH,
                    sampler='reshuffle', seed=seed, buckets=buckets,
                    shards=placement.shards * accumulate) for seed in seeds]
    self.loader = loader_lib.Group([self.resident] * len(seeds), spread=placement.spread)
    tx = optim.build(optimizer)
    state = state_lib.init([make] * len(seeds), tx, seeds, restores=restores)
    self.layout = placement.layout(state)
    self.state = self._wide(placement.lay(state))
    self._data = self._wide(self.loader.data)
    options = dict(
      members=len(seeds), in_axes=(self.loader.in_axes, 0), layout=self.layout)
    self.train_step = step.make_train_step(
      functional.graph(make), [head], tx, self.resident.read, accumulate=accumulate, **options)
    self.eval_step = step.make_eval_step(functional.graph(make), self.resident.read, **options)

  def _wide(self, tree):
    if not self._double:
      return tree
    return jax.tree.map(lambda x: x.astype(np.float64) if x.dtype == np.float32 else x, tree)

  def feeds(self, first, last):
    """(feed, lengths) of steps `first` to `last` (exclusive)."""
    for feed, lengths, _ in self.loader.feeds(self._plans, [(first, last)] * len(self._plans)):
      yield self._wide(feed), lengths

  def arguments(self, feed, lengths, rate=0.1):
    """What the train step takes for one feed."""
    members = len(self._plans)
    sums = self.placement.spread(step.zero_sums([self._head], members))
    settings, active = self.placement.spread((
      step.Settings(jnp.full(members, rate), {'emotion': jnp.ones(members)}),
      jnp.full(members, True)))
    return (self.state, self._wide(sums), self._data, feed, self._wide(settings), active, lengths)

  def train(self, first, last, rate=0.1):
    """Takes steps `first` to `last`; their metrics [steps, M] by name."""
    found = []
    for feed, lengths in self.feeds(first, last):
      self.state, sums = self.train_step(*self.arguments(feed, lengths, rate))
      found.append(self.placement.fetch({
        'loss': sums.loss.compute(), 'batch_loss': sums.batch_loss.compute(),
        'wa': sums.emotion_wa.compute(), 'examples': sums.loss.count}))
    return jax.tree.map(lambda *values: np.stack(values), *found)

  def evaluate(self, feed, lengths):
    """Logits [M, B, 3]."""
    return self.placement.fetch(self.eval_step(
      self.state.params, self.state.model_state, self._data, feed, lengths)['emotion'])
