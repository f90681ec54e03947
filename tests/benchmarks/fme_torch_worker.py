"""Worker of `fme_versus_torch`: the PyTorch twins' training steps."""

import argparse

import torch

from tests.benchmarks import fme_data, fme_torch, mse_torch, timing


def train_step(kind: str):
  """A function that trains once, on the same batch each time."""
  data = fme_data.batch(fme_data.BATCHES[kind])
  batch = {name: torch.from_numpy(data[name]) for name in ('text', 'audio')}
  target = torch.nn.functional.one_hot(torch.from_numpy(data['label']).long(), 4).float()
  model = fme_torch.Twin(kind, vocabulary=fme_data.VOCABULARY, dropout=fme_data.DROPOUT,
                         **fme_torch.PUBLISHED)
  trained = [p for name, p in model.named_parameters()
             if kind != 'text_init' or not name.startswith('audio')]
  optimizer = torch.optim.Adam(trained, lr=3e-4, fused=True)

  def train():
    model.train()
    loss = mse_torch.loss(model(batch), target)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(trained, 10.0)
    optimizer.step()

  return train


def main() -> None:
  kinds = argparse.ArgumentParser(description=__doc__,
                                  parents=[fme_data.flags()]).parse_args().kinds
  torch.manual_seed(0)
  steps = {kind: train_step(kind) for kind in kinds}
  for warm in steps.values():
    for _ in range(2):
      warm()
  timing.serve(steps, about={'torch': torch.__version__, 'threads': torch.get_num_threads()})


if __name__ == '__main__':
  main()
