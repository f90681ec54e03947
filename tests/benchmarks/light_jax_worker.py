"""Worker of `light_versus_torch`: emojax's training step of one model."""

import argparse
import types

import ml_collections

from configs import common
from tests.benchmarks import jax_side, light_data, timing


def side(timed: light_data.Timed) -> jax_side.Side:
  """The training step of a model, faithful and padded in full."""
  data = light_data.utterances(timed.system)
  streams = {name: jax_side.Stream(data[name], data[f'num_{name}'])
             for name in light_data.FEATURES[timed.system]}
  c = common.base()
  c.model = ml_collections.ConfigDict({'name': timed.kind, **timed.sizes})
  c.optim.update(timed.optim)
  if timed.system == 'mme2e':
    labels = types.SimpleNamespace(names=tuple('abcdef'))
    c.heads.emotion = common.multi_label(
      over_labels='mean', class_weights=light_data.POSITIVE_WEIGHT)
  else:
    labels = types.SimpleNamespace(names=('sentiment',), low=-3, high=3)
    c.heads.emotion = common.regression(reduction='sum')
  if timed.kind == 'tfn':
    c.model.bounds = {'emotion': (labels.low, labels.high)}
  return jax_side.Side(jax_side.Corpus(streams, data['label'], labels), c,
                       batch_size=light_data.BATCH)


def main() -> None:
  arguments = argparse.ArgumentParser(
    description=__doc__, parents=[light_data.flags()]).parse_args()
  jax_side.start('cpu')
  train = side(light_data.MODELS[arguments.model]).first_step()
  for _ in range(3):
    train()
  timing.serve({'train': train}, about=jax_side.about())


if __name__ == '__main__':
  main()
