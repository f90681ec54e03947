"""The four MSE models in PyTorch, written for speed: what the JAX models are timed against.

PyTorch's own GRU resets the state after its product, TensorFlow's before, so the recurrence is a
loop. What the input adds is one product for all steps; a step is two products and six elementwise
operations. All steps run, and an utterance's last state is picked out afterwards, which takes less
than a mask in every step.
"""

import torch
import torch.nn.functional as F
from torch import nn


class GRU(nn.Module):
  """[B, T, D] -> [B, T, H]; variables are TensorFlow's, [in, out]."""

  def __init__(self, width: int, hidden: int):
    super().__init__()
    self.width = width
    self.gates_kernel = nn.Parameter(torch.empty(width + hidden, 2 * hidden))
    self.gates_bias = nn.Parameter(torch.ones(2 * hidden))
    self.candidate_kernel = nn.Parameter(torch.empty(width + hidden, hidden))
    self.candidate_bias = nn.Parameter(torch.zeros(hidden))
    for kernel in (self.gates_kernel, self.candidate_kernel):
      nn.init.orthogonal_(kernel)

  def forward(self, x):
    hidden = len(self.candidate_bias)
    of_x, gates_of_h = self.gates_kernel.split((self.width, hidden))
    candidate_of_x, candidate_of_h = self.candidate_kernel.split((self.width, hidden))
    steps = x.transpose(0, 1).reshape(-1, self.width)
    gates = torch.addmm(self.gates_bias, steps, of_x).view(x.shape[1], len(x), -1)
    candidates = torch.addmm(self.candidate_bias, steps, candidate_of_x).view(
      x.shape[1], len(x), -1)
    h, states = x.new_zeros(len(x), hidden), []
    for gate, candidate in zip(gates.unbind(), candidates.unbind()):
      r, u = torch.addmm(gate, h, gates_of_h).sigmoid_().chunk(2, 1)
      h = torch.lerp(torch.addmm(candidate, r * h, candidate_of_h).tanh_(), h, u)
      states.append(h)
    return torch.stack(states, 1)


class Encoder(nn.Module):
  """A stack of GRUs; drops the inputs and outputs of every layer."""

  def __init__(self, width: int, hidden: int, num_layers: int, dropout: float):
    super().__init__()
    self.dropout = dropout
    self.layers = nn.ModuleList(
      GRU(hidden if layer else width, hidden) for layer in range(num_layers))

  def forward(self, x, lengths):
    """Outputs [B, T, H], not dropped yet, and the last states [B, H]."""
    for i, layer in enumerate(self.layers):
      if i:
        x = F.dropout(x, self.dropout, self.training)
      x = layer(F.dropout(x, self.dropout, self.training))
    return x, x[torch.arange(len(x)), lengths - 1]


class Projection(nn.Module):
  """x @ kernel + one bias for all outputs."""

  def __init__(self, width_in: int, width_out: int):
    super().__init__()
    self.kernel = nn.Parameter(torch.empty(width_in, width_out).uniform_(-0.25, 0.25))
    self.bias = nn.Parameter(torch.zeros(1))

  def forward(self, x):
    return x @ self.kernel + self.bias


class Twin(nn.Module):
  """A batch -> logits [B, 4]; `kind` is 'are', 'tre', 'mdre' or 'mdrea'."""

  def __init__(self, kind: str, *, vocabulary: int = 0, text_width: int = 300,
               audio_width: int = 39, prosody_width: int = 35, hidden_audio: int = 200,
               hidden_text: int = 200, num_layers_audio: int = 1, num_layers_text: int = 1,
               dropout_audio: float = 0.0, dropout_text: float = 0.0):
    super().__init__()
    self.kind, sound = kind, hidden_audio + prosody_width
    if kind != 'tre':
      self.audio = Encoder(audio_width, hidden_audio, num_layers_audio, dropout_audio)
    if kind != 'are':
      self.embedding = nn.Parameter(torch.empty(vocabulary, text_width).normal_(0, 0.01))
      self.text = Encoder(text_width, hidden_text, num_layers_text, dropout_text)
    fused = {'are': sound, 'tre': hidden_text, 'mdre': sound // 2 + hidden_text // 2,
             'mdrea': 2 * hidden_text}[kind]
    if kind == 'mdre':
      self.sound_half = Projection(sound, sound // 2)
      self.text_half = Projection(hidden_text, hidden_text // 2)
    if kind == 'mdrea':
      self.query = Projection(sound, hidden_text)
    self.readout = Projection(fused, 4)

  def forward(self, batch):
    """`batch`: 'audio' [B, T, D], 'prosody' [B, P], 'text' [B, L] and 'num_frames', 'num_words'."""
    if self.kind != 'tre':
      sound = torch.cat([self.audio(batch['audio'], batch['num_frames'])[1], batch['prosody']], 1)
    if self.kind != 'are':
      words, said = self.text(F.embedding(batch['text'], self.embedding), batch['num_words'])
    if self.kind == 'are':
      fused = sound
    elif self.kind == 'tre':
      fused = said
    elif self.kind == 'mdre':
      fused = torch.cat([self.sound_half(sound), self.text_half(said)], 1)
    else:
      words = F.dropout(words, self.text.dropout, self.training)
      query = self.query(sound)
      scores = (words @ query.unsqueeze(-1)).squeeze(-1)
      beyond = torch.arange(words.shape[1]) >= batch['num_words'][:, None]
      attention = scores.masked_fill(beyond, -torch.inf).softmax(-1)
      fused = torch.cat([(attention.unsqueeze(1) @ words).squeeze(1), query], 1)
    return self.readout(fused)


def loss(logits, target):
  """The mean over examples and classes of each class's own cross-entropy; `target` [B, 4]."""
  return F.binary_cross_entropy_with_logits(logits, target)


# The original's variables, as `emojax.io.parameters.rename` reads tables.
FROM_TF = (
  (r'^(audio|text)_GRU/rnn/multi_rnn_cell/cell_(\d+)/gru_cell/', r'\1.layers.\2.'),
  (r'(gates|candidate)/(kernel|bias)$', r'\1_\2'),
  (r'^embed_layer/embed_matrix$', 'embedding'),
  (r'^attn_projection_helper$', 'query.kernel'),
  (r'^attn_bias$', 'query.bias'),
  (r'^multi_output_layer/', 'readout/'),
  (r'/similarity_matrix$', '.kernel'),
  (r'/output_bias$', '.bias'),
)


def from_tf(kind: str):
  """What the layers of one modality are called depends on the kind."""
  halves = {'audio': 'sound_half', 'text': 'text_half'} if kind == 'mdre' else {}
  return (*((rf'^{name}_output_layer/', f'{halves.get(name, "readout")}/')
            for name in ('audio', 'text')), *FROM_TF)
