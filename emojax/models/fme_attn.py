"""FME's attention model: before each word the text's state is mixed with what it finds in audio.

Source: Gustavo Cid Ornelas, "fused-multimodal-emotion" (ETH Zurich, 2019),
`MultimodalAttentionModel` of the author's code. The text starts from the audio's last output; from
the second word on its state s becomes tanh([c, s] P), c the audio's outputs weighted by an additive
attention (Bahdanau's) whose query is s.
"""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
from flax import nnx

from emojax.encoders import fme, initial, tf_readout
from emojax.ops import affine, attentive_gru, masking
from emojax.types import Array, ModelOutput, Stream, StreamSpec

PRESETS = {
  'published': dict(hidden_audio=200, hidden_text=200, num_layers_audio=1, filters=(25, 50),
                    kernels=(25, 5), pools=(50, 50), dropout_audio=0.45, dropout_text=0.45),
  'tiny': dict(hidden_audio=8, hidden_text=8, num_layers_audio=1, filters=(3, 4), kernels=(5, 3),
               pools=(50, 10), dropout_audio=0.1, dropout_text=0.1),
}
LAYOUTS = ('reshape', 'transpose')


class Dense(nnx.Module):
  """The parameters of a Keras layer."""

  def __init__(self, width_in: int, width_out: int, *, rngs: nnx.Rngs):
    self.kernel = nnx.Param(initial.glorot(rngs.params(), (width_in, width_out)))
    self.bias = nnx.Param(jnp.zeros(width_out))


class Attention(nnx.Module):
  """What steers a GRU by a memory, see `ops.attentive_gru`."""

  def __init__(self, memory_width: int, hidden: int, *, rngs: nnx.Rngs):
    self.keys = Dense(memory_width, hidden, rngs=rngs)
    self.query = Dense(hidden, hidden, rngs=rngs)
    self.score = Dense(hidden, 1, rngs=rngs)  # its bias is not read: softmax does not see it
    self.project = nnx.Param(
      initial.uniform(1 / 4)(rngs.params(), (memory_width + hidden, hidden)))

  def __call__(
      self, text: fme.Text, words: Stream, start: Array, memory: Array, memory_mask: Array,
  ) -> tuple[Array, Array]:
    """Runs the GRU of `text` from `start` [B, H]: states [B, L, H], attention [B, L, T]."""
    [cell], [dropout] = text.stack.layers, text.stack.input_dropouts
    vectors, mask = text.words(words)
    return attentive_gru.attentive_gru(
      dropout(vectors), start, memory,
      affine.affine(memory, self.keys.kernel[...], self.keys.bias[...]),
      self.query.kernel[...], self.query.bias[...], self.score.kernel[...][:, 0],
      self.project[...], cell.gates_kernel[...], cell.gates_bias[...], cell.candidate_kernel[...],
      cell.candidate_bias[...], mask, memory_mask)


class Model(nnx.Module):
  """Reads word ids and samples of sound."""

  requires = ('text', 'audio')

  def __init__(
      self,
      streams: Mapping[str, StreamSpec],
      heads: Mapping[str, int],
      *,
      hidden_audio: int = 200,
      hidden_text: int = 200,
      num_layers_audio: int = 1,
      filters: Sequence[int] = (25, 50),
      kernels: Sequence[int] = (25, 5),
      pools: Sequence[int] = (50, 50),
      dropout_audio: float = 0.45,
      dropout_text: float = 0.45,
      memory_layout: str = 'reshape',
      read_padding: bool = True,
      shared_bias: bool = True,
      rngs: nnx.Rngs,
  ):
    """Builds the network. Arguments as in `models.fme_text` and `models.fme_audio`, and:

    Args:
      hidden_audio, hidden_text: must be equal.
      memory_layout: 'reshape' reads the audio's outputs [H, T] as if they were [T, H], as the
        original: what attention takes for one time is a mixture of times and channels.
        'transpose' turns them.
      read_padding: False also masks padding of the audio in the softmax; needs 'transpose'.
    """
    fme.check_equal(hidden_audio, hidden_text)
    if memory_layout not in LAYOUTS:
      raise ValueError(f'memory_layout={memory_layout!r}; there are: {", ".join(LAYOUTS)}.')
    if memory_layout == 'reshape' and not read_padding:
      raise ValueError("read_padding=False needs memory_layout='transpose': 'reshape' mixes times, "
                       'so that padding cannot be told from sound.')
    self.audio = fme.Sound(streams['audio'], hidden_audio, num_layers_audio, filters, kernels,
                           pools, dropout_audio, read_padding, rngs=rngs)
    self.text = fme.Text(streams['text'], hidden_text, dropout_text, read_padding, rngs=rngs)
    self.attention = Attention(hidden_audio, hidden_text, rngs=rngs)
    self.readout = tf_readout.Readout(hidden_text, heads, shared_bias=shared_bias, rngs=rngs)
    self.memory_layout = memory_layout

  def __call__(self, inputs: Mapping[str, Stream]) -> ModelOutput:
    sound = self.audio(inputs['audio'])
    memory, start = sound.values, masking.last(sound.values, sound.mask)
    if self.memory_layout == 'reshape':
      memory = memory.swapaxes(1, 2).reshape(memory.shape)
    states, attention = self.attention(self.text, inputs['text'], start, memory, sound.mask)
    fused = states[:, -1]
    return ModelOutput(heads=self.readout(fused), aux_loss={},
                       features={'fused': fused, 'states': states, 'attention': attention})


# The names of the original's variables.
FROM_TF = (
  (r'^rnn/', 'audio.stack.'),
  (r'^multi_rnn_cell/', 'text.stack.multi_rnn_cell/'),
  (r'^RNN_1/project_weight$', 'attention.project'),
  (r'^RNN_1/dense/', 'attention.keys.'),
  (r'^RNN_1/dense_1/', 'attention.query.'),
  (r'^RNN_1/dense_2/', 'attention.score.'),
  *fme.FROM_TF,
)
