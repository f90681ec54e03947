"""Random utterances as MSE has them: 750 MFCC frames and 128 word ids, padded with zeros."""

import argparse

import numpy as np

from tests.benchmarks import mat_data

KINDS = 'are', 'tre', 'mdre', 'mdrea'
VOCABULARY = 3747
NUM_WORDS, NUM_FRAMES, AUDIO_WIDTH, PROSODY_WIDTH = 128, 750, 39, 35
DROPOUT_AUDIO, DROPOUT_TEXT = 0.3, 0.7


def batch(number: int, seed: int = 0) -> dict[str, np.ndarray]:
  """`number` utterances: 'text' int32 [B, 128], 'audio' float32 [B, 750, 39], 'prosody' [B, 35],
  'num_words', 'num_frames' and 'label' int64 [B].
  """
  random = np.random.default_rng(seed)
  seconds = mat_data.seconds(number, random)
  words = np.clip(np.rint(2.5 * seconds), 1, NUM_WORDS).astype(np.int64)
  frames = np.minimum(np.floor(100 * seconds) - 1, NUM_FRAMES).astype(np.int64)
  words[0], frames[0] = NUM_WORDS, NUM_FRAMES  # among 128 there is a longest
  ids = random.integers(1, VOCABULARY, (number, NUM_WORDS), np.int32)
  mfcc = random.normal(size=(number, NUM_FRAMES, AUDIO_WIDTH)).astype(np.float32)
  return {
    'text': ids * (np.arange(NUM_WORDS) < words[:, None]),
    'audio': mfcc * (np.arange(NUM_FRAMES) < frames[:, None])[..., None],
    'prosody': random.normal(size=(number, PROSODY_WIDTH)).astype(np.float32),
    'num_words': words,
    'num_frames': frames,
    'label': random.integers(0, 4, number),
  }


def flags() -> argparse.ArgumentParser:
  """What the driver tells a worker, as a parent of either's parser."""
  parser = argparse.ArgumentParser(add_help=False)
  parser.add_argument('--kinds', nargs='+', default=list(KINDS), choices=list(KINDS))
  parser.add_argument('--batch', type=int, default=128)
  return parser
