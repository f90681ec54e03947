"""Worker of `mse_versus_torch`: emojax's training steps of the faithful MSE models."""

import argparse
import importlib

import jax
import jax.numpy as jnp
import numpy as np

from emojax.tasks import single_label
from emojax.train import functional, optim, step
from emojax.train import state as state_lib
from emojax.types import Batch, Stream, StreamSpec
from tests.benchmarks import mse_data, timing

STREAMS = {
  'text': StreamSpec(300, mse_data.NUM_WORDS, vocabulary_size=mse_data.VOCABULARY),
  'audio': StreamSpec(mse_data.AUDIO_WIDTH, mse_data.NUM_FRAMES),
  'prosody': StreamSpec(mse_data.PROSODY_WIDTH, 1),
}


def train_step(kind: str, number: int):
  """A function that trains once, on the same batch each time, and returns when it has."""
  data = mse_data.batch(number)
  heads = [single_label.Head('emotion', tuple('abcd'), cross_entropy='sigmoid')]
  model = importlib.import_module(f'emojax.models.mse_{kind}')

  def make(rngs):
    return model.Model(STREAMS, {'emotion': 4}, **model.PRESETS['published'], rngs=rngs)

  def real(length, counts):
    return np.arange(length) < counts[:, None]

  streams = {
    'text': Stream(data['text'], real(mse_data.NUM_WORDS, data['num_words'])),
    'audio': Stream(data['audio'], real(mse_data.NUM_FRAMES, data['num_frames'])),
    'prosody': Stream(data['prosody'][:, None], np.ones((number, 1), bool)),
  }
  tx = optim.build('adam_tf1', clip_value=10.0)
  batch = Batch({name: streams[name] for name in model.Model.requires},
                {'emotion': data['label'].astype(np.int32)}, np.ones(number, np.float32),
                np.arange(number))
  batch = jax.tree.map(lambda a: jnp.asarray(a)[None], batch)
  run = step.make_train_step(functional.graph(make), heads, tx, lambda _, feed, lengths: feed)
  settings = step.Settings(jnp.array([1e-3]), {'emotion': jnp.ones(1)})
  held = [state_lib.init([make], tx, [0], restores=False), step.zero_sums(heads, 1)]

  def train():
    held[:] = run(*held, None, batch, settings, jnp.array([True]), ())
    jax.block_until_ready(held)

  return train


def main() -> None:
  arguments = argparse.ArgumentParser(
    description=__doc__, parents=[mse_data.flags()]).parse_args()
  jax.config.update('jax_platforms', 'cpu')
  steps = {kind: train_step(kind, arguments.batch) for kind in arguments.kinds}
  for warm in steps.values():
    warm()
  timing.serve(steps, about={'jax': jax.__version__, 'device': jax.devices()[0].device_kind})


if __name__ == '__main__':
  main()
