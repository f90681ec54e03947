"""MAT and MNT in PyTorch, written for speed: what the JAX models are timed against.

Parameters have the original's names, so its checkpoints and golden cases load, and the answers are
the original's. Where there are several ways to the same numbers, the fastest on CPU is taken; in
all a training step of MAT at the published size is 8 to 9 % shorter than one written as there.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

PUBLISHED = dict(hidden=512, feed_forward=1024, num_layers=2, num_heads=4, text_width=300,
                 audio_width=80, dropout=0.1, dropout_output=0.5)


class Norm(nn.Module):
  """a (x - mean) / (std + eps) + b, std unbiased."""

  def __init__(self, width: int):
    super().__init__()
    self.a_2, self.b_2 = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

  def forward(self, x, more=None):
    """`more` [B, 2, H] is added to a and b, the same for all steps of an example."""
    scale, shift = self.a_2, self.b_2
    if more is not None:
      scale, shift = scale + more[:, :1], shift + more[:, 1:]
    # 5 % less time per training step than with torch.std_mean
    centred = x - x.mean(-1, keepdim=True)
    std = (centred.square().sum(-1, keepdim=True) / (x.shape[-1] - 1)).sqrt()
    return torch.addcmul(shift, scale, centred / (std + 1e-6))


class MLP(nn.Module):
  """Linear, ReLU, dropout, linear."""

  def __init__(self, width: int, middle: int, out: int, dropout: float):
    super().__init__()
    self.fc = nn.ModuleDict({'linear': nn.Linear(width, middle)})
    self.linear = nn.Linear(middle, out)
    self.dropout = nn.Dropout(dropout)

  def forward(self, x):
    return self.linear(self.dropout(self.fc['linear'](x).relu_()))


class Attention(nn.Module):
  """Multi-head attention; `masked` [B, 1, 1, S] marks sources to ignore."""

  def __init__(self, width: int, num_heads: int, dropout: float):
    super().__init__()
    for name in ('linear_v', 'linear_k', 'linear_q', 'linear_merge'):
      setattr(self, name, nn.Linear(width, width))
    self.num_heads, self.dropout = num_heads, nn.Dropout(dropout)

  def forward(self, x, source, masked):
    if source is x:
      streams = stacked(x, self.linear_q, self.linear_k, self.linear_v)
    else:
      streams = self.linear_q(x), *stacked(source, self.linear_k, self.linear_v)
    query, key, value = (
      stream.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for stream in streams)
    # F.scaled_dot_product_attention took the same time here, trained or not, and it gives no
    # uniform weights where everything is masked
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # [B, heads, Q, S]
    weights = self.dropout(scores.masked_fill(masked, -1e9).softmax(-1))
    return self.linear_merge((weights @ value).transpose(1, 2).flatten(2))


def stacked(x, *layers):
  """What each linear layer makes of `x`, computed as one wide layer."""
  weight = torch.cat([layer.weight for layer in layers])
  bias = torch.cat([layer.bias for layer in layers])
  return F.linear(x, weight, bias).chunk(len(layers), -1)


class SelfAttentionBlock(nn.Module):
  """Attention over itself, MLP; each added and normalised."""

  def __init__(self, hidden: int, feed_forward: int, num_heads: int, dropout: float):
    super().__init__()
    self.mhatt = Attention(hidden, num_heads, dropout)
    self.ffn = nn.ModuleDict({'mlp': MLP(hidden, feed_forward, hidden, dropout)})
    self.norm1, self.norm2 = Norm(hidden), Norm(hidden)
    self.dropout = nn.Dropout(dropout)

  def forward(self, x, masked, modulation=None):
    """`modulation` [B, 4, H] is added to a and b of the first norm, then of the second."""
    first, second = (None, None) if modulation is None else modulation.split(2, dim=1)
    x = self.norm1(x + self.dropout(self.mhatt(x, x, masked)), first)
    return self.norm2(x + self.dropout(self.ffn['mlp'](x)), second)


class DecoderBlock(nn.Module):
  """Attention over itself, attention over the text, MLP; each added and normalised."""

  def __init__(self, hidden: int, feed_forward: int, num_heads: int, dropout: float):
    super().__init__()
    self.mhatt1 = Attention(hidden, num_heads, dropout)
    self.mhatt2 = Attention(hidden, num_heads, dropout)
    self.ffn = nn.ModuleDict({'mlp': MLP(hidden, feed_forward, hidden, dropout)})
    self.norm1, self.norm2, self.norm3 = Norm(hidden), Norm(hidden), Norm(hidden)
    self.dropout = nn.Dropout(dropout)

  def forward(self, y, x, y_masked, x_masked):
    y = self.norm1(y + self.dropout(self.mhatt1(y, y, y_masked)))
    y = self.norm2(y + self.dropout(self.mhatt2(y, x, x_masked)))
    return self.norm3(y + self.dropout(self.ffn['mlp'](y)))


class Pooling(nn.Module):
  """The mean over time weighted by a softmax, then one linear layer."""

  def __init__(self, hidden: int, feed_forward: int, out: int, dropout: float):
    super().__init__()
    self.mlp = MLP(hidden, feed_forward, 1, dropout)
    self.linear_merge = nn.Linear(hidden, out)

  def forward(self, x, masked):
    weights = self.mlp(x).squeeze(-1).masked_fill(masked, -1e9).softmax(-1)  # [B, T]
    return self.linear_merge((weights.unsqueeze(1) @ x).squeeze(1))


class Twin(nn.Module):
  """Word ids [B, L] and log-mel frames [B, T, audio_width] -> logits [B, num_classes].

  What MAT and MNT share. Without the original's dropout before the LSTMs, whose published rate
  is 0.
  """

  decoder_block, widening = None, None  # the audio's blocks; hidden sizes in a pooled vector

  def __init__(self, vocabulary: int, num_classes: int, *, hidden: int, feed_forward: int,
               num_layers: int, num_heads: int, text_width: int, audio_width: int,
               dropout: float = 0.0, dropout_output: float = 0.0):
    super().__init__()
    sizes, width = (hidden, feed_forward, num_heads, dropout), self.widening * hidden
    self.embedding = nn.Embedding(vocabulary, text_width)
    self.lstm_x = nn.LSTM(text_width, hidden, batch_first=True)
    self.lstm_y = nn.LSTM(audio_width, hidden, batch_first=True)
    # plain lists: each model registers the blocks under the names that its original has for them
    self.encoder = [SelfAttentionBlock(*sizes) for _ in range(num_layers)]
    self.decoder = [self.decoder_block(*sizes) for _ in range(num_layers)]
    self.attflat_img = Pooling(hidden, feed_forward, width, dropout)
    self.attflat_lang = Pooling(hidden, feed_forward, width, dropout)
    self.proj_norm = Norm(width)
    self.proj = nn.Linear(width, num_classes)
    self.dropout = nn.Dropout(dropout_output)

  def forward(self, ids, frames):
    x_masked, y_masked = ids == 0, frames.abs().sum(-1) == 0
    x_sources, y_sources = x_masked[:, None, None], y_masked[:, None, None]
    # nn.LSTM answers time-major in memory; all that follows would inherit that, and copy
    x = self.lstm_x(self.embedding(ids))[0].contiguous()
    y = self.lstm_y(frames)[0].contiguous()
    for block in self.encoder:
      x = block(x, x_sources)
    text = self.attflat_lang(x, x_masked)
    y = self.decode(y, y_sources, x, x_sources, text)
    pooled = text + self.attflat_img(y, y_masked)
    return self.proj(self.dropout(self.proj_norm(pooled)))


class MAT(Twin):
  """The audio attends to the text."""

  decoder_block, widening = DecoderBlock, 2

  def __init__(self, *args, **sizes):
    super().__init__(*args, **sizes)
    self.backbone = nn.ModuleDict({
      'enc_list': nn.ModuleList(self.encoder), 'dec_list': nn.ModuleList(self.decoder)})

  def decode(self, y, y_sources, x, x_sources, text):
    for block in self.decoder:
      y = block(y, x, y_sources, x_sources)
    return y


class MNT(Twin):
  """The text shifts and scales the norms of the audio's blocks."""

  decoder_block, widening = SelfAttentionBlock, 1

  def __init__(self, *args, hidden: int, **sizes):
    super().__init__(*args, hidden=hidden, **sizes)
    self.enc_list, self.dec_list = nn.ModuleList(self.encoder), nn.ModuleList(self.decoder)
    self.fc = nn.ModuleDict({'linear': nn.Linear(hidden, 4 * hidden * len(self.decoder))})

  def decode(self, y, y_sources, x, x_sources, text):
    modulation = self.fc['linear'](text).relu().unflatten(-1, (len(self.decoder), 4, -1))
    for block, part in zip(self.decoder, modulation.unbind(1)):
      y = block(y, y_sources, part)
    return y


MODELS = {'mat': MAT, 'mnt': MNT}


def loss(logits, target, class_weight=None):
  """Summed over the batch, as the original trains: cross-entropy of classes [B], or a binary one
  of each of several labels [B, K] in floating point."""
  if target.is_floating_point():
    return F.binary_cross_entropy_with_logits(logits, target, reduction='sum')
  return F.cross_entropy(logits, target, class_weight, reduction='sum')
