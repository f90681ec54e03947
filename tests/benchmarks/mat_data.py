"""Random utterances as long as IEMOCAP's, in MAT's processed form."""

import dataclasses

import numpy as np

VOCABULARY = 3000
NUM_CLASSES = 4
NUM_WORDS, NUM_FRAMES, AUDIO_WIDTH = 15, 40, 80  # what the original pads and cuts IEMOCAP to


@dataclasses.dataclass(frozen=True)
class Utterances:
  """Padded at the right with zeros; N utterances."""

  ids: np.ndarray  # int64 [N, 15]
  frames: np.ndarray  # float32 [N, 40, 80]
  labels: np.ndarray  # int64 [N]
  num_words: np.ndarray  # int64 [N]
  num_frames: np.ndarray  # int64 [N]


def utterances(number: int, seed: int = 0) -> Utterances:
  """`number` utterances; the same for the same seed, under any framework."""
  random = np.random.default_rng(seed)
  lasting = seconds(number, random)
  num_frames = np.minimum(-(-(1 + np.floor(lasting * 22050 / 275)) // 16), NUM_FRAMES).astype(int)
  pace = 2.5 * random.lognormal(0, 0.3, number)  # words a second: everyday, with a guessed spread
  num_words = np.clip(np.rint(lasting * pace), 1, NUM_WORDS).astype(int)
  frames = random.uniform(1e-3, 1, (number, NUM_FRAMES, AUDIO_WIDTH)).astype(np.float32)
  ids = random.integers(1, VOCABULARY, (number, NUM_WORDS))
  return Utterances(
    ids=ids * (np.arange(NUM_WORDS) < num_words[:, None]),
    frames=frames * (np.arange(NUM_FRAMES) < num_frames[:, None])[..., None],
    labels=random.integers(0, NUM_CLASSES, number),
    num_words=num_words,
    num_frames=num_frames,
  )


def seconds(number: int, random: np.random.Generator) -> np.ndarray:
  """Durations with IEMOCAP's median (3.6 s) and 90th percentile (8.6 s), hence nearly its mean."""
  sigma = np.log(8.6 / 3.6) / 1.2816  # 1.2816: the 90th percentile of a standard normal
  return np.clip(random.lognormal(np.log(3.6), sigma, number), 0.6, 34)  # its shortest and longest
