"""Worker of `mat_versus_torch`: a PyTorch twin's training step, evaluation step and epoch."""

import torch

from tests.benchmarks import mat_data, mat_torch, timing


def main() -> None:
  arguments = timing.worker_arguments(__doc__)
  torch.manual_seed(0)
  device = torch.device(arguments.device)
  finish = torch.cuda.synchronize if device.type == 'cuda' else lambda: None

  data = mat_data.utterances(max(arguments.examples, arguments.batch))
  ids, frames, labels = (
    torch.from_numpy(array).to(device) for array in (data.ids, data.frames, data.labels))
  first = torch.arange(arguments.batch, device=device)
  model = mat_torch.MODELS[arguments.model](
    mat_data.VOCABULARY, mat_data.NUM_CLASSES, **mat_torch.PUBLISHED).to(device)
  optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

  def update(rows):
    loss = mat_torch.loss(model(ids[rows], frames[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

  def train():
    model.train()
    update(first)
    finish()

  def evaluate():
    model.eval()
    with torch.inference_mode():
      model(ids[first], frames[first]).argmax(-1)
    finish()

  def epoch():
    """Every batch padded to the full 40 frames and 15 words, as in the original."""
    model.train()
    for rows in torch.randperm(arguments.examples, device=device).split(arguments.batch):
      update(rows)
    finish()

  for step in (train, evaluate) * 3:
    step()
  timing.serve(
    {'train': train, 'eval': evaluate, 'epoch': epoch},
    about={'torch': torch.__version__, 'threads': torch.get_num_threads(), 'device': str(device)})


if __name__ == '__main__':
  main()
