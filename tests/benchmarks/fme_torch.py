"""The FME models in PyTorch, written for speed: what the JAX models are timed against.

The GRU is that of `mse_torch`. Pooling comes before bias and ReLU, keys of the attention are made
once, and dropout is drawn for all steps at once; none of that changes a number.
"""

import torch
import torch.nn.functional as F
from torch import nn

from tests.benchmarks import mse_torch

PUBLISHED = dict(hidden=200, filters=(25, 50), kernels=(25, 5), pools=(50, 50))
CACHED = 1024  # windows in one product
KINDS = 'text', 'text_init', 'audio', 'attn'


class GRU(mse_torch.GRU):
  """The same recurrence from any state, and step by step."""

  def forward(self, x, h):
    """[B, T, D], [B, H] -> [B, T, H]."""
    states = []
    for from_x in self.from_input(x):
      h = self.step(*from_x, h)
      states.append(h)
    return torch.stack(states, 1)

  def from_input(self, x):
    """What every step of `x` adds to its gates and its candidate."""
    steps = x.transpose(0, 1).reshape(-1, self.width)
    pairs = (self.gates_kernel, self.gates_bias), (self.candidate_kernel, self.candidate_bias)
    return zip(*(torch.addmm(bias, steps, kernel[:self.width]).view(x.shape[1], len(x), -1)
                 for kernel, bias in pairs))

  def step(self, gates, candidate, h):
    r, u = torch.addmm(gates, h, self.gates_kernel[self.width:]).sigmoid_().chunk(2, 1)
    c = torch.addmm(candidate, r * h, self.candidate_kernel[self.width:]).tanh_()
    return torch.lerp(c, h, u)


class LargestOutputs(torch.autograd.Function):
  """Convolution without padding, then the largest of each window of outputs: [B, T', F].

  Neighbouring outputs are one matrix product, example by example, so that they stay in the cache.
  In the backward pass one output in a window has a gradient: what it saw is gathered. In all a
  third of the processor time of `conv1d` and `max_pool1d`, whose backward pass is dense.
  """

  @staticmethod
  def forward(ctx, x, kernel, pool):
    """`x` [B, T' * pool + W - 1, D]; `kernel` [W, D, F], TensorFlow's."""
    taps, width, filters = kernel.shape
    together = max(n for n in range(1, max(2 * taps // 5, 1) + 1) if pool % n == 0)
    flat = kernel.reshape(taps * width, filters).T
    matrix = torch.cat([F.pad(flat, (i * width, (together - 1 - i) * width))
                        for i in range(together)]).T
    largest, place = [], []
    for example in x.flatten(1):
      seen = example.unfold(0, len(matrix), together * width)
      for part in seen.split(CACHED * pool // together):
        found = (part @ matrix).view(-1, pool, filters).max(1)
        largest.append(found.values)
        place.append(found.indices)
    place = torch.cat(place).view(len(x), -1, filters)
    ctx.save_for_backward(x, kernel, place)
    ctx.pool = pool
    return torch.cat(largest).view(place.shape)

  @staticmethod
  def backward(ctx, dlargest):
    x, kernel, place = ctx.saved_tensors
    taps, width, filters = kernel.shape
    first = place + ctx.pool * torch.arange(place.shape[1])[:, None]  # output with a gradient
    dkernel = kernel.new_zeros(filters, 1, taps * width)
    for example, at, dy in zip(x.flatten(1), first, dlargest):
      seen = example.unfold(0, taps * width, width)
      for at_, dy_ in zip(at.split(CACHED), dy.split(CACHED)):
        dkernel.baddbmm_(dy_.T.unsqueeze(1), seen[at_.T])
    dx = None
    if ctx.needs_input_grad[0]:
      doutputs = dlargest.new_zeros(len(x), x.shape[1] - taps + 1, filters)
      doutputs.scatter_(1, first, dlargest)
      dx = F.conv_transpose1d(doutputs.transpose(1, 2), kernel.permute(2, 1, 0)).transpose(1, 2)
    return dx, dkernel.view(filters, taps, width).permute(1, 2, 0), None


class ConvPool(nn.Module):
  """[B, T, D] -> [B, T // pool, F]; the variables are TensorFlow's."""

  def __init__(self, width: int, filters: int, taps: int, pool: int):
    super().__init__()
    self.kernel = nn.Parameter(torch.empty(taps, width, filters))
    self.bias = nn.Parameter(torch.zeros(filters))
    nn.init.uniform_(self.kernel, -0.1, 0.1)
    self.taps, self.pool = taps, pool

  def forward(self, x):
    before, windows = (self.taps - 1) // 2, x.shape[1] // self.pool
    x = F.pad(x, (0, 0, before, self.taps - 1 - before))[:, :windows * self.pool + self.taps - 1]
    return (LargestOutputs.apply(x, self.kernel, self.pool) + self.bias).relu()


class Sound(nn.Module):
  """Samples [B, T] -> outputs [B, T', H], dropped out, and the last state."""

  def __init__(self, hidden: int, filters, kernels, pools, dropout: float):
    super().__init__()
    self.stages = nn.Sequential(*(
      ConvPool(*sizes) for sizes in zip((1, *filters[:-1]), filters, kernels, pools)))
    self.gru, self.dropout = GRU(filters[-1], hidden), dropout

  def forward(self, samples):
    frames = self.stages(samples.unsqueeze(-1))
    frames = F.dropout(frames, self.dropout, self.training)
    states = self.gru(frames, frames.new_zeros(len(frames), self.gru.candidate_bias.shape[0]))
    return F.dropout(states, self.dropout, self.training), states[:, -1]


class Attention(nn.Module):
  """Runs a GRU whose state is, from the second step on, mixed with what it finds in a memory."""

  def __init__(self, hidden: int):
    super().__init__()
    self.key, self.query = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
    self.score = nn.Linear(hidden, 1)
    self.project = nn.Parameter(torch.empty(2 * hidden, hidden).uniform_(-0.25, 0.25))

  def forward(self, gru, x, h, memory):
    """[B, L, D], [B, H], [B, T, H] -> the last state [B, H]."""
    keys, score = self.key(memory), self.score.weight[0]
    for t, from_x in enumerate(gru.from_input(x)):
      if t:
        seen = (keys + self.query(h).unsqueeze(1)).tanh_()
        weights = (seen @ score).softmax(-1)
        found = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
        h = (torch.cat([found, h], 1) @ self.project).tanh_()
      h = gru.step(*from_x, h)
    return h


class Twin(nn.Module):
  """A batch -> logits [B, 4]; `kind` is one of KINDS."""

  def __init__(self, kind: str, *, vocabulary: int = 0, text_width: int = 300, hidden: int = 200,
               filters=(), kernels=(), pools=(), dropout: float = 0.0):
    super().__init__()
    self.kind, self.dropout = kind, dropout
    if kind != 'text':
      self.audio = Sound(hidden, filters, kernels, pools, dropout)
    if kind != 'audio':
      self.embedding = nn.Parameter(torch.empty(vocabulary, text_width).normal_(0, 0.01))
      self.text = GRU(text_width, hidden)
    if kind == 'attn':
      self.attention = Attention(hidden)
    self.readout = mse_torch.Projection(hidden, 4)

  def forward(self, batch):
    """`batch`: 'text' ids [B, L] and 'audio' samples [B, T], as the kind reads them; or the text's
    'start' [B, H] in place of what a frozen audio model says.
    """
    if self.kind == 'audio':
      return self.readout(self.audio(batch['audio'])[1])
    words = F.dropout(F.embedding(batch['text'], self.embedding), self.dropout, self.training)
    if 'start' in batch or self.kind == 'text':
      start = batch.get('start', words.new_zeros(len(words), self.text.candidate_bias.shape[0]))
      return self.readout(self.text(words, start)[:, -1])
    if self.kind == 'text_init':
      with torch.no_grad():  # a trained audio model, which stays as it is
        start = self.audio(batch['audio'])[0][:, -1]
      return self.readout(self.text(words, start)[:, -1])
    outputs, _ = self.audio(batch['audio'])
    memory = outputs.transpose(1, 2).reshape(outputs.shape)  # as the original: not turned back
    return self.readout(self.attention(self.text, words, outputs[:, -1], memory))


# The original's variables, as `emojax.io.parameters.rename` reads tables.
FROM_TF = (
  (r'^conv1d/', 'audio.stages.0.'),
  (r'^conv1d_(\d+)/', r'audio.stages.\1.'),
  (r'^RNN_1/project_weight$', 'attention.project'),
  (r'^RNN_1/dense/', 'attention.key.'),
  (r'^RNN_1/dense_1/', 'attention.query.'),
  (r'^RNN_1/dense_2/', 'attention.score.'),
  (r'^embedding_layer/embed_matrix$', 'embedding'),
  (r'^multi_rnn_cell/cell_0/gru_cell/', 'text.'),
  (r'(gates|candidate)/(kernel|bias)$', r'\1_\2'),
  (r'^output_layer/W$', 'readout.kernel'),
  (r'^output_layer/b$', 'readout.bias'),
)
# What `rnn/` is depends on the kind.
RNN = {'text': 'text.', 'text_init': 'text.', 'audio': 'audio.gru.', 'attn': 'audio.gru.'}


def from_tf(kind: str):
  return ((r'^rnn/multi_rnn_cell/cell_0/gru_cell/', RNN[kind]), *FROM_TF)
