"""Random utterances as LF-RNN, LF-Transformer, TFN and LMF read them, and the sizes of these."""

import argparse
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

BATCH = 32
FEATURES = {  # stream -> longest, width
  'mme2e': {'text': (20, 300), 'audio': (80, 144), 'video': (60, 35)},
  'tensor_fusion': {'text': (20, 300), 'audio': (1, 74), 'video': (1, 35)},  # means over time
}


@dataclasses.dataclass(frozen=True)
class Timed:
  """A model as it is timed.

  Attributes:
    kind: its file in `emojax/models`, the name of its twin.
    system: whose features and labels it reads, a key of `FEATURES`.
    original_ms: what a training step of the original took, on the same two cores.
    sizes: arguments of both.
    optim: what `config.optim` has beside Adam's defaults.
  """

  kind: str
  system: str
  original_ms: float
  sizes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  optim: Mapping[str, float] = dataclasses.field(default_factory=dict)


MODELS = {
  'lf_rnn': Timed('lf_rnn', 'mme2e', 70, {}, {'clip_norm': 2.0}),
  'lf_transformer': Timed(
    'lf_transformer', 'mme2e', 810,
    dict(num_layers=2, feed_forward=2048, num_heads_text=4, num_heads_audio=2, num_heads_video=5,
         dropout=0.1), {'clip_norm': 2.0}),
  'tfn': Timed(
    'tfn', 'tensor_fusion', 6.0,
    dict(hidden_text=128, hidden_audio=4, hidden_video=16, text_out=64, post_fusion=32,
         dropout_text=0.3, dropout_audio=0.3, dropout_video=0.3, dropout_post=0.3)),
  'tfn_paper': Timed(
    'tfn', 'tensor_fusion', 155,
    dict(hidden_text=128, hidden_audio=32, hidden_video=32, text_out=128, post_fusion=128,
         dropout_text=0.15, dropout_audio=0.15, dropout_video=0.15, dropout_post=0.15),
    {'l2': 0.01}),
  'lmf': Timed(
    'lmf', 'tensor_fusion', 4.4,
    dict(hidden_text=128, hidden_audio=16, hidden_video=128, text_out=64, rank=3,
         dropout_text=0.3, dropout_audio=0.3, dropout_video=0.3), {'l2': 0.005}),
}
POSITIVE_WEIGHT = (2.0, 3.0, 1.5, 5.0, 8.0, 1.0)  # of six labels


def utterances(system: str, number: int = BATCH, seed: int = 0) -> dict[str, np.ndarray]:
  """`number` utterances for 'mme2e' or 'tensor_fusion'.

  'text', 'audio', 'video' float32 [N, T, D], zeros behind the last frame, and the lengths
  'num_text', 'num_audio', 'num_video' int64 [N]; 'label' [N, 6] of 0 and 1, or [N, 1] in -3 .. 3.
  """
  random, made = np.random.default_rng(seed), {}
  for name, (longest, width) in FEATURES[system].items():
    # a sentence of MOSI is made as long as all others before any model sees it
    lengths = random.integers(1, longest + 1, number) if system == 'mme2e' else np.full(
      number, longest)
    lengths[0] = longest  # in every batch there is a longest
    frames = random.standard_normal((number, longest, width), np.float32)
    made[name] = frames * (np.arange(longest) < lengths[:, None])[..., None]
    made[f'num_{name}'] = lengths
  made['label'] = (
    random.integers(0, 2, (number, len(POSITIVE_WEIGHT))).astype(np.float32)
    if system == 'mme2e' else random.uniform(-3, 3, (number, 1)).astype(np.float32))
  return made


def flags() -> argparse.ArgumentParser:
  """What the driver tells a worker, as a parent of the worker's parser."""
  parser = argparse.ArgumentParser(add_help=False)
  parser.add_argument('--model', default='lf_rnn', choices=list(MODELS))
  return parser
