"""Worker of `fme_versus_torch`: emojax's training steps of the faithful FME models."""

import argparse
import importlib

import jax
import jax.numpy as jnp
import numpy as np

from emojax.tasks import single_label
from emojax.train import functional, optim, step
from emojax.train import state as state_lib
from emojax.types import Batch, Stream, StreamSpec
from tests.benchmarks import fme_data, timing

STREAMS = {
  'text': StreamSpec(300, fme_data.NUM_WORDS, vocabulary_size=fme_data.VOCABULARY),
  'audio': StreamSpec(1, fme_data.NUM_SAMPLES),
}


def train_step(kind: str):
  """A function that trains once, on the same batch each time, and returns when it has."""
  data = fme_data.batch(fme_data.BATCHES[kind])
  heads = [single_label.Head('emotion', tuple('abcd'), cross_entropy='sigmoid')]
  model = importlib.import_module(f'emojax.models.fme_{kind}')

  def make(rngs):
    return model.Model(STREAMS, {'emotion': 4}, **model.PRESETS['published'], rngs=rngs)

  tx = optim.build('adam_tf1', clip_value=10.0)
  streams = {'text': Stream(data['text'], data['text'] != 0),
             'audio': Stream(data['audio'][..., None], data['audio'] != 0)}
  batch = Batch({name: streams[name] for name in model.Model.requires}, {'emotion': data['label']},
                np.ones(len(data['label']), np.float32), np.arange(len(data['label'])))
  batch = jax.tree.map(lambda a: jnp.asarray(a)[None], batch)
  run = step.make_train_step(functional.graph(make), heads, tx, lambda _, feed, lengths: feed)
  settings = step.Settings(jnp.array([3e-4]), {'emotion': jnp.ones(1)})
  held = [state_lib.init([make], tx, [0], restores=False), step.zero_sums(heads, 1)]

  def train():
    held[:] = run(*held, None, batch, settings, jnp.array([True]), ())
    jax.block_until_ready(held)

  return train


def main() -> None:
  kinds = argparse.ArgumentParser(description=__doc__,
                                  parents=[fme_data.flags()]).parse_args().kinds
  jax.config.update('jax_platforms', 'cpu')
  steps = {kind: train_step(kind) for kind in kinds}
  for warm in steps.values():
    for _ in range(2):
      warm()
  timing.serve(steps, about={'jax': jax.__version__, 'device': jax.devices()[0].device_kind})


if __name__ == '__main__':
  main()
