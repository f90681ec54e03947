"""Worker of `light_versus_torch`: a PyTorch twin's training step of one model."""

import argparse
import functools
from collections.abc import Callable, Mapping

import numpy as np
import torch

from tests.benchmarks import light_data, light_torch, timing, torch_side


def updater(
    timed: light_data.Timed, data: Mapping[str, np.ndarray], rate: float = 1e-4) -> Callable:
  """One update of the twin on the rows of `data` that are named."""
  data = dict(data)
  target = torch.from_numpy(data.pop('label'))
  widths = {name: data[name].shape[2] for name in light_torch.MODALITIES}
  model = light_torch.MODELS[timed.kind](widths, target.shape[1], **timed.sizes)
  largest = timed.optim.get('clip_norm')
  clip = {'clip': functools.partial(
    torch.nn.utils.clip_grad_norm_, max_norm=largest, foreach=True)} if largest else {}
  positive_weight = torch.tensor(light_data.POSITIVE_WEIGHT)
  return torch_side.updater(
    model, data, target, loss=light_torch.losses(positive_weight)[timed.system], lr=rate,
    weight_decay=timed.optim.get('l2', 0.0), **clip)


def main() -> None:
  arguments = argparse.ArgumentParser(
    description=__doc__, parents=[light_data.flags()]).parse_args()
  torch_side.prepare()
  timed = light_data.MODELS[arguments.model]
  update = updater(timed, light_data.utterances(timed.system))
  rows = torch.arange(light_data.BATCH)
  for _ in range(3):
    update(rows)
  timing.serve({'train': lambda: update(rows)}, about=torch_side.about())


if __name__ == '__main__':
  main()
