"""Worker of `recurrent_versus_torch`: a PyTorch twin's training step and epoch of one model."""

import argparse

import torch

from tests.benchmarks import fme_torch, mse_torch, recurrent_data, timing


def twin(model: str) -> torch.nn.Module:
  system, kind = model.split('_', 1)
  if system == 'fme':
    return fme_torch.Twin(kind, vocabulary=recurrent_data.VOCABULARY,
                          dropout=recurrent_data.DROPOUT_FME, **fme_torch.PUBLISHED)
  return mse_torch.Twin(
    kind, vocabulary=recurrent_data.VOCABULARY, dropout_audio=recurrent_data.DROPOUT_AUDIO,
    dropout_text=recurrent_data.DROPOUT_TEXT)


def main() -> None:
  arguments = argparse.ArgumentParser(
    description=__doc__, parents=[recurrent_data.flags()]).parse_args()
  # As TensorFlow and XLA do; gradients die out over 750 steps, and with denormal numbers a
  # backward pass takes fifteen times as long. Threads that start later inherit it.
  torch.set_flush_denormal(True)
  torch.manual_seed(0)
  size = recurrent_data.BATCHES[arguments.model]
  made = recurrent_data.utterances(
    arguments.model.split('_')[0], max(arguments.examples, size))
  # the twins of FME run all steps, those of MSE pick out the last real one
  lengths = {'num_frames': made.pop('num_audio')} if 'prosody' in made else {}
  data = {name: torch.from_numpy(array) for name, array in (made | lengths).items()}
  target = torch.nn.functional.one_hot(data.pop('label'), 4).float()
  model = twin(arguments.model).train()
  trained = [p for name, p in model.named_parameters()
             if arguments.model != 'fme_text_init' or not name.startswith('audio')]
  optimizer = torch.optim.Adam(trained, lr=1e-4, fused=True)

  def update(rows):
    loss = mse_torch.loss(model({name: values[rows] for name, values in data.items()}),
                          target[rows])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(trained, 10.0)
    optimizer.step()

  def train():
    update(torch.arange(size))

  def epoch():
    """Every batch padded in full, as in the originals."""
    for rows in torch.randperm(arguments.examples).split(size):
      update(rows)

  for _ in range(2):
    train()
  timing.serve({'train': train, 'epoch': epoch},
               about={'torch': torch.__version__, 'threads': torch.get_num_threads()})


if __name__ == '__main__':
  main()
