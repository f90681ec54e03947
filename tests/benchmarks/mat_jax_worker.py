"""Worker of `mat_versus_torch`: emojax's training step, evaluation step and epoch of MAT or MNT.

`train` and `eval` are the faithful model, padded in full, as the twin's; `epoch` is the clean
config, whose batches are grouped by length.
"""

import jax

from configs import iemocap_mat_clean, iemocap_mnt_clean
from tests.benchmarks import mat_data, mat_jax, timing

CLEAN = {'mat': iemocap_mat_clean, 'mnt': iemocap_mnt_clean}


def main() -> None:
  arguments = timing.worker_arguments(__doc__)
  jax.config.update('jax_platforms', arguments.device)
  corpus = mat_jax.Corpus(mat_data.utterances(max(arguments.examples, arguments.batch)))

  config = CLEAN[arguments.model].get_config()
  clean_options = {key: config.model[key] for key in ('norm', 'empty', 'mask_zero_frames')}
  faithful = mat_jax.Side(corpus, arguments.model, {}, batch_size=arguments.batch)
  clean = mat_jax.Side(corpus, arguments.model, clean_options, batch_size=arguments.batch,
                       buckets=dict(config.batch.buckets))
  [plan] = clean.plans
  feed = next(faithful.feeds(0, 1))
  epochs = iter(range(10**6))

  def train():
    faithful.train(*feed)
    jax.block_until_ready(faithful.state)

  def evaluate():
    jax.block_until_ready(faithful.evaluate(*feed))

  def epoch():
    number, steps = next(epochs), plan.steps_per_epoch
    for feed, lengths in clean.feeds(number * steps, (number + 1) * steps):
      clean.train(feed, lengths)
    jax.block_until_ready(clean.state)

  for warm in (train, evaluate):
    warm()
  shapes = {}
  for step_number in range(plan.steps_per_epoch):
    shapes.setdefault(plan[step_number].lengths, step_number)
  for first in shapes.values():  # one compilation per padded shape
    for feed_, lengths in clean.feeds(first, first + 1):
      clean.train(feed_, lengths)
  timing.serve({'train': train, 'eval': evaluate, 'epoch': epoch}, about=mat_jax.about())


if __name__ == '__main__':
  main()
