"""MAT and MNT in emojax, ready to be timed: utterances on the device, and compiled steps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np

from emojax.data import loader as loader_lib
from emojax.data import plan as plan_lib
from emojax.models import mat, mnt
from emojax.tasks import single_label
from emojax.train import functional, optim, sharding, step
from emojax.train import state as state_lib
from emojax.types import StreamSpec
from tests.benchmarks import mat_data

MODULES = {'mat': mat, 'mnt': mnt}


class _Stream:
  """Rows of a padded array, as the loader reads them."""

  truncated = None

  def __init__(self, values: np.ndarray, lengths: np.ndarray, spec: StreamSpec):
    self._values, self.lengths, self.spec = values, lengths, spec

  def example(self, row: int) -> np.ndarray:
    return self._values[row, :self.lengths[row]]


class Corpus:
  """Utterances on the first device; whoever trains on them shares their arrays."""

  def __init__(self, data: mat_data.Utterances):
    streams = {
      'text': _Stream(data.ids, data.num_words,
                      StreamSpec(300, mat_data.NUM_WORDS, vocabulary_size=mat_data.VOCABULARY)),
      'audio': _Stream(data.frames, data.num_frames,
                       StreamSpec(mat_data.AUDIO_WIDTH, mat_data.NUM_FRAMES)),
    }
    self.placement = sharding.Placement(sharding.make_mesh(1, 1, 1))
    self.specs = {name: stream.spec for name, stream in streams.items()}
    self._rows, self._labels = np.arange(len(data.labels)), data.labels.astype(np.int32)
    self._lengths = {name: stream.lengths for name, stream in streams.items()}
    self._placed = {name: loader_lib.place(stream, self._rows, self.placement.replicate)
                    for name, stream in streams.items()}

  def loader(self) -> loader_lib.Resident:
    """The loader of one member."""
    return loader_lib.Resident(
      self._placed, {'emotion': self._labels}, np.ones(len(self._rows), np.float32), self._rows,
      put=self.placement.feed, replicate=self.placement.replicate, local=self.placement.local)

  def plan(self, batch_size: int, seed: int,
           buckets: Mapping[str, tuple[int, ...]] | None) -> plan_lib.Plan:
    """The batches of one member."""
    return plan_lib.Plan(
      self._rows, self._lengths, {name: spec.length for name, spec in self.specs.items()},
      batch_size=batch_size, sampler='reshuffle', seed=seed, buckets=buckets)


class Side:
  """The compiled steps of one variant of a model, for members that train together."""

  def __init__(
      self,
      corpus: Corpus,
      model: str,
      options: Mapping[str, Any],
      *,
      batch_size: int,
      buckets: Mapping[str, tuple[int, ...]] | None = None,
      seeds: Sequence[int] = (0,),
  ):
    """`options` differ from the model's published preset; there is one member for each seed."""
    self.size, place = len(seeds), corpus.placement
    self.plans = [corpus.plan(batch_size, seed, buckets) for seed in seeds]
    self._loader = loader_lib.Group([corpus.loader() for _ in seeds], spread=place.spread)
    heads = [single_label.Head('emotion', tuple('abcd'), reduction='sum')]
    widths = {head.name: head.width for head in heads}

    def make(rngs):
      module = MODULES[model]
      return module.Model(corpus.specs, widths, **module.PRESETS['published'] | options, rngs=rngs)

    tx, graphdef = optim.build('adam'), functional.graph(make)
    each = jnp.ones(self.size)
    self.state = place.spread(state_lib.init([make] * self.size, tx, seeds, restores=False))
    self._sums = place.spread(step.zero_sums(heads, self.size))
    self._settings = place.spread((step.Settings(1e-4 * each, {'emotion': each}), each > 0))
    common = dict(members=self.size, in_axes=(self._loader.in_axes, 0))
    self._train = step.make_train_step(graphdef, heads, tx, self._loader.read, **common)
    self._eval = step.make_eval_step(graphdef, self._loader.read, **common)

  def feeds(self, first: int, last: int) -> Iterator[tuple[Any, plan_lib.Lengths]]:
    """(feed, lengths) of every member's steps `first` to `last` (exclusive)."""
    spans = [(first, last)] * self.size
    return (made[:2] for made in self._loader.feeds(self.plans, spans))

  def train(self, feed, lengths) -> None:
    self.state, self._sums = self._train(
      self.state, self._sums, self._loader.data, feed, *self._settings, lengths)

  def evaluate(self, feed, lengths):
    return self._eval(self.state.params, self.state.model_state, self._loader.data, feed, lengths)


def about() -> dict[str, str]:
  """Versions, and the device that the steps run on."""
  return {'jax': jax.__version__, 'flax': flax.__version__, 'device': jax.devices()[0].device_kind}
