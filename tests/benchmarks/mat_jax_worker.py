"""Worker of `mat_versus_torch`: emojax's training step, evaluation step and epoch of MAT.

`train` and `eval` are the faithful model, padded in full, as the twin's; `epoch` is the clean
config, whose batches are grouped by length.
"""

import flax
import jax
import jax.numpy as jnp
import numpy as np

from configs import iemocap_mat_clean
from emojax.data import loader as loader_lib
from emojax.data import plan as plan_lib
from emojax.models import mat
from emojax.tasks import single_label
from emojax.train import functional, optim, sharding, step
from emojax.train import state as state_lib
from emojax.types import StreamSpec
from tests.benchmarks import mat_data, timing


class _Stream:
  """Rows of a padded array, as the loader reads them."""

  truncated = None

  def __init__(self, values: np.ndarray, lengths: np.ndarray, spec: StreamSpec):
    self._values, self.lengths, self.spec = values, lengths, spec

  def example(self, row: int) -> np.ndarray:
    return self._values[row, :self.lengths[row]]


class Side:
  """The compiled steps of one variant of the model, over all utterances."""

  def __init__(self, data: mat_data.Utterances, batch_size: int, buckets, options):
    streams = {
      'text': _Stream(data.ids, data.num_words,
                      StreamSpec(300, mat_data.NUM_WORDS, vocabulary_size=mat_data.VOCABULARY)),
      'audio': _Stream(data.frames, data.num_frames,
                       StreamSpec(mat_data.AUDIO_WIDTH, mat_data.NUM_FRAMES)),
    }
    rows = np.arange(len(data.labels))
    placement = sharding.Placement(sharding.make_mesh(1, 1, 1))
    self.loader = loader_lib.Resident(
      {name: loader_lib.place(stream, rows, placement.replicate)
       for name, stream in streams.items()},
      {'emotion': data.labels.astype(np.int32)}, np.ones(len(rows), np.float32), rows,
      put=placement.feed, replicate=placement.replicate, local=placement.local)
    specs = {name: stream.spec for name, stream in streams.items()}
    self.plan = plan_lib.Plan(
      rows, {name: stream.lengths for name, stream in streams.items()},
      {name: spec.length for name, spec in specs.items()}, batch_size=batch_size,
      sampler='reshuffle', buckets=buckets)
    heads = [single_label.Head('emotion', tuple('abcd'), reduction='sum')]

    def make(rngs):
      return mat.Model(specs, {'emotion': 4}, **mat.PRESETS['published'] | options, rngs=rngs)

    tx, graphdef = optim.build('adam'), functional.graph(make)
    self.state = placement.replicate(state_lib.init([make], tx, [0], restores=False))
    self.sums = placement.replicate(step.zero_sums(heads, 1))
    self.ones = placement.replicate((jnp.ones(1), jnp.array([True])))
    self._train = step.make_train_step(graphdef, heads, tx, self.loader.read, 1e-4,
                                       in_axes=(None, 0))
    self._eval = step.make_eval_step(graphdef, self.loader.read, in_axes=(None, 0))

  def train(self, feed, lengths) -> None:
    self.state, self.sums = self._train(
      self.state, self.sums, self.loader.data, feed, *self.ones, lengths)

  def evaluate(self, feed, lengths):
    return self._eval(self.state.params, self.state.model_state, self.loader.data, feed, lengths)


def main() -> None:
  arguments = timing.worker_arguments(__doc__)
  jax.config.update('jax_platforms', arguments.device)
  data = mat_data.utterances(max(arguments.examples, arguments.batch))

  config = iemocap_mat_clean.get_config()
  clean_options = {key: config.model[key] for key in ('norm', 'empty', 'mask_zero_frames')}
  faithful = Side(data, arguments.batch, None, {})
  clean = Side(data, arguments.batch, dict(config.batch.buckets), clean_options)
  feed = next(faithful.loader.feeds(faithful.plan, 0, 1))
  epochs = iter(range(10**6))

  def train():
    faithful.train(*feed)
    jax.block_until_ready(faithful.state)

  def evaluate():
    jax.block_until_ready(faithful.evaluate(*feed))

  def epoch():
    number, steps = next(epochs), clean.plan.steps_per_epoch
    for feed, lengths in clean.loader.feeds(clean.plan, number * steps, (number + 1) * steps):
      clean.train(feed, lengths)
    jax.block_until_ready(clean.state)

  for warm in (train, evaluate):
    warm()
  shapes = {}
  for step_number in range(clean.plan.steps_per_epoch):
    shapes.setdefault(clean.plan[step_number].lengths, step_number)
  for first in shapes.values():  # one compilation per padded shape
    for feed_, lengths in clean.loader.feeds(clean.plan, first, first + 1):
      clean.train(feed_, lengths)
  timing.serve({'train': train, 'eval': evaluate, 'epoch': epoch}, about={
    'jax': jax.__version__, 'flax': flax.__version__, 'device': str(jax.devices()[0])})


if __name__ == '__main__':
  main()
