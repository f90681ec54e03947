"""Random utterances as FME has them: 128 word ids and 150,000 samples, padded with zeros."""

import argparse

import numpy as np

from tests.benchmarks import mat_data

VOCABULARY = 3747
NUM_WORDS, NUM_SAMPLES, SAMPLE_RATE = 128, 150_000, 16000
BATCHES = {'text': 16, 'text_init': 16, 'audio': 16, 'attn': 32}  # as the original was timed
DROPOUT = 0.45


def batch(number: int, seed: int = 0) -> dict[str, np.ndarray]:
  """`number` utterances: ids int32 [B, 128], samples float32 [B, 150000], labels int32 [B]."""
  random = np.random.default_rng(seed)
  seconds = mat_data.seconds(number, random)
  words = np.clip(np.rint(2.5 * seconds), 1, NUM_WORDS)
  samples = np.minimum(seconds * SAMPLE_RATE, NUM_SAMPLES)
  ids = random.integers(1, VOCABULARY, (number, NUM_WORDS), np.int32)
  waves = random.normal(size=(number, NUM_SAMPLES)).astype(np.float32)
  return {
    'text': ids * (np.arange(NUM_WORDS) < words[:, None]),
    'audio': waves * (np.arange(NUM_SAMPLES) < samples[:, None]),
    'label': random.integers(0, 4, number, np.int32),
  }


def flags() -> argparse.ArgumentParser:
  """What the driver tells a worker, as a parent of either's parser."""
  parser = argparse.ArgumentParser(add_help=False)
  parser.add_argument('--kinds', nargs='+', default=list(BATCHES), choices=list(BATCHES))
  return parser
