"""A PyTorch twin's training, ready to be timed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch


def prepare() -> None:
  """What every worker begins with."""
  # As TensorFlow and XLA do; gradients die out over 750 steps, and with denormal numbers a
  # backward pass takes fifteen times as long. Threads that start later inherit it.
  torch.set_flush_denormal(True)
  torch.manual_seed(0)


def updater(
    model: torch.nn.Module,
    data: Mapping[str, np.ndarray],
    target: torch.Tensor,
    *,
    loss: Callable,
    trained: Sequence[torch.nn.Parameter] | None = None,
    clip: Callable = lambda trained: None,
    **adam: float,
) -> Callable[[torch.Tensor], torch.Tensor]:
  """One update of `model` on the rows that are named; returns the loss before it.

  Args:
    data, target: all utterances. loss: of outputs and targets.
    trained: parameters; None: all. clip: what is done to their gradients.
    adam: its `lr` and `weight_decay`.
  """
  model.train()
  data = {name: torch.from_numpy(array) for name, array in data.items()}
  trained = list(model.parameters() if trained is None else trained)
  optimizer = torch.optim.Adam(trained, fused=True, **adam)

  def update(rows: torch.Tensor) -> torch.Tensor:
    found = loss(model({name: values[rows] for name, values in data.items()}), target[rows])
    optimizer.zero_grad()
    found.backward()
    clip(trained)
    optimizer.step()
    return found.detach()

  return update


def about() -> dict[str, Any]:
  return {'torch': torch.__version__, 'threads': torch.get_num_threads()}
