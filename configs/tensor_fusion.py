"""What all experiments with TFN and LMF share; an experiment's file states corpus and model.

Zadeh et al. 2017 (TFN, arXiv 1707.07250), Liu et al. 2018 (LMF, arXiv 1806.00064). Sizes are those
of the authors' code where it has any, else of MMSA (thuiar/MMSA), which trained both models anew.
The authors' names and our fields:

    lr optim.learning_rate          factor_lr optim.rate_factors='factors=3', three times lr
    decay optim.l2                  max_len streams.text.length, with keep='last'
    patience control.patience       rank, post_fusion_dim model.rank, model.post_fusion
    adim, vdim, tdim model.hidden_audio, model.hidden_video, model.hidden_text
    audio_prob, video_prob, text_prob, post_fusion_prob model.dropout_audio ... model.dropout_post
"""

import ml_collections

from configs import common

NAMES = ('text', 'audio', 'video')


def tfn(hidden: tuple[int, int, int], *, text_out: int, post_fusion: int, dropout: float,
        dropout_post: float) -> dict:
  """TFN of these sizes; `hidden`: of text, audio, video. `dropout`: inside every sub-network."""
  return _sizes('tfn', hidden, text_out, dropout) | {
    'post_fusion': post_fusion, 'dropout_post': dropout_post, 'bounds': {}}


def lmf(hidden: tuple[int, int, int], *, text_out: int, rank: int, dropout: float) -> dict:
  """LMF of these sizes, see `tfn`."""
  return _sizes('lmf', hidden, text_out, dropout) | {'rank': rank}


def _sizes(name: str, hidden: tuple[int, int, int], text_out: int, dropout: float) -> dict:
  # 'read_padding': the mean over time, and the LSTM, count zeros of the padding
  return {'name': name, 'text_out': text_out, 'read_padding': True,
          **{f'hidden_{stream}': width for stream, width in zip(NAMES, hidden)},
          **{f'dropout_{stream}': dropout for stream in NAMES}}


def base(table: str, model: dict, *, batch: int, learning_rate: float, l2: float = 0.0,
         factors: str = '', lengths: tuple[int, int, int] = (1, 1, 1), **features: str,
         ) -> ml_collections.ConfigDict:
  """Reads a table.

  Args:
    table: its name.
    model: see `tfn`, `lmf`.
    factors: on the learning rate, see `common`.
    lengths: of text, audio and video.
    features: stream -> feature of the table; left out: text, audio, video as they are called.
  """
  c = common.base()
  c.data.source, c.data.table = 'table', table
  for stream, length in zip(NAMES, lengths):
    if not features or stream in features:
      c.streams[stream] = common.frames(features.get(stream, stream), length=length, keep='last')
  c.model = model
  c.batch.size = batch
  c.optim.learning_rate = learning_rate
  c.optim.l2 = l2
  c.optim.rate_factors = factors
  return c


def sentiment(c: ml_collections.ConfigDict, protocol: str, *, reduction: str,
              ) -> ml_collections.ConfigDict:
  """Predicts the sentiment as a number by its distance; TFN between -3 and 3."""
  c.protocol = protocol
  c.heads.sentiment = common.regression(reduction=reduction)
  if c.model.name == 'tfn':
    c.model.bounds = {'sentiment': (-3.0, 3.0)}
  return c


def tiny(c: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Runs in seconds."""
  c.model.update(hidden_text=8, hidden_audio=8, hidden_video=8, text_out=6)
  c.train.num_epochs = 2
  return c
