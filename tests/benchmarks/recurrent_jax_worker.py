"""Worker of `recurrent_versus_torch`: emojax's training step and epoch of one model.

`train` is the faithful model, padded in full, as the twin's; `epoch` is the clean config, whose
batches, of the same size, are grouped by length and which computes nothing of what is padded.
"""

import argparse
import importlib
import itertools

from tests.benchmarks import jax_side, recurrent_data, timing


def corpus(model: str, number: int) -> jax_side.Corpus:
  """Random utterances as the streams of `model`."""
  data = recurrent_data.utterances(model.split('_')[0], number)
  audio = data['audio'] if data['audio'].ndim == 3 else data['audio'][..., None]
  streams = {
    'text': jax_side.Stream(data['text'], data['num_words'], recurrent_data.VOCABULARY),
    'audio': jax_side.Stream(audio, data['num_audio']),
  }
  if 'prosody' in data:
    streams['prosody'] = jax_side.Stream(data['prosody'][:, None], 1 + 0 * data['num_audio'])
  return jax_side.Corpus(streams, data['label'])


def main() -> None:
  arguments = argparse.ArgumentParser(
    description=__doc__, parents=[recurrent_data.flags()]).parse_args()
  jax_side.start('cpu')
  size = recurrent_data.BATCHES[arguments.model]
  made = corpus(arguments.model, max(arguments.examples, size))
  faithful, clean = (
    jax_side.Side(made, importlib.import_module(f'configs.iemocap_{name}').get_config(),
                  batch_size=size) for name in (arguments.model, f'{arguments.model}_clean'))
  train, epochs = faithful.first_step(), itertools.count()
  for _ in range(2):
    train()
  clean.compile_epoch()
  timing.serve({'train': train, 'epoch': lambda: clean.train_epoch(next(epochs))},
               about=jax_side.about())


if __name__ == '__main__':
  main()
