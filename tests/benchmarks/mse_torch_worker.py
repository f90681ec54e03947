"""Worker of `mse_versus_torch`: the PyTorch twins' training steps."""

import argparse

import torch

from tests.benchmarks import mse_data, mse_torch, timing


def train_step(kind: str, number: int):
  """A function that trains once, on the same batch each time."""
  data = {name: torch.from_numpy(array) for name, array in mse_data.batch(number).items()}
  target = torch.nn.functional.one_hot(data['label'], 4).float()
  model = mse_torch.Twin(kind, vocabulary=mse_data.VOCABULARY,
                         dropout_audio=mse_data.DROPOUT_AUDIO, dropout_text=mse_data.DROPOUT_TEXT)
  optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

  def train():
    model.train()
    loss = mse_torch.loss(model(data), target)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(model.parameters(), 10.0)
    optimizer.step()

  return train


def main() -> None:
  arguments = argparse.ArgumentParser(
    description=__doc__, parents=[mse_data.flags()]).parse_args()
  # As TensorFlow and XLA do; gradients die out over 750 steps, and with denormal numbers a
  # backward pass takes fifteen times as long. Threads that start later inherit it.
  torch.set_flush_denormal(True)
  torch.manual_seed(0)
  steps = {kind: train_step(kind, arguments.batch) for kind in arguments.kinds}
  for warm in steps.values():
    warm()
  timing.serve(steps, about={'torch': torch.__version__, 'threads': torch.get_num_threads()})


if __name__ == '__main__':
  main()
