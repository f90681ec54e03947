"""LF-RNN, LF-Transformer, TFN and LMF in PyTorch, written for speed: what ours are timed against.

LSTMs are PyTorch's fused ones. Nothing is computed that no logit depends on: of text the way back
of LF-RNN makes a single step, and a transformer's last layer computes its first place alone.
"""

import functools

import torch
import torch.nn.functional as F
from torch import nn

MODALITIES = 'text', 'audio', 'video'


class FinalStates(nn.LSTM):
  """[B, T, D] -> [B, 2H]: the states after the last step of each direction."""

  def __init__(self, width: int):
    super().__init__(width, width, batch_first=True, bidirectional=True)

  def forward(self, x):
    return super().forward(x)[1][0].transpose(0, 1).flatten(1)


class OutputsAtTheEnd(nn.Module):
  """[B, T, D] -> [B, 2H]: the outputs at the last place of an LSTM in both directions."""

  def __init__(self, width: int):
    super().__init__()
    self.onward, self.backward_ = (nn.LSTM(width, width, batch_first=True) for _ in range(2))

  def forward(self, x):
    return torch.cat([self.onward(x)[1][0][0], self.backward_(x[:, -1:])[1][0][0]], 1)


class WeightedLogits(nn.Module):
  """Linear, ReLU and linear for each modality, then a weighted sum of their logits."""

  def __init__(self, widths, labels: int):
    """`widths`: modality -> width of its vector, and of its hidden layer."""
    super().__init__()
    self.affines = nn.ModuleDict({
      name: nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, labels))
      for name, (width, hidden) in widths.items()})
    self.weighted_fusion = nn.Linear(len(widths), 1, bias=False)

  def forward(self, vectors):
    logits = [affine(vectors[name]) for name, affine in self.affines.items()]
    return torch.stack(logits, -1) @ self.weighted_fusion.weight[0]


class LfRnn(nn.Module):
  """A batch -> logits [B, K]; zeros of the padding are read like frames."""

  def __init__(self, widths, labels: int):
    super().__init__()
    self.rnns = nn.ModuleDict({
      name: (OutputsAtTheEnd if name == 'text' else FinalStates)(widths[name])
      for name in MODALITIES})
    self.readout = WeightedLogits(
      {name: (2 * widths[name], widths[name]) for name in MODALITIES}, labels)

  def forward(self, batch):
    return self.readout({name: rnn(batch[name]) for name, rnn in self.rnns.items()})


class Layer(nn.TransformerEncoderLayer):
  """The same function, of the first `places` alone where so many are asked for."""

  def forward(self, x, seen=None, places=None):
    """[B, T, D] -> [B, Q, D]; `seen` [B, 1, 1, T]: what is attended to, None: everything."""
    packed = self.self_attn.in_proj_weight, self.self_attn.in_proj_bias
    if places is None:
      parts = F.linear(x, *packed).chunk(3, -1)
    else:
      ours, theirs = zip(*(parameter.tensor_split([x.shape[-1]]) for parameter in packed))
      parts = F.linear(x[:, :places], *ours), *F.linear(x, *theirs).chunk(2, -1)
    heads = (part.unflatten(-1, (self.self_attn.num_heads, -1)).transpose(1, 2) for part in parts)
    found = F.scaled_dot_product_attention(
      *heads, attn_mask=seen, dropout_p=self.dropout.p if self.training else 0.0)
    found = self.self_attn.out_proj(found.transpose(1, 2).flatten(2))
    x = self.norm1(x[:, :places] + self.dropout1(found))
    return self.norm2(x + self.dropout2(self.linear2(self.dropout(self.linear1(x).relu_()))))


class ClsTransformer(nn.Module):
  """[B, T, D] -> [B, D], what stands at a learned first vector's place."""

  def __init__(self, width: int, num_heads: int, feed_forward: int, dropout: float,
               num_layers: int):
    super().__init__()
    self.cls_emb = nn.Embedding(1, width)
    self.layers = nn.ModuleList(
      Layer(width, num_heads, feed_forward, dropout, batch_first=True) for _ in range(num_layers))

  def forward(self, x, lengths=None):
    """`lengths` [B]; None: zeros of the padding are attended to like frames."""
    x = torch.cat([self.cls_emb.weight.expand(len(x), 1, -1), x], 1)
    seen = None
    if lengths is not None:
      seen = (torch.arange(x.shape[1]) <= lengths[:, None])[:, None, None]
    for layer in self.layers[:-1]:
      x = layer(x, seen)
    return self.layers[-1](x, seen, places=1)[:, 0]


class LfTransformer(nn.Module):
  """A batch -> logits [B, K]; of text, zeros of the padding are attended to."""

  def __init__(self, widths, labels: int, *, num_layers: int, feed_forward: int, dropout: float,
               **num_heads):
    super().__init__()
    self.transformers = nn.ModuleDict({
      name: ClsTransformer(
        widths[name], num_heads[f'num_heads_{name}'], feed_forward, dropout, num_layers)
      for name in MODALITIES})
    self.readout = WeightedLogits(
      {name: (widths[name], widths[name] // 2) for name in MODALITIES}, labels)

  def forward(self, batch):
    return self.readout({
      name: transformer(batch[name], None if name == 'text' else batch[f'num_{name}'])
      for name, transformer in self.transformers.items()})


class SubNet(nn.Module):
  """[B, D] -> [B, H]: normalised over the batch, dropout, three linear layers with ReLU."""

  def __init__(self, width: int, hidden: int, dropout: float):
    super().__init__()
    self.norm, self.drop = nn.BatchNorm1d(width), nn.Dropout(dropout)
    self.linear_1, self.linear_2, self.linear_3 = (
      nn.Linear(wide, hidden) for wide in (width, hidden, hidden))

  def forward(self, x):
    x = self.drop(self.norm(x))
    for layer in (self.linear_1, self.linear_2, self.linear_3):
      x = layer(x).relu_()
    return x


class TextSubNet(nn.Module):
  """[B, T, D] -> [B, H]: the last state of an LSTM, dropout, one linear layer."""

  def __init__(self, width: int, hidden: int, out: int, dropout: float):
    super().__init__()
    self.rnn, self.drop = nn.LSTM(width, hidden, batch_first=True), nn.Dropout(dropout)
    self.linear_1 = nn.Linear(hidden, out)

  def forward(self, x):
    return self.linear_1(self.drop(self.rnn(x)[1][0][0]))


class Fusion(nn.Module):
  """What TFN and LMF share: a vector of each modality, audio and video of their only frame."""

  def __init__(self, widths, *, hidden_text: int, hidden_audio: int, hidden_video: int,
               text_out: int, dropout_text: float, dropout_audio: float, dropout_video: float):
    super().__init__()
    self.audio_subnet = SubNet(widths['audio'], hidden_audio, dropout_audio)
    self.video_subnet = SubNet(widths['video'], hidden_video, dropout_video)
    self.text_subnet = TextSubNet(widths['text'], hidden_text, text_out, dropout_text)
    self.widths = hidden_audio, hidden_video, text_out

  def vectors(self, batch):
    """[B, width] of audio, video, text."""
    return (self.audio_subnet(batch['audio'][:, 0]), self.video_subnet(batch['video'][:, 0]),
            self.text_subnet(batch['text']))


class Tfn(Fusion):
  """A batch -> values [B, K] within -3 .. 3."""

  def __init__(self, widths, labels: int, *, post_fusion: int, dropout_post: float, **sizes):
    super().__init__(widths, **sizes)
    audio, video, text = (1 + width for width in self.widths)
    self.post_fusion_dropout = nn.Dropout(dropout_post)
    self.post_fusion_layer_1 = nn.Linear(audio * video * text, post_fusion)
    self.post_fusion_layer_2 = nn.Linear(post_fusion, post_fusion)
    self.post_fusion_layer_3 = nn.Linear(post_fusion, labels)

  def forward(self, batch):
    with_ones = (F.pad(vector, (1, 0), value=1.0) for vector in self.vectors(batch))
    tensor = functools.reduce(
      lambda one, other: (one[:, :, None] * other[:, None]).flatten(1), with_ones)
    x = self.post_fusion_layer_1(self.post_fusion_dropout(tensor)).relu_()
    x = self.post_fusion_layer_2(x).relu_()
    return 6 * self.post_fusion_layer_3(x).sigmoid() - 3


class Lmf(Fusion):
  """A batch -> values [B, K]."""

  def __init__(self, widths, labels: int, *, rank: int, **sizes):
    super().__init__(widths, **sizes)
    self.audio_factor, self.video_factor, self.text_factor = (
      nn.Parameter(nn.init.xavier_normal_(torch.empty(rank, 1 + width, labels)))
      for width in self.widths)
    self.fusion_weights = nn.Parameter(nn.init.xavier_normal_(torch.empty(1, rank)))
    self.fusion_bias = nn.Parameter(torch.zeros(1, labels))

  def forward(self, batch):
    factors = self.audio_factor, self.video_factor, self.text_factor
    parts = (torch.baddbmm(factor[:, :1], vector.expand(len(factor), -1, -1), factor[:, 1:])
             for vector, factor in zip(self.vectors(batch), factors))
    product = functools.reduce(torch.mul, parts)  # [R, B, K]
    return torch.tensordot(self.fusion_weights[0], product, 1) + self.fusion_bias


MODELS = {'lf_rnn': LfRnn, 'lf_transformer': LfTransformer, 'tfn': Tfn, 'lmf': Lmf}


def losses(positive_weight):
  """System -> the loss of outputs [B, K] at labels [B, K]; `positive_weight` [6]."""
  return {
    'mme2e': functools.partial(F.binary_cross_entropy_with_logits, pos_weight=positive_weight),
    'tensor_fusion': functools.partial(F.l1_loss, reduction='sum'),
  }


# The original's parameters, as `emojax.io.parameters.rename` reads tables.
FROM_ORIGINAL = (
  (r'^(\w+)\.t\.', r'\1.text.'), (r'^(\w+)\.a\.', r'\1.audio.'), (r'^(\w+)\.v\.', r'\1.video.'),
  (r'^rnns\.text\.(\w+)_reverse$', r'rnns.text.backward_.\1'),
  (r'^rnns\.text\.(\w+)$', r'rnns.text.onward.\1'),
  (r'\.encoder\.layers\.', '.layers.'),
  (r'^(affines|weighted_fusion)\.', r'readout.\1.'),
)
