"""What TFN and LMF read each modality with: one vector per utterance.

Source: Zadeh et al., "Tensor Fusion Network for Multimodal Sentiment Analysis" (EMNLP 2017), 4.1;
Liu et al., "Efficient Low-rank Multimodal Fusion" (ACL 2018). The code of both has the same.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import batch_norm, embedding, linear, modalities, recurrent
from emojax.encoders import dropout as dropout_lib
from emojax.ops import masking
from emojax.types import Array, Stream, StreamSpec

ORDER = 'audio', 'video', 'text'  # of the tensor's axes


class SubNet(nnx.Module):
  """The mean over time, normalised over the batch, dropout, three linear layers with ReLU."""

  def __init__(self, spec: StreamSpec, hidden: int, dropout: float, read_padding: bool, *,
               rngs: nnx.Rngs):
    """`read_padding`: the mean is that over the full length, see `TextSubNet`."""
    self.vectors = embedding.Embedding(spec, rngs=rngs)
    self.norm = batch_norm.BatchNorm(spec.width)
    self.dropout = dropout_lib.Dropout(dropout)
    self.layers = nnx.List([
      linear.Linear(width, hidden, rngs=rngs) for width in (spec.width, hidden, hidden)])
    self.length = spec.length if read_padding else 0

  def __call__(self, stream: Stream) -> Array:
    """[B, T, ...] -> [B, hidden], zero without a real frame."""
    frames, there = self.vectors(stream), stream.mask.any(1)
    mean = frames.sum(1) / self.length if self.length else masking.mean(frames, stream.mask)
    x = self.dropout(self.norm(mean, there), time=0)
    for layer in self.layers:
      x = nnx.relu(layer(x))
    return masking.clear(x, there)


class TextSubNet(nnx.Module):
  """The last state of an LSTM, dropout, one linear layer."""

  def __init__(self, spec: StreamSpec, hidden: int, out: int, dropout: float,
               read_padding: bool, *, rngs: nnx.Rngs):
    """Builds the layers.

    Args:
      read_padding: a sentence is read behind as many zero vectors as it lacks to the full
        length, which move the state; as in the authors' code.
    """
    self.vectors = embedding.Embedding(spec, rngs=rngs)
    self.lstm = recurrent.LSTM(spec.width, hidden, rngs=rngs)
    self.dropout = dropout_lib.Dropout(dropout)
    self.project = linear.Linear(hidden, out, rngs=rngs)
    self.length = spec.length if read_padding else 0

  def __call__(self, stream: Stream) -> Array:
    """[B, T, ...] -> [B, out], zero without a real frame."""
    there, closed = stream.mask.any(1), masking.close_up(stream)
    words = self.vectors(closed)
    if self.length:
      words = jnp.pad(words, ((0, 0), (0, self.length - words.shape[1]), (0, 0)))
      count = closed.mask.sum(1)
      places = (jnp.arange(self.length)[None] + count[:, None]) % self.length  # zeros come first
      words = jnp.take_along_axis(words, places[..., None], axis=1)
      last = self.lstm.last(words, jnp.ones(places.shape, bool))
    else:
      last = self.lstm.last(words, closed.mask)
    return masking.clear(self.project(self.dropout(last, time=0)), there)


class SubNets(nnx.Module):
  """One for each of the modalities that there are.

  Attributes:
    modalities: their names, in the order of the tensor's axes. widths: of their vectors.
  """

  def __init__(
      self, streams: Mapping[str, StreamSpec], hidden: Mapping[str, int], text_out: int,
      dropout: Mapping[str, float], read_padding: bool, *, rngs: nnx.Rngs):
    """`hidden`, `dropout`: of each modality; `text_out`: width of what text becomes."""
    self.modalities = modalities.there(streams, ORDER)
    self.widths = tuple(text_out if name == 'text' else hidden[name] for name in self.modalities)
    self.nets = nnx.Dict()
    for name in self.modalities:
      if name == 'text':
        self.nets[name] = TextSubNet(
          streams[name], hidden[name], text_out, dropout[name], read_padding, rngs=rngs)
      else:
        self.nets[name] = SubNet(
          streams[name], hidden[name], dropout[name], read_padding, rngs=rngs)

  def __call__(self, inputs: Mapping[str, Stream]) -> dict[str, Array]:
    """Modality -> [B, width]."""
    return {name: self.nets[name](inputs[name]) for name in self.modalities}


# The names of the authors' code.
FROM_TORCH = (
  (r'(audio|video)_subnet\.linear_1\.', r'\1_subnet.layers.0.'),
  (r'(audio|video)_subnet\.linear_2\.', r'\1_subnet.layers.1.'),
  (r'(audio|video)_subnet\.linear_3\.', r'\1_subnet.layers.2.'),
  (r'text_subnet\.linear_1\.', 'text_subnet.project.'),
  (r'text_subnet\.rnn\.weight_ih_l0$', 'text_subnet.lstm.weight_input'),
  (r'text_subnet\.rnn\.weight_hh_l0$', 'text_subnet.lstm.weight_recurrent'),
  (r'text_subnet\.rnn\.bias_ih_l0$', 'text_subnet.lstm.bias_input'),
  (r'text_subnet\.rnn\.bias_hh_l0$', 'text_subnet.lstm.bias_recurrent'),
  (r'^(audio|video|text)_subnet\.', r'subnets.nets.\1.'),
  *batch_norm.FROM_TORCH,
  (r'weight$', 'kernel'),
)
