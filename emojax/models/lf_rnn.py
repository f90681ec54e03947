"""LF-RNN (LF-LSTM): an LSTM in both directions reads each modality; their logits are joined.

Source: the baseline of Dai et al., "Multimodal End-to-End Sparse Model for Emotion Recognition"
(NAACL 2021, arXiv 2103.09666), `lf_rnn` of the authors' code. An LSTM is as wide as its input.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import bidirectional, embedding, modalities, weighted_logits
from emojax.ops import masking
from emojax.types import ModelOutput, Stream, StreamSpec

TEXT_STATES = ('at_the_end', 'final')
PRESETS = {'published': {}, 'tiny': {}}  # the data say all sizes


class Model(nnx.Module):
  """Reads any of text, audio and video; at least one."""

  requires = ()  # of a config; once built, the streams it was built for

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      read_padding: bool = True,
      text_state: str = 'at_the_end',
      rngs: nnx.Rngs,
  ):
    """Builds the network.

    Args:
      streams: of 'text', 'audio', 'video'; frames, or ids with a vocabulary.
      heads: head name -> output width.
      read_padding: zeros up to the longest of a batch are read like frames, as in the original,
        so that a result depends on the batch; and a modality that is absent is read as zeros.
        False: real frames alone are read, and what is absent adds nothing.
      text_state: of text the outputs 'at_the_end' are read, where the way back has made a single
        step, as in the original; or, as of the others, the 'final' states of both ways.
    """
    if text_state not in TEXT_STATES:
      raise ValueError(f'text_state={text_state!r}; there are: {", ".join(TEXT_STATES)}.')
    self.requires = modalities.there(streams)
    self.vectors = nnx.Dict({
      name: embedding.Embedding(streams[name], rngs=rngs) for name in self.requires})
    widths = {name: streams[name].width for name in self.requires}
    self.rnns = nnx.Dict({
      name: bidirectional.BidirectionalLSTM(width, width, rngs=rngs)
      for name, width in widths.items()})
    self.readout = weighted_logits.WeightedLogits(
      {name: (2 * width, width) for name, width in widths.items()}, heads, rngs=rngs)
    self.read_padding, self.text_state = read_padding, text_state

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    vectors, there = {}, {}
    for name in self.requires:
      stream, rnn = masking.close_up(inputs[name]), self.rnns[name]
      count = stream.mask.sum(1)
      if self.read_padding:
        count = jnp.broadcast_to(count.max().clip(min=1), count.shape)
      there[name] = count > 0
      read = rnn.at_the_end if (name, self.text_state) == ('text', 'at_the_end') else rnn.final
      vectors[name] = read(self.vectors[name](stream), count)
    return self.readout(vectors, there)


# The names of the authors' code.
FROM_TORCH = (*bidirectional.FROM_TORCH, *weighted_logits.FROM_TORCH)
