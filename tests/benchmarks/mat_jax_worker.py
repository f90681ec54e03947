"""Worker of `mat_versus_torch`: emojax's training step, evaluation step and epoch of MAT or MNT.

`train` and `eval` are the faithful model, padded in full, as the twin's; `epoch` is the clean
config, whose batches are grouped by length.
"""

import importlib
import itertools

import jax

from tests.benchmarks import jax_side, mat_data, timing


def corpus(number: int) -> jax_side.Corpus:
  """Random utterances as MAT's streams."""
  data = mat_data.utterances(number)
  return jax_side.Corpus({
    'text': jax_side.Stream(data.ids, data.num_words, mat_data.VOCABULARY),
    'audio': jax_side.Stream(data.frames, data.num_frames)}, data.labels)


def main() -> None:
  arguments = timing.worker_arguments(__doc__)
  jax_side.start(arguments.device)
  made = corpus(max(arguments.examples, arguments.batch))
  faithful, clean = (
    jax_side.Side(made, importlib.import_module(f'configs.iemocap_{name}').get_config(),
                  batch_size=arguments.batch)
    for name in (arguments.model, f'{arguments.model}_clean'))
  feed, train, epochs = next(faithful.feeds(0, 1)), faithful.first_step(), itertools.count()

  def evaluate():
    jax.block_until_ready(faithful.evaluate(*feed))

  for warm in (train, evaluate, clean.compile_epoch):
    warm()
  timing.serve({'train': train, 'eval': evaluate,
                'epoch': lambda: clean.train_epoch(next(epochs))}, about=jax_side.about())


if __name__ == '__main__':
  main()
