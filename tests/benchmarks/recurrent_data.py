"""Random utterances as FME and MSE have them, padded with zeros."""

import argparse

import numpy as np

from tests.benchmarks import mat_data

VOCABULARY = 3747
NUM_WORDS, NUM_FRAMES, NUM_SAMPLES, SAMPLE_RATE = 128, 750, 150_000, 16000
MFCC_WIDTH, PROSODY_WIDTH = 39, 35
DROPOUT_FME, DROPOUT_AUDIO, DROPOUT_TEXT = 0.45, 0.3, 0.7
BATCHES = {  # as the originals were timed
  'fme_text': 16, 'fme_text_init': 16, 'fme_audio': 16, 'fme_attn': 32,
  'mse_are': 128, 'mse_tre': 128, 'mse_mdre': 128, 'mse_mdrea': 128,
}


def utterances(system: str, number: int, seed: int = 0) -> dict[str, np.ndarray]:
  """`number` utterances for 'fme' or 'mse'.

  'text' int32 [N, 128], 'label' int64 [N], 'num_words' int64 [N]; for FME 'audio' samples float32
  [N, 150000]; for MSE 'audio' MFCC [N, 750, 39] and 'prosody' [N, 35]; 'num_audio' int64 [N].
  """
  random = np.random.default_rng(seed)
  seconds = mat_data.seconds(number, random)
  words = np.clip(np.rint(2.5 * seconds), 1, NUM_WORDS).astype(np.int64)
  if system == 'fme':
    lengths, shape = np.minimum(seconds * SAMPLE_RATE, NUM_SAMPLES), (NUM_SAMPLES,)
  else:
    lengths, shape = np.minimum(100 * seconds - 1, NUM_FRAMES), (NUM_FRAMES, MFCC_WIDTH)
  lengths = lengths.astype(np.int64)
  words[0], lengths[0] = NUM_WORDS, shape[0]  # in every corpus there is a longest
  ids = random.integers(1, VOCABULARY, (number, NUM_WORDS), np.int32)
  audio = random.standard_normal((number, *shape), np.float32)
  for values, length in zip(audio, lengths):
    values[length:] = 0
  made = {
    'text': ids * (np.arange(NUM_WORDS) < words[:, None]),
    'audio': audio,
    'num_words': words,
    'num_audio': lengths,
    'label': random.integers(0, 4, number),
  }
  if system == 'mse':
    made['prosody'] = random.standard_normal((number, PROSODY_WIDTH), np.float32)
  return made


def flags() -> argparse.ArgumentParser:
  """What the driver tells a worker, as a parent of either's parser."""
  parser = argparse.ArgumentParser(add_help=False)
  parser.add_argument('--model', default='mse_mdre', choices=list(BATCHES))
  parser.add_argument('--examples', type=int, default=512, help='utterances in an epoch')
  return parser
