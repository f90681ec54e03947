"""Worker of `recurrent_versus_torch`: a PyTorch twin's training step and epoch of one model."""

import argparse
import functools

import torch

from tests.benchmarks import fme_torch, mse_torch, recurrent_data, timing, torch_side


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
  torch_side.prepare()
  size = recurrent_data.BATCHES[arguments.model]
  made = recurrent_data.utterances(
    arguments.model.split('_')[0], max(arguments.examples, size))
  # the twins of FME run all steps, those of MSE pick out the last real one
  lengths = {'num_frames': made.pop('num_audio')} if 'prosody' in made else {}
  data = made | lengths
  target = torch.nn.functional.one_hot(torch.from_numpy(data.pop('label')), 4).float()
  model = twin(arguments.model)
  trained = [p for name, p in model.named_parameters()
             if arguments.model != 'fme_text_init' or not name.startswith('audio')]
  update = torch_side.updater(
    model, data, target, loss=mse_torch.loss, trained=trained, lr=1e-4,
    clip=functools.partial(torch.nn.utils.clip_grad_value_, clip_value=10.0))

  def train():
    update(torch.arange(size))

  def epoch():
    """Every batch padded in full, as in the originals."""
    for rows in torch.randperm(arguments.examples).split(size):
      update(rows)

  for _ in range(2):
    train()
  timing.serve({'train': train, 'epoch': epoch}, about=torch_side.about())


if __name__ == '__main__':
  main()
